package my

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// set is SET, with a list of what to set.
func (p *parser) set(s []token) {
	if at(s, 1) == "statement" && !isAssignment(s, 2) {
		p.setStatement(s)
		return
	}
	if len(s) == 1 {
		p.unknown()
	}
	scoped := false // GLOBAL or SESSION stands before
	isList := false // the item before goes on after a comma: SET ROLE a, b
	for i := 1; i < len(s); {
		end := comma(s, i)
		item := s[i:end]
		scoped = scoped || isScope(at(item, 0)) || isKind(item, 0, system)
		switch {
		case !scoped && p.setsLocal(item):
		case !p.setSpecial(item, &isList):
			p.setVariable(item, isList)
		}
		i = end + 1
	}
}

// setsLocal deals with an assignment to a variable of the stored program, or to a column of NEW. It reports whether the item is one. A variable of the
// program hides one of the server's.
func (p *parser) setsLocal(s []token) bool {
	end := qualified(s, 0)
	if !isAssignment(s, end) || !p.isLocal(s, end) {
		return false
	}
	p.is(read, 0)
	p.scan(s[end+1:])
	return true
}

// setStatement is MariaDB's SET STATEMENT variable = value, ... FOR statement. The variables get their values back by themselves.
func (p *parser) setStatement(s []token) {
	inner := find(s, 2, "for")
	if inner+1 >= len(s) {
		p.unknown()
		return
	}
	for i := 3; i < inner; i++ {
		if !isAssignment(s, i) || !s[i-1].isName() {
			continue
		}
		switch name := p.variablePath(s[i-1 : i]); {
		case hasNoDefault(name):
			p.costs("sets " + name)
			p.is(nothing, dialect.Permanent)
		case beginsTransactions(name):
			p.is(nothing, dialect.OpenTx)
		}
	}
	p.scan(s[2:inner])
	p.statement(s[inner+1:])
}

// setSpecial deals with what SET can set beside variables. It reports whether the item is one of these.
func (p *parser) setSpecial(s []token, isList *bool) bool {
	if isAssignment(s, 1) && at(s, 0) != "password" {
		return false
	}
	switch at(s, 0) {
	case "names", "charset":
		p.setNames(s)
	case "character", "char":
		if at(s, 1) != "set" {
			return false
		}
		p.setNames(s)
	case "password":
		p.is(write, 0)
		p.scan(s[1:])
	case "default": // DEFAULT ROLE
		if at(s, 1) != "role" {
			return false
		}
		*isList = true
		p.is(write, 0)
	case "role":
		*isList = true
		p.is(sessionControl, dialect.Role)
	case "resource":
		*isList = true
		p.costs("sets a resource group")
		p.is(sessionControl, dialect.Permanent)
	case "transaction":
		*isList = true
		p.setTransaction()
	case "session", "local":
		if at(s, 1) != "transaction" || isAssignment(s, 2) {
			return false
		}
		*isList = true
		p.setTransaction()
	case "global":
		if at(s, 1) != "transaction" || isAssignment(s, 2) {
			return false
		}
		*isList = true
		p.is(write, 0)
	default:
		return false
	}
	return true
}

// setNames is SET NAMES or SET CHARACTER SET.
func (p *parser) setNames(s []token) {
	p.is(sessionControl, 0)
	for _, name := range connectionCharset {
		p.undo(dialect.Setting, name)
	}
	p.scan(s[1:])
}

// connectionCharset are the variables that SET NAMES sets.
var connectionCharset = [...]string{
	"character_set_client", "character_set_connection", "character_set_results", "collation_connection",
}

// setTransaction is SET [SESSION] TRANSACTION. Without SESSION it is for the next transaction, which may be that of the next
// borrower.
func (p *parser) setTransaction() {
	p.is(sessionControl, 0)
	p.undo(dialect.Setting, "transaction")
}

// setVariable is an assignment to a user variable or to a system variable. A GLOBAL may hold for the assignments after it that have
// no scope of their own; these are taken for the session's, as the server may do as well.
func (p *parser) setVariable(s []token, isList bool) {
	i, global, ok := scope(s)
	if !ok {
		p.unknown()
		return
	}
	if isKind(s, i, variable) && i == 0 && isAssignment(s, 1) {
		p.is(sessionControl, 0)
		p.undo(dialect.UserVariable, p.variableName(&s[0]))
		p.scan(s[2:])
		return
	}
	end := i + 1
	for isMark(s, end, '.') {
		end += 2
	}
	if !isAssignment(s, end) {
		if !isList {
			p.unknown()
		}
		return
	}
	switch s[i].kind {
	case word, backtick, double:
	default:
		p.unknown()
		return
	}
	if global {
		p.is(write, 0)
	} else {
		p.setting(p.variablePath(s[i:end]))
	}
	p.scan(s[end+1:])
}

// scope takes the scope from an assignment: where the name begins, and whether it is that of a value outside of the session.
func scope(s []token) (i int, global, ok bool) {
	if isKind(s, 0, system) {
		if isScope(at(s, 1)) && isMark(s, 2, '.') {
			return 3, isGlobal(at(s, 1)), len(s) > 3
		}
		return 1, false, len(s) > 1
	}
	if isScope(at(s, 0)) && !isAssignment(s, 1) && !isMark(s, 1, '.') {
		return 1, isGlobal(at(s, 0)), len(s) > 1 && s[1].kind != variable
	}
	return 0, false, len(s) > 0
}

// isScope reports whether the word says whose value of a variable is meant.
func isScope(s string) bool { return isGlobal(s) || s == "session" || s == "local" }

// isGlobal reports whether the word says that a value outside of the session is meant.
func isGlobal(s string) bool { return s == "global" || s == "persist" || s == "persist_only" }

// variablePath returns the name of a system variable, of one part or more.
func (p *parser) variablePath(s []token) string {
	if len(s) == 1 {
		return lower(p.plain(&s[0]))
	}
	var b strings.Builder
	for i := 0; i < len(s); i += 2 {
		if s[i].kind != word && s[i].kind != backtick && s[i].kind != double {
			return ""
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(lower(p.plain(&s[i])))
	}
	return b.String()
}

// setting says that the session's value of a variable is set.
func (p *parser) setting(name string) {
	p.is(sessionControl, 0)
	p.undo(dialect.Setting, name)
	switch {
	case beginsTransactions(name):
		p.is(txControl, dialect.OpenTx)
		p.out.Implicit = true
	case name == "last_insert_id" || name == "identity":
		p.costs("sets " + name)
		p.is(sessionControl, dialect.Sequence|dialect.Permanent)
	case hasNoDefault(name):
		p.costs("sets " + name)
		p.is(sessionControl, dialect.Permanent)
	}
}

// beginsTransactions reports whether transactions may begin by themselves because of the variable: with the next statement, or when one ends.
func beginsTransactions(name string) bool { return name == "autocommit" || name == "completion_type" }

// hasNoDefault reports whether the variable has no default to return to, or waits for a statement that uses it up.
func hasNoDefault(name string) bool {
	switch name {
	case "insert_id", "rand_seed1", "rand_seed2", "last_insert_id", "identity":
		return true
	}
	return false
}
