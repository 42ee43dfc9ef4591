package gate

// tenant is somebody whose calls belong to a class: as many tenants share it as are there, in equal parts. It exists while it waits for permits or has some.
type tenant struct {
	name  string
	class *class
	line  line    // of those who wait
	taken int     // permits
	paid  float64 // for how long it has had permits, in nanoseconds: who has paid least is served next
	next  int     // its place among those who may be served, or outside
	most  int     // its place among those who wait, or outside
}

// claim is what the tenant takes and wants.
func (t *tenant) claim() int { return t.taken + t.line.len() }

// byPaid ranks the tenants that may be served, by what they have paid.
func byPaid() ranking[*tenant] {
	return ranking[*tenant]{
		before: func(a, b *tenant) bool { return a.paid < b.paid },
		place:  func(t *tenant) *int { return &t.next },
	}
}

// byClaim ranks the tenants that wait, by what they take and want, the greediest first.
func byClaim() ranking[*tenant] {
	return ranking[*tenant]{
		before: func(a, b *tenant) bool { return a.claim() > b.claim() },
		place:  func(t *tenant) *int { return &t.most },
	}
}
