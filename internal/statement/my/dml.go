package my

import "github.com/gopooled/pooled/dialect"

// insert is INSERT or REPLACE. It may give LAST_INSERT_ID a new value.
func (p *parser) insert(s []token) {
	p.is(write, dialect.Sequence)
	i := 1
	for isModifier(at(s, i)) || at(s, i) == "into" {
		i++
	}
	end := qualified(s, i)
	if end == i {
		p.unknown()
		return
	}
	p.names(s[i : end-1])
	p.target(&s[end-1])
	p.uses(s, i, end)
	p.scan(s[end:])
}

// isModifier reports whether the word can stand between the verb of a statement and its table.
func isModifier(s string) bool {
	switch s {
	case "low_priority", "high_priority", "delayed", "quick", "ignore", "concurrent", "local":
		return true
	}
	return false
}

// update is UPDATE, with all its tables for targets.
func (p *parser) update(s []token) {
	p.is(write, 0)
	p.targets(s[1:find(s, 1, "set")])
	p.scan(s[1:])
}

// delete is DELETE FROM t, DELETE t1, t2 FROM ..., or DELETE FROM t1, t2 USING ... .
func (p *parser) delete(s []token) {
	p.is(write, 0)
	from := find(s, 1, "from")
	end := find(s, from, "where", "order", "limit", "returning")
	using := find(s[:end], from, "using")
	p.targets(s[1:from])
	if from < using {
		p.targets(s[from+1 : using])
	}
	if using < end {
		p.targets(s[using+1 : end])
	}
	p.scan(s[1:])
}

// targets notes the tables of a list of tables and joins as written to.
func (p *parser) targets(s []token) {
	p.eachTable(s, func(s []token, i, end int) {
		p.target(&s[end-1])
		p.uses(s, i, end)
	})
}

// eachTable calls f for each name of a table in a list of tables and joins.
func (p *parser) eachTable(s []token, f func(s []token, i, end int)) {
	expected := true // a table has to come next
	for i := 0; i < len(s); i++ {
		switch {
		case isMark(s, i, ',') || at(s, i) == "join" || at(s, i) == "straight_join":
			expected = true
		case isMark(s, i, '(') && !(expected && isTables(s, i+1)):
			i = closing(s, i)
			expected = false
		case isMark(s, i, '{'): // { OJ t1 LEFT OUTER JOIN t2 ON ... }
			i++
		case expected && !isModifier(at(s, i)) && s[i].isName():
			end := qualified(s, i)
			if !isMark(s, end, '(') {
				f(s, i, end)
			}
			i, expected = end-1, false
		}
	}
}

// isTables reports whether tables stand in the parentheses that end before position i, and not a query.
func isTables(s []token, i int) bool {
	switch at(s, i) {
	case "select", "with", "values", "table":
		return false
	}
	return true
}

// load is LOAD DATA or LOAD XML, which read fields into columns and user variables, and then assign; or it is LOAD INDEX.
func (p *parser) load(s []token) {
	switch at(s, 1) {
	case "index":
		p.is(write, 0)
		return
	case "data", "xml":
	default:
		p.unknown()
		return
	}
	p.is(write, dialect.Sequence)
	table := find(s, 2, "table")
	end := qualified(s, table+1)
	if end <= table+1 || at(s, table-1) != "into" {
		p.unknown()
		return
	}
	p.target(&s[end-1])
	for i := end; i < len(s); i++ {
		if s[i].kind == variable {
			p.undo(dialect.UserVariable, p.variableName(&s[i]))
		}
	}
	p.names(s[end:])
	set := find(s, end, "set")
	for set < len(s) && (at(s, set-1) == "character" || at(s, set-1) == "char") {
		set = find(s, set+1, "set")
	}
	p.scan(s[set:])
}
