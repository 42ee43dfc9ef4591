package endpoint

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/gopooled/pooled/internal/gate"
)

// A dial does not end with its borrower. If it did, borrowers who have less time than a dial takes would dial for ever: each would cut its
// own dial short, and no connection would ever come to be, of a server that is well. So the dial is a goroutine's of the endpoint. The
// connection of one whose borrower has gone goes to the next in line, or becomes idle, and the permit stays with the dial until then.

// grace is for how long a dial goes on when its borrower has gone. A server that is well answers in much less, even when it is busy or far
// away. Of one that is silent nobody knows whether it ever answers, and as long as permits and turns wait for that, they are missing to
// others: when a network heals that was a black hole, a new dial succeeds at once, while one from before repeats what was lost
// only after 1 s, 3 s, 7 s.
const grace = time.Second

// detached is a dial on a goroutine of its own.
type detached struct {
	ctx   context.Context
	end   context.CancelCauseFunc
	ended chan dialled  // has no buffer: the result is the borrower's only if it was there to take it
	left  chan struct{} // closed when the borrower goes away

	permit gate.Permit // that the borrower has left it
}

// dialled is how a dial ended.
type dialled struct {
	conn     *Conn
	err      error
	panicked any
}

// dialDetached begins a dial for a borrower that may go away before it ends; nil: the endpoint is closed.
func (e *Endpoint) dialDetached(r *Request) *detached {
	limited, cancel := until(context.WithoutCancel(r.ctx), e.limit(r))
	ctx, end := e.severable(limited)
	d := &detached{ctx: ctx, end: end, ended: make(chan dialled), left: make(chan struct{})}
	running := e.Background(func(context.Context) {
		defer cancel()
		e.run(d)
	})
	if !running {
		end(nil)
		cancel()
		return nil
	}
	return d
}

// run dials, and hands the result over: to the borrower, or if it has gone to whoever comes next.
func (e *Endpoint) run(d *detached) {
	defer e.endTurn()
	result := dialled{err: errNoConn} // of a middleware that ends the goroutine
	defer func() {
		if p := recover(); p != nil { // the borrower gets the panic, but not the stack
			result.panicked = p
			e.Logger.Error("pooled: panic while a connection was dialled", "endpoint", e.info.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		d.end(nil)
		select {
		case d.ended <- result:
		case <-d.left:
			if result.conn == nil {
				e.gate.Leave(d.permit)
			} else {
				result.conn.permit = d.permit
				e.passOnNew(result.conn)
			}
			e.line.endDial(e.now())
		}
	}()
	result.conn, result.err = e.connectOnce(d.ctx)
}
