package pg

import "github.com/gopooled/pooled/dialect"

// A text gives names of its own: to a savepoint, a cursor, a column that it returns. Programs make them up, some of them new ones for each text. Nothing of the
// catalogue is meant where the grammar has such a name, so nobody has to look for it there.

// gives reports whether the name at i, which is unqualified, is one that the text gives. Only where the grammar has room for nothing else is it known:
// not to be sure costs a look into the catalogue.
func (w *walk) gives(i int, t *token) bool {
	before, after, f := w.at(i-1), w.at(i+1), w.top()
	switch {
	case i == w.given && i > 0:
		return true
	case t.keyword != notKeyword, after.isPunct('.'), after.kind == literal, !f.query:
		return false
	case f.list: // WITH x AS (…), y (a) AS (…)
		return (before.is("with") || before.is("recursive") || before.isPunct(',')) && (after.is("as") || after.isPunct('('))
	case before.is("as"):
		return !w.at(i - 2).isPunct('.') // a column, or a table
	case after.isPunct('('):
		return false
	case before.is("over"), before.is("window") && after.is("as"):
		return true
	}
	return w.ended && isOperand(before) // AS is left out
}

// qualifies reports whether the name at i only says whose the next one is, in a query: it is a schema, or something that FROM or the like names as well.
func (w *walk) qualifies(i int) bool {
	return w.frames[0].query && w.at(i+1).isPunct('.') && !w.at(w.chain.start-1).isPunct('.') // (x).f.g
}

// isOperand reports whether a token behind which an operand has ended is part of it in any case, and no keyword with a meaning of its own.
func isOperand(t *token) bool {
	switch t.kind {
	case literal, number, param, quoted:
		return true
	case word:
		return t.keyword == notKeyword
	}
	return t.isPunct(')') || t.isPunct(']')
}

// isQuery reports whether a query begins at i: what is in the same parentheses are its clauses, and no types stand there behind a name or AS.
func (w *walk) isQuery(i int) bool {
	t := w.at(i)
	return t.kind == word && (queries[t.text] || i == 0 && querying[t.text])
}

// querying are the first words of other statements that consist of such clauses.
var querying = words("insert update delete merge declare")

// plainly judges statements that name nothing of the catalogue, and have no expression.
func plainly(class dialect.Class, effects dialect.Effects) judge {
	usual := does(class, effects)
	return func(w *walk) (dialect.Class, dialect.Effects) {
		if !w.isPlainlySpoken() {
			return usual(w)
		}
		w.bare = true
		return class, effects
	}
}

// isPlainlySpoken reports whether a statement has nothing but words, constants, and what stands between those of a list: it calls nothing.
func (w *walk) isPlainlySpoken() bool {
	for i := range w.tokens {
		switch t := &w.tokens[i]; t.kind {
		case word, quoted, literal, number:
		case punct:
			if !t.isPunct(',') {
				return false
			}
		case operator:
			if t.text != "-" && t.text != "+" { // of a number
				return false
			}
		default:
			return false
		}
	}
	return true
}
