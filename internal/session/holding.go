package session

import (
	"context"
	"database/sql/driver"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/endpoint"
	"github.com/gopooled/pooled/middleware"
)

// This file is about the server connection that a session takes, leaves for another endpoint's, and gives back.

// Acquire takes a server connection through the Acquire chain, unless the session holds one that the call can use.
func (s *Session) Acquire(ctx context.Context) (middleware.ServerConn, error) {
	if s.taken {
		return nil, s.reclaimed()
	}
	if s.lost || s.late() || s.spoilt() { // nothing is sent
		if ctx.Err() != nil && s.conn != nil {
			return nil, s.conn.ContextError(ctx) // the caller has gone, as the real driver would find before it sent anything
		}
		return nil, driver.ErrBadConn // database/sql gives up the *sql.Conn that the caller still has
	}
	if s.justAcquired && s.conn.Failed() { // a middleware tries again after the connection died
		s.release(true)
	}
	if s.conn == nil {
		if err := s.acquire(ctx); err != nil {
			return nil, err
		}
	}
	return s.conn, nil
}

func (s *Session) acquire(ctx context.Context) error {
	s.acquisition.Session = s
	s.acquisition.Endpoint = s.Endpoint()
	s.acquisition.Call = &s.call
	err := s.source.chain.Acquire(ctx, &s.acquisition)
	who := s.acquisition.Borrower
	s.acquisition = middleware.Acquisition{}
	switch {
	case err != nil && s.conn != nil:
		s.release(false) // a middleware refused it afterwards
	case err == nil && s.conn == nil:
		return errNoNext
	case err == nil:
		s.conn.Untouched()
		s.conn.BeginBorrow(who, s.call.Op, s.call.Text)
	}
	return err
}

// acquire is the innermost function of the Acquire chain.
func acquire(ctx context.Context, a *middleware.Acquisition) error {
	s := a.Session.(*Session)
	if s.conn != nil { // a middleware tries again after another one refused
		a.Conn = s.conn
		return nil
	}
	s.request.Holds = a.Borrower.Holds
	conn, waited, err := s.target.endpoint.Acquire(ctx, &s.request)
	for err == endpoint.ErrClosed { // since the call began, by another *sql.DB
		if err = s.source.life.Wake(); err == nil {
			conn, waited, err = s.target.endpoint.Acquire(ctx, &s.request)
		}
	}
	a.Class, a.Waited = waited.Class, waited.For
	s.call.Class = waited.Class
	s.call.Waited += waited.For
	s.call.PassedOver = s.call.PassedOver || waited.PassedOver
	if err != nil {
		return err
	}
	s.request.NewSession = false
	s.conn, s.justAcquired = conn, true
	a.Conn = conn
	return nil
}

// release ends what the session has with the server connection that it holds.
func (s *Session) release(discard bool) {
	s.unbind()
	conn, unknown := s.conn, s.unknown
	discard = discard || s.tx != nil
	s.conn, s.rows, s.tx, s.unknown, s.lost, s.taken, s.justAcquired = nil, nil, nil, false, false, false, false
	s.giveBack(conn, discard, unknown)
}

// unbind lets go of the prepared statements of the connection.
func (s *Session) unbind() {
	for _, st := range s.bound {
		st.real.Abandon()
		st.real = nil
	}
	for _, st := range s.open {
		st.err = nil
	}
	clear(s.bound)
	s.bound = s.bound[:0]
}

// giveBack gives a connection back, through the Release chain.
func (s *Session) giveBack(conn *endpoint.Conn, discard, unknown bool) {
	held, kept := conn.EndBorrow()
	if !kept { // it was reclaimed: all that is left is to close the real connection, which nobody else uses
		_ = conn.Close()
		return
	}
	conn.Unwatch()
	conn.Defined()
	conn.Tidy()
	changes := conn.Changes()
	switch conn.State() {
	case dialect.StateInTx:
		changes.Effects |= dialect.OpenTx
	case dialect.StateIdle:
		changes.Effects &^= dialect.OpenTx
	case dialect.StateClosed:
		discard = true
	}
	discard = discard || !conn.Reusable() || conn.Retired() // which needs no reset either
	s.giving = middleware.Release{Conn: conn, Held: held, Discard: discard, Unknown: unknown}
	s.source.giveBack(&s.giving)
	s.giving = middleware.Release{}
}

// Bound tells what keeps the session on the connection that it holds; empty: it may move.
func (s *Session) Bound() string {
	switch {
	case s.conn == nil:
		return ""
	case s.tx != nil, s.conn.State() == dialect.StateInTx:
		return "an open transaction"
	case s.unknown:
		return "what was done with the real connection"
	case s.lost, s.taken:
		return "a connection that was given up"
	case !s.conn.Changes().Clean():
		return "what it did to its server connection (" + s.conn.Changes().Effects.String() + ")"
	default:
		return ""
	}
}

// parked is a connection that the session has left.
type parked struct {
	conn *endpoint.Conn
	rows driver.Rows // the last that it has returned
}

// isOver reports whether the rows of the connection are known to be over, so that it can be given back. It is called on behalf of database/sql, which holds
// the lock that its reader of rows would need.
func (p parked) isOver(target *Target) bool {
	traits := target.endpoint.Traits()
	switch {
	case !traits.OneResult:
		return false
	case traits.RowsOver == nil:
		return p.rows == nil
	default:
		return traits.RowsOver(p.conn.Real(), p.rows)
	}
}

// Move has the session's calls go to another endpoint, unless it is bound. A connection that it holds is given back, or stays its own, unused, as long
// as its rows may be open.
func (s *Session) Move(to *middleware.Endpoint) bool {
	target := s.source.target(to)
	if target == s.target {
		return true
	}
	if s.Bound() != "" {
		return false
	}
	if s.conn != nil {
		s.unbind()
		s.conn.EndCall(false)
		left := parked{s.conn, s.rows}
		s.conn, s.rows, s.justAcquired = nil, nil, false
		if left.isOver(s.target) {
			s.giveBack(left.conn, false, false)
		} else {
			s.parked = append(s.parked, left)
		}
	}
	s.target = target
	return true
}

// unpark gives back the connections whose rows are over by now.
func (s *Session) unpark() {
	all := s.parked
	s.parked = all[:0]
	for _, p := range all {
		if p.isOver(s.source.target(p.conn.Endpoint())) {
			s.giveBack(p.conn, false, false)
		} else {
			s.parked = append(s.parked, p)
		}
	}
	clear(all[len(s.parked):])
}

// end gives back all that the session holds.
func (s *Session) end(discard bool) {
	s.rowsOver()
	if s.conn != nil {
		s.release(discard)
	}
	for i, p := range s.parked {
		s.parked[i] = parked{}
		s.giveBack(p.conn, false, false)
	}
	s.parked = s.parked[:0]
	s.target = s.source.targets[0]
}

// reclaimed is the error of a call on a connection that was taken away. The connection stays the session's until that is given back.
func (s *Session) reclaimed() error {
	return &middleware.ReclaimedError{Endpoint: s.conn.Endpoint().Name, Conn: s.conn.ID(), Borrowed: s.conn.BorrowedFor()}
}
