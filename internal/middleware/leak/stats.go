package leak

import (
	"sync/atomic"

	"github.com/gopooled/pooled/stats"
)

type counters struct{ reported, orphaned, returned, reclaimed atomic.Uint64 }

// Stats takes a snapshot.
func (l *Leak) Stats() stats.Leak {
	return stats.Leak{
		Reported:  l.counters.reported.Load(),
		Orphaned:  l.counters.orphaned.Load(),
		Returned:  l.counters.returned.Load(),
		Reclaimed: l.counters.reclaimed.Load(),
	}
}
