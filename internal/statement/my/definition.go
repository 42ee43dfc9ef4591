package my

import (
	"slices"
	"strings"
)

// Definition is what CREATE, ALTER, DROP and RENAME change. Names are without qualifier, each once.
type Definition struct {
	// Added are tables that are created with nothing but columns. Where there was something of such a name, it may be there still.
	Added []string
	// Tables are the tables and views, and Routines the stored routines, that reading, writing or calling may do something else for.
	Tables, Routines []string
	// Removes says that something is dropped, or may be by ALTER TABLE: the tables and views Dropped, the routines DroppedRoutines and, with DropsMore, what has no name there.
	Removes                  bool
	Dropped, DroppedRoutines []string
	DropsMore                bool
	// Anything says that there may be more.
	Anything bool
}

// definition notes the names that mean something else after a definition.
func (p *parser) definition(s []token, object int) {
	d := &p.out.Definition
	verb, kind := at(s, 0), at(s, object)
	first := object + 1
	for isExistence(at(s, first)) { // IF NOT EXISTS
		first++
	}
	switch {
	case kind == "index" || kind == "user" || kind == "role" || kind == "event" || kind == "prepare": // which run in sessions of their own, if they do
	case verb == "drop":
		d.Removes = true
		p.dropped(s, kind, first)
	case verb == "rename":
		for i := first; i < len(s); {
			i = p.defined(&d.Tables, s, i) + 1
		}
	case kind == "table" && verb == "create":
		if at(s, 1) == "or" { // REPLACE
			d.Removes = true
			p.dropped(s, kind, first)
		}
		if p.isPlainTable(s, object) {
			p.defined(&d.Added, s, first)
		} else {
			p.defined(&d.Tables, s, first)
		}
	case kind == "table":
		d.Removes = true
		p.defined(&d.Dropped, s, first)
		if !p.isPlainTable(s, object) {
			p.defined(&d.Tables, s, first)
		}
		eachRename(s, object, func(name int) { p.defined(&d.Tables, s, name) })
	case kind == "view" || kind == "sequence":
		p.defined(&d.Tables, s, first)
	case kind == "trigger" && verb == "create":
		p.defined(&d.Tables, s, find(s, first+1, "on")+1)
	case (kind == "procedure" || kind == "function") && find(s, first, "soname") == len(s):
		p.defined(&d.Routines, s, first)
	case kind == "database" || kind == "schema":
	default:
		d.Anything = true
	}
}

// dropped notes what DROP names from position i on.
func (p *parser) dropped(s []token, kind string, i int) {
	d := &p.out.Definition
	switch kind {
	case "table", "tables", "view", "sequence":
		for {
			i = p.defined(&d.Dropped, s, i)
			if !isMark(s, i, ',') {
				return
			}
			i++
		}
	case "procedure", "function":
		p.defined(&d.DroppedRoutines, s, i)
	default: // a trigger has the name of no table
		d.DropsMore = true
	}
}

// isExistence reports whether a word belongs to IF EXISTS or IF NOT EXISTS.
func isExistence(word string) bool { return word == "if" || word == "not" || word == "exists" }

// defined notes the last part of the name that begins at position i, and returns the position behind it.
func (p *parser) defined(names *[]string, s []token, i int) int {
	end := qualified(s, i)
	if end == i {
		p.out.Definition.Anything = true
		return len(s)
	}
	if name := lower(p.plain(&s[end-1])); !slices.Contains(*names, name) {
		*names = append(*names, name)
	}
	return end
}

// isPlainTable reports whether CREATE or ALTER TABLE gives a table nothing but columns and keys: no engine, no values of sequences or variables, and
// nothing that others have.
func (p *parser) isPlainTable(s []token, object int) bool {
	if remakes(s, object) {
		return false
	}
	for i := object; i < len(s); i++ {
		switch at(s, i) {
		case "engine":
			name := i + 1
			if isMark(s, name, '=') {
				name++
			}
			if name < len(s) && !strings.EqualFold(p.text[s[name].start:s[name].end], "InnoDB") {
				return false
			}
		case "union":
			return false
		}
		if s[i].kind == variable || s[i].kind == param {
			return false
		}
	}
	return true
}
