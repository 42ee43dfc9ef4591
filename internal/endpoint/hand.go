package endpoint

import "sync/atomic"

// hand keeps the connection that was given back last, without giving it back to the inner pool. Most borrowers find one there, which
// saves them half of what the pool layer costs: the inner pool's locks, its clock, and its sql.Conn. The inner pool goes on counting the
// connection as in use. For everybody else it is an idle connection like others: it is tended, and closed when it is too old or not needed.
type hand struct{ conn atomic.Pointer[Conn] }

// noHand is in the hand of an endpoint that is closed.
var noHand Conn

// put leaves a connection, and returns the one that has to go to the inner pool instead: what was at hand, if anything, so that the connection that was
// used last is always the next to be used.
func (h *hand) put(c *Conn) (spilled *Conn) {
	for {
		old := h.conn.Load()
		if old == &noHand {
			return c
		}
		if h.conn.CompareAndSwap(old, c) {
			return old
		}
	}
}

// take returns nil if there is none. It never misses one for another that comes at the same moment: whoever has a permit and finds nothing here must
// find something in the inner pool, or there is room for a new connection.
func (h *hand) take() *Conn {
	for {
		c := h.conn.Load()
		if c == nil || c == &noHand {
			return nil
		}
		if h.conn.CompareAndSwap(c, nil) {
			return c
		}
	}
}

// close returns what was left. Nothing can be put there from now on.
func (h *hand) close() *Conn {
	c := h.conn.Swap(&noHand)
	if c == &noHand {
		return nil
	}
	return c
}

// open lets connections be put there again.
func (h *hand) open() { h.conn.CompareAndSwap(&noHand, nil) }

// remove takes this connection away, and reports whether it was there.
func (h *hand) remove(c *Conn) bool { return h.conn.CompareAndSwap(c, nil) }
