package endpoint

import "sync/atomic"

// recent keeps the connection that was given back last, without giving it back to the inner pool. Most borrowers find one there, which
// saves them half of what the pool layer costs: the inner pool's locks, its clock, and its sql.Conn. The inner pool goes on counting the
// connection as in use. For everybody else it is an idle connection like others: it is maintained, and closed when it is too old or not needed.
type recent struct{ conn atomic.Pointer[Conn] }

// noRecent is there in an endpoint that is closed.
var noRecent Conn

// put leaves a connection, and returns the one that has to go to the inner pool instead: what was at hand, if anything, so that the connection that was
// used last is always the next to be used.
func (r *recent) put(c *Conn) (spilled *Conn) {
	for {
		old := r.conn.Load()
		if old == &noRecent {
			return c
		}
		if r.conn.CompareAndSwap(old, c) {
			return old
		}
	}
}

// take returns nil if there is none. It never misses one for another that comes at the same moment: whoever has a permit and finds nothing here must
// find something in the inner pool, or there is room for a new connection.
func (r *recent) take() *Conn {
	for {
		c := r.conn.Load()
		if c == nil || c == &noRecent {
			return nil
		}
		if r.conn.CompareAndSwap(c, nil) {
			return c
		}
	}
}

// close returns what was left. Nothing can be put there from now on.
func (r *recent) close() *Conn {
	c := r.conn.Swap(&noRecent)
	if c == &noRecent {
		return nil
	}
	return c
}

// open lets connections be put there again.
func (r *recent) open() { r.conn.CompareAndSwap(&noRecent, nil) }

// remove takes this connection away, and reports whether it was there.
func (r *recent) remove(c *Conn) bool { return r.conn.CompareAndSwap(c, nil) }
