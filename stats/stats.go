// Package stats is what a pool does, as data: the snapshot that [github.com/gopooled/pooled.Connector.Stats] returns, and from which metrics and the page are made too, so that they
// never differ.
//
// Counters begin with 0 when the connector is made and only grow; unknown is nil or a bool that says so, never a negative number. Values may be kept and changed: they
// share nothing with the pool.
package stats

import (
	"time"

	"github.com/gopooled/pooled/policy"
)

// Pool is a snapshot of a pool. The figures are read one after the other, so they may differ by what happened meanwhile.
type Pool struct {
	// Name is that of the pool (pool_name).
	Name string
	// Endpoints has one entry per server.
	Endpoints []Endpoint
	// Leak counts connections that were held and not used for pool_leak, of all servers; zero with pool_leak=off.
	Leak Leak
	// Routing is what pool_routing knows and does; nil without it.
	Routing *Routing
}

// Endpoint is a snapshot of one endpoint.
type Endpoint struct {
	// Endpoint is the address of the server, without user and password.
	Endpoint string
	// MaxConns is pool_max_conns, with auto what the limit is now; 0 = no limit.
	MaxConns int
	// MinIdle is pool_min_idle_conns.
	MinIdle int
	// MaxIdle is pool_max_idle_conns; nil for all and auto, which are no number.
	MaxIdle *int
	// Open is how many server connections there are: InUse and Idle.
	Open int
	// InUse is how many are held by sessions, or being made clean after one.
	InUse int
	// Idle is how many wait for the next borrower.
	Idle int
	// Waiting is how many sessions are waiting for a permit.
	Waiting int
	// Statements is how many prepared statements the caches of its connections hold, those of closed *sql.Stmt included.
	Statements int
	// Acquires counts the times that a session got a server connection.
	Acquires uint64
	// Unserved counts the times that one got none: because of a timeout, a refusal of the gate, a dial that failed, or a pool that is drained. Sessions whose callers went
	// away are not among them, nor those that the breaker refused.
	Unserved uint64
	// Admitted counts the sessions that got a permit; a dial that fails may come after it. Without pool_max_conns it is 0, as what follows up to Classes.
	Admitted uint64
	// Waits counts the acquisitions that had to wait for a permit, whether they got it or not.
	Waits uint64
	// WaitTime is the sum of these waits.
	WaitTime time.Duration
	// Overloaded counts the sessions that got an [middleware.OverloadedError] (pool_shed, pool_max_waiters).
	Overloaded uint64
	// Full counts those of them for whom there was no room among pool_max_waiters.
	Full uint64
	// Shed counts those of them who were more than can be served (pool_shed).
	Shed uint64
	// PassedOver counts the sessions that had less time left than connections are held for when their turn came. They are served after all others.
	PassedOver uint64
	// Classes tells the same of each of pool_classes; nil without them.
	Classes []Class
	// Dials counts attempts to make a server connection.
	Dials uint64
	// FailedDials counts those that failed.
	FailedDials uint64
	// Closed counts closed server connections by reason.
	Closed Closes
	// Reset counts what the next borrowers were saved from; nil: nothing is known of this driver's sessions.
	Reset *Reset
	// Nested counts goroutines that wanted a connection while they held another one of this server, and those that waited for each other. Zero with
	// pool_nested=off, and without pool_max_conns but for pool_nested=error.
	Nested Nested
	// Breaker is what pool_breaker does; nil if it is off.
	Breaker *Breaker
}

// Class is a snapshot of one of pool_classes at an endpoint.
type Class struct {
	// Name is that of the class.
	Name string
	// InUse is how many permits it has, and Waiting how many of its sessions wait for one.
	InUse, Waiting int
	// Admitted counts those that got one, Waits those that had to wait for it, whether they got it or not, and WaitTime is the sum of these waits.
	Admitted uint64
	Waits    uint64
	WaitTime time.Duration
	// Overloaded and what follows are as in [Endpoint].
	Overloaded, Full, Shed, PassedOver uint64
}

// Closes counts closed server connections by reason.
type Closes struct {
	// Lifetime: older than pool_max_conn_lifetime and its jitter.
	Lifetime uint64
	// IdleTime: idle for pool_max_conn_idle_time.
	IdleTime uint64
	// IdleLimit: pool_max_idle_conns were idle already, or pool_max_conns=auto has lowered the limit.
	IdleLimit uint64
	// Failed: a call told that the connection was dead.
	Failed uint64
	// Validation: found dead when it was to be borrowed.
	Validation uint64
	// Reclaimed: taken from a holder who did not use it (pool_leak_reclaim).
	Reclaimed uint64
	// Demoted: its server refused to write, and new connections lead to one that writes.
	Demoted uint64
	// Retired: by Evict, or because the server had ended connections of that time.
	Retired uint64
	// Discarded: given back in an open transaction, not valid by the real driver's word, or not wanted back by a policy.
	Discarded uint64
	// Shutdown: the connector was closed.
	Shutdown uint64
}

