// Package reset is the middleware that lets every borrower find a clean session.
//
// While a session holds a server connection, the effects of its statements add up in [middleware.ServerConn].Changes. When it
// gives the connection back and there are none, nothing happens. Otherwise a goroutine of the endpoint makes the session
// clean before the connection becomes idle, so nobody waits for somebody else's reset; what cannot be undone, or fails, costs the
// connection.
//
// What it is not: a judge of statements, or a writer of SQL. Both are the dialect's, see [dialect.Sessions].
package reset

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// Options is what a Reset is made of.
type Options struct {
	Policy   policy.Reset
	Endpoint string                                        // its name, for the log
	Init     string                                        // pool_init, which a reset may have to repeat; empty = none
	Sessions dialect.Sessions                              // what knows the sessions of the server
	TellsTx  bool                                          // the state of a real connection tells whether it is in a transaction
	RowsOver func(real driver.Conn, rows driver.Rows) bool // see [dialect.Traits]; nil: nobody knows
	Dead     func(error) bool                              // whether an error says that the connection is dead
	Code     func(error) string                            // the code that the server gave an error; empty: it is none of the server's
	AtDial   bool                                          // others may do to sessions what is not seen: a connection is asked when it is dialled what a session begins with
	Logger   *slog.Logger
	// Trace is told when a session with a [dialect.Changes].Cause is about to be made clean, and returns what is told the outcome. Nil: nobody is told.
	Trace func(cause context.Context, conn middleware.ServerConn) (end func(outcome string))
}

// Reset makes the sessions of one endpoint clean. It is safe for concurrent use.
type Reset struct {
	Options
	baseline atomic.Pointer[baseline] // nil: no connection has told yet
	kinds    kinds
	audits   audits
	told     told
	// What was logged once: that connections could not be asked, until one can; that there is a proxy; and that logins set something.
	unanswered, toldProxy, toldLogin atomic.Bool
	counters                         counters
}

// New makes a Reset, and tells the Sessions what the policy declares.
func New(o Options) *Reset {
	r := &Reset{Options: o}
	o.Sessions.Declare(r.declared())
	return r
}

// Middleware returns the wraps. They belong innermost in a chain: what other middlewares send counts as well. Only a comment may be added inside.
func (r *Reset) Middleware() middleware.Middleware {
	m := middleware.Middleware{Name: "reset", Call: r.call, Release: r.release}
	if r.Policy.Mode == policy.ResetOff && r.TellsTx {
		m.Call = nil // an open transaction shows by itself, and nothing else counts
	}
	return m
}

// Outermost returns the wrap that looks at new connections. It belongs outermost: what other wraps do to a session when it was dialled is part of
// what a fresh one has.
func (r *Reset) Outermost() middleware.Middleware {
	if r.Policy.Mode == policy.ResetOff {
		return middleware.Middleware{}
	}
	return middleware.Middleware{Name: "reset", Connect: r.connect}
}

// ageEvery says that the age of what was learnt is looked at once in so many clean sessions: the clock costs more than the rest.
const ageEvery = 32

// call notes the effects of what is sent, also when it fails: some of it may have been executed.
func (r *Reset) call(next middleware.CallFunc) middleware.CallFunc {
	return func(ctx context.Context, c *middleware.Call) error {
		switch c.Op {
		case middleware.Exec, middleware.Query, middleware.Raw:
		default:
			return next(ctx, c)
		}
		first := r.baseline.Load() == nil && c.Session.Conn() == nil
		// The connection first: while somebody waits for it, what an earlier borrower defined is learnt.
		conn, err := c.Session.Acquire(ctx)
		if err != nil {
			return err
		}
		r.closeQuery(conn)
		if c.Op == middleware.Raw {
			if first {
				r.askBefore(ctx, conn)
			}
			if err := r.beforeSeeing(ctx, conn); err != nil {
				return err
			}
			return next(ctx, c)
		}
		changes := r.Sessions.Changes() // before the text is judged
		if c.Statement, err = r.before(ctx, conn, c, first); err != nil {
			return err
		}
		s, lasts := c.Statement, false
		if s.Defines {
			lasts = r.define(conn, c.Text)
			changes = r.Sessions.Changes() // its own is none
		}
		err = next(ctx, c)
		open := c.Op == middleware.Query && err == nil
		if s.Defines && !lasts {
			if open = open && !r.areOver(conn, c.Rows); !open {
				r.endDefinitions(conn.Changes())
			}
		}
		if now := c.Session.Conn(); now != nil && now != conn { // the server had ended the session, and it was run in another
			conn = now
			if s.Defines && lasts {
				r.define(conn, c.Text)
			}
		}
		if err != driver.ErrSkip { // with that, nothing was sent: it comes again as a prepared statement
			r.after(conn, c, changes, err)
		}
		if open {
			conn.Changes().Query = dialect.OpenQuery{Text: c.Text, Since: changes, Defines: s.Defines && !lasts}
		}
		return err
	}
}

