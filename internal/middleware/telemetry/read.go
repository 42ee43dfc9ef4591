package telemetry

import (
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// tell tells a figure.
type tell func(f Figure, of Of, n int64)

// read tells the figures of a snapshot.
func read(pool *stats.Pool, tell tell) {
	for i := range pool.Endpoints {
		e := &pool.Endpoints[i]
		readEndpoint(e, func(f Figure, part string, n uint64) { tell(f, Of{Server: i, Part: part}, int64(n)) })
		readQueue(e, func(f Figure, class, part string, n uint64) {
			tell(f, Of{Server: i, Class: class, Part: part}, int64(n))
		})
	}
	tell(LeaksReported, Of{}, int64(pool.Leak.Reported))
	tell(LeaksOrphaned, Of{}, int64(pool.Leak.Orphaned))
	tell(LeaksReturned, Of{}, int64(pool.Leak.Returned))
	tell(LeaksReclaimed, Of{}, int64(pool.Leak.Reclaimed))
	if pool.Routing != nil {
		readRouting(pool.Routing, tell)
	}
}

// readEndpoint tells the figures of one server.
func readEndpoint(e *stats.Endpoint, tell func(f Figure, part string, n uint64)) {
	tell(Connections, "idle", uint64(e.Idle))
	tell(Connections, "used", uint64(e.InUse))
	tell(MinIdle, "", uint64(e.MinIdle))
	if e.MaxConns > 0 {
		tell(MaxConnections, "", uint64(e.MaxConns))
		tell(Nested, "", e.Nested.Nested)
		tell(Deadlocks, "", e.Nested.Deadlocks)
	}
	if e.MaxIdle != nil {
		tell(MaxIdle, "", uint64(*e.MaxIdle))
	}

	for _, r := range e.Closed.Reasons() {
		figure := Discards
		if r.Healthy {
			figure = Evictions
		}
		tell(figure, r.Name, r.Conns)
	}
	tell(DialFailures, "", e.FailedDials)

	if e.Reset != nil {
		for outcome, n := range e.Reset.Outcomes() {
			tell(Resets, outcome, n)
		}
		for effect, n := range e.Reset.ByEffect {
			tell(Effects, effect, n)
		}
	}
	if e.Breaker != nil {
		for state, name := range BreakerStates {
			tell(BreakerStatus, name, one(e.Breaker.State == policy.BreakerState(state)))
			tell(BreakerTransitions, name, e.Breaker.Transitions[state])
		}
		tell(BreakerRefusals, "", e.Breaker.Refused)
	}
}

// readQueue tells the figures of who waits for a connection, by class if there are several.
func readQueue(e *stats.Endpoint, tell func(f Figure, class, part string, n uint64)) {
	classes := e.Classes
	if classes == nil {
		classes = []stats.Class{{Waiting: e.Waiting, Full: e.Full, Shed: e.Shed, PassedOver: e.PassedOver}}
	}
	for _, c := range classes {
		tell(PendingRequests, c.Name, "", uint64(c.Waiting))
		if e.MaxConns > 0 {
			tell(Overloads, c.Name, "full", c.Full)
			tell(Overloads, c.Name, "shed", c.Shed)
			tell(PassedOver, c.Name, "", c.PassedOver)
		}
	}
}

// readRouting tells the figures of routing.
func readRouting(r *stats.Routing, tell tell) {
	for reason, n := range r.Decisions {
		tell(RouteDecisions, Of{Part: reason}, int64(n))
	}
	for i, s := range r.Servers {
		for role := dialect.RoleUnknown; role <= dialect.RoleReplica; role++ {
			tell(EndpointStatus, Of{Server: i, Part: role.String()}, int64(one(s.Up && s.Role == role.String())))
		}
		if s.Role == dialect.RoleReplica.String() && s.LagKnown {
			tell(ReplicationLag, Of{Server: i}, int64(s.Lag))
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
