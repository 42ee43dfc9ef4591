package endpoint

import (
	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/policy"
)

// The limit of an endpoint is that of its gate. It may change while the endpoint is in use.

// firstLimit is how many connections there may be until somebody sets another limit. 0 = any number.
func firstLimit(p policy.Pool, q policy.Queue) int {
	if p.MaxConns != policy.AutoConns {
		return p.MaxConns
	}
	return max(policy.UntoldConns, q.Reserved()+1)
}

// Limit is how many connections there may be now. 0 = any number.
func (e *Endpoint) Limit() int { return e.gate.Permits() }

// SetLimit changes how many connections there may be, up or down, which is positive. An endpoint without a limit stays without.
//
// With a higher limit those who wait get their permits at once. With a lower one nobody loses his connection: idle ones are closed now as far as there are too
// many, others when they are given back.
func (e *Endpoint) SetLimit(limit int) {
	l := gate.Limits{Permits: limit, OfTenant: e.queue.TenantMax.Of(limit)}
	for _, c := range classes(e.queue, limit) {
		l.Most = append(l.Most, c.Most)
	}
	e.gate.SetLimits(l)
	e.shrink()
	e.line.tell()
}

// shrink closes idle connections as long as there are more than the limit allows.
func (e *Endpoint) shrink() {
	limit := e.Limit()
	if taken, _ := e.Queue(); taken <= limit { // so that no dial is under way which began before; first, as another limit may be set meanwhile
		e.lowered.Store(false)
	}
	e.eachIdle(func(c *Conn) (maintained bool) {
		if e.CountOpen() > limit {
			e.closeIdle(c, idleLimit)
		}
		return false
	})
	if e.CountOpen() > limit {
		e.lowered.Store(true)
	}
}

// isSurplus reports whether a connection that comes back is one too many for a limit that was lowered.
func (e *Endpoint) isSurplus() bool { return e.lowered.Load() && e.CountOpen() > e.Limit() }

// CountOpen is how many connections there are, in use and idle.
func (e *Endpoint) CountOpen() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.conns)
}
