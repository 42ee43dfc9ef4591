package statement

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// cacheBytes is how much text a Cache remembers, roughly. A service has a few hundred texts of a few hundred bytes each; a
// program that writes values into its texts has no use for a cache, and must not fill the memory.
const cacheBytes = 4 << 20

// Cache remembers what was found out about texts, some 4 MB of text at most. It forgets when it is full. The zero value is empty and ready to use, by many
// goroutines at once; it must not be copied then. What it remembers is shared by all who ask, so nobody may change it.
//
// Texts are found in a map that never changes, without a lock, once they have been asked for often enough.
type Cache[V any] struct {
	settled atomic.Pointer[map[string]V] // never changed, only replaced

	mu         sync.Mutex // guards what follows
	recent     map[string]V
	recentSize int // bytes of text in recent
	size       int // bytes of text in settled
	asked      int // how often a recent text was found since the last one was added
}

// Get returns what is remembered of a text, and whether anything is.
func (c *Cache[V]) Get(text string) (V, bool) {
	if settled := c.settled.Load(); settled != nil {
		if v, ok := (*settled)[text]; ok {
			return v, true
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.recent[text]
	if !ok {
		return v, false
	}
	if c.asked++; c.asked > len(c.recent) {
		c.settle()
	}
	return v, true
}

// Put remembers what was found out about a text.
func (c *Cache[V]) Put(text string, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent == nil {
		c.recent = map[string]V{}
	}
	c.recent[strings.Clone(text)] = v // it may be a piece of a larger one
	c.recentSize += len(text)
	c.asked = 0
	if c.recentSize > cacheBytes/2 {
		c.settle()
	}
}

// Clear forgets everything.
func (c *Cache[V]) Clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settled.Store(nil)
	c.recent, c.recentSize, c.size = nil, 0, 0
}

// settle moves the recent texts to where they are found without a lock. If that would be too many, the settled ones are forgotten.
func (c *Cache[V]) settle() {
	settled := c.recent
	if old := c.settled.Load(); old != nil && c.size+c.recentSize <= cacheBytes {
		settled = maps.Clone(*old)
		maps.Copy(settled, c.recent)
		c.size += c.recentSize
	} else {
		c.size = c.recentSize
	}
	c.settled.Store(&settled)
	c.recent, c.recentSize, c.asked = nil, 0, 0
}
