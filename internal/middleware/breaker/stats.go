package breaker

import (
	"fmt"
	"runtime/debug"

	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// Stats takes a snapshot.
func (b *Breaker) Stats() *stats.Breaker {
	s := &stats.Breaker{Trips: b.trips.Load(), Refused: b.refusals.Load()}
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
