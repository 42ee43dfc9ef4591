package serverconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// cancelTimeout is how long a server has to end a statement that was cancelled. Then the connection is given up.
const cancelTimeout = time.Second

// watch waits for the end of a caller's context, in place of a real driver that would close the connection then, and has the statement
// ended on the server, from another connection. The real driver gets a context that does not end, so that it has nothing to watch itself, which
// would cost it the switch to another goroutine. If the server does not end the statement in time, its socket is closed.
type watch struct {
	conn     *Conn
	run      func()             // its end method; as a method value it would be made anew for each call
	stop     func() bool        // stops waiting for the context, and reports false if that has ended
	giveUp   context.CancelFunc // ends the context that the real driver has, where its socket is not known; else nil
	told     bool               // the server was asked to end the statement; to be read when done is closed
	hungUp   bool               // the socket was closed; to be read when done is closed
	isOver   bool               // the statement and its rows are
	returned chan struct{}      // closed when they are over
	done     chan struct{}      // closed when nothing will be sent any more because of the context
}

// beginWatch returns the context for the real driver. Rows outlive their call: what is watched is watched until settle or unwatch.
func (c *Conn) beginWatch(ctx context.Context) context.Context {
	if c.cancel == nil || ctx.Done() == nil || ctx.Err() != nil {
		return ctx
	}
	w := c.rested
	if w == nil {
		w = &watch{conn: c, returned: make(chan struct{}), done: make(chan struct{})}
		w.run = w.end
	}
	given := context.WithoutCancel(ctx)
	if c.socket == nil {
		given, w.giveUp = context.WithCancel(given)
	}
	w.stop = context.AfterFunc(ctx, w.run)
	c.watched, c.rested = w, nil
	return given
}

// end is called when the context has ended.
func (w *watch) end() {
	defer close(w.done)
	limit, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	for pause := dialect.CancelPause; ; pause *= 2 {
		if w.conn.awaitsServer() {
			w.told = true
			if w.conn.cancel(limit) != nil {
				w.abandon()
				return
			}
		}
		select {
		case <-w.returned:
			return
		case <-limit.Done():
			w.abandon()
			return
		case <-time.After(pause):
		}
	}
}

// abandon ends the wait of the real driver for a server that has not ended the statement.
func (w *watch) abandon() {
	select {
	case <-w.returned: // just in time
		return
	default:
	}
	switch {
	case w.giveUp != nil:
		w.giveUp()
	case w.conn.awaitsServer():
		w.hungUp = true
		_ = w.conn.socket.Close() // the real driver is told
	}
}

// awaitsServer reports whether the real driver waits for an answer, or may. In a transaction the rows of a statement can be over without anybody
// having said so, and their context ends right afterwards where it is a function's own.
func (c *Conn) awaitsServer() bool { return c.socket == nil || c.socket.Reading() }

// Unwatch says that the connection is given back. It does not block: what is on its way to the server is waited for by Settle.
func (c *Conn) Unwatch() {
	if c.watched != nil && !c.stopWatch() {
		c.watched.over()
	}
}

// Settle waits until nothing is on its way that could end the next statement. It is called before that. It reports whether the server
// was asked to end the one before.
func (c *Conn) Settle() (ended bool) {
	w := c.watched
	if w == nil || c.stopWatch() {
		return false
	}
	c.watched = nil
	w.over()
	<-w.done
	switch {
	case w.hungUp:
		c.hungUp, c.failed = true, true
	case w.told:
		c.absorb()
	}
	if w.giveUp != nil {
		w.giveUp()
	}
	return w.told
}

// stopWatch lets the watch rest until another context is to be watched. It reports false if this one has ended.
func (c *Conn) stopWatch() bool {
	w := c.watched
	if !w.stop() {
		return false
	}
	if w.giveUp != nil {
		w.giveUp()
	}
	w.stop, w.giveUp = nil, nil // which hold the context
	c.watched, c.rested = nil, w
	return true
}

// over says, once, that the statement and its rows are over.
func (w *watch) over() {
	if !w.isOver {
		w.isOver = true
		close(w.returned)
	}
}

// absorb runs a statement that may be ended in place of the one that was meant, if that was over already.
func (c *Conn) absorb() {
	if c.execer == nil || c.failed {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	if _, err := c.execer.ExecContext(ctx, "do 0", nil); err != nil && !c.cfg.Dialect.Classify(err).Has(dialect.Cancelled) {
		_ = c.note(err)
		c.failed = true // whatever it is, nobody knows what comes next
	}
}

// untouched reports whether a real driver gives a healthy connection up only because the context was done before it sent anything, as pgx
// does with driver.ErrBadConn.
func (c *Conn) untouched(ctx context.Context, err error) bool {
	if !c.cfg.KeepCancelled || ctx.Err() == nil || !errors.Is(err, driver.ErrBadConn) {
		return false
	}
	state := c.State()
	return state == dialect.StateIdle || state == dialect.StateInTx
}

// cancelled makes the error of a statement that ended because the caller's context was done what callers expect of such a
// context.
func (c *Conn) cancelled(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || err == driver.ErrSkip {
		return err
	}
	if c.hungUp || errors.Is(err, context.Canceled) || c.cfg.Dialect.Classify(err).Has(dialect.Cancelled) {
		return ctx.Err()
	}
	return err
}
