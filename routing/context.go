package routing

import (
	"context"

	"github.com/gopooled/pooled/dialect"
)

// options is what a context says about routing. It never changes.
type options struct {
	role    dialect.ServerRole // where all calls go; RoleUnknown: where they belong
	session *Session           // nil: that of the *sql.DB
	told    func(Decision)     // nil: nobody wants to know
}

type optionsKey struct{}

// optionsOf returns what a context says; the zero value if nothing.
func optionsOf(ctx context.Context) options {
	if o, ok := ctx.Value(optionsKey{}).(*options); ok {
		return *o
	}
	return options{}
}

func with(ctx context.Context, o options) context.Context {
	return context.WithValue(ctx, optionsKey{}, &o)
}

// WithPrimary sends all calls with the context to the primary.
func WithPrimary(ctx context.Context) context.Context {
	o := optionsOf(ctx)
	o.role = dialect.RolePrimary
	return with(ctx, o)
}

// WithReplica sends all calls with the context to a replica, if one may answer by pool_consistency, whatever the statement seems to do. A
// write fails there, and is not run again on the primary. A session that holds a connection to the primary stays there.
func WithReplica(ctx context.Context) context.Context {
	o := optionsOf(ctx)
	o.role = dialect.RoleReplica
	return with(ctx, o)
}

// WithDecisions has f called for each call with the context once it is decided where it goes, and again when that turned out to be wrong. f is called on
// the caller's goroutine and should return soon.
func WithDecisions(ctx context.Context, f func(Decision)) context.Context {
	o := optionsOf(ctx)
	o.told = f
	return with(ctx, o)
}

// NewSession begins a session: calls with the context see what was written with it, and what they have seen before, but need not see what the
// rest of the program writes. One for each request is what a service wants: requests that only read then use replicas even if others
// write all the time. A session may be used by several goroutines.
func NewSession(ctx context.Context) context.Context {
	o := optionsOf(ctx)
	o.session = &Session{}
	return with(ctx, o)
}
