package breaker

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/gopooled/pooled/policy"
)

// Stats is a snapshot of a breaker.
type Stats struct {
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

// Stats takes a snapshot.
func (b *Breaker) Stats() Stats {
	s := Stats{Trips: b.trips.Load(), Refused: b.refusals.Load()}
	for to := range b.transitions {
		s.Transitions[to] = b.transitions[to].Load()
	}
	if o := b.outage.Load(); o != nil {
		s.State, s.Since = o.state(), o.since
		if !o.halfOpen {
			s.NextProbe = o.nextProbe
		}
	}
	return s
}

// tell counts and logs a change of state, and tells the program, whose mistakes are not to end a goroutine of the endpoint.
func (b *Breaker) tell(c policy.BreakerChange) {
	c.Endpoint = b.Endpoint
	b.transitions[c.To].Add(1)
	switch c.To {
	case policy.BreakerOpen:
		b.Logger.Error("pooled: the breaker is open: the server is cut off", "endpoint", c.Endpoint, "next_probe", c.NextProbe, "error", c.Cause)
	case policy.BreakerHalfOpen:
		b.Logger.Info("pooled: the breaker is half-open: the server is probed", "endpoint", c.Endpoint)
	default:
		b.Logger.Info("pooled: the breaker is closed: the server is well", "endpoint", c.Endpoint)
	}
	if b.OnStateChange == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			b.Logger.Error("pooled: OnStateChange panicked", "endpoint", c.Endpoint, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	b.OnStateChange(c)
}
