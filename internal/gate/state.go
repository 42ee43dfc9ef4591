package gate

import "time"

// counts is what a gate counts. Its fields are those of [State].
type counts struct {
	waits    uint64
	waitTime time.Duration
	refused  uint64
}

// State is a snapshot of a gate.
type State struct {
	Taken      int           // how many permits are
	Waiting    int           // how many wait for one
	Waits      uint64        // how many had to wait, whether they got a permit or not
	WaitTime   time.Duration // for how long, all together
	Refused    uint64        // how many got a Refusal
	PassedOver uint64        // how many had less time left than permits are held for, and were served after all others, or not at all
}

// State takes a snapshot.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return State{
		Taken: g.taken, Waiting: g.queue.len(),
		Waits: g.counts.waits, WaitTime: g.counts.waitTime, Refused: g.counts.refused, PassedOver: g.queue.passedOver(),
	}
}

// Pressure tells how full the gate is. From 0 to 0.5 it is the part of the permits that are taken. Above, all are, and the queue has been too long for a part of the
// interval after which some are refused, if any may be. 1 is a gate to which more come than it can serve. Without a limit it is 0.
func (g *Gate) Pressure() float64 {
	if g.Limit == 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.crowd.look(now, g.queue.oldest())
	return 0.5*min(1, float64(g.taken)/float64(g.Limit)) + 0.5*g.crowd.lasted(now)
}
