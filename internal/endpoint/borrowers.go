package endpoint

import "sync/atomic"

// borrowers tells in nanoseconds whether a goroutine holds a connection. Each has a place for its number in one of many short lines, so that those that borrow at
// the same time rarely meet.
type borrowers struct {
	lines [borrowerLines]borrowerLine
	more  atomic.Int64 // borrows for which there was no room
}

const (
	borrowerBits  = 10
	borrowerLines = 1 << borrowerBits
)

// borrowerLine has room for four numbers. 0 = the place is free.
type borrowerLine [4]atomic.Uint64

// line spreads numbers that come one after the other.
func (b *borrowers) line(goroutine uint64) *borrowerLine {
	const golden = 0x9e3779b97f4a7c15
	return &b.lines[goroutine*golden>>(64-borrowerBits)]
}

// add notes a borrow. 0 = nobody knows whose.
func (b *borrowers) add(goroutine uint64) {
	if goroutine != 0 && !b.line(goroutine).swap(0, goroutine) {
		b.more.Add(1)
	}
}

// remove notes that a borrow is over.
func (b *borrowers) remove(goroutine uint64) {
	if goroutine != 0 && !b.line(goroutine).swap(goroutine, 0) {
		b.more.Add(-1)
	}
}

// mayHave reports whether a goroutine has a borrow. Only if there was no room for somebody's it may be wrong, and say so of one that has none.
func (b *borrowers) mayHave(goroutine uint64) bool {
	l := b.line(goroutine)
	return l[0].Load() == goroutine || l[1].Load() == goroutine || l[2].Load() == goroutine || l[3].Load() == goroutine || b.more.Load() > 0
}

// swap puts one number in the place of another, and reports whether that was there.
func (l *borrowerLine) swap(old, number uint64) bool {
	for i := range l {
		if l[i].Load() == old && l[i].CompareAndSwap(old, number) {
			return true
		}
	}
	return false
}
