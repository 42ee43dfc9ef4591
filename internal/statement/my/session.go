package my

import "github.com/gopooled/pooled/dialect"

// session is a statement whose purpose is an effect on the session.
func (p *parser) session(s []token) {
	switch at(s, 0) {
	case "use":
		p.use(s)
	case "prepare":
		p.prepare(s)
	case "deallocate":
		p.is(sessionControl, 0)
	case "handler":
		p.handler(s)
	case "lock":
		p.lock(s)
	case "unlock":
		p.is(write, 0)
	case "flush":
		p.flush(s)
	case "backup": // stages and locks of MariaDB
		p.is(write, dialect.TableLock|dialect.Permanent)
	case "get":
		p.diagnostics(s)
	}
}

// use is USE.
func (p *parser) use(s []token) {
	if len(s) != 2 || s[1].kind != word && s[1].kind != backtick && s[1].kind != double {
		p.unknown()
		return
	}
	p.is(sessionControl, 0)
	p.undo(dialect.Database, p.plain(&s[1]))
}

// prepare is PREPARE name FROM text. It runs nothing of the text, but may call to compute it.
func (p *parser) prepare(s []token) {
	if len(s) < 4 || at(s, 2) != "from" || !s[1].isName() {
		p.unknown()
		return
	}
	p.is(sessionControl, 0)
	p.undo(dialect.SQLPrepare, lower(p.plain(&s[1])))
	p.scan(s[3:])
}

// handler is HANDLER. What it reads depends on where it stands.
func (p *parser) handler(s []token) {
	end := qualified(s, 1)
	if end == 1 {
		p.unknown()
		return
	}
	p.is(write, 0)
	p.names(s[1:end])
	switch at(s, end) {
	case "open":
		name := &s[end-1]
		if last := &s[len(s)-1]; len(s) > end+1 && last.isName() {
			name = last
		}
		p.undo(dialect.Cursor, p.plain(name))
	case "read":
		p.scan(s[end+1:])
	case "close":
	default:
		p.unknown()
	}
}

// lock is LOCK TABLES or LOCK INSTANCE.
func (p *parser) lock(s []token) {
	switch at(s, 1) {
	case "tables", "table":
		p.is(write, dialect.TableLock)
		p.names(s[2:])
	case "instance":
		p.is(write, 0)
		p.undo(dialect.TableLock, "instance")
	default:
		p.unknown()
	}
}

// flush is FLUSH, which can keep a lock.
func (p *parser) flush(s []token) {
	p.is(write, 0)
	for i := range s {
		if w := at(s, i); w == "lock" || w == "export" {
			p.is(write, dialect.TableLock)
		}
	}
}

// diagnostics is GET DIAGNOSTICS, which assigns what it gets.
func (p *parser) diagnostics(s []token) {
	p.is(write, 0)
	p.scan(s[1:])
	for i := range s {
		switch {
		case !isAssignment(s, i):
		case isKind(s, i-1, variable):
			p.undo(dialect.UserVariable, p.variableName(&s[i-1]))
		case !isMark(s, i-2, '.') && s[i-1].isName() && p.isLocal(s[i-1:], 1):
		default:
			p.unknown()
		}
	}
}
