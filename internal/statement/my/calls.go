package my

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// call deals with a name at position i that a parenthesis follows.
//
// A stored or loadable function can be called by a name in quotes, by a qualified one, or by a word that is no keyword. It can not
// take the place of a built-in function, with this exception: about forty names, those of the aggregates among them, are built-in
// only if the parenthesis follows at once. With a space between, COUNT (x) calls a stored function of that name, unless sql_mode
// has IGNORE_SPACE.
func (p *parser) call(s []token, i int) {
	t := &s[i]
	if t.kind == word && !t.dotted && t.word != nil {
		if f := t.word.function; f != nil && !(f.tight && t.end != s[i+1].start) {
			if p.out.Why == "" && f.rank > read {
				p.out.Why = whyFunction(t.word.name)
			}
			f.effect(p, s, i)
			return
		}
		if t.word.keyword && t.word.function == nil {
			return
		}
	}
	if isNoCall(s, i) {
		p.name(t)
		return
	}
	if p.out.Why == "" {
		p.out.Why = "function " + p.shown(t) + " may do anything"
	}
	first := i
	for isMark(s, first-1, '.') && first >= 2 && s[first-2].isName() {
		first -= 2
	}
	p.calls(s[first:i+1], false)
}

// Call is a stored routine that is called.
type Call struct {
	Procedure bool
	Database  string // as it is written; empty: that of the session, or of the program that calls
	Name      string // in lower case
}

// calls notes that a stored routine is called by its name, which may have the database before it.
func (p *parser) calls(name []token, procedure bool) {
	p.is(unclear, 0)
	c := Call{Procedure: procedure, Database: p.database}
	switch len(name) {
	case 1:
	case 3:
		c.Database = p.plain(&name[0])
	default:
		p.unknown()
		return
	}
	c.Name = lower(p.plain(&name[len(name)-1]))
	if c.Name == "" {
		p.unknown()
		return
	}
	if !slices.Contains(p.out.Calls, c) {
		p.out.Calls = append(p.out.Calls, c)
	}
}

// callProcedure is CALL. What stands as an argument by itself may be set by the procedure: it may be an OUT parameter.
func (p *parser) callProcedure(s []token) {
	end := qualified(s, 1)
	if end == 1 || end < len(s) && !(isMark(s, end, '(') && closing(s, end) == len(s)-1) {
		p.unknown()
		return
	}
	p.because("call")
	p.calls(s[1:end], true)
	if end == len(s) {
		return
	}
	arguments := s[end+1 : len(s)-1]
	for i := 0; i < len(arguments); {
		next := comma(arguments, i)
		if next == i+1 && arguments[i].kind == variable {
			p.undo(dialect.UserVariable, p.variableName(&arguments[i]))
		}
		i = next + 1
	}
	p.scan(arguments)
}

// whyFunction says for people why a call of a built-in function is no read for just any server.
func whyFunction(name string) string {
	switch {
	case strings.Contains(name, "lock"):
		return "calls user lock function " + name
	case name == "last_insert_id":
		return "reads last_insert_id"
	case name == "nextval" || name == "setval":
		return "function " + name + " is volatile"
	case name == "lastval" || name == "row_count" || name == "found_rows" || name == "connection_id" || name == "ps_current_thread_id":
		return "function " + name + " depends on the session"
	}
	return "function " + name + " needs the primary"
}

// isNoCall reports whether what stands before or behind the name proves that no function is called here: it has a list of columns,
// or a query, behind it.
func isNoCall(s []token, i int) bool {
	if s[i].dotted {
		return false
	}
	if at(s, i+2) == "select" {
		return true // functions take queries in parentheses of their own only: this is EXCEPT (SELECT ..., or LATERAL (SELECT ...
	}
	switch at(s, i-1) {
	case "as", "into", "with", "recursive":
		return true // AS t (a, b), CAST(x AS vector(3)), INSERT INTO t (a, b), WITH t (a, b) AS (...)
	case "member":
		return at(s, i) == "of"
	case "nulls", "first", "last":
		return at(s, i) == "over"
	}
	if i > 0 && endsOperand(s, i-1) {
		return s[i-1].kind != number || s[i-1].end != s[i].start // (SELECT ...) t (a, b), SUM(x) OVER (...), '$[*]' COLUMNS (...)
	}
	end := closing(s, i+1)
	return at(s, end+1) == "as" && isMark(s, end+2, '(') // , t (a, b) AS (...)
}

// endsOperand reports whether an operand ends with the token at position i, so that no other can begin behind it without an operator.
func endsOperand(s []token, i int) bool {
	switch s[i].kind {
	case mark:
		return s[i].mark == ')'
	case backtick, double:
		return !isMark(s, i-1, '{') // {name operand}
	case text, number, param, null:
		return true
	}
	return false
}
