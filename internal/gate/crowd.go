package gate

import "time"

// crowd knows whether more come than can be served. It goes, as CoDel does, not by how long the queue is, which any burst makes it, but by whether it stands: it is
// too long while somebody has waited for longer than a target, and when that has lasted for an interval there is a crowd. It is over when nobody had to be refused
// for an interval, or in a gate that refuses nobody as soon as the queue is short enough.
//
// CoDel was made for packets. Its 5 ms and 100 ms would refuse calls to a database that is merely slow, so target and interval follow the time for which permits are
// held, unless they are set. The time in which a server stands still does not count, up to the longest interval: its
// callers may all be served when it goes on.
type crowd struct {
	target   int64 // nanoseconds; negative: by how long permits are held
	interval int64 // as target

	each    int64   // from one admission of a waiter to the next, in nanoseconds, on average; 0: nobody knows
	last    int64   // stamp: of the last admission, or of when the queue began
	came    int     // waiters since then
	rate    float64 // waiters that come for one that is admitted, on average
	since   int64   // stamp: since when the queue is too long; 0: it is not
	moved   int64   // stamp: when the server went on that had stood still
	refused int64   // stamp: when somebody was refused last
	over    bool    // there is a crowd
	sheds   bool    // it is shortened; does not change
}

// The target and the interval are so many times as long as permits are held, within limits.
const (
	targetHolds      = 2
	stillHolds       = 3
	intervalHolds    = 20
	shortestInterval = int64(100 * time.Millisecond)
	longestInterval  = int64(2 * time.Second)
)

// So many may wait in any crowd, and so many if not many more come than are served, so that there is somebody for each permit that comes back.
const (
	fewest = 4
	some   = 8
)

// arrived says that there is one more waiter than so many.
func (c *crowd) arrived(now int64, waiting int) {
	if waiting == 0 {
		c.last = now
	}
	c.came++
}

// still is for how long nobody has been admitted, if that is much longer than permits are held: the server stands still.
func (c *crowd) still(now, hold int64) int64 {
	if d := now - c.last; d > stillHolds*hold {
		return min(d, longestInterval)
	}
	return 0
}

// admitted says that a waiter has a permit, which are held for so long.
func (c *crowd) admitted(now, hold int64) {
	if still := c.still(now, hold); still > 0 {
		c.moved = now
		if c.since != 0 {
			c.since = min(now, c.since+still)
		}
	}
	d := now - c.last
	if c.each == 0 {
		c.each = d
	}
	c.each += (d - c.each) / 16
	c.rate += (float64(c.came) - c.rate) / 32
	c.last, c.came = now, 0
}

// pace is how long it takes from one admission to the next.
func (c *crowd) pace(now int64) int64 { return max(1, c.each, now-c.last) }

// patience is for how long the queue may be too long, where permits are held for so long.
func (c *crowd) patience(hold int64) int64 {
	if c.interval >= 0 {
		return c.interval
	}
	return min(max(intervalHolds*hold, shortestInterval), max(longestInterval, 2*hold))
}

// look looks at a queue for permits that are held for so long (0: nobody knows), of which the oldest waits since then; 0: there is nobody.
func (c *crowd) look(now, oldest, hold int64) {
	target := c.target
	if target < 0 {
		target = targetHolds * hold
	}
	switch {
	case oldest == 0 || now-oldest <= target || hold == 0 && (c.target < 0 || c.interval < 0):
		c.since = 0
	case c.since == 0:
		c.since = max(oldest+target, c.moved)
	}
	switch {
	case !c.over:
		c.over = c.since != 0 && c.lasted(now, hold) >= c.patience(hold)
		c.refused = now
	case c.since == 0 && now-c.refused >= c.patience(hold):
		c.over = false
	}
}

// lasted is for how long the queue has been too long.
func (c *crowd) lasted(now, hold int64) int64 {
	if c.since == 0 {
		return 0
	}
	return max(0, now-c.since-c.still(now, hold))
}

// pressure is for which part of the interval it has been so; 1: there is a crowd.
func (c *crowd) pressure(now, hold int64) float64 {
	if c.over {
		return 1
	}
	return min(1, float64(c.lasted(now, hold))/float64(max(1, c.patience(hold))))
}

// most is how many may wait in a crowd: as many as are served in the target's time, and the fewer the more come, as there is always somebody then.
func (c *crowd) most(now int64, permits int) int {
	n := float64(max(some, permits))
	if c.target >= 0 {
		n = max(some, float64(c.target/c.pace(now)))
	}
	return max(fewest, int(n/max(1, c.rate-0.5)))
}