// before judges a text, and does what has to be done before it is sent. first says that it is the first of a borrow, and that nobody knows yet what a
// session begins with.
func (r *Reset) before(ctx context.Context, conn middleware.ServerConn, c *middleware.Call, first bool) (*dialect.Statement, error) {
	s := r.Sessions.Statement(c.Text)
	if first && (s.Effects&^dialect.Passing != 0 || s.Provisional && s.Alters) {
		r.askBefore(ctx, conn)
		s = r.Sessions.Statement(c.Text)
	}
	if s.LooksBack && conn.Changes().Ran { // nothing comes in between
		return s, nil
	}
	if s.Sees != 0 {
		if err := r.beforeSeeing(ctx, conn); err != nil {
			return nil, err
		}
	}
	if s.Removes && r.judges() && (conn.Changes().Pending.Texts != nil || r.Sessions.Unsettled()) {
		r.settleEarly(ctx, conn, c.Session.InTx())
	}
	return s, nil
}

// after notes what was done by a call, which began when the sessions had counted so many changes, and has ended with an error, or with none.
func (r *Reset) after(conn middleware.ServerConn, c *middleware.Call, changes uint64, err error) {
	s := c.Statement
	conn.Changes().Ran = true
	conn.Changes().Read(s, err != nil)
	if s.Provisional && !s.Defines { // more may be known by now
		s = r.Sessions.Statement(c.Text)
	}
	s = s.EndedWith(err)
	r.meets(conn, s, c.Text, changes)
	if s.Provisional && c.Route.Proved && conn.Changes().Definitions == nil { // not here, but on another server of the cluster
		return
	}
	if s.Effects != 0 || s.Provisional || s.Lingers || conn.Changes().Definitions != nil {
		r.note(conn, s, c.Text, changes, err)
	}
	if s.Effects.Has(dialect.UnknownEffect) { // it may have defined something, and its session may be kept
		r.Sessions.Outdate(false)
	}
}

// define says that a definition is about to be sent. It reports whether that is over with the transaction, and not with the statement.
func (r *Reset) define(conn middleware.ServerConn, text string) (lasts bool) {
	if !r.judges() {
		return true
	}
	told, isNew := conn.Changes().Define(text)
	return !isNew || r.Sessions.Define(told)
}

// settleEarly judges what is pending in the middle of a session, before what it met may be gone, and has that read what others have met. What stands in the
// way of reading the catalogue leaves it unknown.
func (r *Reset) settleEarly(ctx context.Context, conn middleware.ServerConn, inTx bool) {
	changes := conn.Changes()
	pending := changes.TakePending()
	if changes.Effects&^readable == 0 && !changes.Implicit && !inTx {
		_ = r.Sessions.Learn(ctx, conn.Real(), pending.Texts, true) // what is not known then is unknown
	}
	changes.Settle(r.Sessions, pending, dialect.Undone{})
}

// readable are the effects that do not keep a session from reading the catalogue as others would. In a transaction, MySQL shows what was there when it began.
const readable = dialect.Sequence | dialect.UserVariable | dialect.TempTable | dialect.SQLPrepare | dialect.AdvisoryLock

// endDefinitions says that the definitions of a session were committed or undone.
func (r *Reset) endDefinitions(changes *dialect.Changes) {
	for _, text := range changes.Definitions {
		r.Sessions.Defined(text)
	}
	changes.EndDefinitions()
}

// note notes what a statement does, which began when the sessions had counted so many changes, and has ended with an error, or with none.
func (r *Reset) note(conn middleware.ServerConn, s *dialect.Statement, text string, since uint64, err error) {
	changes := conn.Changes()
	if r.Policy.Mode != policy.ResetOff {
		changes.AddEnded(s, text, since, err)
		if s.Provisional && s.Alters { // what it ran may be gone
			changes.Effects |= dialect.UnknownEffect
		}
		return
	}
	changes.Effects |= s.Effects & dialect.OpenTx
	if s.Implicit {
		changes.Implicit = true
	}
	if s.Effects.Has(dialect.UnknownEffect) {
		mayBegin(changes)
	}
	if s.Effects&(dialect.UnknownEffect|dialect.Permanent) != 0 {
		changes.Reread()
	}
}

// mayBegin notes that something was done which nobody undoes, and which may have begun a transaction, or switched autocommit off.
func mayBegin(changes *dialect.Changes) {
	changes.Effects |= dialect.OpenTx
	changes.Implicit = true
}

