package reset

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// What a session begins with is asked of a connection whose session still is what it was when it was dialled, and not before somebody needs it: behind
// the first statements that the catalogue has to judge, off the callers' path; before the first statement that will change a session, as the
// connection could not be made clean otherwise; and at the next dial if neither could be.

// baseline is what a connection told whose session was what it was when it was dialled.
type baseline struct {
	at    time.Time         // when it was asked
	state map[string]string // see [dialect.Sessions].Leftovers; nil without pool_reset_audit
}

// kinds tells connections apart by when their dial began: before or after those that are dialled may have become others.
type kinds struct {
	last   atomic.Uint64 // the number of the kind that is dialled now, less one
	atDial atomic.Bool   // the next connection is to be asked when it is dialled
	asking atomic.Bool   // somebody asks behind a statement
	mu     sync.Mutex    // held while fresh is set, or a kind ends
}

// now is the number of the kind that is dialled now.
func (k *kinds) now() uint64 { return k.last.Load() + 1 }

// Renew has a connection asked again: those that are dialled from now on may be of another kind.
func (r *Reset) Renew() {
	r.kinds.mu.Lock()
	defer r.kinds.mu.Unlock()
	if r.baseline.Load() != nil {
		r.kinds.atDial.Store(true)
	}
	r.kinds.last.Add(1)
	r.baseline.Store(nil)
}

// outdated has the next connection that is dialled asked.
func (r *Reset) outdated() {
	if r.baseline.Load() != nil {
		r.Renew()
	}
	r.kinds.atDial.Store(true)
}

// connect looks at new connections where they are not to be looked at later. One that cannot be asked is used all the same: nothing is known then, and the
// next one is asked.
func (r *Reset) connect(next middleware.ConnectFunc) middleware.ConnectFunc {
	return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
		kind := r.kinds.now()
		real, err := next(ctx, dial)
		if err != nil {
			return real, err
		}
		if r.baseline.Load() == nil && r.asksAtDial() {
			if err = r.ask(ctx, real, dial.Endpoint, kind, false); err != nil && (ctx.Err() != nil || r.Dead(err)) {
				return nil, err
			}
		}
		if err == nil { // none is asked twice
			dial.Changes.Untouched = kind
		}
		return real, nil
	}
}

// asksAtDial reports whether connections are asked when they are dialled: those before could not be asked, or others never can. An audit compares with
// a session that nobody has had, pool_reset=always judges none, and others may do to sessions what is not seen.
func (r *Reset) asksAtDial() bool { return r.kinds.atDial.Load() || r.asksOnlyAtDial() }

func (r *Reset) asksOnlyAtDial() bool {
	return r.AtDial || r.Policy.Audit > 0 || r.Policy.Mode == policy.ResetAlways
}

// ask asks a connection of this kind what its session began with. An error was told.
func (r *Reset) ask(ctx context.Context, real driver.Conn, endpoint *middleware.Endpoint, kind uint64, awaited bool) error {
	f := &baseline{at: time.Now()}
	proxied, err := r.Sessions.Baseline(ctx, real, awaited)
	if err == nil && r.Policy.Audit > 0 && !proxied {
		f.state, err = r.Sessions.Leftovers(ctx, real)
	}
	switch {
	case err == nil:
		r.learnt(f, kind)
		if proxied && r.judges() {
			r.tellProxy(endpoint)
		}
		return nil
	case ctx.Err() != nil || r.Dead(err):
		return err
	}
	r.kinds.atDial.Store(true)
	if err != dialect.ErrUsed && r.unanswered.CompareAndSwap(false, true) {
		r.Logger.Warn("pooled: a new connection did not tell what a session begins with: until one does, sessions that were changed are closed",
			"endpoint", endpoint.Name, "error", err)
	}
	return err
}

// learnt takes what a connection of a kind has told, unless others are dialled by now.
func (r *Reset) learnt(f *baseline, kind uint64) {
	r.kinds.mu.Lock()
	defer r.kinds.mu.Unlock()
	if r.kinds.now() == kind && r.baseline.CompareAndSwap(nil, f) {
		r.kinds.atDial.Store(false)
		r.unanswered.Store(false)
	}
}

