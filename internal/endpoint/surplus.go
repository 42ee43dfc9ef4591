package endpoint

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"
)

// windowLength and windows are how long the pool remembers how many connections nobody needed: about a minute.
const (
	windowLength = 10 * time.Second
	windows      = 6
)

// trimmed is the share of the surplus that is closed at each look: the rest goes gradually, as the next burst may come.
const trimmed = 8

// surplus knows how many idle connections nobody has needed lately: as many as were always left when one was borrowed. The zero value is ready to use.
type surplus struct {
	least atomic.Int64 // the fewest that were idle in this window

	// What follows belongs to the goroutine that maintains.
	past [windows]int64 // the fewest in earlier windows
	next int64          // stamp: when this window ends
}

// note takes down how many connections are left idle when one was borrowed. Of two borrowers at the same moment one may be overheard.
func (s *surplus) note(idle int64) {
	if idle < s.least.Load() {
		s.least.Store(idle)
	}
}

// size is how many connections nobody has needed for all of the time that is remembered.
func (s *surplus) size(now, idle int64) int {
	if now >= s.next {
		s.next = now + int64(windowLength)
		copy(s.past[1:], s.past[:])
		s.past[0] = s.least.Swap(idle)
	}
	return int(max(0, min(slices.Min(s.past[:]), s.least.Load(), idle)))
}

// less says that so many of them were closed.
func (s *surplus) less(n int) {
	for i := range s.past {
		s.past[i] -= int64(n)
	}
	s.least.Add(-int64(n))
}

// trim closes some of the connections that nobody has needed lately, those first that have been idle for longest.
func (e *Endpoint) trim() {
	n := e.surplus.size(e.now(), e.idle.Load())
	n = min(n, int(e.idle.Load())-e.pool.MinIdleConns)
	if n <= 0 {
		return
	}
	type idle struct {
		conn  *Conn
		since int64
	}
	var all []idle
	e.eachIdle(func(c *Conn) (maintained bool) {
		all = append(all, idle{c, c.idleSince})
		return false
	})
	slices.SortFunc(all, func(a, b idle) int { return cmp.Compare(a.since, b.since) })
	closed := 0
	for _, i := range all[:min(len(all), (n+trimmed-1)/trimmed)] {
		if !i.conn.look() {
			continue // somebody needs it after all
		}
		if i.conn.idleSince == i.since {
			e.closeIdle(i.conn, idleLimit)
			closed++
		}
		i.conn.rest()
	}
	e.surplus.less(closed)
}
