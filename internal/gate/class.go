package gate

import (
	"container/list"

	"github.com/gopooled/pooled/internal/lately"
)

// Class is a kind of calls, by how important they are.
type Class struct {
	// Name is what calls name it by.
	Name string
	// Weight is how large a part of the permits it gets while others wait as well, in proportion to their weights. It is positive.
	Weight float64
	// Most is how many permits it has at most while others wait. 0 = all.
	Most int
	// Reserve is how many permits are kept free for it.
	Reserve int
}

// class is a Class at a gate. Its tenants share it in equal parts.
type class struct {
	Class
	Counts

	paid     float64            // for how long it has had permits, divided by its weight: who has paid least is served next
	least    float64            // what the tenant had paid that was served last: whoever comes begins there
	tenants  map[string]*tenant // those who wait or have permits
	newLine  func() line        // for a tenant
	servable ranking[*tenant]   // those of them who may be served
	waiters  ranking[*tenant]   // those who wait
	arrivals list.List          // of *waiter who can be helped, the oldest first
	crowd    crowd
	holds    holds
}

// of returns a tenant of the class.
func (c *class) of(name string) *tenant {
	t := c.tenants[name]
	if t == nil {
		t = &tenant{name: name, class: c, line: c.newLine(), paid: c.least, next: outside, most: outside}
		c.tenants[name] = t
	}
	return t
}

// oldest is since when the oldest has waited of those who can be helped; 0: there is nobody.
func (c *class) oldest() int64 {
	if c.arrivals.Len() == 0 {
		return 0
	}
	return first(&c.arrivals).joined
}

// holds is what is known of how long permits are held. The zero value knows nothing.
type holds struct {
	mean int64        // nanoseconds; 0: nobody knows
	last lately.Times // of which one is to be expected that a busy machine or a lock has not prolonged
}

func (h *holds) note(held int64) {
	if h.mean == 0 {
		h.mean = held
	}
	h.mean += (held - h.mean) / 16
	h.last.Note(held)
}
