package pg

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// create judges CREATE. Whether an unqualified name becomes a temporary object by way of search_path cannot be seen here: that
// takes a SET, which does not go unnoticed.
func create(w *walk) (dialect.Class, dialect.Effects) {
	i := 1
	if w.at(1).is("or") && w.at(2).is("replace") {
		i = 3
	}
	for modifiers[w.at(i).text] && w.at(i).kind == word {
		i++
	}
	what := w.at(i)
	if what.kind != word || !objects[what.text] || what.is("extension") || what.is("language") {
		if what.kind == word && objects[what.text] {
			w.costs("create " + what.text)
		}
		return defineUnknown(w) // extensions run scripts, and languages come as extensions
	}
	class, effects := define(w)
	foreign := w.isForeign(i) || inLanguage[what.text] && !w.isOwnLanguage()
	if w.executes || foreign { // CREATE TABLE … AS EXECUTE, among others
		return dialect.Unknown, effects | dialect.UnknownEffect
	}
	if what.is("table") {
		w.createTable(i + 1)
	}
	return class, effects
}

// createTable looks whether CREATE TABLE, whose name is at i, makes an empty table of columns that the text lists: what it names is stored then, and
// nothing of it runs.
func (w *walk) createTable(i int) {
	if w.at(i).is("if") {
		i += 3 // NOT EXISTS
	}
	for w.at(i + 1).isPunct('.') {
		i += 2
	}
	if !w.at(i).isName() || !w.at(i+1).isPunct('(') || len(w.out.Functions) > 0 {
		return
	}
	w.inert = !slices.ContainsFunc(w.tokens, func(t token) bool { return t.kind == operator || t.kind == word && evaluated[t.text] })
	if w.inert && !slices.ContainsFunc(w.tokens, func(t token) bool { return t.kind == word && related[t.text] }) {
		w.adds = w.at(i).text
	}
}

// evaluated are words of CREATE TABLE behind which something may be evaluated at once: a query, a cast, an expression that the server looks into, or what
// is stored with another table, such as the indexes of one that it is made like, or a partition of.
var evaluated = words("as generated cast like inherits of")

// related are words of CREATE TABLE by which a table is more than its columns: it has something of others, or others have something of it.
var related = words(`inherits references like partition check exclude using of constraint serial serial2 serial4 serial8 smallserial bigserial
	unlogged temp temporary`)

// alter judges ALTER, which evaluates what is stored with a table.
func alter(w *walk) (dialect.Class, dialect.Effects) {
	what := w.at(1)
	w.out.Renames = w.out.Renames || w.renames()
	if what.kind != word || !objects[what.text] && !altered[what.text] || what.is("extension") || w.isForeign(1) || what.is("type") && w.has("cascade") {
		return defineUnknown(w) // with a type, the tables that are of it are rewritten
	}
	if i := w.after(1, "foreign", "materialized"); (w.at(i).is("table") || w.at(i).is("view") && i > 1) && !w.at(i+1).is("all") {
		w.target(w.after(i+1, "if", "exists", "only"))
	}
	return define(w)
}

// renames reports whether it is ALTER ... RENAME TO. RENAME COLUMN and the like have another word in between.
func (w *walk) renames() bool {
	for i := range w.tokens {
		if w.at(i).is("rename") && w.at(i+1).is("to") {
			return true
		}
	}
	return false
}

// has reports whether a word is in the statement.
func (w *walk) has(text string) bool {
	return slices.ContainsFunc(w.tokens, func(t token) bool { return t.is(text) })
}

// isForeign reports whether what is named at i has options, which a function of the foreign data wrapper looks at.
func (w *walk) isForeign(i int) bool {
	return w.at(i).is("server") || w.at(i).is("foreign") || w.at(i).is("user") && w.at(i+1).is("mapping")
}

// inLanguage are the objects that are created in a language, or for one.
var inLanguage = words("function procedure transform")

// isOwnLanguage reports whether a function that is created is of a language of the server's own: others have functions that look at it.
func (w *walk) isOwnLanguage() bool {
	for i := range w.tokens {
		if name := strings.ToLower(strings.Trim(w.at(i+1).text, "'")); w.at(i).is("language") && name != "sql" && name != "plpgsql" {
			return false
		}
	}
	return true
}

// refresh judges REFRESH MATERIALIZED VIEW, which evaluates what is stored with the view.
func refresh(w *walk) (dialect.Class, dialect.Effects) {
	w.out.Fires = true
	w.target(w.after(3, "concurrently"))
	return write(w)
}

// describe judges what changes what is said of an object, and not what it does.
func describe(w *walk) (dialect.Class, dialect.Effects) {
	w.out.Fires = true
	return write(w)
}

// after returns where the first token stands, from i on, that is none of these words.
func (w *walk) after(i int, skipped ...string) int {
	for _, word := range skipped {
		if w.at(i).is(word) {
			i++
		}
	}
	return i
}

// define judges what changes definitions: a write, and perhaps of something temporary.
func define(w *walk) (dialect.Class, dialect.Effects) {
	w.out.Fires = true
	class, effects := write(w)
	if !w.temp && !w.pgTemp {
		w.out.Defines = true
		w.out.Alters = w.out.Alters || !w.at(0).is("create") || w.at(1).is("or")
		return class, effects
	}
	if effects |= dialect.TempTable; !w.tellsAll() {
		w.costs("makes something temporary of what the text does not show")
		effects |= dialect.UnknownEffect
	}
	return class, effects
}

// defineUnknown judges what may do anything besides.
func defineUnknown(w *walk) (dialect.Class, dialect.Effects) {
	_, effects := define(w)
	return dialect.Unknown, effects | dialect.UnknownEffect
}

// do judges DO, whose source may do anything.
func do(w *walk) (dialect.Class, dialect.Effects) {
	class, effects := defineUnknown(w)
	for i := range w.tokens {
		if name := ForGood(w.tokens[i].text); name != "" {
			w.costs("do has " + name + " in its source")
			effects |= dialect.Permanent
		}
	}
	return class, effects
}

// tellsAll reports whether something temporary is made of what the text shows: a table that takes nothing over from others, a view, a sequence. The source
// of a function is a string, and what is made of others has what is stored with them under a name that means something else outside.
func (w *walk) tellsAll() bool {
	if !w.at(0).is("create") {
		return w.at(0).is("drop")
	}
	for i := range w.tokens {
		if t := w.at(i); t.kind == word && hiding[t.text] {
			return false
		}
	}
	return true
}

// hiding are the words of definitions that do not show all of what is made.
var hiding = words("like inherits of function procedure operator aggregate cast type domain trigger rule conversion collation")

// modifiers may stand between CREATE and what is created.
var modifiers = words("temp temporary local global unlogged recursive trusted procedural unique constraint default")

// objects can be created.
var objects = words(`access aggregate cast collation conversion database domain event extension foreign function group index
	language materialized operator policy procedure publication role rule schema sequence server statistics subscription table
	tablespace text transform trigger type user view`)

// altered can be altered, but not created.
var altered = words("constraint default large procedural routine system")
