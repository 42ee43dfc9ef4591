package serverconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// cancelTimeout is how long a server has to end a statement that was cancelled. Then the connection is given up.
const cancelTimeout = time.Second

// watch waits for the end of a caller's context, in place of a real driver that would close the connection then, and has the statement
// ended on the server, from another connection.
type watch struct {
	stop     func() bool        // stops waiting for the context, and reports false if that has ended
	giveUp   context.CancelFunc // ends the context that the real driver has
	told     bool               // the server was asked to end the statement; to be read when done is closed
	returned chan struct{}      // closed when the statement and its rows are over
	over     func()             // closes it
	done     chan struct{}      // closed when nothing will be sent any more because of the context
}

// beginWatch returns the context for the real driver. Rows outlive their call: what is watched is watched until settle or unwatch.
func (c *Conn) beginWatch(ctx context.Context) context.Context {
	if c.cancel == nil || ctx.Done() == nil || ctx.Err() != nil {
		return ctx
	}
	detached, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	w := &watch{giveUp: giveUp, returned: make(chan struct{}), done: make(chan struct{})}
	w.over = sync.OnceFunc(func() { close(w.returned) })
	w.stop = context.AfterFunc(ctx, func() {
		defer close(w.done)
		limit, cancel := context.WithTimeout(context.Background(), cancelTimeout)
		defer cancel()
		for pause := dialect.CancelPause; ; pause *= 2 {
			if c.awaitsServer() {
				w.told = true
				if c.cancel(limit) != nil {
					giveUp()
					return
				}
			}
			select {
			case <-w.returned:
				return
			case <-limit.Done():
				giveUp()
				return
			case <-time.After(pause):
			}
		}
	})
	c.watched = w
	return detached
}

// awaitsServer reports whether the real driver waits for an answer, or may. In a transaction the rows of a statement can be over without anybody
// having said so, and their context ends right afterwards where it is a function's own.
func (c *Conn) awaitsServer() bool { return c.socket == nil || c.socket.Reading() }

// Unwatch says that the connection is given back. It does not block: what is on its way to the server is waited for by Settle.
func (c *Conn) Unwatch() {
	w := c.watched
	switch {
	case w == nil:
	case w.stop():
		w.giveUp()
		c.watched = nil
	default:
		w.over()
	}
}

// Settle waits until nothing is on its way that could end the next statement. It is called before that. It reports whether the server
// was asked to end the one before.
func (c *Conn) Settle() (ended bool) {
	w := c.watched
	if w == nil {
		return false
	}
	c.watched = nil
	if !w.stop() {
		w.over()
		<-w.done
		if ended = w.told; ended {
			c.absorb()
		}
	}
	w.giveUp()
	return ended
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
	if errors.Is(err, context.Canceled) || c.cfg.Dialect.Classify(err).Has(dialect.Cancelled) {
		return ctx.Err()
	}
	return err
}
