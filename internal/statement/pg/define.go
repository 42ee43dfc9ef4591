package pg

import "github.com/gopooled/pooled/dialect"

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
		return w.unknown() // extensions run scripts, and languages come as extensions
	}
	class, effects := define(w)
	if w.executes { // CREATE TABLE … AS EXECUTE
		return dialect.Unknown, effects | dialect.UnknownEffect
	}
	return class, effects
}

// alter judges ALTER.
func alter(w *walk) (dialect.Class, dialect.Effects) {
	what := w.at(1)
	if what.kind != word || !objects[what.text] && !altered[what.text] || what.is("extension") {
		return w.unknown()
	}
	return define(w)
}

// define judges what changes definitions: a write, and perhaps of something temporary.
func define(w *walk) (dialect.Class, dialect.Effects) {
	class, effects := write(w)
	if w.temp || w.pgTemp {
		return class, effects | dialect.TempTable
	}
	w.out.Defines = true
	return class, effects
}

// modifiers may stand between CREATE and what is created.
var modifiers = words("temp temporary local global unlogged recursive trusted procedural unique constraint default")

// objects can be created.
var objects = words(`access aggregate cast collation conversion database domain event extension foreign function group index
	language materialized operator policy procedure publication role rule schema sequence server statistics subscription table
	tablespace text transform trigger type user view`)

// altered can be altered, but not created.
var altered = words("constraint default large procedural routine system")
