package nested

import "sync/atomic"

// Stats counts goroutines that took a server connection while they held another one.
type Stats struct {
	// Nested counts the times that one wanted a second connection of the same server, whether it got it or not.
	Nested uint64
	// Deadlocks counts those that got a DeadlockError.
	Deadlocks uint64
}

type counters struct{ nested, deadlocks atomic.Uint64 }

// Stats takes a snapshot of what happened at a server.
func (n *Nested) Stats(server int) Stats {
	c := &n.counters[server]
	return Stats{Nested: c.nested.Load(), Deadlocks: c.deadlocks.Load()}
}
