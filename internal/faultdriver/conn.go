package faultdriver

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
)

// conn is a connection. What database/sql sees of it is one of the generated types.
type conn struct {
	driver *Driver
	number int

	busy atomic.Pointer[Op] // the call under way

	// What follows belongs to the one call under way.
	closed  bool
	invalid bool
	inTx    bool
	stmts   int // open
}

// enter begins a call and returns what ends it. It notes what a caller must not do.
func (c *conn) enter(op Op) (leave func()) {
	if other := c.busy.Swap(&op); other != nil {
		c.driver.violation("#%d: %s during %s", c.number, op, *other)
		return func() {}
	}
	if c.closed {
		c.driver.violation("#%d: %s after close", c.number, op)
	}
	return func() { c.busy.Store(nil) }
}

// do is a call: it is written down, and does what the script says.
func (c *conn) do(ctx context.Context, call Call) (Outcome, error) {
	defer c.enter(call.Op)()
	return c.play(ctx, call)
}

// play is do for a call that has been entered.
func (c *conn) play(ctx context.Context, call Call) (Outcome, error) {
	call.Conn = c.number
	o := c.driver.outcome(ctx, call)
	if o.Invalid {
		c.invalid = true
	}
	return o, o.play(ctx)
}

func (c *conn) exec(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	return result(args)(c.do(ctx, Call{Op: Exec, Text: text, Args: args}))
}

func (c *conn) query(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	return c.rows(text, args)(c.do(ctx, Call{Op: Query, Text: text, Args: args}))
}

func (c *conn) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	defer c.enter(Prepare)()
	if _, err := c.play(ctx, Call{Op: Prepare, Text: text}); err != nil {
		return nil, err
	}
	c.stmts++
	c.driver.countStmts(+1)
	return stmtTypes[c.driver.stmts.index()](&stmt{conn: c, text: text}), nil
}

func (c *conn) begin(ctx context.Context, opts *driver.TxOptions) (driver.Tx, error) {
	defer c.enter(Begin)()
	if c.inTx {
		c.driver.violation("#%d: begin in a transaction", c.number)
	}
	if _, err := c.play(ctx, Call{Op: Begin, TxOptions: opts}); err != nil {
		return nil, err
	}
	c.inTx = true
	return &tx{conn: c}, nil
}

func (c *conn) ping(ctx context.Context) error {
	_, err := c.do(ctx, Call{Op: Ping})
	return err
}

func (c *conn) reset(ctx context.Context) error {
	_, err := c.do(ctx, Call{Op: Reset})
	return err
}

func (c *conn) isValid() bool {
	_, _ = c.do(noContext, Call{Op: IsValid})
	return !c.invalid
}

func (c *conn) check(arg *driver.NamedValue) error {
	return c.checkAs(Check, arg)
}

func (c *conn) checkAs(op Op, arg *driver.NamedValue) error {
	if _, err := c.do(noContext, Call{Op: op, Args: []driver.NamedValue{*arg}}); err != nil {
		return err
	}
	if c.driver.Checker == nil {
		return driver.ErrSkip
	}
	return c.driver.Checker(arg)
}

func (c *conn) close() error {
	defer c.enter(Close)()
	_, err := c.play(noContext, Call{Op: Close})
	if !c.closed {
		c.closed = true
		c.driver.closed(c.number, c.stmts)
	}
	return err
}

// tx is a transaction.
type tx struct {
	conn  *conn
	ended bool
}

func (t *tx) Commit() error   { return t.end(Commit) }
func (t *tx) Rollback() error { return t.end(Rollback) }

func (t *tx) end(op Op) error {
	defer t.conn.enter(op)()
	if t.ended {
		t.conn.driver.violation("#%d: %s of a transaction that has ended", t.conn.number, op)
	}
	t.ended = true
	t.conn.inTx = false
	_, err := t.conn.play(noContext, Call{Op: op})
	return err
}

// stmt is a prepared statement.
type stmt struct {
	conn   *conn
	text   string
	closed bool
}

func (s *stmt) do(ctx context.Context, op Op, args []driver.NamedValue) (Outcome, error) {
	s.notClosed(op)
	return s.conn.do(ctx, Call{Op: op, Text: s.text, Args: args})
}

func (s *stmt) notClosed(op Op) {
	if s.closed {
		s.conn.driver.violation("#%d: %s of the closed %q", s.conn.number, op, s.text)
	}
}

func (s *stmt) exec(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return result(args)(s.do(ctx, StmtExec, args))
}

func (s *stmt) query(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.rows(s.text, args)(s.do(ctx, StmtQuery, args))
}

func (s *stmt) check(arg *driver.NamedValue) error {
	s.notClosed(StmtCheck)
	return s.conn.checkAs(StmtCheck, arg)
}

func (s *stmt) converter(int) driver.ValueConverter {
	if c := s.conn.driver.Converter; c != nil {
		return c
	}
	return driver.DefaultParameterConverter
}

func (s *stmt) numInput() int {
	if f := s.conn.driver.NumInput; f != nil {
		return f(s.text)
	}
	n := 0
	for _, r := range s.text {
		if r == '?' {
			n++
		}
	}
	return n
}

func (s *stmt) close() error {
	_, err := s.do(noContext, StmtClose, nil)
	if !s.closed {
		s.closed = true
		s.conn.stmts--
		s.conn.driver.countStmts(-1)
	}
	return err
}

// result makes the result of an outcome.
func result(args []driver.NamedValue) func(Outcome, error) (driver.Result, error) {
	affected := driver.RowsAffected(len(args))
	return func(o Outcome, err error) (driver.Result, error) {
		switch {
		case err != nil:
			return nil, err
		case o.NoResult:
			return nil, nil
		case o.Result != nil:
			return o.Result, nil
		default:
			return affected, nil
		}
	}
}
