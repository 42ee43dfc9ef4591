package router

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

// route is one call on its way.
type route struct {
	*Router
	next middleware.CallFunc
	call *middleware.Call
	says routecontext.Says
	destination
	proved bool            // the statement is proved to be a read
	held   bool            // the session held a connection before
	before dialect.Effects // what it had done to it
}

// call decides where a call goes, and sends it elsewhere if the server there cannot run it.
func (r *Router) call(next middleware.CallFunc) middleware.CallFunc {
	return func(ctx context.Context, c *middleware.Call) error {
		o := routecontext.Of(ctx)
		if c.Op == middleware.Commit || c.Op == middleware.Rollback {
			m := r.member(c.Session.Endpoint())
			incarnation := m.incarnation.Load()
			c.Route = middleware.Route{Role: r.roleOf(m), Reason: routing.ReasonBound.String(), Detail: "it ends a transaction"}
			onlyRead := c.TxOptions.ReadOnly && !c.Session.TxNotes().Has(middleware.TxWrote)
			err := next(ctx, c)
			if onlyRead {
				r.noteRead(o, m, incarnation)
			} else { // a rollback too: some statements commit, and some tables know no transactions
				r.noteWrite(o)
			}
			return err
		}
		if err := r.Ready(ctx); err != nil {
			return err
		}
		b := r.destinationOf(o, c)
		to := route{r, next, c, o, b, b.reason == routing.ReasonRead, false, 0}
		conn := c.Session.Conn()
		if conn == nil {
			return to.run(ctx)
		}
		to.held, to.before = true, conn.Changes().Effects
		return to.runHeld(ctx, r.member(c.Session.Endpoint()))
	}
}

// run runs the call of a session that holds no connection.
func (to *route) run(ctx context.Context) error {
	if to.role == dialect.RoleReplica {
		return to.runRead(ctx, nil)
	}
	return to.runOnPrimary(ctx)
}

// runHeld runs the call of a session that holds a connection. It stays, or goes up to the primary, and never down.
func (to *route) runHeld(ctx context.Context, m *member) error {
	if m == to.view.Load().primary {
		if to.role == dialect.RoleReplica {
			to.destination = destination{dialect.RolePrimary, routing.ReasonBound, "the session holds a connection to the primary"}
		}
		return to.runOnPrimary(ctx)
	}
	if why := to.call.Session.Bound(); why != "" {
		to.decide(m, destination{dialect.RoleReplica, routing.ReasonBound, "the session stays because of " + why})
		incarnation := m.incarnation.Load()
		err := to.next(ctx, to.call)
		to.noteDone(m, incarnation, err)
		return err
	}
	switch {
	case to.role != dialect.RoleReplica:
		return to.runOnPrimary(ctx)
	case to.mayAnswer(m, to.says):
		return to.runRead(ctx, m)
	default: // to the primary, as each connection that it leaves stays its own until it is given back
		return to.fallBack(ctx)
	}
}

// decide notes where the call goes.
func (to *route) decide(m *member, b destination) {
	to.counts[b.reason].Add(1)
	to.call.Route = middleware.Route{Role: to.roleOf(m), Reason: b.reason.String(), Detail: b.detail, Proved: to.proved}
	if to.says.Told != nil {
		to.says.Told(m.Info.Name, b.role, uint8(b.reason), b.detail)
	}
}

// runRead runs the call on a replica, m if it is not nil, on others if that fails, and on the primary if none may answer.
func (to *route) runRead(ctx context.Context, m *member) error {
	b := to.destination
	for tried := uint64(0); ; {
		if m == nil {
			m = to.choose(to.says, tried)
		}
		if m == nil {
			return to.fallBack(ctx)
		}
		to.call.Session.Move(m.Info) // it is not bound
		to.decide(m, b)
		incarnation := m.incarnation.Load()
		err := to.next(ctx, to.call)
		if !to.proved {
			to.noteDone(m, incarnation, err)
		}
		if err == nil {
			if to.says.Session != nil {
				to.hasRead(to.says.Session, m, incarnation, to.now())
			}
			return nil
		}
		switch to.after(ctx, err) {
		case refusedWrite:
			if to.reason != routing.ReasonRead {
				return err // the program wanted it so
			}
			to.noteRefused(m)
			if !to.leavesNothing() {
				return err
			}
			to.noteRetry(m, err)
			to.proved = false
			to.destination = destination{dialect.RolePrimary, routing.ReasonRefused, "replica " + m.Info.Name + " has refused it"}
			return to.runOnPrimary(ctx)
		case elsewhere:
			tried |= 1 << m.index
			to.noteRetry(m, err)
			m.awaken()
			b.reason, b.detail = routing.ReasonRetry, m.Info.Name+" could not answer"
			m = nil
		default:
			return err
		}
	}
}

