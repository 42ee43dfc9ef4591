package my

import "github.com/gopooled/pooled/dialect"

// transaction is a statement that begins, ends or divides a transaction, or starts a replica.
func (p *parser) transaction(s []token) {
	switch at(s, 0) {
	case "begin":
		// Anything but WORK begins a block of statements.
		if len(s) > 2 || len(s) == 2 && at(s, 1) != "work" {
			p.unknown()
			return
		}
		p.is(txControl, dialect.OpenTx)
	case "start":
		p.start(s)
	case "commit", "rollback":
		p.is(txControl, 0)
		if chain := find(s, 1, "chain"); chain < len(s) && at(s, chain-1) != "no" {
			p.is(txControl, dialect.OpenTx)
		}
		if release := find(s, 1, "release"); release < len(s) && at(s, release-1) != "no" { // the server ends the connection, after it has answered
			p.costs("ends its connection (RELEASE)")
			p.is(txControl, dialect.Permanent)
		}
	case "savepoint", "release":
		p.is(txControl, 0)
	case "xa":
		p.xa(s)
	}
}

// isPlain reports whether the statement is one whose doings are all part of the transaction that it runs in, as far as it does not call others, and
// its tables know transactions.
func isPlain(s []token) bool {
	switch at(s, 0) {
	case "select", "values", "table", "with", "insert", "replace", "update", "delete", "savepoint", "release":
		return true
	case "rollback":
		return find(s, 1, "to") < len(s)
	}
	return isMark(s, 0, '(')
}

// start is START TRANSACTION, or starts a replica or a plugin.
func (p *parser) start(s []token) {
	switch at(s, 1) {
	case "transaction":
		p.is(txControl, dialect.OpenTx)
	case "slave", "replica", "all", "group_replication":
		p.is(write, 0)
	default:
		p.unknown()
	}
}

// xa is a statement of a distributed transaction. Until it is prepared and finished, which may be never, its session is bound to it, and refuses a plain
// ROLLBACK.
func (p *parser) xa(s []token) {
	switch at(s, 1) {
	case "start", "begin":
		p.is(txControl, 0)
		p.undo(dialect.OpenTx, "xa")
	case "end", "prepare", "commit", "rollback", "recover":
		p.is(txControl, 0)
	default:
		p.unknown()
	}
}
