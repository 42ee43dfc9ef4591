package callers

import "sync/atomic"

// minSlots is the size of a new table.
const minSlots = 256

// entry is a remembered stack. It never changes.
//
// The id alone says that it is the same stack: among 4096 stacks the chance that any two share 64 bits is one in 2^41, and a
// stack is only shown to people. Nobody can choose return addresses to provoke it.
type entry struct {
	id    uint64
	stack Stack
}

// table finds entries by id: open addressing, linear probing. Many may find while one adds. At most half of the slots are used,
// so every search meets an empty one. (A map copied for each new stack is as fast to read, but a service with more stacks than
// maxStacks would copy thousands of entries each time.)
type table struct {
	slots []atomic.Pointer[entry] // a power of two
	used  int                     // only for the one who adds
}

func newTable(slots int) *table {
	return &table{slots: make([]atomic.Pointer[entry], slots)}
}

// find returns the entry of that id, or nil.
func (t *table) find(id uint64) *entry {
	e, _ := t.probe(id)
	return e
}

// probe returns the entry of that id, or nil and the slot where it would have to be.
func (t *table) probe(id uint64) (e *entry, slot uint64) {
	last := uint64(len(t.slots) - 1)
	for i := id & last; ; i = (i + 1) & last {
		if e := t.slots[i].Load(); e == nil || e.id == id {
			return e, i
		}
	}
}

// full reports that the table must grow before an entry is added.
func (t *table) full() bool { return 2*t.used >= len(t.slots) }

// add adds an entry whose id is not there.
func (t *table) add(e *entry) {
	_, slot := t.probe(e.id)
	t.slots[slot].Store(e)
	t.used++
}

// grown returns a table of twice the size with the same entries.
func (t *table) grown() *table {
	twice := newTable(2 * len(t.slots))
	for i := range t.slots {
		if e := t.slots[i].Load(); e != nil {
			twice.add(e)
		}
	}
	return twice
}
