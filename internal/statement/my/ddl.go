package my

import (
	"slices"

	"github.com/gopooled/pooled/dialect"
)

// define is CREATE, ALTER, DROP or RENAME.
func (p *parser) define(s []token) {
	p.is(write, 0)
	object := objectOf(s)
	temporary := false
	for i := 1; i < object; i++ {
		temporary = temporary || at(s, i) == "temporary"
	}
	if !temporary { // which nobody else sees
		p.out.Defines = true
		p.out.Remakes = p.out.Remakes || remakes(s, object)
		p.definition(s, object)
	}
	switch at(s, 0) {
	case "create":
		p.create(s, object)
	case "alter":
		p.alter(s, object)
	case "drop":
		switch at(s, object) {
		case "prepare":
			p.rank = sessionControl
		case "database", "schema": // if it is the session's, the session has none from then on
			p.costs("drops a database, which may be the session's")
			p.is(write, dialect.Permanent)
		}
	case "rename":
		p.rename(s)
	}
}

// remakes reports whether a definition may give later statements something to do that is not known: it makes more than tables without triggers, and
// gives a name to more. What is dropped does nothing any more.
func remakes(s []token, object int) bool {
	switch at(s, object) {
	case "index", "database", "schema", "user", "role":
		return false
	case "table":
	default:
		return at(s, 0) != "drop"
	}
	switch at(s, 0) {
	case "drop":
		return false
	case "create", "alter":
	default:
		return true
	}
	if takesNumbers(s) {
		return true
	}
	for i := object + 1; i < len(s); i++ {
		switch at(s, i) {
		case "like", "select", "values", "with": // which take over defaults
			return true
		case "rename":
			if next := at(s, i+1); next != "column" && next != "index" && next != "key" {
				return true
			}
		}
	}
	return false
}

// takesNumbers reports whether a definition mentions values of a sequence, as a default may.
func takesNumbers(s []token) bool {
	for i := range s {
		switch at(s, i) {
		case "nextval", "setval", "lastval", "next", "previous":
			return true
		}
	}
	return false
}

// objectOf returns the position of the word that says what kind of object is defined. Before it stand its properties.
func objectOf(s []token) int {
	i := 1
	for i < len(s) {
		switch at(s, i) {
		case "temporary", "unique", "fulltext", "spatial", "aggregate", "online", "offline", "ignore":
			i++
		case "or", "sql": // OR REPLACE, SQL SECURITY DEFINER
			i += 2
			if at(s, i-2) == "sql" {
				i++
			}
		case "algorithm": // ALGORITHM = MERGE
			i += 3
		case "definer":
			i = definerEnd(s, i)
		default:
			return i
		}
	}
	return len(s)
}

// definerEnd returns the end of DEFINER = user, which begins at position i.
func definerEnd(s []token, i int) int {
	i += 3
	if isKind(s, i, variable) { // user@host
		return i + 1
	}
	if isMark(s, i, '(') { // CURRENT_USER()
		return closing(s, i) + 1
	}
	return i
}

// create is CREATE. Definitions call no functions of users; queries do.
func (p *parser) create(s []token, object int) {
	switch at(s, object) {
	case "table", "sequence":
		p.createTable(s, object)
	default:
		p.content(s, object)
	}
}

// content looks through what a definition has inside that the server reads at once, for CREATE and ALTER alike.
func (p *parser) content(s []token, object int) {
	switch at(s, object) {
	case "view":
		p.scan(s[find(s, object, "as"):])
	case "event":
		p.schedule(s, object)
	case "":
		p.unknown()
	}
}

// createTable is CREATE [TEMPORARY] TABLE or SEQUENCE. It may end with a query, from which generated values may come.
func (p *parser) createTable(s []token, object int) {
	name := object + 1
	if at(s, name) == "if" { // IF NOT EXISTS
		name += 3
	}
	for i := 1; i < object; i++ {
		if at(s, i) == "temporary" {
			p.temporary(s, name)
			if takesNumbers(s) { // whenever a row is written
				p.is(write, sequenceValue)
			}
			break
		}
	}
	if at(s, object) == "sequence" {
		return
	}
	for i := name; i < len(s); i++ {
		switch at(s, i) {
		case "select", "values", "table", "with":
			p.is(write, dialect.Sequence)
			p.names(s[name:i])
			p.scan(s[i:])
			return
		case "like":
			p.names(s[i:])
		}
	}
}

// alter is ALTER.
func (p *parser) alter(s []token, object int) {
	switch at(s, object) {
	case "table":
		p.renamed(s, object)
		if takesNumbers(s) { // the default of a new column is evaluated
			p.is(write, sequenceValue)
		}
		if slices.ContainsFunc(s, func(t token) bool { return t.kind == variable }) {
			p.unknown()
		}
	default:
		p.content(s, object)
	}
}

// schedule looks through the times of an event, which are computed at once.
func (p *parser) schedule(s []token, object int) {
	if schedule, body := find(s, object, "schedule"), find(s, object, "do"); schedule < body {
		p.scan(s[schedule:body])
	}
}

// renamed notes the new name that ALTER TABLE gives: the table may be a temporary one, which can be dropped by that name only.
func (p *parser) renamed(s []token, object int) {
	eachRename(s, object, func(name int) { p.temporary(s, name) })
}

// eachRename calls f for the positions of the new names that ALTER TABLE gives the table.
func eachRename(s []token, object int, f func(name int)) {
	for i := object + 1; i < len(s); i++ {
		if at(s, i) != "rename" {
			continue
		}
		switch at(s, i+1) {
		case "column", "index", "key":
		case "to", "as":
			f(i + 2)
		default:
			if isMark(s, i+1, '=') {
				i++
			}
			f(i + 1)
		}
	}
}

// rename is RENAME TABLE, which in MariaDB renames temporary tables as well; or RENAME USER.
func (p *parser) rename(s []token) {
	if at(s, 1) != "table" && at(s, 1) != "tables" {
		return
	}
	for i := range s {
		if at(s, i) == "to" {
			p.temporary(s, i+1)
		}
	}
}
