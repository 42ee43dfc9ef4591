package serverconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// cancelTimeout is how long a server has to end a statement that was cancelled. Then the connection is given up.
const cancelTimeout = time.Second

// watch waits for the end of a caller's context, in place of a real driver that would close the connection then, and has the statement
// ended on the server, from another connection. The real driver gets a context that does not end, so that it has nothing to watch itself, which
// would cost it the switch to another goroutine. If the server does not end the statement in time, its connection is closed.
type watch struct {
	conn     *Conn
	run      func()             // its end method; as a method value it would be made anew for each call
	given    endless            // what the real driver gets
	stop     func() bool        // stops waiting for the context, and reports false if that has ended
	giveUp   context.CancelFunc // ends the context that the real driver has, where its socket is not known; else nil
	rows     driver.Rows        // of the statement; nil: there are none yet
	reading  atomic.Bool        // there are
	told     atomic.Bool        // the server is asked to end the statement
	ended    bool               // the real driver said that the server has done so
	hungUp   bool               // the socket was closed; to be read when done is closed
	isOver   bool               // the statement and its rows are
	returned chan struct{}      // closed when they are over
	done     chan struct{}      // closed when nothing will be sent any more because of the context
}

// endless is a context that has a caller's values and does not end. It is part of the watch, so that a call does not allocate it: the real driver
// does not keep the context of a statement.
type endless struct{ context.Context }

func (endless) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
func (endless) Done() <-chan struct{}                   { return nil }
func (endless) Err() error                              { return nil }

// beginWatch returns the context for the real driver. Rows outlive their call: what is watched is watched until they are closed.
func (c *Conn) beginWatch(ctx context.Context) context.Context {
	if c.cancel == nil || ctx.Done() == nil || ctx.Err() != nil {
		return ctx
	}
	w := c.rested
	if w == nil {
		w = &watch{conn: c, returned: make(chan struct{}), done: make(chan struct{})}
		w.run = w.end
	}
	w.given.Context = ctx
	var given context.Context = &w.given
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
	pause := dialect.CancelPause
	for asks := !w.reading.Load(); ; asks = true { // database/sql closes rows that are open by itself, and the statement may be over
		if asks {
			w.told.Store(true) // before: what comes from now on may be made up
			if err := w.conn.cancel(limit); err != nil {
				w.abandon(err)
				return
			}
		}
		select {
		case <-w.returned:
			return
		case <-limit.Done():
			w.abandon(nil)
			return
		case <-time.After(pause):
		}
		if asks {
			pause *= 2
		}
	}
}

// abandon closes the connection of a statement that the server has not ended; refused is why it would not, nil: it did not say.
func (w *watch) abandon(refused error) {
	select {
	case <-w.returned: // just in time
		return
	default:
	}
	if f := w.conn.cfg.Refused; f != nil && refused != nil {
		f(refused)
	}
	if w.giveUp != nil {
		w.giveUp()
		return
	}
	w.hungUp = true
	_ = w.conn.socket.Close() // the real driver is told
}

// watchRows has the statement watched until its rows are closed, and returns what the caller reads them from.
func (c *Conn) watchRows(real driver.Rows) driver.Rows {
	w := c.watched
	if c.cfg.Rows != nil {
		w.rows = c.cfg.Rows(real, c)
	}
	if w.rows == nil { // nobody would say that they are over
		c.Unwatch()
		return real
	}
	w.reading.Store(true)
	return w.rows
}

// Read implements [dialect.RowsWatch]. What comes after the server was asked to end the statement may be made up: SLEEP returns 1 then, and
// GET_LOCK returns NULL.
func (c *Conn) Read(rows driver.Rows, err error) error {
	for _, w := range [...]*watch{c.watched, c.cut} {
		if w != nil && w.rows == rows && w.told.Load() {
			w.hear(err)
			return c.cfg.contextError(w.given.Context)
		}
	}
	return err
}

// Closed implements [dialect.RowsWatch].
func (c *Conn) Closed(rows driver.Rows, err error) {
	if w := c.watched; w != nil && w.rows == rows {
		w.hear(err)
		c.Unwatch()
	}
}

// hear takes down what the real driver said of the statement.
func (w *watch) hear(err error) {
	if err != nil && w.conn.cfg.Dialect.Classify(err).Has(dialect.Cancelled) {
		w.ended = true
	}
}

// Uncertain reports whether, since the last Begin, a statement was to be ended that may have been executed all the same. Its caller was told that it
// was cancelled.
func (c *Conn) Uncertain() bool { return c.uncertain }

// Unsent reports whether the context of the last statement had ended before the real driver was called, which then sent nothing.
func (c *Conn) Unsent() bool { return c.unsent }

// Unwatch says that the statement and its rows are over. It does not block: what is on its way to the server is waited for by Settle.
func (c *Conn) Unwatch() {
	if c.watched != nil && !c.stopWatch() {
		c.watched.finish()
	}
}

// Settle waits until nothing is on its way that could end the next statement. It is called before that. It reports whether the server
// was asked to end the one before.
func (c *Conn) Settle() (told bool) {
	w := c.watched
	if w == nil || c.stopWatch() {
		return false
	}
	open := w.rows != nil && !w.isOver
	c.watched = nil
	w.finish()
	<-w.done
	told = w.told.Load()
	c.uncertain = c.uncertain || told && !w.ended
	switch {
	case w.hungUp:
		c.hungUp, c.failed = true, true
	case told && open: // what is left of them stands before the next answer
		c.failed, c.cut = true, w
	case told:
		c.absorb()
	}
	if w.giveUp != nil {
		w.giveUp()
	}
	return told
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
	w.stop, w.giveUp, w.given, w.rows = nil, nil, endless{}, nil // which hold the context
	w.reading.Store(false)
	w.ended = false
	c.watched, c.rested = nil, w
	return true
}

// finish says, once, that the statement and its rows are over.
func (w *watch) finish() {
	if !w.isOver {
		w.isOver = true
		close(w.returned)
	}
}

// absorb runs a statement that may be ended in place of the one that was meant, if that was over already. Only a call that was cancelled costs that,
// so nobody asks for its warnings or for the number of its rows.
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

// outcome takes the error of a call of the real driver into account and returns what its caller is told.
func (c *Conn) outcome(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if c.untouched(ctx, err) {
		return c.cfg.contextError(ctx)
	}
	return c.cancelled(ctx, c.note(err))
}

// cancelled returns what the real driver would answer for a context that has ended, in place of the server's word that a statement was cancelled. A
// driver that notices by itself has its own answer.
func (c *Conn) cancelled(ctx context.Context, err error) error {
	if err == driver.ErrSkip || ctx.Err() == nil || !c.cfg.Dialect.Classify(err).Has(dialect.Cancelled) {
		return err
	}
	return c.cfg.contextError(ctx)
}

// ContextError is what the real driver answers when a context has ended a call.
func (c *Conn) ContextError(ctx context.Context) error { return c.cfg.contextError(ctx) }

// contextError is what the real driver answers when a context ends its call.
func (c *Config) contextError(ctx context.Context) error {
	if c.ContextError != nil {
		return c.ContextError(ctx.Err())
	}
	return ctx.Err()
}
