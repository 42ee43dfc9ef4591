// Package unlimited is the middleware that tells once that nothing limits the connections of a pool.
//
// A pool without pool_max_conns has as many connections as callers want at once, as a bare sql.DB has. That is right for a tool or a test, so those are not told. A
// program counts as a service when it dials after a minute, or more connections at once than a tool needs.
package unlimited

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/middleware"
)

// What a program counts as a service by: its age, and the connections that it has.
const (
	serviceAge   = time.Minute
	serviceConns = 20
)

// Unlimited tells it for all servers of a pool. It looks where connections are dialled, which costs callers nothing. It is safe for concurrent use.
type Unlimited struct {
	Options
	start time.Time
	told  atomic.Bool
}

// Options is what an Unlimited is made of.
type Options struct{ Logger *slog.Logger }

// New makes one for a pool that begins now.
func New(o Options) *Unlimited { return &Unlimited{Options: o, start: time.Now()} }

// Middleware returns the wrap for an endpoint that has no limit, and so many connections.
func (u *Unlimited) Middleware(open func() int) middleware.Middleware {
	return middleware.Middleware{Name: "unlimited", Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
		return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
			if !u.told.Load() && (open() >= serviceConns || time.Since(u.start) >= serviceAge) && u.told.CompareAndSwap(false, true) {
				u.Logger.Info("pooled: nothing limits the server connections but SetMaxOpenConns, if that is set: set pool_max_conns, or pool_profile=service", "endpoint", d.Endpoint.Name)
			}
			return next(ctx, d)
		}
	}}
}
