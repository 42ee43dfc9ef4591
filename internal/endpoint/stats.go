package endpoint

import (
	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/internal/history"
	"github.com/gopooled/pooled/stats"
)

// Stats is a snapshot of an endpoint. Its fields are documented where they are public: stats.Endpoint.
type Stats struct {
	Endpoint    string
	MaxConns    int
	Open        int
	InUse       int
	Idle        int
	Statements  int
	Acquires    uint64
	Queue       gate.State
	Unserved    uint64
	Waits       history.Counts
	Dials       uint64
	FailedDials uint64
	Failing     *DialFailure
	Closed      stats.Closes
	Draining    bool
}

// Stats takes a snapshot. The figures are read one after the other, so that they may differ by what happens meanwhile.
func (e *Endpoint) Stats() Stats {
	queue := e.gate.State()
	open := e.CountOpen()
	idle := min(int(e.idle.Load()), open)
	return Stats{
		Endpoint:    e.info.Name,
		MaxConns:    e.Limit(),
		Open:        open,
		InUse:       open - idle,
		Idle:        idle,
		Statements:  int(e.shared.Kept.Load()),
		Acquires:    e.acquires.Load(),
		Queue:       queue,
		Unserved:    e.unserved.Load(),
		Waits:       e.waits.Counts(),
		Dials:       e.dials.Load(),
		FailedDials: e.failedDials.Load(),
		Failing:     e.failing.Load(),
		Draining:    e.draining.Load(),
		Closed: stats.Closes{
			Lifetime:   e.closes[lifetime].Load(),
			IdleTime:   e.closes[idleTime].Load(),
			IdleLimit:  e.closes[idleLimit].Load(),
			Failed:     e.closes[failed].Load(),
			Validation: e.closes[validation].Load(),
			Reclaimed:  e.closes[reclaimed].Load(),
			Demoted:    e.closes[demoted].Load(),
			Retired:    e.closes[retired].Load(),
			Discarded:  e.closes[discarded].Load(),
			Shutdown:   e.closes[shutdown].Load(),
		},
	}
}
