package router

import (
	"sync"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/middleware"
)

// unsettled are the calls that have returned, and may write and commit later: the rows of an INSERT are still being read, or the caller uses the real
// connection. What they commit is answered by the server, so whoever can know of it comes after bytes have moved on their network connection: a
// look at those tells whether the moment is to be marked anew. The zero value is ready to use.
type unsettled struct {
	n     atomic.Int64 // how many there are: most programs have none at most times
	mu    sync.Mutex   // guards what follows
	calls []unsettledCall
}

type unsettledCall struct {
	open   bool
	socket *dialect.Socket // nil: nothing is known, and it may commit at any time
	moves  uint64          // of the socket, at the last look
	says   routecontext.Says
}

// settleLater marks the moment, and those at which the call under way may commit, until its rows are over or its caller has done with the
// connection.
func (r *Router) settleLater(says routecontext.Says, s middleware.Session) {
	if !r.marks() {
		return
	}
	call := unsettledCall{open: true, socket: s.Socket(), says: says}
	call.look() // before the moment is marked
	i := r.unsettled.add(call)
	r.noteWrite(says)
	s.AfterRows(func() {
		r.unsettled.remove(i)
		r.noteWrite(says)
	})
}

// look reports whether the call may have committed since the last look.
func (c *unsettledCall) look() bool {
	if c.socket == nil {
		return true
	}
	before := c.moves
	c.moves = c.socket.Moves()
	return c.moves != before
}

func (u *unsettled) add(call unsettledCall) (i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n.Add(1)
	for i = range u.calls {
		if !u.calls[i].open {
			u.calls[i] = call
			return i
		}
	}
	u.calls = append(u.calls, call)
	return len(u.calls) - 1
}

func (u *unsettled) remove(i int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls[i] = unsettledCall{}
	u.n.Add(-1)
}

// markUnsettled marks the moment for calls that may have committed by now.
func (r *Router) markUnsettled() {
	if r.unsettled.n.Load() == 0 {
		return
	}
	r.unsettled.mu.Lock()
	defer r.unsettled.mu.Unlock()
	for i := range r.unsettled.calls {
		if c := &r.unsettled.calls[i]; c.open && c.look() {
			r.noteWrite(c.says)
		}
	}
}
