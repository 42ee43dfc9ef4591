package serverconn

import (
	"context"
	"database/sql/driver"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// Stmt is a statement prepared on a server connection. It is obtained with [Conn.Stmt] and given back with Release, and stays
// prepared in between if the cache has room for it, and nothing is known to speak against it.
type Stmt struct {
	conn *Conn
	text string
	real driver.Stmt // nil: forgotten, to be prepared again by the next use
	// state is how the session read texts when the statement was prepared: see [dialect.Changes.Reading].
	state string
	// discarded is [dialect.Changes.Discarded] of that time.
	discarded int
	// definitions is [Config.definitions] of that time.
	definitions int64
	// kinds are those of the arguments that it has run with, if typed says that it has run.
	kinds string
	typed bool
	// stray says that nobody knows how it was prepared, or what became of it when it ran with arguments of several kinds. It serves its caller,
	// as with a bare driver, and nobody else.
	stray bool
	// refs is how many callers have not released it.
	refs   int
	cached bool
	// ran says that the real statement was run.
	ran bool
	// failedAt numbers its last failure, where nobody can say whether the failure was the statement's own; 0 = none.
	failedAt int64
	// older and newer order the cache by last use; sibling is the next with the same text.
	older, newer, sibling *Stmt
}

// Stmt returns a statement with that text: from the cache if one is there that is free and does what a new one would do, prepared by the
// server otherwise. On a connection that can have several results open, a statement in use is not free. Nor is one that serves a caller, where
// what it does depends on the arguments that it has run with.
//
// args are those that it is about to run with; nil: nobody knows yet. wantedAt is [Config.Failures] of the time when the caller prepared the text. A
// cached statement that failed since then serves on, as with a bare driver; one that had failed before is prepared anew, as its failure may be why
// the caller prepares again.
func (c *Conn) Stmt(ctx context.Context, text string, args []driver.NamedValue, wantedAt int64) (*Stmt, error) {
	kinds, known := c.kinds[:0], true
	if args != nil && !c.cfg.Traits.TypedByText {
		kinds, known = c.kindsOfGiven(args)
	}
	return c.stmt(ctx, text, kinds, known && args != nil, wantedAt)
}

// kindsOfGiven tells the kinds of arguments that are not converted yet.
func (c *Conn) kindsOfGiven(args []driver.NamedValue) ([]byte, bool) {
	converted, err := c.check(nil, append(c.converted[:0], args...))
	c.converted = converted[:0]
	defer clear(converted)
	if err != nil { // which the statement will say
		return c.kinds[:0], false
	}
	kinds, known := c.kindsOf(converted, c.kinds[:0])
	c.kinds = kinds
	return kinds, known
}

// stmt is Stmt for arguments of these kinds; known says whether they count.
func (c *Conn) stmt(ctx context.Context, text string, kinds []byte, known bool, wantedAt int64) (*Stmt, error) {
	if st := c.cached(text, kinds, known); st != nil {
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
	// What serves nobody any more makes some; where all of one text are the same, the driver would even return it again.
	c.cache.drop(text, func(st *Stmt) bool { return c.cfg.Traits.TypedByText || st.isOutdated() })
	c.cache.trim(max(c.room()-1, 0))
	st, err := c.newStmt(ctx, &Stmt{conn: c, text: text, refs: 1})
	if err != nil {
		return nil, err
	}
	if !st.stray && c.cache.len() < c.room() {
		c.cache.add(st)
	}
	return st, nil
}

// newStmt prepares a statement, once those are closed that nobody uses.
func (c *Conn) newStmt(ctx context.Context, st *Stmt) (*Stmt, error) {
	if c.cfg.Traits.OneResult {
		c.closeOrphans()
	}
	if err := st.ready(ctx); err != nil {
		return nil, err
	}
	return st, nil
}

// cached returns what the cache has for arguments of these kinds; nil: nothing.
func (c *Conn) cached(text string, kinds []byte, known bool) *Stmt {
	state, readable := c.changes.Reading()
	if !readable {
		return nil
	}
	traits := &c.cfg.Traits
	var found *Stmt
	c.cache.each(text, func(st *Stmt) bool {
		switch {
		case st.state != state, st.isOutdated(), st.refs > 0 && !(traits.OneResult && traits.TypedByText):
		case traits.TypedByText, known && st.typed && st.kinds == string(kinds):
			found = st
			return false
		case !st.typed, st.kinds == "": // one without parameters is as good as new
			found = st
		}
		return true
	})
	if found != nil {
		c.cache.use(found)
	}
	return found
}

// isOutdated reports whether a statement that is prepared now could be another one: the server may read it anew, or its names mean something else.
func (st *Stmt) isOutdated() bool {
	return st.discarded != st.conn.changes.Discarded() || st.definitions != st.conn.cfg.definitions.Load()
}

// Define says that the call before may have changed what names mean to the server: the types of columns, which a prepared statement keeps for its
// arguments. No cached statement of the endpoint serves anybody after it who prepares the text anew.
func (c *Conn) Define() {
	c.defines = true
	c.cfg.definitions.Add(1)
}

// Defined is called after each call, and says it again when the transaction has ended: others see it from then on.
func (c *Conn) Defined() {
	if c.defines && c.State() != dialect.StateInTx {
		c.defines = false
		c.cfg.definitions.Add(1)
	}
}

// Knows reports whether a statement with that text was prepared by the connection as the session reads it now.
func (c *Conn) Knows(text string) bool {
	state, readable := c.changes.Reading()
	known := false
	c.cache.each(text, func(st *Stmt) bool {
		known = readable && st.state == state && !st.isOutdated() && st.real != nil
		return !known
	})
	return known
}

// Keeps reports whether it is the same for a statement with that text when it is prepared, as long as the session reads texts as it does now.
func (c *Conn) Keeps(text string) bool { return c.keeps(text, true) }

// keeps reports whether a statement that runs with arguments of these kinds may serve others afterwards.
func (c *Conn) keeps(text string, known bool) bool {
	if !c.cfg.Traits.TypedByText && (!known || strings.IndexByte(text, '@') >= 0) { // variables have types too, which the statement keeps
		return false
	}
	_, readable := c.changes.Reading()
	return readable
}

// room is how many statements the cache may hold: as many as are wanted, and fewer where the connections of the endpoint hold more than
// their share of what the server has room for.
func (c *Conn) room() int {
	size := c.cacheSize()
	if c.cfg.Share == nil {
		return size
	}
	if share := c.cfg.Share(); share > 0 {
		size = min(size, c.cache.len()+int(max(share-c.cfg.Kept.Load(), 0)))
	}
	return size
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
	return st, c.outcome(ctx, err)
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
	definitions := st.conn.cfg.definitions.Load() // before: what is prepared meanwhile may be either
	real, err := st.conn.prepare(ctx, st.text)
	if err != nil {
		return err
	}
	st.definitions = definitions
	st.real, st.ran, st.failedAt, st.typed, st.discarded = real, false, 0, false, st.conn.changes.Discarded()
	var readable bool
	st.state, readable = st.conn.changes.Reading()
	if !readable {
		st.strays()
	}
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
	st.runs(checked)
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
	st.runs(checked)
	res, err := callStmtExec(ctx, st.real, checked)
	st.doubt(err)
	return res, err
}

// runs notes what the statement is about to run with.
func (st *Stmt) runs(args []driver.NamedValue) {
	st.ran = true
	if st.conn.cfg.Traits.TypedByText || st.stray {
		return
	}
	kinds, known := st.conn.kindsOf(args, st.conn.kinds[:0])
	st.conn.kinds = kinds
	switch {
	case !st.conn.keeps(st.text, known), st.typed && st.kinds != string(kinds):
		st.strays()
	case !st.typed:
		st.kinds, st.typed = string(kinds), true
	}
}

// strays says that the statement is for its callers alone from now on.
func (st *Stmt) strays() {
	st.stray = true
	if st.cached {
		st.conn.cache.remove(st)
	}
}

// doubt notes a failure. The two known drivers say when a statement is stale; of another driver nobody knows. What types MySQL has given to the
// arguments of a statement that fails is not known either.
func (st *Stmt) doubt(err error) {
	if err != nil && st.conn.cfg.Traits.Kind != nil {
		st.strays()
	}
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

// Tidy closes, when the connection is given back, what was abandoned on it: what its caller has closed is not to stay on the server. It does not
// block, so where that could wait for the server, or for a cancellation that is on its way, the next borrower does it.
func (c *Conn) Tidy() {
	if c.cfg.Traits.ClosesSilently && c.watched == nil && !c.failed {
		c.closeOrphans()
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
