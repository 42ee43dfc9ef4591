// Package session is what database/sql hands to callers: a driver.Conn without a socket.
//
// A session takes a server connection when its first call needs one, keeps it until database/sql takes the session
// back, and sends every call through the middleware chain. Everything else of it is nearly free to make and to throw away.
package session

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/endpoint"
	"github.com/gopooled/pooled/middleware"
)

// Session implements driver.Conn. database/sql calls it under a lock, one call at a time.
type Session struct {
	source *Source
	target *Target        // where its next connection comes from
	conn   *endpoint.Conn // nil while it holds none
	parked []parked       // held before it moved: their rows are still open
	tx     *transaction   // the one begun last; nil outside Begin ... Commit or Rollback
	open   []*statement   // prepared by the caller and not closed
	bound  []*statement   // those of them that have a prepared statement of conn
	// unknown says that the caller reached the real connection, so nobody knows what it did there.
	unknown bool
	// lost says that conn is in a transaction that did not end as it should, so no call may use it any more.
	lost bool
	// taken says that conn was reclaimed. It stays until the session is given back, but no call may use it.
	taken bool
	// justAcquired says that conn was acquired for the call under way, so nothing of the session is on it yet.
	justAcquired bool
	// interrupted says that the statement under way failed after its context had ended, and may have been executed all the same.
	interrupted bool
	closed      bool
	// ran says that the call under way has come through the chain.
	ran bool
	// afterRows is called when the rows of the last call are over.
	afterRows func()
	// rows are the last that conn has returned, which may be over.
	rows driver.Rows

	// The events and the request are part of the session, so that a call allocates none.
	request     endpoint.Request
	call        middleware.Call
	stmt        *statement      // of the call under way, if it is Prepared
	caller      context.Context // of the call under way, if it is Begin
	ending      *transaction    // by the call under way
	acquisition middleware.Acquisition
	giving      middleware.Release
}

var (
	_ driver.Conn               = (*Session)(nil)
	_ driver.ConnPrepareContext = (*Session)(nil)
	_ driver.ConnBeginTx        = (*Session)(nil)
	_ driver.ExecerContext      = (*Session)(nil)
	_ driver.QueryerContext     = (*Session)(nil)
	_ driver.Pinger             = (*Session)(nil)
	_ driver.SessionResetter    = (*Session)(nil)
	_ driver.Validator          = (*Session)(nil)
	_ driver.NamedValueChecker  = (*Session)(nil)
	_ middleware.Session        = (*Session)(nil)
)

// Conn returns the server connection that the session holds, or nil.
func (s *Session) Conn() middleware.ServerConn {
	if s.conn == nil {
		return nil
	}
	return s.conn
}

// InTx reports whether a transaction was begun with Begin and has not ended.
func (s *Session) InTx() bool { return s.tx != nil }

// Source is what the session has in common with the others of its connector.
func (s *Session) Source() *Source { return s.source }

// NoteTx adds to what is noted of the transaction that the session is in.
func (s *Session) NoteTx(n middleware.TxNotes) {
	if s.tx != nil {
		s.tx.notes |= n
	}
}

// TxNotes is what is noted of the transaction that the session is in, or that the call under way ends.
func (s *Session) TxNotes() middleware.TxNotes {
	switch {
	case s.ending != nil:
		return s.ending.notes
	case s.tx != nil:
		return s.tx.notes
	default:
		return 0
	}
}

// Socket is the network connection under the server connection that the session holds; nil: it is not known.
func (s *Session) Socket() *dialect.Socket {
	if s.conn == nil {
		return nil
	}
	return s.conn.Socket()
}

// Endpoint is where the session's calls go.
func (s *Session) Endpoint() *middleware.Endpoint { return s.target.endpoint.Info() }

// AfterRows has f called when the rows of the call under way are over.
func (s *Session) AfterRows(f func()) { s.afterRows = f }

// rowsOver is called when nobody reads rows of the session any more.
func (s *Session) rowsOver() {
	if f := s.afterRows; f != nil {
		s.afterRows = nil
		f()
	}
}

// QueryContext runs a statement that returns rows: the real driver's, as they are.
func (s *Session) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	return s.query(ctx, nil, text, args)
}

// ExecContext runs a statement that returns no rows.
func (s *Session) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return s.exec(ctx, nil, text, args)
}

// query sends a Query through the chain; st is nil for statement text.
func (s *Session) query(ctx context.Context, st *statement, text string, args []driver.NamedValue) (driver.Rows, error) {
	c := s.event(middleware.Query)
	c.Text, c.Args, c.Prepared, s.stmt = text, args, st != nil, st
	err := s.run(ctx, c)
	rows := c.Rows
	s.done()
	if err != nil {
		return nil, err
	}
	if rows == nil {
		return nil, errNoNext
	}
	return rows, nil
}

