package my

import "github.com/gopooled/pooled/dialect"

// show is SHOW. Much of what it can show is the server's or the session's own, and not of the data: this is no read for just any
// server.
func (p *parser) show(s []token) {
	switch at(s, 1) {
	case "databases", "schemas", "tables", "full", "columns", "fields", "index", "indexes", "keys", "create", "table",
		"triggers", "procedure", "function", "character", "charset", "collation", "privileges", "grants", "extended", "package":
		p.is(read, 0)
	case "":
		p.unknown()
		return
	case "explain", "analyze": // FOR a connection, whose number may be computed
		p.is(write, 0)
		p.scan(s[2:])
	default:
		p.because("shows one server or session")
		p.is(write, 0)
	}
	if at(s, 2) == "processlist" { // SHOW FULL PROCESSLIST
		p.because("shows one server or session")
		p.is(write, 0)
	}
	where := find(s, 2, "where")
	p.names(s[2:min(where, len(s))])
	p.scan(s[where:])
}

// explain is EXPLAIN, DESCRIBE or DESC: of a statement, which it may run, or of a table. What it explains counts as run, for it
// calls functions in order to plan, and derived tables are run by old servers.
func (p *parser) explain(s []token) {
	i := p.explainOptions(s, 1)
	switch at(s, i) {
	case "select", "values", "table", "with", "insert", "replace", "update", "delete":
		p.statement(s[i:])
		return
	case "for":
		p.because("shows one server or session")
		p.is(write, 0) // FOR CONNECTION: what another session of the same server does
		return
	case "":
		if isMark(s, i, '(') {
			p.statement(s[i:])
			return
		}
	}
	if qualified(s, i) == i {
		p.unknown()
		return
	}
	p.is(read, 0)
	p.names(s[1:i]) // what looked like an option may be the table, and what follows a column
	p.scan(s[i:])
}

// explainOptions deals with the options that begin at position i, and returns where they end.
func (p *parser) explainOptions(s []token, i int) int {
	for {
		switch next := at(s, i); {
		case next == "format" && isMark(s, i+1, '='):
			i += 3
		case next == "into" && isKind(s, i+1, variable):
			p.is(write, 0)
			p.undo(dialect.UserVariable, p.variableName(&s[i+1]))
			i += 2
		case next == "for" && (at(s, i+1) == "schema" || at(s, i+1) == "database"):
			i += 3
		case (next == "extended" || next == "partitions" || next == "analyze") && len(s) > i+1 && !s[i+1].isMark('.'):
			i++
		default:
			return i
		}
	}
}

// analyze is ANALYZE TABLE; or, in MariaDB, it runs a statement.
func (p *parser) analyze(s []token) {
	i := p.explainOptions(s, 1)
	switch at(s, i) {
	case "table", "tables", "local", "no_write_to_binlog":
		p.is(write, 0)
	default:
		if i >= len(s) {
			p.unknown()
			return
		}
		p.statement(s[i:])
	}
}
