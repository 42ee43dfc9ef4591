package session

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// rollbackTimeout bounds a rollback whose own context cannot: it has been cancelled, which is why there is a rollback.
const rollbackTimeout = 30 * time.Second

// transaction sends Commit and Rollback through the chain.
type transaction struct {
	session *Session
	real    driver.Tx
	ctx     *txContext
	opts    driver.TxOptions
	outer   *transaction // was open when this one began, and has not ended since; nil: there is none
	ended   bool         // the real driver was asked to end it
	notes   middleware.TxNotes
}

var _ driver.Tx = (*transaction)(nil)

// errTxGone answers the end of a transaction whose connection was given up in the middle, because a call in it panicked: a
// deferred Rollback comes here.
var errTxGone = errors.New("pooled: the transaction ended with its connection, in whose call something panicked")

// late reports whether the call under way comes between the end of a transaction's context and the rollback that database/sql has for it.
//
// Nothing but that rollback may reach the server then. What a caller sends who still has the *sql.Conn would be undone although it had
// succeeded, and on MySQL the next BeginTx would commit what was cancelled. Whether a call is the transaction's own or another one of
// the *sql.Conn, a driver cannot tell.
func (s *Session) late() bool {
	switch t := s.tx; s.call.Op {
	case middleware.Rollback:
		return false
	case middleware.Commit: // database/sql has seen that its own context had not ended
		return t != nil && t.outer.cancelled()
	default:
		return t.cancelled()
	}
}

// cancelled reports whether the context of a transaction has ended, or that of one around it. There is no transaction if t is nil.
func (t *transaction) cancelled() bool {
	for ; t != nil; t = t.outer {
		if t.ctx.caller.Err() != nil {
			return true
		}
	}
	return false
}

// mayHaveBegun reports whether a statement that was interrupted may have left its session in a transaction that the caller does not know of,
// such as a BEGIN that was executed before it could be cancelled: what comes next would seem to succeed, and end with the session.
func (s *Session) mayHaveBegun() bool {
	if s.conn == nil || s.tx != nil || s.conn.Unsent() {
		return false
	}
	switch s.conn.State() {
	case dialect.StateInTx:
		return !s.conn.InTx()
	case dialect.StateUnknown:
		changes := s.conn.Changes()
		return changes.Implicit || changes.Effects&(dialect.OpenTx|dialect.UnknownEffect) != 0
	default:
		return false
	}
}

// spoilt reports whether the call under way must not be sent because of the statement before, whose rows may have been read meanwhile. In a
// transaction, a statement that may have been executed although its caller was told that it was cancelled leaves nothing but the rollback: the
// caller may have tried again.
func (s *Session) spoilt() bool {
	if s.conn == nil {
		return false
	}
	if told := s.conn.Settle(); told && (s.conn.Failed() || s.mayHaveBegun()) {
		s.lost = true
	}
	return s.lost || s.tx != nil && s.conn.Uncertain() && s.call.Op != middleware.Rollback
}

// has reports whether a transaction has not ended.
func (s *Session) has(t *transaction) bool {
	open := s.tx
	for open != nil && open != t {
		open = open.outer
	}
	return open != nil
}

// forget takes a transaction off those that have not ended.
func (s *Session) forget(t *transaction) {
	for open := &s.tx; *open != nil; open = &(*open).outer {
		if *open == t {
			*open = t.outer
			return
		}
	}
}

func (s *Session) begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	txCtx := &txContext{Context: ctx, caller: s.caller}
	real, err := s.conn.Begin(txCtx, opts)
	if err != nil {
		return nil, err
	}
	s.tx = &transaction{session: s, real: real, ctx: txCtx, opts: opts, outer: s.tx}
	return s.tx, nil
}

// Commit ends the transaction.
func (t *transaction) Commit() error { return t.end(t.ctx.caller, middleware.Commit) }

// Rollback ends the transaction, also when its context was cancelled.
func (t *transaction) Rollback() error {
	cancelled := t.ctx.caller.Err() != nil
	cancel := t.ctx.outlive()
	defer cancel()
	err := t.end(t.ctx, middleware.Rollback)
	if cancelled && err != errTxGone && !t.session.conn.KeepsAfterCancel() {
		t.session.lose() // as database/sql does: nobody can say whether the connection is still good
	}
	return err
}

func (t *transaction) end(ctx context.Context, op middleware.Op) error {
	s := t.session
	if !s.has(t) {
		return errTxGone
	}
	c := s.event(op)
	c.TxOptions, s.ending = t.opts, t
	err := s.run(ctx, c)
	s.done()
	s.forget(t)
	if !t.ended || err != nil && s.conn.State() == dialect.StateInTx { // it is still open, and ends with its connection
		s.lose()
		if err == nil {
			err = errNoNext
		}
	}
	return err
}

// lose gives up the server connection that the session holds. It is closed when the session is given back.
func (s *Session) lose() {
	s.conn.Fail()
	s.lost = true
}

func (t *transaction) commit() error {
	t.ended = true
	return t.session.conn.Note(t.ctx, t.real.Commit())
}

func (t *transaction) rollback() error {
	t.ended = true
	return t.session.conn.Note(t.ctx, t.real.Rollback())
}

// txContext is the context that the real driver begins a transaction with. Drivers keep it for the end (pgx does): there a
// cancelled context would make them close a healthy connection instead of rolling back. So it is the caller's until the
// transaction is rolled back, and outlives it then.
type txContext struct {
	context.Context // what the middlewares have made of the caller's, for Begin
	caller          context.Context
	rollback        atomic.Pointer[rollbackContext]
}

type rollbackContext struct{ context.Context }

// outlive detaches the context from the caller's cancellation. The caller's deadline still counts if it is to come, but leaves the
// rollback a second.
func (c *txContext) outlive() context.CancelFunc {
	limit := rollbackTimeout
	if deadline, ok := c.caller.Deadline(); ok && c.caller.Err() == nil {
		limit = min(limit, max(time.Until(deadline), time.Second))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.caller), limit)
	c.rollback.Store(&rollbackContext{ctx})
	return cancel
}

func (c *txContext) current() context.Context {
	if r := c.rollback.Load(); r != nil {
		return r.Context
	}
	return c.Context
}

// Deadline, Done, Err and Value are those of the current context, which has the caller's values.
func (c *txContext) Deadline() (time.Time, bool) { return c.current().Deadline() }

// Done returns the channel of the current context.
func (c *txContext) Done() <-chan struct{} { return c.current().Done() }

// Err returns the error of the current context.
func (c *txContext) Err() error { return c.current().Err() }

// Value returns a value of the current context.
func (c *txContext) Value(key any) any { return c.current().Value(key) }
