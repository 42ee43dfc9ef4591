package session

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/gopooled/pooled/internal/serverconn"
)

// statement is a session's prepared statement: no more than its text. Sessions come and go, so the prepared statement itself lives in
// the cache of a server connection, and is looked up there when the session, holding that connection, runs it for the first time.
type statement struct {
	session *Session
	text    string           // as it is prepared
	shown   string           // as its calls show it: what the middlewares have left of the caller's
	made    int64            // when: a number of serverconn.Config.Failures
	real    *serverconn.Stmt // of the connection that the session holds; nil = not looked up
}

var (
	_ driver.Stmt              = (*statement)(nil)
	_ driver.StmtExecContext   = (*statement)(nil)
	_ driver.StmtQueryContext  = (*statement)(nil)
	_ driver.NamedValueChecker = (*statement)(nil)
)

// statement makes a statement of the session.
func (s *Session) statement(text string) *statement {
	return &statement{session: s, text: text, shown: text, made: s.target.endpoint.Failures()}
}

// prepare prepares a text on the session's connection, so that a bad one fails here, and remembers a good one.
func (s *Session) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	st := s.statement(text)
	if _, err := st.bind(ctx); err != nil {
		return nil, err
	}
	s.source.seen.add(text)
	return st, nil
}

// bind makes sure that the statement is prepared on the connection that the session holds.
func (st *statement) bind(ctx context.Context) (*serverconn.Stmt, error) {
	if st.real != nil {
		return st.real, nil
	}
	s := st.session
	real, err := s.conn.Stmt(ctx, st.text, st.made)
	if err != nil {
		return nil, err
	}
	st.real = real
	s.bound = append(s.bound, st)
	return real, nil
}

// Close gives the prepared statement back to the connection's cache, if the session still holds the connection.
func (st *statement) Close() error {
	if st.real == nil {
		return nil
	}
	st.real.Release()
	st.real = nil
	bound := st.session.bound
	for i := range bound {
		if bound[i] == st {
			last := len(bound) - 1
			bound[i], bound[last] = bound[last], nil
			st.session.bound = bound[:last]
			break
		}
	}
	return nil
}

// NumInput returns -1: arguments are counted after the real driver has checked them, which may remove some.
func (st *statement) NumInput() int { return -1 }

// CheckNamedValue accepts every value, as the session does.
func (st *statement) CheckNamedValue(*driver.NamedValue) error { return nil }

// QueryContext runs the statement.
func (st *statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return st.session.query(ctx, st, st.shown, args)
}

// ExecContext runs the statement.
func (st *statement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return st.session.exec(ctx, st, st.shown, args)
}

// Exec and Query are part of driver.Stmt, but database/sql prefers the methods with a context.
func (st *statement) Exec([]driver.Value) (driver.Result, error) { return nil, errors.ErrUnsupported }

// Query is never called.
func (st *statement) Query([]driver.Value) (driver.Rows, error) { return nil, errors.ErrUnsupported }
