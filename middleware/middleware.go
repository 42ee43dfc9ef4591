package middleware

import (
	"context"
	"database/sql/driver"
)

// Middleware is a policy: up to four wraps, one per stage of a connection's life. The zero value does nothing. It is data:
// it may be copied, and used in several connectors if its wraps are safe for concurrent use.
type Middleware struct {
	// Name identifies the middleware in pool_use, errors and logs.
	Name string
	// Connect wraps the dialling of a server connection: network, authentication, pool_init.
	// The context has the borrower's values and ends with pool_connect_timeout, not with the borrower: a dial goes on for up to a second when its
	// borrower has gone, for the next one. So it may run on a goroutine of the pool. A wrap that fails after next succeeded need not close
	// the connection: pooled does.
	Connect func(next ConnectFunc) ConnectFunc
	// Acquire wraps a session's taking of a server connection: the wait for a permit, the validation of an idle one, a dial.
	// It runs on the goroutine of the caller. A wrap that fails after next succeeded need not give the connection back: pooled does.
	Acquire func(next AcquireFunc) AcquireFunc
	// Call wraps every call of a session. The innermost one acquires a server connection if the session holds none.
	Call func(next CallFunc) CallFunc
	// Release wraps the giving back of a server connection. It must not block, as database/sql runs it under a lock, and it
	// must run next exactly once, or the connection and its permit are lost. What takes longer goes to [ServerConn].Background.
	Release func(next ReleaseFunc) ReleaseFunc
}

// ConnectFunc dials a server connection and returns the real driver's connection.
type ConnectFunc func(ctx context.Context, dial *Dial) (driver.Conn, error)

// AcquireFunc makes the session hold a server connection. On success a.Conn is set.
type AcquireFunc func(ctx context.Context, a *Acquisition) error

// CallFunc runs a call. On success the result fields that belong to its Op are set.
type CallFunc func(ctx context.Context, call *Call) error

// ReleaseFunc gives a server connection back. It has no error: what fails is counted and the connection closed.
type ReleaseFunc func(r *Release)

// Chain is one function per stage: what is left of a list of middlewares once it is composed around the innermost functions.
type Chain struct {
	Connect ConnectFunc
	Acquire AcquireFunc
	Call    CallFunc
	Release ReleaseFunc
}

// Compose wraps innermost with the middlewares, the first being the outermost. Nil wraps are left out of the chain, and so are
// stages of which innermost has no function.
func Compose(innermost Chain, middlewares ...Middleware) Chain {
	chain := innermost
	for i := len(middlewares) - 1; i >= 0; i-- {
		m := middlewares[i]
		if m.Connect != nil && chain.Connect != nil {
			chain.Connect = m.Connect(chain.Connect)
		}
		if m.Acquire != nil && chain.Acquire != nil {
			chain.Acquire = m.Acquire(chain.Acquire)
		}
		if m.Call != nil && chain.Call != nil {
			chain.Call = m.Call(chain.Call)
		}
		if m.Release != nil && chain.Release != nil {
			chain.Release = m.Release(chain.Release)
		}
	}
	return chain
}
