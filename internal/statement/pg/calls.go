package pg

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// This file knows the grammar around "name (": a call, unless its place says otherwise. One call too many costs a reset;
// one too few would let a change of the session pass unseen.

// noCall reports whether the name at i, which "(" follows, stands where the grammar has no call.
func (w *walk) noCall(i int) bool {
	before := w.at(w.chain.start - 1)
	switch {
	case before.kind == operator && before.text == "::":
		return true // x::numeric(5,2)
	case before.kind == word && noCallAfter[before.text]:
		return !w.at(w.chain.start - 2).isPunct('.')
	case w.top().list:
		return true // WITH x (a) AS (…), y (b) AS (…)
	case len(w.frames) == 1 && w.makesIndex() && (before.is("on") || before.is("using")):
		return true // CREATE INDEX … ON t USING gin (…)
	}
	return w.chain.start == i && w.fixed(i)
}

// mayBeType reports whether the keyword at i, which types can be named by, stands where one could: behind a cast or a name that it is the type of, or before
// a constant of it.
func (w *walk) mayBeType(i int) bool {
	before, next := w.at(i-1), w.at(i+1)
	return !w.frames[0].query || before.is("as") || before.kind == operator && before.text == "::" ||
		next == &end || next.kind == punct && !next.isPunct('(') || next.kind == literal && !w.ended || next.is("collate") || next.is("path") || next.is("array")
}

// noCallAfter are the words directly behind which a name before "(" is a relation, a query, a column list or a type.
var noCallAfter = words("as into of references table exists analyze analyse verbose")

// makesIndex reports whether the statement is CREATE INDEX.
func (w *walk) makesIndex() bool {
	return w.at(0).is("create") && (w.at(1).is("index") || w.at(1).is("unique") && w.at(2).is("index"))
}

// fixed reports whether the keyword at i, which "(" follows, is part of a phrase.
func (w *walk) fixed(i int) bool {
	t, before := w.at(i), w.at(i-1)
	if t.kind != word || before.kind != word {
		return t.is("operator") && w.namesOperator(i+1)
	}
	switch t.text {
	case "by":
		return before.is("order") || before.is("group") || before.is("partition")
	case "rollup", "cube":
		return before.is("by") && w.at(i-2).is("group")
	case "sets":
		return before.is("grouping")
	case "key":
		return before.is("primary") || before.is("foreign")
	case "zone":
		return before.is("time")
	case "first", "next":
		return before.is("fetch")
	case "set":
		return before.is("update")
	case "bernoulli", "system":
		return before.is("tablesample")
	case "join":
		return joinWords[before.text]
	case "also", "instead":
		return before.is("do")
	case "stdout", "stdin":
		return w.copies(i)
	case "operator":
		return w.namesOperator(i + 1)
	case "insert":
		after := w.at(w.closing(i+1) + 1)
		return before.is("then") && (after.is("values") || after.is("overriding"))
	case "conflict":
		return before.is("on") && w.conflictClause(i+1)
	}
	return false
}

// copies reports whether STDIN or STDOUT at i is where COPY goes, and not a function after SIMILAR TO or DISTINCT FROM.
func (w *walk) copies(i int) bool {
	before, verb := w.at(i-1), w.at(i-2)
	return w.at(0).is("copy") && len(w.frames) == 1 && (before.is("to") || before.is("from")) &&
		!verb.is("similar") && !verb.is("distinct")
}

// namesOperator reports whether the parenthesis at i holds the name of an operator: OPERATOR(pg_catalog.+).
func (w *walk) namesOperator(i int) bool {
	for i++; w.at(i).isName() && w.at(i+1).isPunct('.'); {
		i += 2
	}
	return w.at(i).kind == operator && w.at(i+1).isPunct(')')
}

// conflictClause reports whether the parenthesis at i belongs to ON CONFLICT (…) DO, and not to a call in a join's condition:
// then a DO follows, without a further ON CONFLICT that it could belong to.
func (w *walk) conflictClause(i int) bool {
	for i = w.closing(i) + 1; i < len(w.tokens) && !w.at(i).isPunct(')'); i = w.closing(i) + 1 {
		switch t := w.at(i); {
		case t.is("do"):
			return true
		case t.is("on") && w.at(i+1).is("conflict"):
			return false
		}
	}
	return false
}

