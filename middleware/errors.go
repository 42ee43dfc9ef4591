package middleware

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/readable"
	"github.com/gopooled/pooled/policy"
)

// Sentinels for pooled's own refusals: errors.Is matches the typed errors of this file with them.
var (
	// ErrAcquireTimeout matches an [AcquireTimeoutError].
	ErrAcquireTimeout = errors.New("pooled: no server connection in time")
	// ErrOverloaded matches an [OverloadedError].
	ErrOverloaded = errors.New("pooled: more calls than the server connections can carry")
	// ErrNested matches a [NestedError].
	ErrNested = errors.New("pooled: the goroutine holds a server connection already")
	// ErrDeadlock matches a [DeadlockError].
	ErrDeadlock = errors.New("pooled: a deadlock over server connections")
	// ErrConnectTimeout matches a [ConnectTimeoutError].
	ErrConnectTimeout = errors.New("pooled: the server did not answer in time")
	// ErrBreakerOpen matches a [BreakerOpenError].
	ErrBreakerOpen = errors.New("pooled: the breaker is open")
	// ErrDraining matches a [DrainingError].
	ErrDraining = errors.New("pooled: the pool is draining")
	// ErrNoPrimary matches a [NoPrimaryError].
	ErrNoPrimary = errors.New("pooled: there is no primary")
	// ErrRole matches a [RoleError].
	ErrRole = errors.New("pooled: the server has another role than the wanted one")
	// ErrNoReplica matches a [NoReplicaError].
	ErrNoReplica = errors.New("pooled: no replica may answer")
	// ErrReclaimed matches a [ReclaimedError].
	ErrReclaimed = errors.New("pooled: the server connection was reclaimed")
	// ErrInit matches an [InitError].
	ErrInit = errors.New("pooled: pool_init failed")
)

// AcquireTimeoutError is returned when a session waited for a server connection for pool_acquire_timeout, or up to the
// deadline of the caller's context. Nothing was sent to a server. It matches [ErrAcquireTimeout] and, by way of Cause,
// usually context.DeadlineExceeded.
type AcquireTimeoutError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// Class is the class of the call (pool_classes); empty: there are none, or only one.
	Class string
	// Waited is how long this session waited.
	Waited time.Duration
	// Timeout is the pool_acquire_timeout that ended the wait; 0 when the caller's own deadline did.
	Timeout time.Duration
	// MaxConns is the number of permits (pool_max_conns); 0 = no limit.
	MaxConns int
	// InUse is how many sessions held a server connection.
	InUse int
	// Dialling is how many permits were taken by dials and validations under way, or by connections being made clean or closed.
	Dialling int
	// Kept is how many permits were free, but not for this session: kept for other classes (pool_classes), more than its tenant may have (pool_tenant_max), or, after
	// a deadlock, for those who hold one already.
	Kept int
	// OldestHeld is for how long the oldest borrower had held its connection; 0 when none was in use.
	OldestHeld time.Duration
	// Waiters is how many other sessions were waiting.
	Waiters int
	// Served is how many others got a connection while this session waited.
	Served uint64
	// PassedOver says that this session had less time left than connections are held for, and was passed over for others: its statement would have been
	// cancelled half way.
	PassedOver bool
	// Holders are those who held a connection for longest, three at most, the longest first. Nil with pool_leak=off.
	Holders []held.Conn
	// Own are the connections that the waiting goroutine held itself. With all permits in use, it waited for what it would have had to give
	// back. Nil if there were none, or nobody knows (pool_leak=off).
	Own []held.Conn
	// Cause is what ended the wait: context.DeadlineExceeded, or the error of a dial that failed at the same moment.
	Cause error
}

