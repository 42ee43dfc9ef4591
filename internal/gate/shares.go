package gate

import "container/list"

// shares says who has the permits, and who gets the next: of the classes, and of their tenants, the one that has had least. What counts is for how long permits are
// held, not how many they are, as otherwise whoever has long statements would end with all of them.
//
// Shares count while others wait. What nobody wants is lent: it costs nothing, and comes back when the statement ends that has it.
type shares struct {
	limit        int
	mostOfTenant int  // permits that a tenant may have in all classes together, whether others wait or not; 0: all
	capped       bool // there is such a number; never changes
	classes      []*class
	held         map[string]int // permits of each tenant, in all classes together; empty without mostOfTenant
	own          list.List      // of *waiter of the pool's own work, the oldest first
	holders      list.List      // of *waiter who have a permit already, the oldest first
	kept         int            // permits that are only for these: see [Gate.KeepOne]
	taken        int            // permits
	waiting      int
	served       uint64  // how many of them got one
	least        float64 // what the class had paid that was served last
}

// counted reports whether it has to be known who has a permit, also of those who need not wait. It never changes, and may be asked by anybody.
func (s *shares) counted() bool { return len(s.classes) > 1 || s.capped }

// find returns a class by its name; the first if there is none of that name.
func (s *shares) find(name string) *class {
	for _, c := range s.classes {
		if c.Name == name {
			return c
		}
	}
	return s.classes[0]
}

// has reports whether there is a permit for a class: one that is free, and not kept for others.
func (s *shares) has(c *class, as standing) bool {
	free := s.limit - s.taken
	if as == inTurn {
		free -= min(s.kept, s.limit-1) // the limit may have been lowered since
	}
	for _, other := range s.classes {
		if other != c {
			free -= max(0, other.Reserve-other.Taken)
		}
	}
	return free > 0
}

// may reports whether a tenant may have one more.
func (s *shares) may(t *tenant) bool { return !s.capped || s.held[t.name] < s.mostOfTenant }

// hold counts the permits of a tenant, of which it has more or less now.
func (s *shares) hold(t *tenant, by int) {
	s.taken += by
	t.class.Taken += by
	t.taken += by
	if !s.capped {
		s.settle(t)
		return
	}
	if s.held[t.name] += by; s.held[t.name] == 0 {
		delete(s.held, t.name)
	}
	for _, c := range s.classes { // it may wait in others as well
		if same := c.tenants[t.name]; same != nil {
			s.settle(same)
		}
	}
}

// begin has a tenant, and a class, of which nobody has waited begin where the others are: nothing is saved meanwhile.
func (s *shares) begin(t *tenant) {
	c := t.class
	if c.Waiting == 0 {
		c.paid = max(c.paid, s.least)
	}
	if t.line.len() == 0 {
		t.paid = max(t.paid, c.least)
	}
}

// lend gives a tenant a permit which nobody else waits for.
func (s *shares) lend(t *tenant, now int64) Permit {
	s.hold(t, 1)
	return Permit{tenant: t, since: now, lent: true}
}

// sell gives a tenant a permit that others want too. It pays in advance for as long as is to be expected.
func (s *shares) sell(t *tenant, now int64) Permit {
	p := Permit{tenant: t, since: now, paid: t.class.holds.mean}
	t.pay(p.paid)
	s.hold(t, 1)
	return p
}

// give takes a permit back.
func (s *shares) give(p Permit, now int64) {
	t := p.tenant
	if t == nil {
		s.taken--
		return
	}
	held := now - p.since
	t.class.holds.note(held)
	if !p.lent {
		t.pay(held - p.paid)
	}
	s.hold(t, -1)
}

// pay has a tenant and its class pay for a permit that is held for so long.
func (t *tenant) pay(nanoseconds int64) {
	t.paid += float64(nanoseconds)
	t.class.paid += float64(nanoseconds) / t.class.Weight
}

// push lets somebody wait.
func (s *shares) push(w *waiter) {
	s.waiting++
	if w.tenant == nil {
		w.stand(&s.own)
		return
	}
	c := w.tenant.class
	s.begin(w.tenant)
	c.Waiting++
	w.arrival = c.arrivals.PushBack(w)
	w.tenant.line.push(w)
	s.settle(w.tenant)
}

// remove takes out one who does not wait any more.
func (s *shares) remove(w *waiter) {
	if w.tenant == nil {
		s.own.Remove(w.place)
		s.waiting--
		return
	}
	w.tenant.line.remove(w)
	s.left(w)
}

// left notes that one has been taken out of its line.
func (s *shares) left(w *waiter) {
	w.forgo()
	if w.holder != nil {
		s.holders.Remove(w.holder)
	}
	s.waiting--
	w.tenant.class.Waiting--
	s.settle(w.tenant)
}

// next takes out whose turn it is, with a permit; nil: nobody may have one.
func (s *shares) next(now int64) *waiter {
	if s.taken >= s.limit {
		return nil
	}
	if s.own.Len() > 0 {
		w := first(&s.own)
		s.remove(w)
		s.taken++
		return w
	}
	c := s.choose()
	if c == nil {
		return s.nextHolder(now)
	}
	t := c.servable.first()
	s.least, c.least = c.paid, t.paid
	w := t.line.next(now, c.holds.last.Typical(), c.crowd.over && c.crowd.sheds)
	s.serve(w, now)
	return w
}

// nextHolder takes out who may have what is kept, with a permit; nil: there is nobody.
func (s *shares) nextHolder(now int64) *waiter {
	if s.kept == 0 {
		return nil
	}
	for e := s.holders.Front(); e != nil; e = e.Next() {
		w := e.Value.(*waiter)
		if s.has(w.tenant.class, holding) && s.may(w.tenant) {
			w.tenant.line.remove(w)
			s.serve(w, now)
			return w
		}
	}
	return nil
}

// serve gives a permit to one that has been taken out of its line.
func (s *shares) serve(w *waiter, now int64) {
	c := w.tenant.class
	s.left(w)
	w.permit = s.sell(w.tenant, now)
	s.served++
	c.crowd.admitted(now, c.holds.mean)
}

// choose returns the class whose turn it is: of those that have fewer permits than they may while others wait, if there are any.
func (s *shares) choose() *class {
	var best *class
	for _, c := range s.classes {
		if c.servable.Len() == 0 || !s.has(c, inTurn) {
			continue
		}
		if best == nil || best.isFull() && !c.isFull() || best.isFull() == c.isFull() && c.paid < best.paid {
			best = c
		}
	}
	return best
}

// isFull reports whether the class has as many permits as it may while others wait.
func (c *class) isFull() bool { return c.Most > 0 && c.Taken >= c.Most }

// settle puts a tenant where it belongs after something has changed.
func (s *shares) settle(t *tenant) {
	c, waits := t.class, t.line.len() > 0
	c.servable.settle(t, waits && s.may(t))
	c.waiters.settle(t, waits)
	if !waits && t.taken == 0 {
		delete(c.tenants, t.name)
	}
}

// worst takes out who is to be refused first of a class: of the tenant that takes and wants most. There is somebody.
func (s *shares) worst(c *class) *waiter {
	w := c.waiters.first().line.worst()
	s.left(w)
	return w
}

// lowest returns the class of least weight in which somebody waits, the last of several; nil: there is none.
func (s *shares) lowest() *class {
	var lowest *class
	for _, c := range s.classes {
		if c.Waiting > 0 && (lowest == nil || c.Weight <= lowest.Weight) {
			lowest = c
		}
	}
	return lowest
}
