package gate

// Limits are how many permits there are, and how they may be shared out.
type Limits struct {
	// Permits is how many there are in all. It is positive.
	Permits int
	// Most is [Class].Most of each class, in the order of Options.Classes; nil: there is one class.
	Most []int
	// OfTenant is as Options.MaxOfTenant. It is 0 if that is 0, and positive otherwise.
	OfTenant int
}

// SetLimits changes the limits of a gate that has one, up or down, also while callers wait and permits are held.
//
// With more permits, those who wait are admitted at once, in their order. With fewer, nobody loses the permit that he has: as many permits as are too many are
// not handed out again when they are given back, so that the new limit holds as soon as those are back. A gate without a limit stays without.
func (g *Gate) SetLimits(l Limits) {
	if g.Limit == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &g.shares
	s.limit, s.mostOfTenant = l.Permits, l.OfTenant
	for i, most := range l.Most {
		s.classes[i].Most = most
	}
	for _, c := range s.classes {
		for _, t := range c.tenants { // who may be served depends on the limit of a tenant
			s.settle(t)
		}
	}
	g.serveLocked(g.now())
}

// Permits is how many permits there are. 0: there is no limit.
func (g *Gate) Permits() int {
	if g.Limit == 0 {
		return 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shares.limit
}
