package gate

import "container/heap"

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

// byPaid is a heap of the tenants that may be served, by what they have paid.
type byPaid []*tenant

func (h byPaid) Len() int           { return len(h) }
func (h byPaid) Less(i, j int) bool { return h[i].paid < h[j].paid }

func (h byPaid) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].next, h[j].next = i, j
}

// Push implements heap.Interface.
func (h *byPaid) Push(t any) {
	t.(*tenant).next = len(*h)
	*h = append(*h, t.(*tenant))
}

// Pop implements heap.Interface.
func (h *byPaid) Pop() any {
	t := pop((*[]*tenant)(h))
	t.next = outside
	return t
}

// byClaim is a heap of the tenants that wait, by what they take and want, the greediest first.
type byClaim []*tenant

func (h byClaim) Len() int           { return len(h) }
func (h byClaim) Less(i, j int) bool { return h[i].claim() > h[j].claim() }

func (h byClaim) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].most, h[j].most = i, j
}

// Push implements heap.Interface.
func (h *byClaim) Push(t any) {
	t.(*tenant).most = len(*h)
	*h = append(*h, t.(*tenant))
}

// Pop implements heap.Interface.
func (h *byClaim) Pop() any {
	t := pop((*[]*tenant)(h))
	t.most = outside
	return t
}

// pop takes off the last of a slice.
func pop[T any](all *[]T) T {
	var none T
	end := len(*all) - 1
	last := (*all)[end]
	(*all)[end], *all = none, (*all)[:end]
	return last
}

// place puts the tenant where it belongs in a heap, or takes it out, at its index there.
func place(h heap.Interface, t *tenant, at int, in bool) {
	switch {
	case in && at == outside:
		heap.Push(h, t)
	case in:
		heap.Fix(h, at)
	case at != outside:
		heap.Remove(h, at)
	}
}