// closing returns where the parenthesis at i is closed; any other token is its own end.
func (w *walk) closing(i int) int { return i + int(w.at(i).length) }

// inList notes where the list of a WITH clause begins and ends. WITH has other uses (WITH ORDINALITY AS t, WITH DELIMITER AS ','),
// so that the list must show its form.
func (w *walk) inList(i int, t *token) {
	switch t.text {
	case "select", "values", "table", "insert", "update", "delete", "merge":
		w.top().list = false
	case "with":
		name, after := w.at(i+1), w.at(i+2)
		switch {
		case name.is("recursive"):
			w.top().list = true
		case !name.isName(), name.keyword == reserved, name.is("ordinality"), name.is("time"), name.is("operator"):
		case after.isPunct('('):
			w.top().list = true
		case after.is("as"):
			what := w.at(i + 3)
			w.top().list = what.isPunct('(') || what.is("materialized") || what.is("not")
		}
	}
}

// endsOperand reports whether no operand can begin behind the keyword t.
func (w *walk) endsOperand(t *token) bool {
	if joinWords[t.text] || t.text == "not" { // x NOT LIKE (…), x LEFT JOIN (…)
		return w.ended
	}
	return endWords[t.text]
}

// joinWords are those that stand before JOIN.
var joinWords = words("left right full inner outer cross natural")

// endWords are keywords that never introduce an expression, and so either end one or are followed by a name that is no call.
// What is missing here costs only precision.
var endWords = words(`
	view function procedure routine aggregate trigger sequence schema domain type server publication policy rule
	copy prepare execute vacuum
	null true false
	character char nchar bit national interval
	action class comment data day event hour input label language level location method minute month name
	object options owner parameter password role second session source storage target temp template text year`)

// words makes a set.
func words(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		set[w] = true
	}
	return set
}

// setConfig counts what set_config does, whose arguments begin at i: nothing behind its transaction where the third one is
// literally true, except that a search_path can make the tables temporary that are created next, and what prepared statements keep.
func (w *walk) setConfig(i int) {
	w.needsPrimary("function set_config changes settings")
	last := w.closing(i)
	positional := w.arguments(i, last) == 3 && !w.at(i+1).is("variadic")
	if !positional || !w.at(last-1).is("true") || !w.at(last-2).isPunct(',') {
		w.effects |= dialect.Setting | dialect.Role
	}
	name, value := w.at(i+1), w.at(i+3)
	if positional && w.at(i+2).isPunct(',') && spells(name) {
		w.effects |= w.kept(strings.Trim(name.text, "'"))
		if containsFold(name.text, "client_encoding") && !(w.at(i+4).isPunct(',') && spells(value) && KeepsQuotes(strings.Trim(value.text, "'"))) {
			w.effects |= w.hides()
		}
	} else {
		w.effects |= dialect.UnknownEffect
		w.costs("function set_config has a name that the text does not show")
	}
	switch {
	case positional && w.at(i+2).isPunct(',') && spells(name) && !containsFold(name.text, "search_path"):
	case positional && w.at(i+2).isPunct(',') && w.at(i+4).isPunct(',') && spells(value) && !containsFold(value.text, "pg_temp"):
	default:
		w.effects |= dialect.TempTable
	}
}

// currentSetting counts what current_setting does, whose arguments begin at i: only the variables that a program names for itself,
// with a dot, are not the server's own. A session that has set one is bound to where it did that.
func (w *walk) currentSetting(i int) {
	name := w.at(i + 1)
	if !spells(name) || strings.IndexByte(name.text, '.') < 0 {
		w.needsPrimary("function current_setting tells of one server or session")
	}
}

// spells reports whether the token is a string that is what it seems to be.
func spells(t *token) bool { return t.kind == literal && !t.odd }

// arguments counts the arguments between the parentheses at i and last, or gives 0 where ORDER BY is among them.
func (w *walk) arguments(i, last int) int {
	n := 1
	for i++; i < last; i = w.closing(i) + 1 {
		if w.at(i).is("order") {
			return 0
		}
		if w.at(i).isPunct(',') {
			n++
		}
	}
	return n
}

// containsFold reports whether text contains part in any case of ASCII letters.
func containsFold(text, part string) bool {
	for i := 0; i+len(part) <= len(text); i++ {
		if strings.EqualFold(text[i:i+len(part)], part) {
			return true
		}
	}
	return false
}