// Error tells the state of the pool at the time, and what can be done.
func (e *AcquireTimeoutError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pooled: no server connection to %s ", e.Endpoint)
	if e.Class != "" {
		fmt.Fprintf(&b, "for the class %s ", e.Class)
	}
	fmt.Fprintf(&b, "after %s", readable.Duration(e.Waited))
	if e.Timeout > 0 {
		fmt.Fprintf(&b, " (pool_acquire_timeout=%s)", e.Timeout)
	} else {
		b.WriteString(" (the deadline of the caller's context)")
	}
	if e.MaxConns > 0 {
		fmt.Fprintf(&b, ": %d of %d permits (pool_max_conns) hold a connection in use, %d are dialling, cleaning or closing, %d more waiting",
			e.InUse, e.MaxConns, e.Dialling, e.Waiters)
		if e.Kept > 0 {
			fmt.Fprintf(&b, ", %d kept for others", e.Kept)
		}
		if e.Served > 0 {
			fmt.Fprintf(&b, ", %d served meanwhile", e.Served)
		}
		if e.PassedOver {
			b.WriteString("; it was passed over in the end, as it had less time left than connections are held for")
		}
	} else {
		fmt.Fprintf(&b, ": %d connections in use, no limit set", e.InUse)
	}
	if e.waitsForItself() {
		fmt.Fprintf(&b, "; this goroutine itself holds %s", e.Own[0])
	}
	tellHolders(&b, e.Holders)
	if len(e.Holders) == 0 && e.OldestHeld > 0 {
		fmt.Fprintf(&b, "; the oldest has been held for %s", readable.Duration(e.OldestHeld))
	}
	b.WriteString("; ")
	b.WriteString(e.advice())
	return b.String()
}

// waitsForItself reports whether the waiting goroutine could have got a connection by giving one back.
func (e *AcquireTimeoutError) waitsForItself() bool {
	return len(e.Own) > 0 && e.MaxConns > 0 && e.InUse >= e.MaxConns
}

// advice names the most likely cure.
func (e *AcquireTimeoutError) advice() string {
	switch {
	case e.waitsForItself():
		return "it waits for itself: " + unnest
	case e.Kept > 0:
		return "connections are kept for other classes or tenants, or after a deadlock for who holds one already: keep fewer (pool_classes, pool_tenant_max), or raise pool_max_conns"
	case e.MaxConns == 0 || e.InUse < e.MaxConns:
		return "the server is slow to accept connections: check that it is reachable and not overloaded"
	case e.OldestHeld > 2*e.Waited, anyRests(e.Holders, e.Waited):
		return "look for Rows, Tx or Conn that are never closed and for long transactions, or raise pool_max_conns"
	default:
		return "the load is higher than the connections can carry: raise pool_max_conns, or shorten the statements"
	}
}

// tellHolders says who holds connections.
func tellHolders(b *strings.Builder, holders []held.Conn) {
	for i, c := range holders {
		if i == 0 {
			b.WriteString("; held longest: ")
		} else {
			b.WriteString("; ")
		}
		b.WriteString(c.String())
	}
}

// anyRests reports whether one of those who hold a connection has not used it for so long.
func anyRests(holders []held.Conn, long time.Duration) bool {
	return slices.ContainsFunc(holders, func(c held.Conn) bool { return !c.Busy && !c.Reading && c.Idle > long })
}

// Is matches ErrAcquireTimeout.
func (e *AcquireTimeoutError) Is(target error) bool { return target == ErrAcquireTimeout }

// Unwrap returns Cause.
func (e *AcquireTimeoutError) Unwrap() error { return e.Cause }

// OverloadedError is returned to whoever is refused a server connection because too many wait for one (pool_shed, pool_max_waiters). Nothing was sent to a server,
// and database/sql does not try again. It matches [ErrOverloaded].
type OverloadedError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// Class is the class of the call (pool_classes); empty: there are none, or only one.
	Class string
	// MaxConns is the number of permits (pool_max_conns).
	MaxConns int
	// Kept is how many of them were free, but more than its tenant may have (pool_tenant_max).
	Kept int
	// Waited is how long this session had waited.
	Waited time.Duration
	// Waiters is how many others were waiting.
	Waiters int
	// Wait is how long the next would have to wait, if all were served in turn.
	Wait time.Duration
	// RetryAfter is when it makes sense to come back: when those who wait are served, and not before it is known whether there are still too many. HTTP services
	// answer 503 with it as Retry-After.
	RetryAfter time.Duration
	// MaxWaiters is the pool_max_waiters that was reached; 0 when pool_shed has refused the session. [policy.NoWaiters] = nobody may wait.
	MaxWaiters int
	// Holders are those who held a connection for longest, three at most, the longest first. Nil with pool_leak=off.
	Holders []held.Conn
}

