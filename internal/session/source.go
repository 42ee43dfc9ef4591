package session

import (
	"context"
	"sync/atomic"

	"github.com/gopooled/pooled/internal/endpoint"
	"github.com/gopooled/pooled/middleware"
)

// Source is what the sessions of one connector have in common.
type Source struct {
	targets []*Target // where sessions go; the first, unless a middleware says otherwise
	chain   middleware.Chain
	seen    seenTexts
	life    Life
}

// Life is whether the connector of sessions was closed.
type Life struct {
	Resting *atomic.Bool // it was: sessions that have something to do wake it
	Wake    func() error
	Ended   func() error // is called for each session that was closed; its error is that of the session's Close
}

// Target is an endpoint and the middlewares that are its own.
type Target struct {
	endpoint *endpoint.Endpoint
	chain    middleware.Chain
}

// NewTarget composes the endpoint's own chain around the sessions' functions.
func NewTarget(e *endpoint.Endpoint, middlewares []middleware.Middleware) *Target {
	return &Target{e, middleware.Compose(middleware.Chain{Acquire: acquire, Call: call, Release: e.Release}, middlewares...)}
}

// NewSource composes the middlewares that all sessions pass around the chains of the targets. stmtCache is pool_stmt_cache.
func NewSource(targets []*Target, stmtCache int, middlewares []middleware.Middleware, life Life) *Source {
	src := &Source{targets: targets, seen: seenTexts{limit: seenPerStatement * stmtCache}, life: life}
	src.chain = middleware.Compose(middleware.Chain{
		Acquire: func(ctx context.Context, a *middleware.Acquisition) error {
			return a.Session.(*Session).target.chain.Acquire(ctx, a)
		},
		Call: func(ctx context.Context, c *middleware.Call) error {
			return c.Session.(*Session).target.chain.Call(ctx, c)
		},
		Release: func(r *middleware.Release) { src.target(r.Conn.Endpoint()).chain.Release(r) },
	}, middlewares...)
	return src
}

// target finds the one with this endpoint.
func (src *Source) target(e *middleware.Endpoint) *Target {
	for _, t := range src.targets {
		if t.endpoint.Info() == e {
			return t
		}
	}
	return src.targets[0]
}

// New makes a session. It holds no server connection yet.
func (src *Source) New() *Session {
	s := &Session{source: src, target: src.targets[0]}
	s.request.NewSession = true
	return s
}

// giveBack runs the Release chain, and what it is about if a middleware panics.
func (src *Source) giveBack(event *middleware.Release) {
	returned := false
	defer func() {
		if !returned {
			event.Discard = true
			src.target(event.Conn.Endpoint()).endpoint.Release(event)
		}
	}()
	src.chain.Release(event)
	returned = true
}

// Endpoints lists where sessions go.
func (src *Source) Endpoints() []*endpoint.Endpoint {
	all := make([]*endpoint.Endpoint, len(src.targets))
	for i, t := range src.targets {
		all[i] = t.endpoint
	}
	return all
}

// Reclaim takes a connection from its holder, and reports whether it could: not if the holder has used it since it was looked at. The
// holder's session learns it at its next call.
func (src *Source) Reclaim(h endpoint.Holding) bool {
	conn, ok := h.Take()
	if ok {
		src.giveBack(&middleware.Release{Conn: conn, Held: h.For, Discard: true, Reclaimed: true})
	}
	return ok
}