// isUntouched reports whether nothing is known yet, and a connection can be asked: as far as its statements tell, those apart that are pending, its
// session is what it was.
func (r *Reset) isUntouched(changes *dialect.Changes) bool {
	return r.judges() && r.baseline.Load() == nil && changes.Untouched == r.kinds.now() && changes.Effects == 0 && changes.Definitions == nil && !r.asksOnlyAtDial()
}

// askBefore asks the connection that was acquired for a statement which will change its session. Nobody has begun anything on it.
func (r *Reset) askBefore(ctx context.Context, conn middleware.ServerConn) {
	changes := conn.Changes()
	if r.Policy.Mode != policy.ResetDirty || !r.isUntouched(changes) || changes.Pending.Texts != nil {
		return
	}
	ctx, cancel := r.limit(ctx)
	defer cancel()
	if r.ask(ctx, conn.Real(), conn.Endpoint(), changes.Untouched, false) != nil {
		changes.Untouched = 0 // it is not asked twice
	}
}

// askBehind asks a connection that was given back, when all is undone but what the texts may have done, which the catalogue knows by now. A connection
// that is dead is an error.
func (r *Reset) askBehind(ctx context.Context, conn middleware.ServerConn, pending dialect.Pending) error {
	changes := conn.Changes()
	if !r.isUntouched(changes) || changes.Way == dialect.Proxied {
		return nil
	}
	awaited := false
	for _, text := range pending.Texts {
		s := r.Sessions.Statement(text)
		if s.Effects&^dialect.Passing != 0 || s.Provisional && !s.AwaitsBaseline || r.Sessions.ChangedSince(pending.Since, text) {
			return nil
		}
		awaited = awaited || s.AwaitsBaseline
	}
	switch mine := r.kinds.asking.CompareAndSwap(false, true); {
	case mine:
		defer r.kinds.asking.Store(false)
	case !awaited: // what another one is told will do
		return nil
	}
	ctx, cancel := r.limit(ctx)
	defer cancel()
	err := r.ask(ctx, conn.Real(), conn.Endpoint(), changes.Untouched, awaited)
	if err == nil {
		return nil
	}
	changes.Untouched = 0 // it is not asked twice
	if ctx.Err() != nil || r.Dead(err) {
		return err
	}
	return nil
}

// findWay asks the server, once for each connection, whether a proxy stands in between. One that does not say so is none.
func (r *Reset) findWay(ctx context.Context, event *middleware.Release) error {
	changes := event.Conn.Changes()
	if changes.Way != dialect.WayUnknown || !r.judges() {
		return nil
	}
	ctx, cancel := r.limit(ctx)
	defer cancel()
	proxied, err := r.Sessions.Proxied(ctx, event.Conn.Real())
	switch {
	case err != nil:
		return err
	case !proxied:
		changes.Way = dialect.Direct
		return nil
	}
	changes.Way = dialect.Proxied
	r.tellProxy(event.Conn.Endpoint())
	return nil
}

// tellProxy logs once that sessions are not reset.
func (r *Reset) tellProxy(endpoint *middleware.Endpoint) {
	if r.toldProxy.CompareAndSwap(false, true) {
		r.Logger.Warn("pooled: a proxy stands before the server, so sessions are not reset: write pool_reset=off if it pools transactions, "+
			"pool_reset=always if it pools sessions", "endpoint", endpoint.Name)
	}
}

// leaveToProxy forgets what was done to whatever session a proxy had at hand, but for an open transaction.
func (r *Reset) leaveToProxy(changes *dialect.Changes) {
	if r.judges() && changes.Way == dialect.Proxied {
		r.endDefinitions(changes)
		openTx, cause := changes.Effects&dialect.OpenTx, changes.Cause
		changes.Clear()
		changes.Effects, changes.Cause = openTx, cause
	}
}
