package session

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/serverconn"
	"github.com/gopooled/pooled/middleware"
)

// statement is a session's prepared statement: no more than its text. Sessions come and go, so the prepared statement itself lives in
// the cache of a server connection, and is looked up there when the session, holding that connection, runs it for the first time.
type statement struct {
	session *Session
	text    string           // as it is prepared
	shown   string           // as its calls show it: what the middlewares have left of the caller's
	made    int64            // when: a number of serverconn.Config.Failures
	err     error            // why it could not be prepared when it had to be; nil: it could, or did not have to be
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
	st := &statement{session: s, text: text, shown: text, made: s.target.endpoint.Failures()}
	s.open = append(s.open, st)
	return st
}

// prepare prepares a text on the session's connection, so that a bad one fails here, and remembers a good one. What the connection has prepared
// before is looked up when it runs, as it depends on the arguments which of several it is.
func (s *Session) prepare(ctx context.Context, text string) (driver.Stmt, error) {
	st := s.statement(text)
	if !s.conn.Knows(text) {
		if _, err := st.bind(ctx, nil); err != nil {
			_ = st.Close() // it is bound to nothing
			return nil, err
		}
	}
	if s.readsAsDialled() && s.conn.Keeps(text) {
		s.source.seen.add(text)
	}
	return st, nil
}

// readsAsDialled reports whether a text means to the session what it means on a connection that was just dialled.
func (s *Session) readsAsDialled() bool {
	if s.conn == nil {
		return true
	}
	state, known := s.conn.Changes().Reading()
	return state == "" && known
}

// changesMeaning reports whether a call may change what later texts mean: those of the session, which reads them in another way, and those of all. Where
// nobody has read the statement, its first word must show that it does neither.
func changesMeaning(c *middleware.Call) (rereads, defines bool) {
	switch {
	case c.Op != middleware.Exec && c.Op != middleware.Query:
		return false, false
	case c.Statement != nil:
		return c.Statement.MayReread(), c.Statement.MayDefine()
	default:
		unknown := !dialect.Plain(c.Text)
		return unknown, unknown
	}
}

// known are arguments that are known, though there may be none.
func known(args []driver.NamedValue) []driver.NamedValue {
	if args == nil {
		return []driver.NamedValue{}
	}
	return args
}

// bindAll prepares the open statements of the session that are not prepared yet, before their texts may have another meaning: as with a bare driver,
// which has prepared them before. What cannot be prepared now says so when it runs.
func (s *Session) bindAll(ctx context.Context) {
	for _, st := range s.open {
		if st.real == nil && st.err == nil {
			_, st.err = st.bind(ctx, nil)
		}
	}
}

// bind makes sure that the statement is prepared on the connection that the session holds. args are those that it is about to run with; nil: nobody
// knows yet.
func (st *statement) bind(ctx context.Context, args []driver.NamedValue) (*serverconn.Stmt, error) {
	if st.real != nil || st.err != nil {
		return st.real, st.err
	}
	s := st.session
	real, err := s.conn.Stmt(ctx, st.text, args, st.made)
	if err != nil {
		return nil, err
	}
	st.real = real
	s.bound = append(s.bound, st)
	return real, nil
}

// Close gives the prepared statement back to the connection's cache, if the session still holds the connection.
func (st *statement) Close() error {
	s := st.session
	s.open = without(s.open, st)
	if st.real != nil {
		st.real.Release()
		st.real = nil
		s.bound = without(s.bound, st)
	}
	return nil
}

// without removes a statement from a list, whose order does not matter.
func without(list []*statement, st *statement) []*statement {
	for i := range list {
		if list[i] == st {
			last := len(list) - 1
			list[i], list[last] = list[last], nil
			return list[:last]
		}
	}
	return list
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