// Error tells the state of the queue at the time, and what can be done.
func (e *OverloadedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pooled: %s is overloaded: ", e.Endpoint)
	switch {
	case e.Class != "":
		fmt.Fprintf(&b, "there is none of %d permits (pool_max_conns) for the class %s, and ", e.MaxConns, e.Class)
	case e.Kept > 0:
		fmt.Fprintf(&b, "%d of %d permits (pool_max_conns) are kept for others, and ", e.Kept, e.MaxConns)
	default:
		fmt.Fprintf(&b, "all %d permits (pool_max_conns) are taken, and ", e.MaxConns)
	}
	switch {
	case e.MaxWaiters == policy.NoWaiters:
		b.WriteString("nobody may wait (pool_max_waiters=none)")
	case e.MaxWaiters > 0:
		fmt.Fprintf(&b, "%d are waiting already, as many as may (pool_max_waiters)", e.Waiters)
	default:
		fmt.Fprintf(&b, "more have come than can be served, for longer than pool_queue_interval (pool_shed=on): refused after %s, %d more waiting", readable.Duration(e.Waited), e.Waiters)
	}
	tellHolders(&b, e.Holders)
	fmt.Fprintf(&b, "; try again in %s, ", readable.Duration(e.RetryAfter))
	if anyRests(e.Holders, e.RetryAfter) {
		b.WriteString("look for Rows, Tx or Conn that are never closed, ")
	}
	b.WriteString("shorten the statements, or raise pool_max_conns if the server can carry more")
	return b.String()
}

// Is matches ErrOverloaded.
func (e *OverloadedError) Is(target error) bool { return target == ErrOverloaded }

// NestedError is returned with pool_nested=error to a goroutine that wants a server connection while it holds another one of the same server. Nothing was sent to a
// server. It matches [ErrNested].
type NestedError struct {
	// Nested is the goroutine, with what it holds and wants.
	held.Nested
}

// Error tells what the goroutine holds, and what can be done.
func (e *NestedError) Error() string {
	return fmt.Sprintf("pooled: no second connection to %s for a goroutine that holds one (pool_nested=error): %s; %s", e.Endpoint, e.Nested, unnest)
}

// Is matches ErrNested.
func (e *NestedError) Is(target error) bool { return target == ErrNested }

// unnest is the cure for nested connections.
const unnest = "inside a transaction use the *sql.Tx, not the *sql.DB, and close rows before the next query"

// DeadlockError is returned to one of several goroutines that hold all server connections and each wait for one more, so that none would ever get it. The others go on as
// soon as it gives back what it holds. Nothing was sent to a server. It matches [ErrDeadlock].
type DeadlockError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// MaxConns is the number of permits (pool_max_conns).
	MaxConns int
	// Kept is how many of these were free, but not for these goroutines: kept for other classes (pool_classes) or tenants (pool_tenant_max).
	Kept int
	// Waited is how long this goroutine waited.
	Waited time.Duration
	// Cycle are the goroutines that wait for each other, with what they hold and want. The first is the one that gets the error.
	Cycle []held.Nested
}

// mostInCycle is how many goroutines of a deadlock an error tells of.
const mostInCycle = 5

// Error tells who waits for whom, and what can be done.
func (e *DeadlockError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "pooled: deadlock: all connections to %s (pool_max_conns=%d", e.Endpoint, e.MaxConns)
	if e.Kept > 0 {
		fmt.Fprintf(&b, ", %d kept for others", e.Kept)
	}
	fmt.Fprintf(&b, ") are held by goroutines that wait for one more, and this one was refused after %s so that the others go on: ", readable.Duration(e.Waited))
	for i, n := range e.Cycle {
		if i == mostInCycle {
			fmt.Fprintf(&b, "; and %d more", len(e.Cycle)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(n.String())
	}
	b.WriteString("; " + unnest)
	return b.String()
}

// Is matches ErrDeadlock.
func (e *DeadlockError) Is(target error) bool { return target == ErrDeadlock }

// BreakerOpenError is returned to whoever wants a connection to a server that is cut off (pool_breaker). Nothing was sent to the server.
// It matches [ErrBreakerOpen].
type BreakerOpenError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// Since is when the breaker opened.
	Since time.Time
	// Cause is the last error that counted: of a call, a dial or a probe.
	Cause error
	// NextProbe is when the server is tried again; in the past while State is half-open.
	NextProbe time.Time
	// State is open, or half-open while the server is being tried.
	State policy.BreakerState
}

