package gate

import "time"

// Counts are the figures of a gate, or of one of its classes. Those of the pool's own work are not among them, but for Taken and Waiting.
type Counts struct {
	Taken      int           // how many permits are
	Waiting    int           // how many wait for one
	Waits      uint64        // how many had to wait, whether they got a permit or not
	WaitTime   time.Duration // for how long, all together
	Admitted   uint64        // how many got a permit
	Full       uint64        // how many got a RefusedError because as many waited as may
	Shed       uint64        // how many got one because there were more than can be served
	PassedOver uint64        // how many had less time left than permits are held for, and were served after all others, or not at all
}

// Refused is how many got a RefusedError.
func (c Counts) Refused() uint64 { return c.Full + c.Shed }

// State is a snapshot of a gate.
type State struct {
	Counts
	Classes []ClassState // nil: there is one
}

// ClassState is a snapshot of a class.
type ClassState struct {
	Name string
	Counts
}

// Counts takes a snapshot of all classes together.
func (g *Gate) Counts() Counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.countsLocked()
}

func (g *Gate) countsLocked() Counts {
	all := Counts{Taken: g.shares.taken, Waiting: g.shares.waiting}
	for _, c := range g.shares.classes {
		all.Waits += c.Waits
		all.WaitTime += c.WaitTime
		all.Admitted += c.Admitted
		all.Full += c.Full
		all.Shed += c.Shed
		all.PassedOver += c.PassedOver
	}
	return all
}

// State takes a snapshot.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := State{Counts: g.countsLocked()}
	if len(g.shares.classes) > 1 {
		for _, c := range g.shares.classes {
			s.Classes = append(s.Classes, ClassState{c.Name, c.Counts})
		}
	}
	return s
}

// Pressure tells how full the gate is. From 0 to 0.5 it is the part of the permits that are taken. Above, all are, and the queue has been too long for a part of the
// interval after which some are refused, if any may be. 1 is a gate to which more come than it can serve. Without a limit it is 0. Of several classes the one counts
// to which calls belong that name none.
func (g *Gate) Pressure() float64 {
	if g.Limit == 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now, c := g.now(), g.shares.find(g.Class)
	c.crowd.look(now, c.oldest(), c.holds.mean)
	return 0.5*min(1, float64(g.shares.taken)/float64(g.shares.limit)) + 0.5*c.crowd.pressure(now, c.holds.mean)
}