// exec sends an Exec through the chain; st is nil for statement text.
func (s *Session) exec(ctx context.Context, st *statement, text string, args []driver.NamedValue) (driver.Result, error) {
	c := s.event(middleware.Exec)
	c.Text, c.Args, c.Prepared, s.stmt = text, args, st != nil, st
	err := s.run(ctx, c)
	result := c.Result
	s.done()
	if err != nil {
		return nil, err
	}
	if result == nil {
		return nil, errNoNext
	}
	return result, nil
}

// PrepareContext prepares a statement. Where a statement with that text was prepared before, nothing is sent.
func (s *Session) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c := s.event(middleware.Prepare)
	c.Text = text
	err := s.run(ctx, c)
	st := c.Stmt
	if own, ok := st.(*statement); ok {
		own.shown = c.Text
	}
	s.done()
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, errNoNext
	}
	return st, nil
}

// BeginTx starts a transaction.
func (s *Session) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c := s.event(middleware.Begin)
	c.TxOptions, s.caller = opts, ctx
	before := s.tx
	err := s.run(ctx, c)
	tx := c.Tx
	s.done()
	if err == nil && tx == nil {
		err = errNoNext
	}
	if err != nil {
		if s.tx != before { // it was begun, and a middleware refused it afterwards
			s.lose()
		}
		return nil, err
	}
	return tx, nil
}

// Ping asks the server whether it is there, on the connection that the session holds or then takes.
func (s *Session) Ping(ctx context.Context) error {
	err := s.run(ctx, s.event(middleware.Ping))
	if err == nil && !s.ran {
		err = errNoNext
	}
	s.done()
	return err
}

// CheckNamedValue accepts every value: the real driver checks it once the server connection is known.
func (s *Session) CheckNamedValue(*driver.NamedValue) error { return nil }