// release sends a clean connection on, and a dirty one by way of a goroutine of the endpoint.
func (r *Reset) release(next middleware.ReleaseFunc) middleware.ReleaseFunc {
	return func(event *middleware.Release) {
		if event.Released {
			return
		}
		r.closeQuery(event.Conn)
		changes := event.Conn.Changes()
		changes.Ran = false
		if changes.Implicit {
			changes.Effects |= dialect.OpenTx
		}
		switch r.Policy.Mode {
		case policy.ResetOff:
			if event.Unknown && !r.TellsTx {
				mayBegin(changes)
			}
		case policy.ResetAlways:
			changes.Effects |= dialect.UnknownEffect
			changes.TakePending() // nobody judges
		default:
			if event.Unknown {
				changes.Unknown(dialect.Reason{What: "the real connection was used (pooled.Raw)"})
			}
			changes.EndLingering(r.Sessions)
			changes.Defer()
		}
		if event.Discard || !changes.Effects.Has(dialect.OpenTx) {
			r.endDefinitions(changes)
		}
		r.leaveToProxy(changes)
		switch {
		case event.Discard:
			next(event)
		case changes.Clean():
			changes.Cause = nil
			if r.counters.clean.Add(1)%ageEvery == 0 {
				r.Sessions.Age()
			}
			audited := r.isAudited(&r.audits.clean)
			if !audited && (!r.Sessions.Known() || !r.learns(changes)) {
				next(event)
				return
			}
			r.finish(event, next, audited)
		case r.discards(changes) && changes.Way == dialect.Direct && changes.Definitions == nil && !r.learns(changes):
			r.tellClosed(changes.Unproved)
			r.discard(event, byMode)
			next(event)
		default:
			r.finish(event, next, false)
		}
	}
}

// finish has a goroutine of the endpoint make the session clean, and give the connection back. audited is that of clean.
func (r *Reset) finish(event *middleware.Release, next middleware.ReleaseFunc, audited bool) {
	if !event.InBackground(next, func(ctx context.Context, later *middleware.Release) { r.clean(ctx, later, audited) }) {
		event.Discard = true // the endpoint is closed
		r.endDefinitions(event.Conn.Changes())
		next(event)
	}
}

// discards reports whether a connection with these changes is closed rather than reset.
func (r *Reset) discards(changes *dialect.Changes) bool {
	return r.Policy.Mode == policy.ResetDiscard && changes.Effects&^dialect.OpenTx != 0
}

func (r *Reset) discard(event *middleware.Release, why reason) {
	event.Discard = true
	r.counters.discarded[why].Add(1)
}

// judges reports whether it depends on the statements what becomes of a session.
func (r *Reset) judges() bool {
	return r.Policy.Mode == policy.ResetDirty || r.Policy.Mode == policy.ResetDiscard
}

// learns reports whether the catalogue is to be read before long.
func (r *Reset) learns(changes *dialect.Changes) bool {
	return r.judges() && changes.Way != dialect.Proxied && r.Sessions.Stale()
}