// Error tells what is known of the outage.
func (e *BreakerOpenError) Error() string {
	next := "it is tried again at " + e.NextProbe.Format(time.TimeOnly)
	if e.State == policy.BreakerHalfOpen {
		next = "it is being tried again"
	}
	return fmt.Sprintf("pooled: %s is cut off since %s, because it was in trouble (pool_breaker); %s: %v",
		e.Endpoint, e.Since.Format(time.TimeOnly), next, e.Cause)
}

// Is matches ErrBreakerOpen.
func (e *BreakerOpenError) Is(target error) bool { return target == ErrBreakerOpen }

// Unwrap returns Cause, unless that is driver.ErrBadConn: database/sql would try again.
func (e *BreakerOpenError) Unwrap() error { return unlessBadConn(e.Cause) }

// DrainingError is returned to whoever wants a connection of a pool that is being drained. Nothing was sent to a server. It matches
// [ErrDraining].
type DrainingError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
}

// Error names the endpoint.
func (e *DrainingError) Error() string {
	return fmt.Sprintf("pooled: no new connection to %s: the pool is draining, because the program is about to end", e.Endpoint)
}

// Is matches ErrDraining.
func (e *DrainingError) Is(target error) bool { return target == ErrDraining }

// ReclaimedError is returned to whoever uses a server connection that was taken away, because it had not been used for pool_leak
// (pool_leak_reclaim). Nothing was sent to the server, and nobody else has the connection. A transaction on it was rolled back
// by the server. It matches [ErrReclaimed].
type ReclaimedError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// Conn is the number of the connection.
	Conn uint64
	// Borrowed is how long ago it was borrowed.
	Borrowed time.Duration
}

// Error tells what happened, and what can be done.
func (e *ReclaimedError) Error() string {
	return fmt.Sprintf("pooled: connection %d to %s was reclaimed, because it was not used for pool_leak; it was borrowed %s ago: "+
		"close sooner what holds it, or raise pool_leak", e.Conn, e.Endpoint, readable.Duration(e.Borrowed))
}

// Is matches ErrReclaimed.
func (e *ReclaimedError) Is(target error) bool { return target == ErrReclaimed }

// ConnectTimeoutError is returned when a server connection was not ready within pool_connect_timeout: network, TLS,
// authentication and pool_init included. It matches [ErrConnectTimeout].
type ConnectTimeoutError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// Timeout is the pool_connect_timeout.
	Timeout time.Duration
	// Cause is the error of the real driver.
	Cause error
}

// Error names the endpoint, the limit and the cause.
func (e *ConnectTimeoutError) Error() string {
	return fmt.Sprintf("pooled: %s did not answer within %s (pool_connect_timeout): "+
		"check the address, or raise the limit: %v", e.Endpoint, e.Timeout, e.Cause)
}

// Is matches ErrConnectTimeout.
func (e *ConnectTimeoutError) Is(target error) bool { return target == ErrConnectTimeout }

// Unwrap returns Cause, unless that is driver.ErrBadConn: database/sql would dial again, and wait as long again.
func (e *ConnectTimeoutError) Unwrap() error { return unlessBadConn(e.Cause) }

// InitError is returned when pool_init failed on a new server connection, which was closed again. Without this error, the
// failure would look like one of the statement that the connection was dialled for. It matches [ErrInit].
type InitError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// Code is the code that the server refused pool_init with: an SQLSTATE, or MySQL's number. Empty: the error is none of the server's, or of a
	// driver that pooled does not know.
	Code string
	// Cause is the error of the real driver. Servers quote what they refuse, so its text may show the secrets of pool_init.
	Cause error
}

