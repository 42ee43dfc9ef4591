package leak

import "sync/atomic"

// Stats counts connections that were held and not used for pool_leak.
type Stats struct {
	// Reported counts them, each borrow once.
	Reported uint64
	// Orphaned counts those of them whose borrower's goroutine had ended.
	Orphaned uint64
	// Returned counts those that were given back after all.
	Returned uint64
	// Reclaimed counts those that were taken away (pool_leak_reclaim).
	Reclaimed uint64
}

type counters struct{ reported, orphaned, returned, reclaimed atomic.Uint64 }

// Stats takes a snapshot.
func (l *Leak) Stats() Stats {
	return Stats{
		Reported:  l.counters.reported.Load(),
		Orphaned:  l.counters.orphaned.Load(),
		Returned:  l.counters.returned.Load(),
		Reclaimed: l.counters.reclaimed.Load(),
	}
}
