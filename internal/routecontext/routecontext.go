// Package routecontext is what a context says about routing: package routing writes it for programs, and the router reads it.
package routecontext

import (
	"context"
	"sync"

	"github.com/gopooled/pooled/dialect"
)

// Says is what a context says. The zero value says nothing. It never changes.
type Says struct {
	Role    dialect.ServerRole // where all calls go; RoleUnknown: where they belong
	Session *Session           // nil: that of the *sql.DB
	Told    Told               // nil: nobody wants to know
}

// Told gets each decision: a routing.Decision in its parts.
type Told func(endpoint string, role dialect.ServerRole, reason uint8, detail string)

type key struct{}

// Of returns what a context says.
func Of(ctx context.Context) Says {
	if s, ok := ctx.Value(key{}).(*Says); ok {
		return *s
	}
	return Says{}
}

// With returns a context that says it.
func With(ctx context.Context, s Says) context.Context {
	return context.WithValue(ctx, key{}, &s)
}

// Session is what a series of calls must see. It has seen nothing at first. Each pool that it is used with keeps a state of its own in it.
type Session struct {
	sync.Mutex         // guards States
	States     []State // one for each pool
	Token      string  // not read yet by pools that have no state here; it never changes
}

// State is a session in one pool.
type State interface {
	// Settle marks the moment for calls of the pool that may have committed by now. The session is not locked.
	Settle()
	// Written is the cluster, and the position in its history as of which the session must be answered; ok is false if that is any. The session is locked.
	Written() (cluster, position string, ok bool)
}

// TokenSeparator stands between the parts of a token: a cluster and a position, for each pool.
const TokenSeparator = "|"
