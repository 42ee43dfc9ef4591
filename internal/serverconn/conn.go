// Package serverconn is the server connection: a real driver's connection, with its optional interfaces looked up once
// and a cache of prepared statements.
//
// It calls the real driver as database/sql would, so that a driver cannot tell the difference: contexts, argument
// checking, driver.ErrSkip and the interfaces from before contexts included. What it is not: a pool. Package endpoint keeps
// server connections; package session borrows them.
package serverconn

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// Config is what the server connections of one endpoint have in common.
type Config struct {
	Dialect dialect.Dialect
	Traits  dialect.Traits
	Plan    func(ctx context.Context, conn driver.Conn, text string) error // see [dialect.Server]
	// Plain reports whether a text is known to be a plain statement: see [dialect.Statement]. Nil: nobody knows.
	Plain func(text string) bool
	// CacheSize is how many prepared statements a connection may keep, 0 = none. It shrinks when the server says
	// that it holds too many.
	CacheSize atomic.Int64
	// Kept counts the statements that the caches of all connections hold.
	Kept atomic.Int64
	// Share is how many of them there may be; nil, or 0: any number.
	Share func() int64
	// definitions counts what may have changed the tables, views and functions that statements name: see [Conn.Define].
	definitions atomic.Int64
	// failures numbers the failures of prepared statements, in the order in which they happened: see [Config.Failures].
	failures atomic.Int64
	// Rows makes rows that tell what is read from them: see [dialect.Cancel]. Needed for CancelWith.
	Rows func(real driver.Rows, watch dialect.RowsWatch) driver.Rows
	// ContextError is that of [dialect.Server].
	ContextError func(err error) error
	// Refused is told why the server would not end a statement. Nil: nobody wants to know.
	Refused func(err error)
	// EndedIdle is [dialect.Server].EndedIdle.
	EndedIdle func(conn driver.Conn, err error) bool
	// KeepCancelled says that a cancelled context is not to cost the connection.
	KeepCancelled bool
	// Advise is told the errors of statements. Nil: nobody wants to know.
	Advise func(err error)
	// Relieve closes cached statements of idle connections when the server holds too many, and reports whether it could. Nil = cannot.
	Relieve func(ctx context.Context) bool
}

// Failures is the number of failures of prepared statements so far. A caller that prepares a text after a failure wants what a bare
// driver would give it, a statement that is new: see [Conn.Stmt].
func (c *Config) Failures() int64 { return c.failures.Load() }

// Conn is a server connection. Calls are made one at a time: database/sql holds a lock around each.
type Conn struct {
	real driver.Conn
	cfg  *Config

	queryer       driver.QueryerContext
	legacyQueryer driver.Queryer //nolint:staticcheck // drivers from before contexts are supported as database/sql supports them
	execer        driver.ExecerContext
	legacyExecer  driver.Execer //nolint:staticcheck // as above
	preparer      driver.ConnPrepareContext
	beginner      driver.ConnBeginTx
	pinger        driver.Pinger
	resetter      driver.SessionResetter
	validator     driver.Validator
	checker       driver.NamedValueChecker

	cache stmtCache
	// orphans are statements that nobody uses and the cache does not hold. They could not be closed when they were given up:
	// rows may have been open, or the connection was being given back, which must not block.
	orphans []*Stmt
	// changes is what the sessions left on the connection since it was clean.
	changes dialect.Changes
	// kinds and converted are room for the kinds of arguments, and for those to be converted to tell.
	kinds     []byte
	converted []driver.NamedValue
	// given is a copy of the arguments of the call under way, as the caller gave them.
	given   []driver.NamedValue
	failed  bool
	touched bool                            // Real was called
	silent  bool                            // its errors are not to be told to Config.Advise
	cancel  func(ctx context.Context) error // ends the statement under way, from elsewhere; nil: the real driver does what it does
	watched *watch                          // the context of the call under way, or of its rows; nil: there is none to be watched
	rested  *watch                          // that can watch the next; nil: none
	cut     *watch                          // of rows that were open when the next statement came, after the server was asked to end theirs; nil: none
	hungUp  bool                            // the socket was closed, because a statement did not end with its context
	// defines says that what names mean may change for others when the transaction ends.
	defines bool
	// uncertain says that a statement may have been executed although its caller was told that it was cancelled.
	uncertain bool
	unsent    bool               // see Unsent
	healed    *Healed            // what a call met and overcame; nil: nothing
	seen      dialect.ErrorClass // what the errors so far have said
	socket    *dialect.Socket    // under the real connection; nil: not known
	texts     *Texts             // counts the calls; nil: nobody does
	calls     int                // counted
}