// roleOf is the part that a server plays now.
func (r *Router) roleOf(m *member) dialect.ServerRole {
	if m == r.view.Load().primary {
		return dialect.RolePrimary
	}
	return dialect.RoleReplica
}

// noteRetry notes that the call failed on a server, and is to run again.
func (to *route) noteRetry(m *member, err error) {
	to.call.Retries = append(to.call.Retries, middleware.Retry{At: time.Now(), Endpoint: m.Info, Err: err})
}

// outcome is what an error of a call means for where it runs next.
type outcome uint8

const (
	final        outcome = iota // the caller's to handle
	elsewhere                   // another server can run it
	refusedWrite                // a replica refused to write
)

// after tells what becomes of a call that failed where replicas answer.
func (to *route) after(ctx context.Context, err error) outcome {
	if ctx.Err() != nil || err == driver.ErrSkip || to.call.Session.Bound() != "" {
		return final
	}
	class := to.Classify(err)
	switch {
	case !to.wasSent(): // the server has not let it in
		if class != 0 || errors.Is(err, driver.ErrBadConn) || unreachable(err) {
			return elsewhere
		}
		return final
	case class.Has(dialect.WriteRefused):
		return refusedWrite
	case !to.leavesNothing():
		return final
	case class.Has(dialect.Dead), class.Has(dialect.Infrastructure), class.Has(dialect.ShuttingDown), class.Has(dialect.TooManyConnections),
		class.Has(dialect.Conflict), errors.Is(err, driver.ErrBadConn), unreachable(err):
		return elsewhere
	default:
		return final
	}
}

// wasSent reports whether a call that failed may have reached the server: without a connection, it was the acquisition that failed.
func (to *route) wasSent() bool { return to.call.Session.Conn() != nil }

// leavesNothing reports whether the call may run a second time, whatever has become of the first: it is a read, and each function in it is the
// server's own or proved by its body; or it is no statement yet.
func (to *route) leavesNothing() bool {
	return to.isUndone() && (to.call.Op == middleware.Prepare || to.call.Text == "" || to.statement(to.call.Text).Replicable())
}

// isUndone reports whether a call that the server has refused has left nothing: the server undoes what such a statement did before.
func (to *route) isUndone() bool {
	switch to.call.Op {
	case middleware.Exec, middleware.Query:
		return to.statement(to.call.Text).Atomic
	case middleware.Prepare, middleware.Begin:
		return true
	default:
		return false
	}
}

// unreachable reports whether pooled itself says that a server cannot be reached, or not be used.
func unreachable(err error) bool {
	return errors.Is(err, middleware.ErrBreakerOpen) || errors.Is(err, middleware.ErrConnectTimeout) || errors.Is(err, errOlder)
}

// noteRefused remembers that a text is a write, and tells it once.
func (to *route) noteRefused(m *member) {
	if to.call.Text == "" || to.wasRefused(to.call.Text) {
		return
	}
	to.refused.Put(to.call.Text, struct{}{})
	to.anyRefused.Store(true)
	to.Logger.Warn("pooled: a statement was taken for a read, and a replica refused it; from now on it goes to the primary",
		"endpoint", m.Info.Name, "text", to.Mask(to.call.Text))
}

