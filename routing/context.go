package routing

import (
	"context"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/routecontext"
)

// WithPrimary sends all calls with the context to the primary.
func WithPrimary(ctx context.Context) context.Context {
	s := routecontext.Of(ctx)
	s.Role = dialect.RolePrimary
	return routecontext.With(ctx, s)
}

// WithReplica sends all calls with the context to a replica, if one may answer by pool_consistency, whatever the statement seems to do. A
// write fails there, and is not run again on the primary. A session that holds a connection to the primary stays there.
func WithReplica(ctx context.Context) context.Context {
	s := routecontext.Of(ctx)
	s.Role = dialect.RoleReplica
	return routecontext.With(ctx, s)
}

// WithDecisions has f called for each call with the context once it is decided where it goes, and again when that turned out to be wrong. f is called on
// the caller's goroutine and should return soon.
func WithDecisions(ctx context.Context, f func(Decision)) context.Context {
	s := routecontext.Of(ctx)
	s.Told = func(endpoint string, role dialect.ServerRole, reason uint8, detail string) {
		f(Decision{Endpoint: endpoint, Role: role, Reason: Reason(reason), Detail: detail})
	}
	return routecontext.With(ctx, s)
}

// NewSession begins a session: calls with the context see what was written with it, and what they have seen before, but need not see what the
// rest of the program writes. One for each request is what a service wants: requests that only read then use replicas even if others
// write all the time. A session may be used by several goroutines.
func NewSession(ctx context.Context) context.Context {
	s := routecontext.Of(ctx)
	s.Session = &routecontext.Session{}
	return routecontext.With(ctx, s)
}
