package dialecttest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
)

// opening looks at what is known before anything is dialled.
func opening(ctx context.Context, s *suite) {
	d, real := s.dialect, s.server.Connector.Driver()
	if d.Name() == "" {
		s.problem("the family has no name")
	}
	if !d.Owns(real) {
		s.problem("the dialect does not own the driver of its own connector, a %T", real)
	}
	if found := dialect.ForValue(real); found.Name() != d.Name() {
		s.problem("for a %T the dialect %s is found, and not %s", real, found.Name(), d.Name())
	}
	if adopted := d.Adopt(s.server.Connector); adopted.Connector == nil || adopted.Address == "" {
		s.problem("Adopt has returned a server without a connector or an address")
	}
	if s.server.Address == "" {
		s.problem("the server has no address, by which people could tell it")
	}
	for what, shown := range map[string]string{"Address": s.server.Address, "Database": s.server.Database} {
		s.isSafe(what, shown)
	}
	for _, dsn := range s.BadDSNs {
		if _, err := d.Open(dsn); err == nil {
			s.problem("Open takes one of BadDSNs")
		} else {
			s.isSafe("an error of Open", err.Error())
		}
	}
	if p := s.pool(""); p != nil {
		defer p.Close()
		s.borrow(ctx, p, func(*sql.Conn) {})
		s.isSafe("the name of an endpoint", p.stats().Endpoint)
	}
}

// isSafe looks for the password.
func (s *suite) isSafe(what, shown string) {
	if s.Password != "" && strings.Contains(shown, s.Password) {
		s.problem("%s shows the password", what)
	}
}

// mistakes looks whether a mistake in a statement is told from a server in trouble.
func mistakes(ctx context.Context, s *suite) {
	const trouble = dialect.Dead | dialect.Infrastructure | dialect.ShuttingDown | dialect.Crashed | dialect.Misconfigured
	for _, err := range []error{nil, errors.New("of nobody"), context.Canceled, context.DeadlineExceeded} {
		if class := s.dialect.Classify(err); class != 0 {
			s.problem("Classify(%v) is %s, and nothing is known of it", err, class)
		}
		if code := s.dialect.Code(err); code != "" {
			s.problem("Code(%v) is %q, and no server has given it", err, code)
		}
	}
	for _, text := range s.Mistakes {
		c := s.connect(ctx)
		if c == nil {
			return
		}
		_, err := c.ExecContext(ctx, text)
		switch class := s.dialect.Classify(err); {
		case err == nil:
			s.problem("%q is no mistake", text)
		case class&trouble != 0 || !class.Has(dialect.Application):
			s.problem("%q: %v: the server is well, and Classify says %s", text, err, class)
		case class != s.dialect.Classify(fmt.Errorf("wrapped: %w", err)):
			s.problem("%q: Classify does not know its error when it is wrapped", text)
		case s.dialect.Code(err) == "":
			s.problem("%q: %v: the error has no code", text, err)
		}
		if got := answer(ctx, c.Conn, s.Look[0]); strings.HasPrefix(got, "error") {
			s.problem("%q: the session does not answer any more: %s", text, got)
		}
		c.close()
	}
}

// deaths looks whether a connection is known to be dead, and whether a pool goes on.
func deaths(ctx context.Context, s *suite) {
	if c := s.connect(ctx); c != nil {
		var state dialect.ConnState
		err := c.real(func(real driver.Conn) error {
			err := s.Break(ctx, real)
			state = s.dialect.State(real)
			return err
		})
		switch {
		case err == nil:
			s.problem("Break has returned no error")
		case !dialect.Died(s.dialect, err):
			s.problem("the connection is dead, and of %q Classify says %s", err, s.dialect.Classify(err))
		}
		if state == dialect.StateIdle || state == dialect.StateInTx {
			s.problem("the connection is dead, and State says that it is not")
		}
		c.close()
	}
	p := s.pool("")
	if p == nil {
		return
	}
	defer p.Close()
	if conn, err := p.Conn(ctx); err != nil {
		s.problem("a borrower got no connection: %v", err)
	} else {
		_ = pooled.Raw(ctx, conn, func(real driver.Conn) error { return s.Break(ctx, real) })
		_ = conn.Close() // it may say that it is dead
	}
	want := s.fresh(ctx, "", s.Look)
	s.borrow(ctx, p, func(c *sql.Conn) {
		if d := differences(want, look(ctx, c, s.Look)); d != "" {
			s.problem("after a connection has died, the next borrower meets: %s", d)
		}
	})
}

// states looks whether the state of a connection is right where the dialect tells one.
func states(ctx context.Context, s *suite) {
	c := s.connect(ctx)
	if c == nil {
		return
	}
	defer c.close()
	tells := s.server.Traits.TellsTx
	for _, step := range []struct {
		text string
		want dialect.ConnState
	}{{"", dialect.StateIdle}, {s.Begin, dialect.StateInTx}, {s.Rollback, dialect.StateIdle}} {
		if step.text != "" {
			s.runs(ctx, c.Conn, []string{step.text})
		}
		var state dialect.ConnState
		err := c.real(func(real driver.Conn) error { state = s.dialect.State(real); return nil })
		if err != nil || state != step.want && (tells || state != dialect.StateUnknown) {
			s.problem("after %q the state is %d, and not %d (%v)", step.text, state, step.want, err)
		}
	}
	var state dialect.ConnState
	_ = c.Raw(func(real any) error {
		_ = real.(driver.Conn).Close()
		state = s.dialect.State(real.(driver.Conn))
		return driver.ErrBadConn
	})
	if state == dialect.StateIdle || state == dialect.StateInTx {
		s.problem("the connection is closed, and State says that it is not")
	}
}
