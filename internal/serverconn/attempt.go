package serverconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// attempt runs a call of the real driver, and once more if it met a stale prepared statement that could be replaced. st is
// the statement that is run, nil for statement text. When attempt returns, the arguments are as the caller gave them:
// checking converts them in place, but the second run and the middlewares need the originals. rows says that the result is rows, for
// which the context counts until they are closed.
func attempt[Result any](ctx context.Context, c *Conn, st *Stmt, text string, args []driver.NamedValue, rows bool, run func(ctx context.Context) (Result, error)) (Result, error) {
	c.Settle()
	ended := ctx.Err()
	c.count(st, text, args, rows)
	watched := c.beginWatch(ctx)
	c.saveArgs(args)
	sent := c.beforeSending()
	res, err := run(watched)
	if err != nil && c.heals(err, st, text) {
		c.healed = &Healed{time.Now(), err}
		c.restoreArgs(args)
		res, err = run(watched)
	}
	c.restoreArgs(args)
	clear(c.given)
	told := false
	switch {
	case c.watched == nil:
	case rows && err == nil && !c.watched.told.Load():
		res = any(c.watchRows(any(res).(driver.Rows))).(Result)
	default:
		if rows && err == nil {
			err = any(res).(driver.Rows).Close() // what they say may be made up
		}
		c.watched.hear(err)
		told = c.Settle()
	}
	c.unsent = ended != nil && err == ended
	if err != nil && !c.untouched(ctx, err) && sent.doubtful(c, err) {
		c.failed = true
		err = dialect.ErrOutcomeUnknown
	}
	err = c.outcome(ctx, err)
	if told { // also after a success, such as that of SLEEP, and after an error that what was made up may have caused
		var none Result
		return none, c.cfg.contextError(ctx)
	}
	return res, err
}

func (c *Conn) saveArgs(args []driver.NamedValue) { c.given = append(c.given[:0], args...) }

func (c *Conn) restoreArgs(args []driver.NamedValue) { copy(args, c.given) }

// heals makes a call that met a stale prepared statement ready to run once more, and reports whether it may: the statement is
// forgotten in any case, but it runs again only outside a transaction, and only where the server cannot have executed anything: of several
// statements it may have executed the first ones, and EXECUTE computes its arguments before it looks at what was prepared.
func (c *Conn) heals(err error, st *Stmt, text string) bool {
	if err == driver.ErrSkip || !c.cfg.Dialect.Classify(err).Has(dialect.StaleStatement) {
		return false
	}
	c.cache.forget(text)
	if st != nil { // it may be one that the cache does not hold
		st.close()
	}
	return c.cfg.Plain != nil && c.cfg.Plain(text) && c.cfg.Dialect.State(c.real) == dialect.StateIdle
}

// note remembers that the connection is dead if err says so, and returns err as it is.
func (c *Conn) note(err error) error {
	if err == nil || err == driver.ErrSkip {
		return err
	}
	class := c.cfg.Dialect.Classify(err)
	c.seen |= class
	if class.Has(dialect.Dead) || errors.Is(err, driver.ErrBadConn) {
		c.failed = true
	}
	if c.cfg.Advise != nil && !c.silent {
		c.cfg.Advise(err)
	}
	return err
}

// sending is what was known of a connection before a call.
type sending struct {
	writes uint64
	closed bool // that is known without a socket as well
}

// beforeSending notes how much has been sent.
func (c *Conn) beforeSending() sending {
	switch {
	case c.socket != nil:
		return sending{writes: c.socket.Writes()}
	case c.cfg.Traits.DoubtBadConn:
		return sending{closed: c.State() == dialect.StateClosed}
	default:
		return sending{}
	}
}

// doubtful reports whether the driver says that nothing was sent, and something may have been.
func (s sending) doubtful(c *Conn, err error) bool {
	if !c.cfg.Traits.DoubtBadConn || !errors.Is(err, driver.ErrBadConn) {
		return false
	}
	if c.socket != nil {
		return c.socket.Writes() != s.writes
	}
	return !s.closed
}