// fallBack runs a read that no replica may answer.
func (to *route) fallBack(ctx context.Context) error {
	if to.Policy.Fallback == policy.FallbackError {
		return &middleware.NoReplicaError{Why: to.whyNone(to.says)}
	}
	detail := "no replica may answer"
	if to.says.Told != nil {
		detail = to.whyNone(to.says)
	}
	to.destination = destination{dialect.RolePrimary, routing.ReasonFallback, detail}
	return to.runOnPrimary(ctx)
}

// runOnPrimary runs the call on the primary. If there is none, or it cannot be reached, or says that it is none, it waits for one: the call
// was not executed.
func (to *route) runOnPrimary(ctx context.Context) error {
	var w wait
	defer w.end()
	var refuser *member // said that it is the primary, and did not write
	again := to.proved  // a read may run a second time here
	for {
		m := to.view.Load().primary
		var err error
		if m != nil {
			if !to.call.Session.Move(m.Info) {
				to.destination = destination{dialect.RoleUnknown, routing.ReasonBound, "the session stays because of " + to.call.Session.Bound()}
				m = to.member(to.call.Session.Endpoint())
			}
			to.decide(m, to.destination)
			incarnation := m.incarnation.Load()
			err = to.next(ctx, to.call)
			switch {
			case to.wantsOther(ctx, err):
				if refused := to.wasSent(); refused && refuser == m {
					return err // it is the session that may not write, and not the server
				} else if refused {
					refuser = m
				}
			case again && err != nil && to.after(ctx, err) == elsewhere:
				again = false
			default:
				to.noteDone(m, incarnation, err)
				return err
			}
		}
		if err != nil {
			to.noteRetry(m, err)
		}
		began := time.Now()
		err = w.forPrimary(ctx, to.Router, m, err)
		to.call.Failover += time.Since(began)
		if err != nil {
			return err
		}
	}
}

// wantsOther reports whether the call failed because there is no primary where one was thought to be, and has left nothing there.
func (to *route) wantsOther(ctx context.Context, err error) bool {
	if err == nil || err == driver.ErrSkip || ctx.Err() != nil || to.call.Op == middleware.Ping { // who pings wants to know how it is now
		return false
	}
	class := to.Classify(err)
	if !to.wasSent() {
		return unreachable(err) || class.Has(dialect.Infrastructure) && !class.Has(dialect.TooManyConnections)
	}
	if !class.Has(dialect.WriteRefused) || !to.isUndone() {
		return false
	}
	to.call.Session.Conn().Changes().Effects &^= dialect.Sequence &^ to.before // it has got no number
	return to.call.Session.Bound() == ""
}

// noteDone notes that the call ran on a server, whether it failed or not.
func (to *route) noteDone(m *member, incarnation uint64, err error) {
	if err != nil && !to.wasSent() {
		return
	}
	switch to.call.Op {
	case middleware.Raw: // nobody knows what will be written, and when
		to.settleLater(to.says, to.call.Session)
	case middleware.Begin:
		if to.held { // MySQL commits what is open
			to.noteWrite(to.says)
		}
	case middleware.Exec, middleware.Query:
		to.noteStatement(m, incarnation)
	}
}

// noteStatement notes that a statement ran on a server. In a transaction, there is nothing for others to see yet, if the statement is all part of it, and
// none before has ended it.
func (to *route) noteStatement(m *member, incarnation uint64) {
	s, session := to.statement(to.call.Text), to.call.Session
	inTx := session.InTx()
	var notes middleware.TxNotes
	if inTx {
		notes = session.TxNotes()
		if !s.Replicable() {
			session.NoteTx(middleware.TxWrote)
		}
		if !s.Plain && !s.Replicable() && s.Class != dialect.SessionControl {
			session.NoteTx(middleware.TxUnsure)
		}
	}
	switch {
	case s.Replicable():
		to.noteRead(to.says, m, incarnation)
	case s.Class == dialect.SessionControl:
	case inTx && s.Atomic && !notes.Has(middleware.TxUnsure):
	case to.call.Op == middleware.Query: // it is committed when its rows have been read, and that is later
		to.settleLater(to.says, session)
	default:
		to.noteWrite(to.says)
	}
}
