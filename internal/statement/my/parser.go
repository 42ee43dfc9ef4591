package my

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gopooled/pooled/dialect"
)

// parser gathers what the statements of a text do, over all its readings.
type parser struct {
	lexer
	out   Statement
	worst rank            // of all statements so far
	rank  rank            // of this statement
	verb  string          // the first word of this statement: why it is no read, if nothing better is known
	known map[string]bool // out.Names, once they are many

	database string  // that of the program whose body this is, where names without one are looked for
	local    *scopes // the variables of that program; nil: it is a text that a client sends

	querying bool // a query is scanned, in a text that a client sends

	serverTable string // the first name of a table that shows the state of a server, if it is one of information_schema
	namesSchema bool   // which is named
}

// rank orders the classes by what they demand: a text has the class of the most demanding statement in it.
type rank uint8

const (
	nothing rank = iota
	read
	sessionControl
	txControl
	write
	unclear
)

// classes are the classes by rank. A text without any statement is an error, which a server may tell from any other.
var classes = [...]dialect.Class{
	nothing:        dialect.Unknown,
	read:           dialect.Read,
	sessionControl: dialect.SessionControl,
	txControl:      dialect.TxControl,
	write:          dialect.Write,
	unclear:        dialect.Unknown,
}

// reset prepares the parser for a text.
func (p *parser) reset(text string) {
	p.lexer = lexer{text: text, tokens: p.tokens[:0]}
	p.out, p.worst, p.known = Statement{Plain: true}, nothing, nil
	p.serverTable, p.namesSchema = "", false
	p.database, p.local, p.querying = "", nil, false
}

// result returns what was gathered.
func (p *parser) result() Statement {
	out := p.out
	p.out, p.text = Statement{}, ""
	out.Class = classes[p.worst]
	out.Unclear = out.Effects.Has(dialect.UnknownEffect)
	if len(out.Calls) > 0 {
		out.Effects |= dialect.UnknownEffect
	}
	out.Plain = out.Plain && p.worst != nothing
	if p.worst == nothing && out.Why == "" {
		out.Why = "no statement"
	}
	return out
}

// because notes a reason against a read.
func (p *parser) because(why string) {
	if p.out.Why == "" {
		p.out.Why = why
	}
}

// maxShown is how many bytes of a name are shown in a reason.
const maxShown = 64

// shown returns a name or a word as a reason shows it.
func (p *parser) shown(t *token) string {
	name := p.text[t.start:t.end]
	if t.kind == backtick || t.kind == double {
		name = unquote(name)
	}
	name = strings.ToLower(name)
	if len(name) > maxShown {
		name = name[:maxShown]
	}
	return strings.ToValidUTF8(name, "?")
}

// notUnderstood notes that a statement is not understood near a token, which is shown only if it is a word that is known: all else may be
// data, where quotes are not what they seem.
func (p *parser) notUnderstood(t *token) {
	why := "not understood"
	if t.word != nil {
		why += " near " + p.shown(t)
	}
	p.giveUp(why)
}

// Reasons to give up.
const (
	unbalanced = "parentheses do not match"
	endless    = "the end of a body is not understood"
)

// giveUp says that the statement may be anything, and why.
func (p *parser) giveUp(why string) {
	p.because(why)
	p.costs(why)
	p.unknown()
}

// spoil says that the text may do anything, whatever its statements are by themselves, and why.
func (p *parser) spoil(why string) {
	p.costs(why)
	p.worst = unclear
	p.out.Effects |= dialect.UnknownEffect
}

// near says where the lexer could not go on: behind the last word that is known, as what follows may be somebody's data.
func (p *parser) near() string {
	for i := len(p.tokens) - 1; i >= 0; i-- {
		if t := &p.tokens[i]; t.word != nil {
			return "not understood near " + p.shown(t)
		}
	}
	return "not understood"
}

func (p *parser) begin() { p.rank = nothing }

func (p *parser) end() { p.worst = max(p.worst, p.rank) }

// is says that the statement is at least of this rank, and has these effects.
func (p *parser) is(r rank, e dialect.Effects) {
	if r > read || e != 0 {
		p.because(p.verb)
	}
	if e&dialect.Unprovable != 0 {
		p.costs(cmp.Or(p.verb, "not understood"))
	}
	p.rank = max(p.rank, r)
	p.out.Effects |= e
}

// costs notes a reason for effects that nobody can tell or undo.
func (p *parser) costs(why string) {
	if p.out.Unproved == "" {
		p.out.Unproved = why
	}
}

// unknown says that the statement may be anything.
func (p *parser) unknown() { p.is(unclear, dialect.UnknownEffect) }

// asksSession says that the statement depends on what the session did before: it is no read for just any server.
func (p *parser) asksSession() { p.asksPrimary("reads a variable") }

// asksPrimary says that the statement is no read for just any server, and why.
func (p *parser) asksPrimary(why string) {
	if p.rank <= read {
		p.because(why)
		p.rank = write
	}
}

// undo says that the statement has an effect, which is undone by a name. A name that is no text cannot be sent to a server.
func (p *parser) undo(e dialect.Effects, name string) {
	p.because(p.verb)
	p.out.Effects |= e
	if name == "" || strings.ContainsRune(name, utf8.RuneError) {
		p.costs(e.String() + " without a name that can be undone")
		p.out.Effects |= dialect.UnknownEffect
		return
	}
	if u := (Undo{Effect: e, Name: name}); !slices.Contains(p.out.Undo, u) {
		p.out.Undo = append(p.out.Undo, u)
	}
}

// at returns the keyword or function at position i, in lower case; "" where there is something else, or nothing.
func at(s []token, i int) string {
	if i < 0 || i >= len(s) || s[i].kind != word || s[i].dotted || s[i].word == nil {
		return ""
	}
	return s[i].word.name
}

// isMark reports whether the punctuation character c is at position i.
func isMark(s []token, i int, c byte) bool { return i >= 0 && i < len(s) && s[i].isMark(c) }

// isKind reports whether a token of kind k is at position i.
func isKind(s []token, i int, k kind) bool { return i >= 0 && i < len(s) && s[i].kind == k }

// isAssignment reports whether = or := is at position i.
func isAssignment(s []token, i int) bool { return isMark(s, i, '=') || isKind(s, i, assign) }

// find returns the first position from i on, outside of parentheses, of any of the keywords; len(s) without one.
func find(s []token, i int, keywords ...string) int {
	return outside(s, i, func(i int) bool { return s[i].kind == word && slices.Contains(keywords, at(s, i)) })
}

// comma returns the next position of a comma outside of parentheses, len(s) without one.
func comma(s []token, i int) int {
	return outside(s, i, func(i int) bool { return s[i].isMark(',') })
}

// outside returns the first position from i on, outside of parentheses, at which is holds; len(s) without one.
func outside(s []token, i int, is func(i int) bool) int {
	depth := 0
	for ; i < len(s); i++ {
		switch {
		case s[i].isMark('('):
			depth++
		case s[i].isMark(')'):
			depth--
		case depth == 0 && is(i):
			return i
		}
	}
	return len(s)
}

// closing returns the position of the parenthesis that closes the one at position i, len(s) without one.
func closing(s []token, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		if s[i].isMark('(') {
			depth++
		} else if s[i].isMark(')') {
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(s)
}

// balanced reports whether the parentheses of a statement match.
func balanced(s []token) bool {
	depth := 0
	for i := range s {
		if s[i].isMark('(') {
			depth++
		} else if s[i].isMark(')') {
			if depth--; depth < 0 {
				return false
			}
		}
	}
	return depth == 0
}
