package pooled

import (
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tracing"
)

// figures tells the metrics what Stats tells programs, so that the two never differ.
func (c *Connector) figures(tell tracing.Tell) {
	stats := c.Stats()
	for i := range stats.Endpoints {
		e := &stats.Endpoints[i]
		c.servers[i].figures(e, func(f tracing.Figure, part string, n uint64) { tell(f, tracing.Of{Server: i, Part: part}, int64(n)) })
		e.queueFigures(func(f tracing.Figure, class, part string, n uint64) {
			tell(f, tracing.Of{Server: i, Class: class, Part: part}, int64(n))
		})
	}
	leaks := stats.Endpoints[0].Leak
	tell(tracing.LeaksReported, tracing.Of{}, int64(leaks.Reported))
	tell(tracing.LeaksOrphaned, tracing.Of{}, int64(leaks.Orphaned))
	tell(tracing.LeaksReturned, tracing.Of{}, int64(leaks.Returned))
	tell(tracing.LeaksReclaimed, tracing.Of{}, int64(leaks.Reclaimed))
	if stats.Routing != nil {
		clusterFigures(stats.Routing, tell)
	}
}

// figures tells those of one server.
func (s *server) figures(e *EndpointStats, tell func(f tracing.Figure, part string, n uint64)) {
	tell(tracing.Connections, "idle", uint64(e.Idle))
	tell(tracing.Connections, "used", uint64(e.InUse))
	tell(tracing.MinIdle, "", uint64(s.pool.MinIdleConns))
	if e.MaxConns > 0 {
		tell(tracing.MaxConnections, "", uint64(e.MaxConns))
		tell(tracing.Nested, "", e.Nested.Nested)
		tell(tracing.Deadlocks, "", e.Nested.Deadlocks)
	}
	if s.pool.MaxIdleConns >= 0 {
		tell(tracing.MaxIdle, "", uint64(s.pool.MaxIdleConns))
	}

	closed := &e.Closed
	tell(tracing.Evictions, "lifetime", closed.Lifetime)
	tell(tracing.Evictions, "idle_time", closed.IdleTime)
	tell(tracing.Evictions, "idle_limit", closed.IdleLimit)
	tell(tracing.Evictions, "retired", closed.Retired)
	tell(tracing.Evictions, "shutdown", closed.Shutdown)
	tell(tracing.Discards, "failed", closed.Failed)
	tell(tracing.Discards, "validation", closed.Validation)
	tell(tracing.Discards, "reclaimed", closed.Reclaimed)
	tell(tracing.Discards, "discarded", closed.Discarded)
	tell(tracing.DialFailures, "", e.FailedDials)

	if s.reset != nil {
		for outcome, n := range e.Reset.Outcomes() {
			tell(tracing.Resets, outcome, n)
		}
		for effect, n := range e.Reset.ByEffect {
			tell(tracing.Effects, effect, n)
		}
	}
	if s.breaker != nil {
		for state, name := range tracing.BreakerStates {
			tell(tracing.BreakerStatus, name, one(e.Breaker.State == policy.BreakerState(state)))
			tell(tracing.BreakerTransitions, name, e.Breaker.Transitions[state])
		}
		tell(tracing.BreakerRefusals, "", e.Breaker.Refused)
	}
}

// queueFigures tells those of who waits for a connection, by class if there are several.
func (e *EndpointStats) queueFigures(tell func(f tracing.Figure, class, part string, n uint64)) {
	classes := e.Classes
	if classes == nil {
		classes = []ClassStats{{Waiting: e.Waiting, Full: e.Full, Shed: e.Shed, PassedOver: e.PassedOver}}
	}
	for _, c := range classes {
		tell(tracing.PendingRequests, c.Name, "", uint64(c.Waiting))
		if e.MaxConns > 0 {
			tell(tracing.Overloads, c.Name, "full", c.Full)
			tell(tracing.Overloads, c.Name, "shed", c.Shed)
			tell(tracing.PassedOver, c.Name, "", c.PassedOver)
		}
	}
}

// clusterFigures tells those of routing.
func clusterFigures(r *RoutingStats, tell tracing.Tell) {
	for reason, n := range r.Decisions {
		tell(tracing.RouteDecisions, tracing.Of{Part: reason}, int64(n))
	}
	for i, s := range r.Servers {
		for role := dialect.RoleUnknown; role <= dialect.RoleReplica; role++ {
			tell(tracing.EndpointStatus, tracing.Of{Server: i, Part: role.String()}, int64(one(s.Up && s.Role == role.String())))
		}
		if s.Role == dialect.RoleReplica.String() && s.Lag >= 0 {
			tell(tracing.ReplicationLag, tracing.Of{Server: i}, int64(s.Lag))
		}
	}
}

// one is 1 if it is so.
func one(so bool) uint64 {
	if so {
		return 1
	}
	return 0
}