// clean makes the session clean, or marks the connection to be discarded. audited says that it is clean already, and its turn to be audited.
func (r *Reset) clean(ctx context.Context, event *middleware.Release, audited bool) {
	changes, why := event.Conn.Changes(), failed
	judged := changes.Clean()
	if cause := changes.Cause; cause != nil && r.Trace != nil {
		end := r.Trace(cause, event.Conn)
		defer func() { end(why.String()) }()
	}
	defer func() {
		if p := recover(); p != nil { // there is no caller who could be told
			r.Logger.Error("pooled: panic while a session was made clean", "endpoint", event.Conn.Endpoint().Name, "connection", event.Conn.ID(),
				"panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
		r.endDefinitions(event.Conn.Changes())
		if why != none {
			r.discard(event, why)
		}
	}()
	wasReset, outcome := r.settle(ctx, event)
	if outcome == none {
		switch {
		case wasReset:
			audited = r.isAudited(&r.audits.reset)
		case !judged: // until the catalogue was known
			audited = r.isAudited(&r.audits.clean)
		}
		if audited {
			outcome = r.audit(ctx, event, wasReset)
		}
	}
	if why = outcome; why != none && ctx.Err() != nil {
		why = interrupted
	}
}

// settle undoes what is known, has the catalogue read where it is out of date, and then undoes what that adds. It reports whether there was anything to
// be undone.
func (r *Reset) settle(ctx context.Context, event *middleware.Release) (wasReset bool, why reason) {
	changes := event.Conn.Changes()
	if err := r.findWay(ctx, event); err != nil {
		r.complain(ctx, event, err)
		return false, failed
	}
	r.leaveToProxy(changes)
	if changes.Effects.Has(dialect.UnknownEffect) {
		r.Sessions.Outdate(false)
	} else {
		r.Sessions.Age()
	}
	r.endDefinitions(changes) // as they are about to be undone
	if !r.learns(changes) && changes.Pending.Texts == nil {
		if r.discards(changes) {
			r.tellClosed(changes.Unproved)
			return false, byMode
		}
		return r.undo(ctx, event)
	}
	pending, discards, unproved := changes.TakePending(), r.discards(changes), changes.Unproved
	undone := dialect.Undone{Effects: changes.Effects, Undo: changes.Undo}
	wasReset, why = r.undo(ctx, event) // first: a role or a setting may stand in the way of reading
	if why == failed {
		return wasReset, why
	}
	// A session that the catalogue does not judge now could neither be asked what it began with nor, as long as nobody was, be made clean.
	wait := r.isUntouched(changes)
	if err := r.Sessions.Learn(ctx, event.Conn.Real(), pending.Texts, wait); err != nil {
		if r.isNews(ctx, err) {
			r.Logger.Warn("pooled: the server's catalogue cannot be read, so less is known about what statements do",
				"endpoint", event.Conn.Endpoint().Name, "error", err)
		}
		if r.Dead(err) {
			r.Sessions.Outdate(true) // the server has answered nothing: the next connection asks
			return wasReset, failed
		}
		if ctx.Err() != nil {
			return wasReset, failed
		}
	}
	if why != none {
		return wasReset, why
	}
	if err := r.askBehind(ctx, event.Conn, pending); err != nil {
		r.complain(ctx, event, err)
		return wasReset, failed
	}
	changes.Settle(r.Sessions, pending, undone)
	changes.EndLingering(r.Sessions)
	if changes.Effects.Has(dialect.UnknownEffect) { // which may have defined something
		r.Sessions.Outdate(false)
	}
	changes.Defer()
	if discards || r.discards(changes) {
		r.tellClosed(cmp.Or(unproved, changes.Unproved))
		return wasReset, byMode
	}
	if changes.Implicit { // reading may have begun one
		changes.Effects |= dialect.OpenTx
	}
	again, why := r.undo(ctx, event)
	return wasReset || again, why
}

// undo undoes what was done to the session, and reports whether there was anything.
func (r *Reset) undo(ctx context.Context, event *middleware.Release) (wasReset bool, why reason) {
	changes := event.Conn.Changes()
	if changes.Effects == 0 {
		return false, none
	}
	ctx, cancel := r.limit(ctx)
	defer cancel()
	changes.Effects |= changes.Inherited
	effects := changes.Effects
	switch err := r.Sessions.Reset(ctx, event.Conn.Real(), changes, r.Init); {
	case err == dialect.ErrDiscard:
		r.tellClosed(changes.Unproved)
		return false, permanent
	case err == dialect.ErrOutdated:
		r.outdated()
		return false, permanent
	case err == dialect.ErrLogin:
		if r.toldLogin.CompareAndSwap(false, true) {
			r.Logger.Warn("pooled: sessions that were changed are closed, because only another login sets up what new ones have",
				"endpoint", event.Conn.Endpoint().Name)
		}
		return false, permanent
	case err != nil:
		r.complain(ctx, event, err)
		return false, failed
	}
	r.counters.reset(effects)
	r.tellReset(changes.Unproved)
	if r.Policy.Mode == policy.ResetOff { // all else is as it was
		changes.Effects = 0
	} else {
		changes.Clear()
	}
	return true, none
}

// limit is pool_reset_timeout.
func (r *Reset) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if r.Policy.Timeout > 0 {
		return context.WithTimeout(ctx, r.Policy.Timeout)
	}
	return ctx, func() {}
}

// complain logs why a session could not be made clean.
func (r *Reset) complain(ctx context.Context, event *middleware.Release, err error) {
	if r.isNews(ctx, err) {
		var init *dialect.InitError
		if errors.As(err, &init) {
			err = &middleware.InitError{Endpoint: event.Conn.Endpoint().Name, Code: r.Code(err), Cause: init.Err}
		}
		r.Logger.Warn("pooled: a session could not be made clean; its connection is closed", "endpoint", event.Conn.Endpoint().Name,
			"connection", event.Conn.ID(), "effects", event.Conn.Changes().Effects.String(), "error", err)
	}
}

// isNews reports whether an error is to be logged. That a server went away, or the endpoint is being closed, is no news here.
func (r *Reset) isNews(ctx context.Context, err error) bool {
	return !r.Dead(err) && ctx.Err() != context.Canceled
}
