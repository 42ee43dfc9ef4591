package reset

import (
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
)

// Stats counts what became of the server connections that were given back. Counters only grow.
type Stats struct {
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
	none: "reset", permanent: "permanent", failed: "failed", byMode: "mode", unclean: "unclean", interrupted: "interrupted",
}

// String returns what became of the session, as metrics and spans call it.
func (r reason) String() string { return reasonNames[r] }

// Outcomes counts the sessions that were not clean by what became of them: "reset", or the reason for which the connection was closed.
func (s Stats) Outcomes() map[string]uint64 {
	return map[string]uint64{
		none.String():      s.Resets,
		permanent.String(): s.Discards.Permanent,
		failed.String():    s.Discards.Failed,
		byMode.String():    s.Discards.Mode,
		unclean.String():   s.Discards.Unclean,
	}
}

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
func (r *Reset) Stats() Stats {
	c := &r.counters
	s := Stats{
		Clean:         c.clean.Load(),
		Resets:        c.resets.Load(),
		ByEffect:      map[string]uint64{},
		AuditFailures: c.auditFailures.Load(),
		Discards: Discards{
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
