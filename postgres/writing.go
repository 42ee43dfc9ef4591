package postgres

import (
	"slices"

	"github.com/gopooled/pooled/dialect"
)

// A function that inserts, updates, deletes or merges does what its tables do when they are written to: their triggers run, their defaults, and what cascades.

// writing begins the name by which a table is reached that is written to, and not only read. No identifier has such a character.
const writing = "\x00"

// write calls f for what is reached when a function writes to the node.
func (n *node) write(f func(name string)) {
	table := func(name string) {
		f(name)
		f(writing + name)
	}
	n.writtenWith(false, table)
	for _, names := range [][]string{n.triggers, n.related} {
		for _, name := range names {
			f(name)
		}
	}
	for i := range n.writes {
		for _, name := range n.writes[i].names {
			f(name)
		}
	}
}

// isUnprovedToWrite reports whether something of what writing to a node does is not proved to leave the session alone, besides what is reached by name.
func (c *catalogue) isUnprovedToWrite(n *node) bool {
	isFunction := func(name string) bool {
		f := c.Nodes[name]
		return f != nil && f.isFunction && !f.isVolatile
	}
	return n.rules || slices.ContainsFunc(n.writes, c.isPerilous) || slices.ContainsFunc(n.triggers, func(name string) bool { return !isFunction(name) })
}

// isNoTable reports whether there is no table of a name, or view, that a function could write to.
func (c *catalogue) isNoTable(name string) bool {
	n := c.Nodes[name]
	return n == nil || !n.isTable
}

// doing is what something that is proved to leave the session alone does besides.
type doing struct {
	numbers bool // it takes numbers from sequences
	defers  bool // it may go on at the end of the transaction
}

// does tells what is done by all that a name reaches.
func (c *catalogue) does(name string) doing {
	return remember(c, whatIsDone, name, func() (d doing) {
		c.anyReached(name, (*node).run, func(reached string, n *node) bool {
			d.numbers = d.numbers || isNumbering(reached)
			if n != nil && reached[:min(1, len(reached))] == writing {
				d.numbers = d.numbers || n.sequence
				d.defers = d.defers || n.defers
			}
			return false
		})
		return d
	})
}

// add adds what something else does.
func (d *doing) add(other doing) {
	d.numbers = d.numbers || other.numbers
	d.defers = d.defers || other.defers
}

// tell adds it to what is said of a statement.
func (d doing) tell(s *dialect.Statement) {
	if d.numbers {
		s.Effects |= dialect.Sequence
	}
	s.Lingers = s.Lingers || d.defers
}

// written is what writing to a table does besides writing.
type written struct {
	exists bool // there is such a table, or a view
	impure bool // triggers, rules or defaults are not proved to leave the session alone
	sees   bool // it may look at what others have left
	loose  bool // what it runs may be no part of the transaction
	doing
}

// table tells what happens when a table is written to, or truncated with CASCADE, its partitions and what cascades from it included.
func (c *catalogue) table(name string, truncates bool) written {
	what := whatIsWritten
	if truncates {
		what = whatIsTruncated
	}
	return remember(c, what, name, func() written {
		var w written
		if n := c.Nodes[name]; n != nil {
			w.exists = n.isTable
		}
		c.anyReached(name, func(n *node, f func(name string)) {
			n.writtenWith(truncates, f)
		}, func(reached string, n *node) bool {
			if n != nil {
				c.addWritten(&w, n)
				w.impure = w.impure || c.isUnproved(reached)
				w.add(c.does(reached))
				w.loose = w.loose || c.isLoose(reached)
				w.sees = w.sees || c.isSeeing(reached)
			}
			return false
		})
		return w
	})
}

// addWritten adds what writing to one table does.
func (c *catalogue) addWritten(w *written, n *node) {
	w.impure = w.impure || n.rules || slices.ContainsFunc(n.related, c.isUnproved)
	w.add(doing{n.sequence, n.defers})
	for _, related := range n.related {
		w.add(c.does(related))
	}
	for _, trigger := range n.triggers {
		w.impure = w.impure || !c.isHarmlessTrigger(trigger)
		w.add(c.does(trigger))
		w.loose = w.loose || c.isLoose(trigger)
		w.sees = w.sees || c.isSeeing(trigger)
	}
	for i := range n.writes {
		s := &n.writes[i]
		w.impure = w.impure || c.isPerilous(*s) || slices.ContainsFunc(s.names, c.isImpure)
		for _, name := range s.names {
			w.add(c.does(name))
		}
		w.loose = w.loose || c.loosens(*s) || slices.ContainsFunc(s.names, c.isLoose)
		w.sees = w.sees || c.showsOthers(*s) || slices.ContainsFunc(s.names, c.isSeeing)
	}
}

// isHarmlessTrigger reports whether a function that a trigger calls is proved to leave the session alone.
func (c *catalogue) isHarmlessTrigger(name string) bool {
	n := c.Nodes[name]
	return n != nil && n.isFunction && !n.isVolatile && !c.isUnproved(name) && !c.isEffective(name)
}

// missingToCall lists the names that the catalogue does not know of what functions write to, of all that some names reach: what is related to a table is read
// with it only if a text names it.
func (c *catalogue) missingToCall(names []string) (missing []string) {
	c.memo.Clear()
	defer c.memo.Clear()
	for _, name := range names {
		missing = append(missing, c.missing(name)...)
	}
	return missing
}