// New wraps a connection that the real driver has just dialled.
func New(real driver.Conn, cfg *Config) *Conn {
	c := &Conn{real: real, cfg: cfg, cache: stmtCache{all: &cfg.Kept}}
	c.queryer, _ = real.(driver.QueryerContext)
	c.legacyQueryer, _ = real.(driver.Queryer) //nolint:staticcheck // as above
	c.execer, _ = real.(driver.ExecerContext)
	c.legacyExecer, _ = real.(driver.Execer) //nolint:staticcheck // as above
	c.preparer, _ = real.(driver.ConnPrepareContext)
	c.beginner, _ = real.(driver.ConnBeginTx)
	c.pinger, _ = real.(driver.Pinger)
	c.resetter, _ = real.(driver.SessionResetter)
	c.validator, _ = real.(driver.Validator)
	c.checker, _ = real.(driver.NamedValueChecker)
	return c
}

// Silence keeps the errors of the connection from Config.Advise: they may show what was sent.
func (c *Conn) Silence() { c.silent = true }

// CancelWith has a cancelled context end the statement, by a function that does that from another connection, and not the connection.
func (c *Conn) CancelWith(cancel func(ctx context.Context) error) { c.cancel = cancel }

// SetSocket tells the socket under the real connection.
func (c *Conn) SetSocket(s *dialect.Socket) { c.socket = s }

// Changes is what the sessions left on the connection since it was clean. It belongs to the borrower.
func (c *Conn) Changes() *dialect.Changes { return &c.changes }

// Real returns the real driver's connection.
func (c *Conn) Real() driver.Conn {
	c.touched = true
	return c.real
}

// Untouched forgets that Real was called.
func (c *Conn) Untouched() { c.touched = false }

// EndedIdle reports whether an error of a call proves that the server has executed nothing of it, as it had ended the session before, so that the call may run
// on another connection. Not if somebody has had the real connection since [Conn.Untouched]: what was done there would be missing.
func (c *Conn) EndedIdle(err error) bool {
	return !c.touched && c.cfg.EndedIdle != nil && c.cfg.EndedIdle(c.real, err)
}

// Failed reports whether a call told that the connection is dead.
func (c *Conn) Failed() bool { return c.failed }

// Healed is a stale prepared statement that a call met, before it ran once more with a new one.
type Healed struct {
	At  time.Time
	Err error
}

// Healed tells, once, what the last Query or Exec met and overcame; nil: nothing.
func (c *Conn) Healed() *Healed {
	h := c.healed
	if h != nil {
		c.healed = nil
	}
	return h
}

// Seen is what the errors of its calls have said.
func (c *Conn) Seen() dialect.ErrorClass { return c.seen }

// TakeRefusal reports whether the server has refused to write since this was asked last.
func (c *Conn) TakeRefusal() bool {
	refused := c.seen.Has(dialect.WriteRefused)
	c.seen &^= dialect.WriteRefused
	return refused
}

// Fail marks the connection as not to be used again.
func (c *Conn) Fail() { c.failed = true }

// Reusable reports whether no call told that the connection is dead, and the real driver calls it valid.
func (c *Conn) Reusable() bool { return !c.failed && (c.validator == nil || c.validator.IsValid()) }

// State is what the dialect knows about the connection, without asking the server.
func (c *Conn) State() dialect.ConnState { return c.cfg.Dialect.State(c.real) }

// KeepsAfterCancel reports whether database/sql would keep a bare connection after a transaction whose context was
// cancelled: it can say whether it is valid. A dialect that knows the connection's state says it for the driver.
func (c *Conn) KeepsAfterCancel() bool {
	return c.resetter != nil && c.validator != nil || c.cfg.Dialect.State(c.real) != dialect.StateUnknown
}

// Reset does what database/sql does before it hands a used connection out again. As there, an error other than
// driver.ErrBadConn changes nothing.
func (c *Conn) Reset(ctx context.Context) error {
	c.Settle()
	if c.hungUp {
		return driver.ErrBadConn
	}
	if c.resetter != nil {
		if err := c.resetter.ResetSession(ctx); errors.Is(err, driver.ErrBadConn) {
			c.failed = true
			return driver.ErrBadConn
		}
	}
	c.closeOrphans()
	return nil
}

// CanPing reports whether the real driver can ask the server whether the connection is alive.
func (c *Conn) CanPing() bool { return c.pinger != nil }

// Ping asks the server whether the connection is alive. A driver without Pinger says yes, as in database/sql.
func (c *Conn) Ping(ctx context.Context) error {
	if c.pinger == nil {
		return nil
	}
	return c.note(c.pinger.Ping(ctx))
}

