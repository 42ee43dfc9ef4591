package nested

import (
	"sync/atomic"

	"github.com/gopooled/pooled/stats"
)

type counters struct{ nested, deadlocks atomic.Uint64 }

// Stats takes a snapshot of what happened at a server.
func (n *Nested) Stats(server int) stats.Nested {
	c := &n.counters[server]
	return stats.Nested{Nested: c.nested.Load(), Deadlocks: c.deadlocks.Load()}
}
