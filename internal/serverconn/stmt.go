package serverconn

import (
	"context"
	"database/sql/driver"

	"github.com/gopooled/pooled/dialect"
)

// Stmt is a statement prepared on a server connection. It is obtained with [Conn.Stmt] and given back with Release, and stays
// prepared in between if the cache has room for it.
type Stmt struct {
	conn *Conn
	text string
	real driver.Stmt // nil: forgotten, to be prepared again by the next use
	// refs is how many callers have not released it.
	refs   int
	cached bool
	// ran says that the real statement was run.
	ran bool
	// failedAt numbers its last failure, where nobody can say whether the failure was the statement's own; 0 = none.
	failedAt int64
	// older and newer order the cache by last use.
	older, newer *Stmt
}

// Stmt returns the statement with that text, from the cache if it is there and free, prepared by the server otherwise. On a
// connection that can have several results open, a statement in use is not free, and the text is prepared again.
//
// wantedAt is [Config.Failures] of the time when the caller prepared the text. A cached statement that failed since then serves on, as
// with a bare driver; one that had failed before is prepared anew, as its failure may be why the caller prepares again.
func (c *Conn) Stmt(ctx context.Context, text string, wantedAt int64) (*Stmt, error) {
	if st := c.cache.get(text); st != nil && (st.refs == 0 || c.cfg.Traits.OneResult) {
		if st.failedAt != 0 && st.failedAt <= wantedAt {
			st.close()
		}
		if err := st.ready(ctx); err != nil {
			return nil, err
		}
		st.refs++
		return st, nil
	}
	// Room is made before, not after: closing a statement is a command, and the connection may be reading rows then.
	if c.cfg.Traits.OneResult {
		c.closeOrphans()
	}
	size := c.cacheSize()
	c.cache.trim(max(size-1, 0))
	real, err := c.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	st := &Stmt{conn: c, text: text, real: real, refs: 1}
	if c.cache.len() < c.cacheSize() {
		c.cache.add(st)
	}
	return st, nil
}

// prepare prepares a text. When the server holds too many statements, it closes cached ones until the server accepts: first on
// this connection, half of them at a time, then on idle ones.
func (c *Conn) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	st, err := callPrepare(ctx, c.preparer, c.real, text)
	for c.tooMany(err) && c.shrink() {
		st, err = callPrepare(ctx, c.preparer, c.real, text)
	}
	if c.tooMany(err) && c.cfg.Relieve != nil && c.cfg.Relieve(ctx) {
		st, err = callPrepare(ctx, c.preparer, c.real, text)
	}
	return st, c.note(err)
}

func (c *Conn) tooMany(err error) bool {
	return err != nil && c.cfg.Dialect.Classify(err).Has(dialect.TooManyStatements)
}

// shrink halves the cache for all connections of the endpoint, closes half of what is cached here, and reports whether that
// was anything. A connection with nothing cached says nothing about the size.
func (c *Conn) shrink() bool {
	if c.cache.len() == 0 {
		return false
	}
	c.cfg.CacheSize.Store(max(c.cfg.CacheSize.Load()/2, 1))
	return c.cache.trim(c.cache.len()/2) > 0
}

// DropStatements closes all cached statements, and reports whether there were any.
func (c *Conn) DropStatements() bool { return c.cache.trim(0) > 0 }

// ready prepares a statement again that was forgotten.
func (st *Stmt) ready(ctx context.Context) error {
	if st.real != nil {
		return nil
	}
	real, err := st.conn.prepare(ctx, st.text)
	if err != nil {
		return err
	}
	st.real, st.ran, st.failedAt = real, false, 0
	return nil
}

// Query runs the statement. A statement that became stale is prepared again, as for [Conn.Query].
func (st *Stmt) Query(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return attempt(ctx, st.conn, st, st.text, args, true, func(ctx context.Context) (driver.Rows, error) { return st.query(ctx, args) })
}

func (st *Stmt) query(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := st.ready(ctx); err != nil {
		return nil, err
	}
	checked, err := st.conn.check(st.real, args)
	if err != nil {
		return nil, err
	}
	st.ran = true
	rows, err := callStmtQuery(ctx, st.real, checked)
	st.doubt(err)
	return rows, err
}

// Exec runs the statement. A statement that became stale is prepared again, as for [Conn.Exec].
func (st *Stmt) Exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return attempt(ctx, st.conn, st, st.text, args, false, func(ctx context.Context) (driver.Result, error) { return st.exec(ctx, args) })
}

func (st *Stmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if once := st.conn.cfg.Traits.ExecOnce; once != nil && st.ran && once(st.text) {
		st.close()
	}
	if err := st.ready(ctx); err != nil {
		return nil, err
	}
	checked, err := st.conn.check(st.real, args)
	if err != nil {
		return nil, err
	}
	st.ran = true
	res, err := callStmtExec(ctx, st.real, checked)
	st.doubt(err)
	return res, err
}

// doubt notes a failure. The two known drivers say when a statement is stale; of another driver nobody knows.
func (st *Stmt) doubt(err error) {
	if err != nil && err != driver.ErrSkip && !st.conn.cfg.Traits.OneResult {
		st.failedAt = st.conn.cfg.failures.Add(1)
	}
}

// Release gives the statement back when its caller has read what it returned: the cache keeps it, or it is closed.
func (st *Stmt) Release() {
	if st.refs--; st.refs == 0 && !st.cached && !st.conn.failed {
		st.close()
	}
}

// Abandon gives the statement back without a call to the server: rows that it returned may still be open, or the
// connection is being given back as well.
func (st *Stmt) Abandon() {
	if st.refs--; st.refs == 0 && !st.cached {
		st.conn.orphans = append(st.conn.orphans, st)
	}
}

// closeOrphans closes what was abandoned.
func (c *Conn) closeOrphans() {
	for _, st := range c.orphans {
		st.close()
	}
	clear(c.orphans)
	c.orphans = c.orphans[:0]
}

// close closes the real statement. A failure means that the connection is dead, which the next call finds out.
func (st *Stmt) close() {
	if st.real != nil {
		_ = st.real.Close()
		st.real = nil
	}
}