// Close closes the real connection. The two known drivers and their servers drop the statements with it; of another driver this
// is not known, and database/sql closes them first, also on a connection that has failed.
func (c *Conn) Close() error {
	if c.cfg.Traits.OneResult {
		c.cfg.Kept.Add(-int64(c.cache.len()))
		c.cache = stmtCache{all: c.cache.all}
	} else {
		c.closeOrphans()
		c.cache.trim(0)
	}
	return c.real.Close()
}

// Gone tells when a closed connection is over for the server; nil: it is.
func (c *Conn) Gone() <-chan struct{} { return c.cfg.Dialect.Gone(c.real) }

// Query runs a statement that returns rows. driver.ErrSkip means that the caller has to prepare it, as is always so where a text that
// comes once would be prepared here.
func (c *Conn) Query(ctx context.Context, text string, once bool, args []driver.NamedValue) (driver.Rows, error) {
	return attempt(ctx, c, nil, text, args, true, func(ctx context.Context) (driver.Rows, error) { return c.query(ctx, text, once, args) })
}

func (c *Conn) query(ctx context.Context, text string, once bool, args []driver.NamedValue) (driver.Rows, error) {
	if (c.queryer != nil || c.legacyQueryer != nil) && !c.prepares(args) {
		checked, err := c.check(nil, args)
		if err != nil {
			return nil, err
		}
		rows, err := callQuery(ctx, c.queryer, c.legacyQueryer, text, checked)
		if err != driver.ErrSkip {
			return rows, err
		}
		c.restoreArgs(args)
	}
	if !c.cfg.Traits.OneResult || once {
		return nil, driver.ErrSkip // database/sql keeps the statement until the rows are closed; the cache could not know when
	}
	st, err := c.forArgs(ctx, text, args)
	if err != nil {
		return nil, err
	}
	defer st.Abandon() // the rows are still to be read
	return st.query(ctx, args)
}

// forArgs returns a statement that runs once with these arguments. Where it can serve others afterwards, the cache has it, or keeps it.
// driver.ErrSkip means that there is no cache.
func (c *Conn) forArgs(ctx context.Context, text string, args []driver.NamedValue) (*Stmt, error) {
	if c.cacheSize() == 0 {
		return nil, driver.ErrSkip
	}
	kinds, known := c.kinds[:0], true
	if !c.cfg.Traits.TypedByText {
		kinds, known = c.kindsOfGiven(args)
	}
	if !c.keeps(text, known) {
		return c.newStmt(ctx, &Stmt{conn: c, text: text, refs: 1, stray: true})
	}
	return c.stmt(ctx, text, kinds, true, c.cfg.Failures())
}

// Exec runs a statement that returns no rows. driver.ErrSkip means what it means for Query.
func (c *Conn) Exec(ctx context.Context, text string, once bool, args []driver.NamedValue) (driver.Result, error) {
	return attempt(ctx, c, nil, text, args, false, func(ctx context.Context) (driver.Result, error) { return c.exec(ctx, text, once, args) })
}

func (c *Conn) exec(ctx context.Context, text string, once bool, args []driver.NamedValue) (driver.Result, error) {
	if (c.execer != nil || c.legacyExecer != nil) && !c.prepares(args) {
		checked, err := c.check(nil, args)
		if err != nil {
			return nil, err
		}
		res, err := callExec(ctx, c.execer, c.legacyExecer, text, checked)
		if err != driver.ErrSkip {
			return res, err
		}
		c.restoreArgs(args)
	}
	if once {
		return nil, driver.ErrSkip
	}
	st, err := c.forArgs(ctx, text, args)
	if err != nil {
		return nil, err
	}
	defer st.Release()
	return st.exec(ctx, args)
}

// prepares reports whether a statement with these arguments goes through the statement cache without asking the driver, which
// is known to answer driver.ErrSkip.
func (c *Conn) prepares(args []driver.NamedValue) bool {
	return len(args) > 0 && c.cfg.Traits.PreparesArgs && c.cacheSize() > 0
}

// Begin starts a transaction with the options that the real driver supports, or says as database/sql does which one it does not.
func (c *Conn) Begin(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.uncertain = false // for what comes now
	tx, err := callBegin(ctx, c.beginner, c.real, opts)
	return tx, c.outcome(ctx, err)
}

// Note takes an error of the real driver's transaction into account and returns it, or that of its context.
func (c *Conn) Note(ctx context.Context, err error) error { return c.outcome(ctx, err) }

func (c *Conn) cacheSize() int { return int(c.cfg.CacheSize.Load()) }
