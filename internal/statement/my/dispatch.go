package my

import "github.com/gopooled/pooled/dialect"

// statement classifies one statement by its first word.
func (p *parser) statement(s []token) {
	if !balanced(s) {
		p.giveUp(unbalanced)
		return
	}
	p.verb = at(s, 0)
	switch p.verb {
	case "select", "values", "table":
		p.query(s)
	case "with":
		p.with(s)
	case "insert", "replace":
		p.insert(s)
	case "update":
		p.update(s)
	case "delete":
		p.delete(s)
	case "load":
		p.load(s)
	case "set":
		p.set(s)
	case "show":
		p.show(s)
	case "explain", "describe", "desc":
		p.explain(s)
	case "analyze":
		p.analyze(s)
	case "begin", "start", "commit", "rollback", "savepoint", "release", "xa":
		p.transaction(s)
	case "use", "prepare", "deallocate", "handler", "lock", "unlock", "flush", "backup", "get":
		p.session(s)
	case "create", "alter", "drop", "rename":
		p.define(s)
	case "truncate", "grant", "revoke", "shutdown", "restart", "reset", "change", "stop", "uninstall", "optimize",
		"repair", "check", "checksum", "cache", "import", "clone":
		p.is(write, 0)
	case "do", "kill", "purge", "signal", "install":
		p.is(write, 0)
		p.scan(s[1:])
	case "help":
		p.is(read, 0)
	case "binlog":
		p.is(write, dialect.Permanent)
	case "call":
		p.callProcedure(s)
	default:
		if isMark(s, 0, '(') {
			p.parenthesised(s)
			return
		}
		// EXECUTE runs what is not in the text; the compound statements of MariaDB have statements within.
		if p.verb != "execute" {
			p.notUnderstood(&s[0])
		}
		p.unknown()
	}
}
