package reset

import (
	"context"
	"database/sql/driver"

	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// fresh is what the first connection to an endpoint told before anybody had used it.
type fresh struct {
	proxied bool              // sessions are shared behind our back, so there is nothing to reset
	state   map[string]string // see [dialect.Sessions].Leftovers; nil without pool_reset_audit
}

// Renew has the next connection looked at as the first was: those that are dialled from now on may be of another kind.
func (r *Reset) Renew() { r.fresh.Store(nil) }

// connect looks at the first connection. One that cannot be asked, such as PgBouncer's own console, is left alone.
func (r *Reset) connect(next middleware.ConnectFunc) middleware.ConnectFunc {
	return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
		real, err := next(ctx, dial)
		if err != nil || r.fresh.Load() != nil {
			return real, err
		}
		proxied, err := r.Sessions.Fresh(ctx, real)
		if err != nil {
			if ctx.Err() != nil || r.Dead(err) {
				return nil, err
			}
			if r.fresh.CompareAndSwap(nil, &fresh{proxied: true}) {
				r.Logger.Warn("pooled: the server does not answer questions about sessions, so they are not reset",
					"endpoint", dial.Endpoint.Name, "error", err)
			}
			return real, nil
		}
		var state map[string]string
		if r.Policy.Audit > 0 {
			if state, err = r.Sessions.Leftovers(ctx, real); err != nil {
				return nil, err
			}
		}
		if r.fresh.CompareAndSwap(nil, &fresh{proxied, state}) && proxied && r.Policy.Mode != policy.ResetAlways {
			r.Logger.Warn("pooled: a proxy stands before the server, so sessions are not reset: write pool_reset=off if it pools transactions, "+
				"pool_reset=always if it pools sessions", "endpoint", dial.Endpoint.Name)
		}
		return real, nil
	}
}
