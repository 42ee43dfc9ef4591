package gate

import "container/heap"

// ranking is a heap of waiters or tenants, each of which knows its place in it: who is in it can be moved or taken out in O(log n).
type ranking[T any] struct {
	all    []T
	before func(a, b T) bool
	place  func(T) *int // where the place is kept; outside: it is not in the ranking
}

// outside is the place in a ranking of what is not there.
const outside = -1

// first is what comes before all others. There is something.
func (r *ranking[T]) first() T { return r.all[0] }

// settle puts something where it belongs by now, or takes it out.
func (r *ranking[T]) settle(v T, in bool) {
	switch at := *r.place(v); {
	case in && at == outside:
		heap.Push(r, v)
	case in:
		heap.Fix(r, at)
	case at != outside:
		heap.Remove(r, at)
	}
}

// Len implements heap.Interface, as the others do.
func (r *ranking[T]) Len() int { return len(r.all) }

// Less implements heap.Interface.
func (r *ranking[T]) Less(i, j int) bool { return r.before(r.all[i], r.all[j]) }

// Swap implements heap.Interface.
func (r *ranking[T]) Swap(i, j int) {
	r.all[i], r.all[j] = r.all[j], r.all[i]
	*r.place(r.all[i]), *r.place(r.all[j]) = i, j
}

// Push implements heap.Interface.
func (r *ranking[T]) Push(v any) {
	*r.place(v.(T)) = len(r.all)
	r.all = append(r.all, v.(T))
}

// Pop implements heap.Interface.
func (r *ranking[T]) Pop() any {
	var none T
	end := len(r.all) - 1
	v := r.all[end]
	r.all[end], r.all = none, r.all[:end]
	*r.place(v) = outside
	return v
}
