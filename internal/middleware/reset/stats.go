package reset

import (
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/stats"
)

// reason is why a connection is discarded.
type reason uint8

const (
	none reason = iota
	permanent
	failed
	byMode
	unclean
	interrupted // the pool was closed, and would have closed the connection anyway: it is not counted
	reasons     // how many there are
)

var reasonNames = [reasons]string{
	none: stats.OutcomeReset, permanent: stats.OutcomePermanent, failed: stats.OutcomeFailed, byMode: stats.OutcomeMode, unclean: stats.OutcomeUnclean, interrupted: "interrupted",
}

// String returns what became of the session, as metrics and spans call it.
func (r reason) String() string { return reasonNames[r] }

type counters struct {
	clean         atomic.Uint64
	resets        atomic.Uint64
	effects       [dialect.EffectCount]atomic.Uint64
	discarded     [reasons]atomic.Uint64
	auditFailures atomic.Uint64
}

func (c *counters) reset(effects dialect.Effects) {
	c.resets.Add(1)
	for i := range c.effects {
		if effects&(1<<i) != 0 {
			c.effects[i].Add(1)
		}
	}
}

// Stats takes a snapshot.
func (r *Reset) Stats() *stats.Reset {
	c := &r.counters
	s := &stats.Reset{
		Clean:         c.clean.Load(),
		Resets:        c.resets.Load(),
		ByEffect:      map[string]uint64{},
		AuditFailures: c.auditFailures.Load(),
		Discards: stats.Discards{
			Permanent: c.discarded[permanent].Load(),
			Failed:    c.discarded[failed].Load(),
			Mode:      c.discarded[byMode].Load(),
			Unclean:   c.discarded[unclean].Load(),
		},
	}
	for i := range c.effects {
		if n := c.effects[i].Load(); n > 0 {
			s.ByEffect[dialect.Effects(1<<i).String()] = n
		}
	}
	return s
}
