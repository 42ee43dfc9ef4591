package callers

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// maxFrames is how many logical frames a Stack has at most.
const maxFrames = 64

// maxStacks is how many stacks a Cache remembers at most. A service has a few hundred; with 30 frames each, 4096 are a megabyte.
const maxStacks = 4096

// Cache remembers stacks by what identifies them cheaply. It forgets all when it is full. The zero value is empty and ready to
// use, by many goroutines at once.
type Cache struct {
	known atomic.Pointer[table] // read without a lock

	mu sync.Mutex // guards adding to known, and replacing it
}

// Capture returns the stack of its caller without the innermost skip frames: with 0, the caller of Capture is first. skip counts
// as it does for [runtime.Callers], and is not negative.
//
// A stack seen before costs no allocation, and is the same slice as then. A call of [runtime.Callers] each time, and an allocation,
// is the price where the frame pointers do not say all: in stacks of more than 256 calls, in Go functions called by C, in
// functions deferred by what dereferenced nil, and on other architectures than amd64 and arm64.
func (c *Cache) Capture(skip int) Stack {
	id, ok := fingerprint(skip)
	if !ok {
		return unwind(skip + 1)
	}
	if t := c.known.Load(); t != nil {
		if e := t.find(id); e != nil {
			return e.stack
		}
	}
	if faulted() {
		return unwind(skip + 1)
	}
	return c.add(id, unwind(skip+1))
}

// unwind returns the stack of its caller, as Capture does.
func unwind(skip int) Stack {
	var pcs [maxFrames]uintptr
	n := runtime.Callers(skip+2, pcs[:]) // without Callers and unwind
	// No spare capacity: what a caller appends must not be in a slice that others share.
	stack := make(Stack, n)
	copy(stack, pcs[:n])
	return stack
}

// add remembers a stack and returns it, or the one that another goroutine has added first.
func (c *Cache) add(id uint64, stack Stack) Stack {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.known.Load()
	if t != nil {
		if e := t.find(id); e != nil {
			return e.stack
		}
	}
	switch {
	case t == nil || t.used == maxStacks:
		t = newTable(minSlots)
	case t.full():
		t = t.grown()
	}
	t.add(&entry{id: id, stack: stack})
	c.known.Store(t)
	return stack
}
