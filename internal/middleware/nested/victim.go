package nested

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/middleware"
)

// endDeadlock refuses one of those who wait in a deadlock. What it gives back is for the others, and not for whoever comes and may do the same again.
func (n *Nested) endDeadlock(s *suspicion) {
	var all []Holding
	for _, holdings := range s.full {
		all = append(all, holdings...)
	}
	slices.SortFunc(all, byConn)
	first := n.victim(s, all)
	server := n.Servers[first.server]
	limit := server.MaxConns()
	deadlock := &middleware.DeadlockError{
		Endpoint: server.Endpoint, MaxConns: limit, Kept: max(0, limit-len(s.full[first.server])), Waited: time.Since(first.since),
		Cycle: []held.Nested{n.describe(first.goroutine, all, first)},
	}
	told := map[uint64]bool{first.goroutine: true}
	for _, h := range all {
		if !told[h.Goroutine] {
			told[h.Goroutine] = true
			deadlock.Cycle = append(deadlock.Cycle, n.describe(h.Goroutine, all, s.waiting[h.Goroutine]))
		}
	}
	for server := range s.full {
		n.Servers[server].KeepOne()
	}
	first.refuse(deadlock)
}

// candidate is one who may be refused.
type candidate struct {
	*waiting
	ends time.Time // when it fails anyway, as its wait or what it holds ends; zero: never
}

// victim returns who is refused: the one that would fail first anyway. Where there is no deadline, it is one whose wait somebody may have meant to cancel, and of those
// the one that came last, which has least to lose.
func (n *Nested) victim(s *suspicion, all []Holding) *waiting {
	var those []candidate
	for i := range all {
		h := &all[i]
		if w := s.waiting[h.Goroutine]; w != nil {
			those = append(those, candidate{w, earlier(n.ends(w), deadline(h.ends()))})
		}
	}
	return slices.MinFunc(those, func(a, b candidate) int {
		return cmp.Or(
			compareEnds(a.ends, b.ends),
			-compareBools(a.ctx.Done() != nil, b.ctx.Done() != nil),
			-a.since.Compare(b.since),
			-cmp.Compare(a.goroutine, b.goroutine),
		)
	}).waiting
}

// ends is when a wait ends by itself; zero: never.
func (n *Nested) ends(w *waiting) time.Time {
	ends := deadline(w.ctx)
	if timeout := n.Servers[w.server].Timeout; timeout > 0 {
		ends = earlier(ends, w.since.Add(timeout))
	}
	return ends
}

// deadline is that of a context; zero: it has none.
func deadline(ctx context.Context) time.Time {
	if ctx == nil {
		return time.Time{}
	}
	at, _ := ctx.Deadline()
	return at
}

// earlier returns the earlier one of two times, of which zero is never.
func earlier(a, b time.Time) time.Time {
	if compareEnds(a, b) <= 0 {
		return a
	}
	return b
}

// compareEnds compares times of which zero is never.
func compareEnds(a, b time.Time) int {
	if a.IsZero() || b.IsZero() {
		return compareBools(a.IsZero(), b.IsZero())
	}
	return a.Compare(b)
}

// compareBools has false come first.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}
