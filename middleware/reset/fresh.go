package reset

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// fresh is what a connection told before anybody had used it.
type fresh struct {
	at    time.Time         // when it was asked
	state map[string]string // see [dialect.Sessions].Leftovers; nil without pool_reset_audit
}

// Renew has the next connection looked at as the first was: those that are dialled from now on may be of another kind.
func (r *Reset) Renew() { r.fresh.Store(nil) }

// connect looks at the first connection. One that cannot be asked is used all the same: nothing is known then, and the next one is asked.
func (r *Reset) connect(next middleware.ConnectFunc) middleware.ConnectFunc {
	return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
		real, err := next(ctx, dial)
		if err != nil || r.fresh.Load() != nil {
			return real, err
		}
		f, proxied, err := r.look(ctx, real)
		switch {
		case err == nil:
			r.fresh.CompareAndSwap(nil, f)
			r.unanswered.Store(false)
			if proxied && r.judges() {
				r.tellProxy(dial.Endpoint)
			}
		case ctx.Err() != nil || r.Dead(err):
			return nil, err
		case r.unanswered.CompareAndSwap(false, true):
			r.Logger.Warn("pooled: a new connection did not tell what a session begins with: until one does, sessions that were changed are closed",
				"endpoint", dial.Endpoint.Name, "error", err)
		}
		return real, nil
	}
}

// look asks a connection that nobody has used.
func (r *Reset) look(ctx context.Context, real driver.Conn) (f *fresh, proxied bool, err error) {
	f = &fresh{at: time.Now()}
	if proxied, err = r.Sessions.Fresh(ctx, real); err == nil && r.Policy.Audit > 0 && !proxied {
		f.state, err = r.Sessions.Leftovers(ctx, real)
	}
	return f, proxied, err
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
		r.over(changes)
		openTx, cause := changes.Effects&dialect.OpenTx, changes.Cause
		changes.Clear()
		changes.Effects, changes.Cause = openTx, cause
	}
}
