// Package lately knows how long something has taken lately.
package lately

import (
	"slices"
	"sync/atomic"
)

// Times is what is known of how long something takes, from the last times: to be expected is the shortest but one, and the shortest of all as long as few are
// known, as to expect too little costs less than to expect too much. By how much the others differ does not count: a machine that is busy with something else
// makes some last for much too long, and a call that fails at once says as little. The zero value knows nothing and is ready to use. It is
// safe for concurrent use.
type Times struct {
	n    atomic.Uint64 // how many there were
	last [8]atomic.Int64
}

// Note takes down a duration in nanoseconds.
func (t *Times) Note(duration int64) {
	i := t.n.Add(1) - 1
	t.last[i%uint64(len(t.last))].Store(max(1, duration))
}

// Typical returns what is to be expected, in nanoseconds; 0: nobody knows.
func (t *Times) Typical() int64 {
	var all [len(t.last)]int64
	known := all[:0]
	for i := range t.last {
		if d := t.last[i].Load(); d != 0 {
			known = append(known, d)
		}
	}
	if len(known) == 0 {
		return 0
	}
	slices.Sort(known)
	return known[len(known)/len(all)]
}