// ResetSession has nothing to do: a session that was given back holds no server connection.
func (s *Session) ResetSession(context.Context) error {
	if s.closed {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid is called by database/sql when the caller has given the session back, so it is here that the server
// connection is released. The session itself stays valid, whatever became of the connection.
func (s *Session) IsValid() bool {
	s.end(false)
	return !s.closed
}

// Close is called for a session that is not kept. If it still holds a server connection, a call ended in driver.ErrBadConn or
// a panic, and the connection is closed with it.
func (s *Session) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	s.end(true)
	return s.source.life.Ended()
}

// Prepare is PrepareContext for callers that have no context; database/sql has one.
func (s *Session) Prepare(text string) (driver.Stmt, error) {
	return s.PrepareContext(context.Background(), text)
}

// Begin is BeginTx for callers that have neither context nor options; database/sql has both.
func (s *Session) Begin() (driver.Tx, error) {
	return s.BeginTx(context.Background(), driver.TxOptions{})
}

// Raw returns the real driver's connection, acquiring one if the session holds none, and marks the session's state as
// unknown. It returns nil when no connection can be had; without a context, only pool_acquire_timeout limits the wait for one.
// Tools that unwrap connections look for this method.
func (s *Session) Raw() driver.Conn {
	real, err := s.RawContext(context.Background())
	if err != nil {
		return nil
	}
	return real
}

// RawContext is Raw with a context for the acquisition, and with its error.
func (s *Session) RawContext(ctx context.Context) (driver.Conn, error) {
	err := s.run(ctx, s.event(middleware.Raw))
	if err == nil && !s.ran {
		err = errNoNext
	}
	s.done()
	if err != nil {
		return nil, err
	}
	s.unknown = true
	s.bindAll(ctx)
	s.conn.Changes().Reread()
	return s.conn.Real(), nil
}

// EndRaw says that the caller of RawContext does not use the real connection any more. Whoever cannot say it counts as using it
// until the next call.
func (s *Session) EndRaw() {
	if s.conn != nil {
		s.conn.EndCall(s.conn.InTx())
	}
	s.rowsOver()
}

// errNoNext answers for a middleware that broke the contract.
var errNoNext = errors.New("pooled: a middleware succeeded without running next, and without a result of its own")

// run sends the session's event through the chain. If the real driver or a middleware panics, database/sql may not give the
// session back, so the connection is given up here.
func (s *Session) run(ctx context.Context, c *middleware.Call) error {
	returned := false
	defer func() {
		if !returned {
			s.end(true)
		}
	}()
	s.rowsOver()
	if s.source.life.Resting.Load() {
		if err := s.source.life.Wake(); err != nil {
			returned = true
			return err
		}
	}
	if len(s.parked) > 0 {
		s.unpark()
	}
	if s.conn != nil {
		s.taken = !s.conn.BeginCall(c.Op, c.Text)
	}
	err := s.source.chain.Call(ctx, c)
	returned = true
	if c.Rows != nil {
		s.rows = c.Rows
	}
	if s.interrupted && s.mayHaveBegun() {
		s.lost = true
	}
	if s.conn != nil && c.Op != middleware.Raw && !s.taken { // what is done to the real connection is over when EndRaw says so
		s.conn.EndCall(s.leftInTx(c.Op))
	}
	return err
}

// leftInTx reports whether a call leaves the session in a transaction. Of one begun by statement text, only some drivers know.
func (s *Session) leftInTx(op middleware.Op) bool {
	switch op {
	case middleware.Commit, middleware.Rollback:
		return false
	case middleware.Exec:
		return s.tx != nil || s.conn.State() == dialect.StateInTx
	default:
		return s.tx != nil || s.conn.InTx()
	}
}

// event prepares the session's call event.
func (s *Session) event(op middleware.Op) *middleware.Call {
	s.call.Session = s
	s.call.Op = op
	return &s.call
}

// done lets go of what the event held.
func (s *Session) done() {
	s.call = middleware.Call{}
	s.stmt, s.caller, s.ending = nil, nil, nil
	s.justAcquired, s.interrupted, s.ran = false, false, false
}

// call is the innermost function of the Call chain.
func call(ctx context.Context, c *middleware.Call) error {
	s := c.Session.(*Session)
	s.ran = true
	if c.Op == middleware.Prepare && !s.taken && s.readsAsDialled() && s.source.seen.has(c.Text) {
		c.Stmt = s.statement(c.Text)
		return nil
	}
	for tries := 1; ; tries++ {
		if _, err := s.Acquire(ctx); err != nil {
			return err
		}
		err := s.perform(ctx, c)
		if err == nil || !s.justAcquired || tries == mostTries || !s.conn.EndedIdle(err) {
			return err
		}
		c.Retries = append(c.Retries, middleware.Retry{At: time.Now(), Endpoint: s.Endpoint(), Err: err})
		s.conn.Fail()
	}
}

// mostTries is on how many connections a call is tried whose server had ended them meanwhile: as many as database/sql tries.
const mostTries = 3

// perform runs a call on the connection that the session holds.
func (s *Session) perform(ctx context.Context, c *middleware.Call) error {
	rereads, defines := changesMeaning(c)
	if rereads {
		s.bindAll(ctx)
		if c.Statement == nil {
			defer s.conn.Changes().Reread()
		}
	}
	defer s.noteDefinitions(defines)
	var err error
	switch c.Op {
	case middleware.Query:
		c.Rows, err = s.runQuery(ctx, c)
		s.noteHealed(c)
		s.interrupted = err != nil && ctx.Err() != nil
	case middleware.Exec:
		c.Result, err = s.runExec(ctx, c)
		s.noteHealed(c)
		s.interrupted = err != nil && ctx.Err() != nil
	case middleware.Prepare:
		c.Stmt, err = s.prepare(ctx, c.Text)
	case middleware.Ping:
		err = s.conn.Ping(ctx)
	case middleware.Begin:
		c.Tx, err = s.begin(ctx, c.TxOptions)
	case middleware.Commit:
		err = s.ending.commit()
	case middleware.Rollback:
		err = s.ending.rollback()
	case middleware.Raw: // the connection is all that it takes
	default:
		err = errors.New("pooled: a middleware changed the operation of a call")
	}
	return err
}

// noteDefinitions says, after a call, whether it may have changed the meaning of what others prepare.
func (s *Session) noteDefinitions(defines bool) {
	if defines {
		s.conn.Define()
	}
	s.conn.Defined()
}

func (s *Session) runQuery(ctx context.Context, c *middleware.Call) (driver.Rows, error) {
	if s.stmt == nil {
		return s.conn.Query(ctx, c.Text, c.Once, c.Args)
	}
	real, err := s.stmt.bind(ctx, known(c.Args))
	if err != nil {
		return nil, err
	}
	return real.Query(ctx, c.Args)
}

// noteHealed tells the middlewares of a call that ran twice.
func (s *Session) noteHealed(c *middleware.Call) {
	if healed := s.conn.Healed(); healed != nil {
		c.Retries = append(c.Retries, middleware.Retry{At: healed.At, Endpoint: s.Endpoint(), Err: healed.Err})
	}
}

func (s *Session) runExec(ctx context.Context, c *middleware.Call) (driver.Result, error) {
	result, err := s.realExec(ctx, c)
	if result == nil && err == nil {
		return driver.ResultNoRows, nil // modernc.org/sqlite has no result for a text without a statement
	}
	return result, err
}

func (s *Session) realExec(ctx context.Context, c *middleware.Call) (driver.Result, error) {
	if s.stmt == nil {
		return s.conn.Exec(ctx, c.Text, c.Once, c.Args)
	}
	real, err := s.stmt.bind(ctx, known(c.Args))
	if err != nil {
		return nil, err
	}
	return real.Exec(ctx, c.Args)
}