// CloseReason is a reason to close server connections.
type CloseReason struct {
	// Name is what metrics and the page call it.
	Name string
	// Healthy says that nothing was wrong with the connections: a limit, or the program, has ended them.
	Healthy bool
	// Conns counts them.
	Conns uint64
}

// Reasons lists all reasons, those that have closed nothing too. There is no other list of them: who shows reasons has them from here.
func (c *Closes) Reasons() []CloseReason {
	return []CloseReason{
		{"lifetime", true, c.Lifetime},
		{"idle_time", true, c.IdleTime},
		{"idle_limit", true, c.IdleLimit},
		{"demoted", true, c.Demoted},
		{"retired", true, c.Retired},
		{"shutdown", true, c.Shutdown},
		{"failed", false, c.Failed},
		{"validation", false, c.Validation},
		{"reclaimed", false, c.Reclaimed},
		{"discarded", false, c.Discarded},
	}
}

// Reset counts what became of the server connections that were given back. Counters only grow.
type Reset struct {
	// Clean counts the sessions that were judged clean by their statements: they had left no trace, or none but the numbers of sequences. Their
	// connections could be borrowed at once, but for those that were audited.
	Clean uint64
	// Resets counts the sessions that were made clean.
	Resets uint64
	// ByEffect counts them by what had been done to the session, named as [dialect.Effects] names it. A session with several
	// effects counts for each.
	ByEffect map[string]uint64
	// Discards counts the connections that were closed instead, by reason.
	Discards Discards
	// AuditFailures counts the audits (pool_reset_audit) that found something left.
	AuditFailures uint64
}

// Discards counts server connections that were closed instead of being reset.
type Discards struct {
	// Permanent: only a new connection undoes what was done.
	Permanent uint64
	// Failed: the reset failed, or took longer than pool_reset_timeout.
	Failed uint64
	// Mode: pool_reset=discard.
	Mode uint64
	// Unclean: the audit found something left.
	Unclean uint64
}

// What became of sessions that were not clean, as metrics, spans and the page call it: they were reset, or the connection was closed for the reason of [Discards].
const (
	OutcomeReset     = "reset"
	OutcomePermanent = "permanent"
	OutcomeFailed    = "failed"
	OutcomeMode      = "mode"
	OutcomeUnclean   = "unclean"
)

// Outcomes counts the sessions that were not clean by what became of them.
func (r *Reset) Outcomes() map[string]uint64 {
	return map[string]uint64{
		OutcomeReset: r.Resets, OutcomePermanent: r.Discards.Permanent, OutcomeFailed: r.Discards.Failed, OutcomeMode: r.Discards.Mode, OutcomeUnclean: r.Discards.Unclean,
	}
}

// Leak counts connections that were held and not used for pool_leak.
type Leak struct {
	// Reported counts them, each borrow once.
	Reported uint64
	// Orphaned counts those of them whose borrower's goroutine had ended.
	Orphaned uint64
	// Returned counts those that were given back after all.
	Returned uint64
	// Reclaimed counts those that were taken away (pool_leak_reclaim).
	Reclaimed uint64
}

// Nested counts goroutines that took a server connection while they held another one.
type Nested struct {
	// Nested counts the times that one wanted a second connection of the same server, whether it got it or not.
	Nested uint64
	// Deadlocks counts those that got a DeadlockError.
	Deadlocks uint64
}

// Breaker is a snapshot of a breaker.
type Breaker struct {
	// State is the state now.
	State policy.BreakerState
	// Since is when it opened; zero while it is closed.
	Since time.Time
	// NextProbe is when the server is probed next; zero while the breaker is not open.
	NextProbe time.Time
	// Trips counts how often it has opened.
	Trips uint64
	// Refused counts acquisitions that it refused.
	Refused uint64
	// Transitions counts how often it got into each [policy.BreakerState], which is the index.
	Transitions [3]uint64
}

// Routing is what is known of the servers of a cluster, and where calls went.
type Routing struct {
	// Primary is the name of the endpoint that is written to; empty: there is none.
	Primary string
	// Servers has one entry per server.
	Servers []Server
	// Decisions counts calls by the reason for which they went where they did. Those that stayed on their connection without being looked at, such as
	// in a transaction, count as bound.
	Decisions map[string]uint64
}

// Server is what is known of a server.
type Server struct {
	// Endpoint is its name.
	Endpoint string
	// Role is primary, replica or unknown.
	Role string
	// Up says that it answers.
	Up bool
	// Since is since when it has answered or not, had this role, and been readable or too far behind; zero: it was not asked yet.
	Since time.Time
	// Readable says that reads may go to it as to a replica, some of them at least.
	Readable bool
	// Why tells why not.
	Why string
	// Lag is how old its data is at most, compared with what the primary has told; 0 for the primary.
	Lag time.Duration
	// LagKnown says that Lag is known.
	LagKnown bool
	// Behind is the same in the server's own terms, such as "340 kB".
	Behind string
	// InFlight is how many sessions have a connection to it, or want one.
	InFlight int
}
