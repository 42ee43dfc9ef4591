package pooled

import (
	"time"

	"github.com/gopooled/pooled/internal/endpoint"
	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/middleware/breaker"
	"github.com/gopooled/pooled/middleware/leak"
	"github.com/gopooled/pooled/middleware/nested"
	"github.com/gopooled/pooled/middleware/reset"
	"github.com/gopooled/pooled/routing"
)

// Stats is a snapshot of what a connector's server connections do. Counters begin with 0 when the connector is made and only grow. The
// figures are read one after the other, so they may differ by what happened meanwhile.
type Stats struct {
	// Name is that of the pool (pool_name).
	Name string
	// Endpoints has one entry per server.
	Endpoints []EndpointStats
	// Routing is what pool_routing knows and does; nil without it.
	Routing *RoutingStats
}

// RoutingStats is a snapshot of what is known of the servers of a cluster, and of where calls went.
type RoutingStats = routing.Stats

// EndpointStats is a snapshot of one endpoint.
type EndpointStats struct {
	// Endpoint is the address of the server, without user and password.
	Endpoint string
	// MaxConns is pool_max_conns, with auto what the limit is now; 0 = no limit.
	MaxConns int
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
	// Overloaded counts the sessions that got an [OverloadedError] (pool_shed, pool_max_waiters).
	Overloaded uint64
	// Full counts those of them for whom there was no room among pool_max_waiters.
	Full uint64
	// Shed counts those of them who were more than can be served (pool_shed).
	Shed uint64
	// PassedOver counts the sessions that had less time left than connections are held for when their turn came. They are served after all others.
	PassedOver uint64
	// Classes tells the same of each of pool_classes; nil without them.
	Classes []ClassStats
	// Dials counts attempts to make a server connection.
	Dials uint64
	// FailedDials counts those that failed.
	FailedDials uint64
	// Closed counts closed server connections by reason.
	Closed Closes
	// Reset counts what the next borrowers were saved from.
	Reset ResetStats
	// Leak counts connections that were held and not used for pool_leak: those of all endpoints, with the first.
	Leak LeakStats
	// Nested counts goroutines that wanted a connection while they held another one of this server, and those that waited for each other. Zero with
	// pool_nested=off, and without pool_max_conns but for pool_nested=error.
	Nested NestedStats
	// Breaker is what pool_breaker does; zero if it is off.
	Breaker BreakerStats
}

// ClassStats is a snapshot of one of pool_classes at an endpoint.
type ClassStats struct {
	// Name is that of the class.
	Name string
	// InUse is how many permits it has, and Waiting how many of its sessions wait for one.
	InUse, Waiting int
	// Admitted counts those that got one, Waits those that had to wait for it, whether they got it or not, and WaitTime is the sum of these waits.
	Admitted uint64
	Waits    uint64
	WaitTime time.Duration
	// Overloaded and what follows are as in [EndpointStats].
	Overloaded, Full, Shed, PassedOver uint64
}

func classStats(all []gate.ClassState) []ClassStats {
	var stats []ClassStats
	for _, c := range all {
		stats = append(stats, ClassStats{
			Name: c.Name, InUse: c.Taken, Waiting: c.Waiting, Admitted: c.Admitted, Waits: c.Waits, WaitTime: c.WaitTime,
			Overloaded: c.Refused(), Full: c.Full, Shed: c.Shed, PassedOver: c.PassedOver,
		})
	}
	return stats
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
	// Retired: by Evict, or because the server had ended connections of that time.
	Retired uint64
	// Discarded: given back in an open transaction, not valid by the real driver's word, or not wanted back by a policy.
	Discarded uint64
	// Shutdown: the connector was closed.
	Shutdown uint64
}

// ResetStats counts the sessions that were given back, by what became of them.
type ResetStats = reset.Stats

// LeakStats counts connections that were held and not used for pool_leak, by what became of them.
type LeakStats = leak.Stats

// NestedStats counts goroutines that wanted a connection while they held another one.
type NestedStats = nested.Stats

// BreakerStats is a snapshot of a breaker.
type BreakerStats = breaker.Stats

// Stats takes a snapshot.
func (c *Connector) Stats() Stats {
	all, _ := c.snapshot()
	return all
}

// snapshot is Stats, with what the endpoints know besides.
func (c *Connector) snapshot() (all Stats, endpoints []endpoint.Stats) {
	all.Name = c.name()
	for i, s := range c.servers {
		now := s.endpoint.Stats()
		endpoints = append(endpoints, now)
		e := endpointStats(now)
		if c.nested != nil {
			e.Nested = c.nested.Stats(i)
		}
		if s.reset != nil {
			e.Reset = s.reset.Stats()
		}
		if s.breaker != nil {
			e.Breaker = s.breaker.Stats()
		}
		all.Endpoints = append(all.Endpoints, e)
	}
	all.Endpoints[0].Leak = c.leak.Stats()
	if c.router != nil {
		r := c.router.Stats()
		all.Routing = &r
	}
	return all, endpoints
}

// Pressure tells how full the pool is, for health checks and load balancers. From 0 to 0.5 it is the part of pool_max_conns that is in use. Above, all are, and
// sessions have to wait for longer than pool_queue_target; 1 says that they have for pool_queue_interval, so that more come than can be served. Of several servers
// that of the fullest counts. Without pool_max_conns it is 0. It costs a lock for each server, and is safe for concurrent use.
func (c *Connector) Pressure() float64 {
	var most float64
	for _, s := range c.servers {
		most = max(most, s.endpoint.Pressure())
	}
	return most
}

func endpointStats(s endpoint.Stats) EndpointStats {
	queue := &s.Queue
	return EndpointStats{
		Endpoint: s.Endpoint, MaxConns: s.MaxConns,
		Open: s.Open, InUse: s.InUse, Idle: s.Idle, Waiting: queue.Waiting,
		Statements: s.Statements, Acquires: s.Acquires, Unserved: s.Unserved, Admitted: queue.Admitted, Waits: queue.Waits, WaitTime: queue.WaitTime,
		Overloaded: queue.Refused(), Full: queue.Full, Shed: queue.Shed, PassedOver: queue.PassedOver, Classes: classStats(queue.Classes),
		Dials: s.Dials, FailedDials: s.FailedDials,
		Closed: Closes(s.Closed),
	}
}
