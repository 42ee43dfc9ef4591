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
		c.servers[i].figures(&stats.Endpoints[i], func(f tracing.Figure, of string, n uint64) { tell(f, i, of, int64(n)) })
	}
	leaks := stats.Endpoints[0].Leak
	tell(tracing.LeaksReported, 0, "", int64(leaks.Reported))
	tell(tracing.LeaksOrphaned, 0, "", int64(leaks.Orphaned))
	tell(tracing.LeaksReturned, 0, "", int64(leaks.Returned))
	tell(tracing.LeaksReclaimed, 0, "", int64(leaks.Reclaimed))
	if stats.Routing != nil {
		clusterFigures(stats.Routing, tell)
	}
}

// figures tells those of one server.
func (s *server) figures(e *EndpointStats, tell func(f tracing.Figure, of string, n uint64)) {
	tell(tracing.Connections, "idle", uint64(e.Idle))
	tell(tracing.Connections, "used", uint64(e.InUse))
	tell(tracing.PendingRequests, "", uint64(e.Waiting))
	tell(tracing.MinIdle, "", uint64(s.pool.MinIdleConns))
	if s.pool.MaxConns > 0 {
		tell(tracing.MaxConnections, "", uint64(s.pool.MaxConns))
		tell(tracing.Overloads, "", e.Overloaded)
		tell(tracing.PassedOver, "", e.PassedOver)
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

// clusterFigures tells those of routing.
func clusterFigures(r *RoutingStats, tell tracing.Tell) {
	for reason, n := range r.Decisions {
		tell(tracing.RouteDecisions, 0, reason, int64(n))
	}
	for i, s := range r.Servers {
		for role := dialect.RoleUnknown; role <= dialect.RoleReplica; role++ {
			tell(tracing.EndpointStatus, i, role.String(), int64(one(s.Up && s.Role == role.String())))
		}
		if s.Role == dialect.RoleReplica.String() && s.Lag >= 0 {
			tell(tracing.ReplicationLag, i, "", int64(s.Lag))
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