// Error names the endpoint and the code. It shows neither pool_init nor what the server says of it.
func (e *InitError) Error() string {
	var cause string
	switch op := (*net.OpError)(nil); {
	case e.Code != "":
		cause = "the server refused it with " + e.Code
	case errors.As(e.Cause, &op):
		cause = op.Error()
	default:
		cause = fmt.Sprintf("%T", e.Cause)
		for _, known := range []error{context.DeadlineExceeded, context.Canceled, io.ErrUnexpectedEOF, io.EOF, driver.ErrBadConn} {
			if errors.Is(e.Cause, known) {
				cause = known.Error()
				break
			}
		}
	}
	return fmt.Sprintf("pooled: pool_init failed on a new connection to %s: %s: run its statements by hand to see why; "+
		"the driver's error, which may show a part of them, is found by errors.As", e.Endpoint, cause)
}

// GoString is [InitError.Error], so that %#v shows no more.
func (e *InitError) GoString() string { return e.Error() }

// MarshalText is [InitError.Error] for encoders such as encoding/json.
func (e *InitError) MarshalText() ([]byte, error) { return []byte(e.Error()), nil }

// Is matches ErrInit.
func (e *InitError) Is(target error) bool { return target == ErrInit }

// Unwrap returns Cause, unless that is driver.ErrBadConn: pool_init has reached the server then.
func (e *InitError) Unwrap() error { return unlessBadConn(e.Cause) }

func unlessBadConn(err error) error {
	if errors.Is(err, driver.ErrBadConn) {
		return nil
	}
	return err
}

// NoPrimaryError is returned when a statement needed the primary of a cluster, and there was none for pool_failover_timeout. Nothing was sent to
// a server. It matches [ErrNoPrimary].
type NoPrimaryError struct {
	// Waited is how long the statement waited.
	Waited time.Duration
	// Why tells why no server counts as the primary.
	Why string
	// Cause is what the last attempt to reach one ended with; nil: there was none.
	Cause error
}

// Error tells why.
func (e *NoPrimaryError) Error() string {
	text := fmt.Sprintf("pooled: there is no primary after %s (pool_failover_timeout): %s", readable.Duration(e.Waited), e.Why)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Is matches ErrNoPrimary.
func (e *NoPrimaryError) Is(target error) bool { return target == ErrNoPrimary }

// Unwrap returns Cause.
func (e *NoPrimaryError) Unwrap() error { return unlessBadConn(e.Cause) }

// RoleError is returned with pool_role when a new connection led to a server of another role. The connection was closed, and nothing was sent but pool_init and
// questions. It matches [ErrRole].
type RoleError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// Wanted is the role that pool_role asks for.
	Wanted dialect.ServerRole
	// Found is the role that the server has; unknown: it is no replica, and lets no new session write all the same, by default_transaction_read_only,
	// or on MySQL transaction_read_only.
	Found dialect.ServerRole
}

// Error tells both roles.
func (e *RoleError) Error() string {
	is := "a " + e.Found.String()
	if e.Found == dialect.RoleUnknown {
		is = "neither a replica nor lets new sessions write"
	}
	return fmt.Sprintf("pooled: %s is %s, and pool_role=%s wants another server: a failover may be under way, or the DSN names the wrong server", e.Endpoint, is, e.Wanted)
}

// Is matches ErrRole.
func (e *RoleError) Is(target error) bool { return target == ErrRole }

// NoReplicaError is returned with pool_replica_fallback=error when no replica may answer a read. Nothing was sent to a server. It matches
// [ErrNoReplica].
type NoReplicaError struct {
	// Why tells for each replica why it may not.
	Why string
}

// Error tells why.
func (e *NoReplicaError) Error() string {
	return "pooled: no replica may answer, and pool_replica_fallback=error spares the primary: " + e.Why
}

// Is matches ErrNoReplica.
func (e *NoReplicaError) Is(target error) bool { return target == ErrNoReplica }
