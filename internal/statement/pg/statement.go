// Package pg reads PostgreSQL statements far enough to say what they do to data and what they leave on their session.
//
// It is a lexer and a walk over its tokens, not a grammar: a statement is called a read, or clean, only where every token that
// could make it something else has been seen and accounted for. What remains is [dialect.Unknown] with [dialect.UnknownEffect].
// What only the server knows (whether a function is volatile, whether a name is a view) is left to the caller, by name.
package pg

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// maxText is the longest text that is read at all: what is longer is data, and unknown.
const maxText = 64 << 10

// maxNames is how many names of one kind a text may have.
const maxNames = 1000

// Statement is what a text can be seen to do without knowing the server's catalogue.
//
// Its names are as the catalogue spells them: the last part of a qualified name, in lower case unless quoted, cut at 63 bytes;
// each is listed once.
type Statement struct {
	Class     dialect.Class
	Effects   dialect.Effects
	Why       string          // the first reason why it is not a read without effects, for people; empty for such a read
	Unproved  string          // the first reason for [dialect.UnknownEffect] or [dialect.Permanent], for people; empty without them
	Hints     statement.Hints // what its comments ask for
	Functions []string        // may be called as functions: a name before "("
	Names     []string        // every other name: tables, views, columns, types, functions in attribute notation (t.f)
	Targets   []string        // the relations that INSERT, UPDATE, DELETE, MERGE, COPY FROM and TRUNCATE write
	Prepared  []string        // the names that PREPARE gives, for DEALLOCATE
	Defines   bool            // CREATE, ALTER or DROP is in it: what the catalogue says may change
	Alters    bool            // it is another than CREATE, or OR REPLACE is in it: what exists may change
	Renames   bool            // it gives something another name: what refers to that shows the new one from then on
	Cascades  bool            // it is TRUNCATE … CASCADE
	Inert     bool            // nothing of what it names runs: it is CREATE TABLE with a list of columns, and without an expression
	Adds      string          // the table that such a CREATE TABLE adds, which is nothing but columns; empty: it may be more
	Ambiguous bool            // it can be read in two ways, so that its names may be data
	Removes   bool            // it is DROP: what is left is what was there before
	Fires     bool            // event triggers may call functions when it runs
	Bare      bool            // it is made of keywords, constants, parameters and names that it gives: nothing in it could be anything but the server's own
	Lingers   bool            // it declares a cursor: what it names may run later
	Plain     bool            // it is one statement, in every reading, and can neither begin nor end a transaction: see [dialect.Statement]
}

// unknown is what is said of a text that cannot be read.
func unknown(why string) Statement {
	return Statement{Class: dialect.Unknown, Effects: dialect.UnknownEffect, Why: why, Unproved: why}
}

// Reasons why a text is not read, or not any further.
const (
	tooLong      = "longer than what is read"
	tooManyNames = "more names than are looked up"
	noText       = "not valid UTF-8"
	unbalanced   = "parentheses do not match"
)

// notUnderstood says that a text is not understood near a token, which it shows only if it is a keyword: where quotes are not what they seem, a name may be
// somebody's data.
func notUnderstood(t *token) string {
	if t.keyword == notKeyword {
		return "not understood"
	}
	return "not understood near " + t.text
}

// Parse reads a text of one statement or several. Of several it gives the union of effects and the most demanding class.
//
// A text without a statement is a read. Whether a backslash in a plain string is an escape depends on the session's
// standard_conforming_strings; where that decides how the text is divided, both readings are taken together.
func Parse(text string) Statement {
	if len(text) > maxText {
		return unknown(tooLong)
	}
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return unknown(noText)
	}
	lexed := lexer{text: text, tokens: make([]token, 0, len(text)/3+4)}
	if lexed.run() != lexDone {
		return unknown(lexed.near())
	}
	s := Statement{Class: dialect.Read, Hints: lexed.hints, Plain: true, Bare: true}
	if !s.read(lexed.tokens) {
		return unknown(unbalanced)
	}
	if lexed.ambiguous {
		s = s.withOtherReading(text)
		s.Ambiguous = true
	}
	if s.crowded() {
		return unknown(tooManyNames)
	}
	return s
}

