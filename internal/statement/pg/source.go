package pg

import (
	"strings"

	"github.com/gopooled/pooled/dialect/statement"
)

// Source is the source of a function in SQL or PL/pgSQL, which both divide a text into tokens as the server's grammar does.
type Source struct {
	Code     string          // it without its comments, and with empty strings, as nothing in it runs a string
	Commands statement.Words // the words in it that may be keywords of its own, without those of which is known that they only change or lock rows
	Targets  []string        // the relations that it inserts into, updates, deletes from or merges into
	Changes  string          // the first word by which it changes or locks rows; empty: it does not
	Into     bool            // it has INTO that is none of INSERT or MERGE
}

// ReadSource reads a source. It reports false for one that it does not understand, or that may run a string: nothing in it can be told from a command then.
func ReadSource(text string) (s Source, ok bool) {
	if strings.IndexByte(text, 0) >= 0 {
		return Source{}, false
	}
	l := lexer{text: text, tokens: make([]token, 0, len(text)/3+4)}
	var code strings.Builder
	for l.pos < len(text) {
		start, n := l.pos, len(l.tokens)
		if l.next() != lexDone {
			return Source{}, false
		}
		switch {
		case len(l.tokens) == n:
			code.WriteByte(' ')
		case l.tokens[n].kind == literal:
			code.WriteString(" '' ")
		default:
			code.WriteString(text[start:l.pos])
		}
	}
	if l.ambiguous || !balanced(l.tokens) {
		return Source{}, false
	}
	r := sourceReader{walk{tokens: l.tokens, out: &Statement{}}, Source{Code: code.String(), Commands: statement.Words{}}}
	r.run()
	return r.Source, !r.runsStrings() && !r.out.crowded()
}

// sourceReader goes over the tokens of a source.
type sourceReader struct {
	walk
	Source
}

func (r *sourceReader) run() {
	for i := range r.tokens {
		t := r.at(i)
		switch {
		case t.text == "pg_temp" || strings.HasPrefix(t.text, "pg_temp_"):
			r.Commands["pg_temp"] = true
		case t.kind != word || r.at(i-1).isPunct('.'): // a name
		case t.text == "into":
			r.Into = r.Into || !r.at(i-1).is("insert") && !r.at(i-1).is("merge")
			r.Commands["into"] = true
		case r.changesRows(i):
			if r.Changes == "" {
				r.Changes = t.text
			}
		default:
			r.Commands[t.text] = true
		}
	}
	r.Targets = r.out.Targets
}

// changesRows reports whether the word at i is part of a statement that only changes or locks rows, and notes of which relation.
func (r *sourceReader) changesRows(i int) bool {
	before, next := r.at(i-1), r.at(i+1)
	switch r.at(i).text {
	case "insert", "merge":
		if next.is("into") {
			return r.targets(i + 2)
		}
		return before.is("then") // WHEN NOT MATCHED THEN INSERT
	case "delete":
		if next.is("from") {
			return r.targets(i + 2)
		}
		return before.is("then") && (!next.isName() || next.keyword == reserved)
	case "update":
		switch {
		case (before.is("for") || before.is("key")) && r.locksUpdated(i),
			(before.is("do") || before.is("then")) && next.is("set") && !r.at(i+2).is("set"): // ON CONFLICT, WHEN MATCHED
			return true
		}
		return r.targets(i + 1)
	case "do":
		return next.is("nothing") || next.is("update") // ON CONFLICT: the command has a string, or LANGUAGE
	case "set":
		return r.followsTarget(before)
	}
	return false
}

// locksUpdated reports whether UPDATE at i is what FOR asks for, and not a statement that a cursor is opened for.
func (r *sourceReader) locksUpdated(i int) bool {
	next := r.at(i + 1)
	if !next.isName() || next.keyword == reserved {
		return true
	}
	return behindLock[next.text] && !r.at(i+2).isPunct('.') && !r.at(i+2).is("set") && !r.at(i+3).is("set") && !r.at(i+4).is("set")
}

// behindLock are the words behind FOR UPDATE that are no names there.
var behindLock = words("of nowait skip loop")

// targets notes the relation named at i, and reports whether there is one.
func (r *sourceReader) targets(i int) bool {
	for r.at(i).is("only") || r.at(i).isPunct('(') {
		i++
	}
	if t := r.at(i); !t.isName() || t.keyword == reserved {
		return false
	}
	r.target(i)
	return true
}

// followsTarget reports whether SET, which is directly behind a token, belongs to UPDATE: as a command of its own it begins a statement.
func (r *sourceReader) followsTarget(before *token) bool {
	switch before.kind {
	case quoted:
		return true
	case word:
		return before.text == "update" || before.keyword != reserved && !begins[before.text]
	case operator:
		return before.text == "*"
	}
	return false
}

// begins are the words, besides reserved ones, behind which statements of functions begin.
var begins = words("begin atomic loop then else elsif elseif exception declare")

// runsStrings reports whether a string in the source may be run: it has a command that has, or may have, some text of SQL in one.
func (r *sourceReader) runsStrings() bool {
	for word := range r.Commands {
		if runningStrings[word] {
			return true
		}
	}
	return false
}

// runningStrings are such commands.
var runningStrings = words("execute do create alter prepare copy explain")
