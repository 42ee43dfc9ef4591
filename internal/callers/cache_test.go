package callers

import (
	"sync"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACacheRemembersItsStacksUntilItIsFullAndThenForgetsAll(t *testing.T) {
	var c Cache
	// Ids that begin in the same few slots, so that they must be probed for.
	id := func(i int) uint64 { return uint64(i%7) | uint64(i)<<40 }
	for i := range maxStacks {
		c.add(id(i), Stack{uintptr(i)})
	}
	for i := range maxStacks {
		e := c.known.Load().find(id(i))
		require.NotNil(t, e, "%d", i)
		require.Equal(t, Stack{uintptr(i)}, e.stack)
	}
	require.Nil(t, c.known.Load().find(id(maxStacks)))

	c.add(id(maxStacks), Stack{maxStacks})
	assert.NotNil(t, c.known.Load().find(id(maxStacks)))
	for i := range maxStacks {
		require.Nil(t, c.known.Load().find(id(i)), "%d", i)
	}
	assert.Len(t, c.known.Load().slots, minSlots)
}

func TestAllWhoAddAStackAtOnceGetTheSame(t *testing.T) {
	for range 100 {
		var c Cache
		var got [8]Stack
		var adders sync.WaitGroup
		for i := range got {
			adders.Go(func() { got[i] = c.add(1, Stack{1, 2, 3}) })
		}
		adders.Wait()
		for _, stack := range got {
			require.Same(t, unsafe.SliceData(got[0]), unsafe.SliceData(stack))
		}
	}
}