// isBare reports whether a statement names nothing and has no operator: such as SELECT 1, by which programs ask whether a server is there.
func isBare(tokens []token) bool {
	for i := range tokens {
		switch t := &tokens[i]; t.kind {
		case word:
			if t.keyword != reserved || !queries[t.text] && !constants[t.text] {
				return false
			}
		case literal, number, param:
		case punct:
			if t.isPunct('.') || t.isPunct(':') || t.isPunct('[') {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// constants are the words that stand for a value.
var constants = words("null true false")

// withOtherReading adds what the text says where plain strings have backslash escapes.
// A reading that ends inside a string adds nothing: the server refuses the whole of such a text.
func (s Statement) withOtherReading(text string) Statement {
	s.Bare, s.Inert, s.Removes, s.Adds = false, false, false, ""
	other := lexer{text: text, escapes: true}
	switch other.run() {
	case lexUnfinished:
		return s
	case lexJunk:
		return unknown(other.near())
	}
	if !s.read(other.tokens) {
		return unknown(unbalanced)
	}
	return s
}

// read adds the statements of a token list to s. It reports whether their parentheses match.
func (s *Statement) read(tokens []token) bool {
	if !balanced(tokens) {
		return false
	}
	start, n := 0, 0
	for i := 0; i < len(tokens); i++ {
		i += int(tokens[i].length)
		if tokens[i].isPunct(';') {
			n += s.statement(tokens[start:i])
			start = i + 1
		}
	}
	n += s.statement(tokens[start:])
	s.Plain = s.Plain && n == 1
	if n != 1 {
		s.Inert, s.Removes, s.Adds = false, false, ""
	}
	return true
}

// statement adds one statement to s, and returns how many that was: none, if there are no tokens.
func (s *Statement) statement(tokens []token) int {
	if len(tokens) == 0 {
		return 0
	}
	w := walk{tokens: tokens, out: s}
	class, effects := w.statement()
	if s.Why == "" && (class != dialect.Read || effects != 0) {
		s.Why = w.why
	}
	if s.Unproved == "" && effects&dialect.Unprovable != 0 {
		s.Unproved = cmp.Or(w.unproved, tokens[0].text)
	}
	s.Class = worst(s.Class, class)
	s.Effects |= effects
	s.Plain = s.Plain && w.isPlain()
	s.Bare = s.Bare && (w.bare || isBare(tokens))
	s.Inert, s.Adds, s.Removes = w.inert, w.adds, tokens[0].is("drop")
	return 1
}

// demand orders the classes from the least demanding to the most.
var demand = [...]uint8{dialect.Read: 0, dialect.SessionControl: 1, dialect.TxControl: 2, dialect.Write: 3, dialect.Unknown: 4}

// worst returns the more demanding class.
func worst(a, b dialect.Class) dialect.Class {
	if demand[a] >= demand[b] {
		return a
	}
	return b
}

// balanced reports whether every parenthesis and bracket is closed by its own kind, and notes where.
func balanced(tokens []token) bool {
	var room [32]int
	open := room[:0]
	for i := range tokens {
		if tokens[i].kind != punct {
			continue
		}
		switch c := tokens[i].text[0]; c {
		case '(', '[':
			open = append(open, i)
		case ')', ']':
			if len(open) == 0 {
				return false
			}
			opening := &tokens[open[len(open)-1]]
			if opening.isPunct('(') != (c == ')') {
				return false
			}
			opening.length = int32(i - open[len(open)-1])
			open = open[:len(open)-1]
		}
	}
	return len(open) == 0
}

// add appends a name that the list does not have.
func add(list []string, name string) []string {
	if len(list) > maxNames || slices.Contains(list, name) {
		return list
	}
	if list == nil {
		list = make([]string, 0, 4)
	}
	return append(list, name)
}

// crowded reports whether a list has more names than are worth looking up.
func (s *Statement) crowded() bool {
	return max(len(s.Functions), len(s.Names), len(s.Targets), len(s.Prepared)) > maxNames
}
