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
	case "savepoint", "release":
		p.is(txControl, 0)
	case "xa":
		p.xa(s)
	}
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

// xa is a statement of a distributed transaction. Until it is prepared and finished, which may be never, its session is bound to it.
func (p *parser) xa(s []token) {
	switch at(s, 1) {
	case "start", "begin":
		p.is(txControl, dialect.OpenTx|dialect.Permanent)
	case "end", "prepare", "commit", "rollback", "recover":
		p.is(txControl, 0)
	default:
		p.unknown()
	}
}
