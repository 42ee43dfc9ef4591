package endpoint

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHandKeepsWhatWasGivenBackLast(t *testing.T) {
	var h hand
	var first, second Conn
	assert.Nil(t, h.take())
	assert.Nil(t, h.put(&first))
	assert.Same(t, &first, h.put(&second))
	assert.False(t, h.remove(&first))
	assert.Same(t, &second, h.take())
	assert.Nil(t, h.take())
	h.put(&first)
	assert.True(t, h.remove(&first))
	assert.Nil(t, h.take())
}

func TestHandThatIsClosedTakesNothing(t *testing.T) {
	var h hand
	var left, late Conn
	require.Nil(t, h.put(&left))
	assert.Same(t, &left, h.close())
	assert.Same(t, &late, h.put(&late))
	assert.Nil(t, h.take())
	assert.Nil(t, h.close())
}

// If a borrower with a permit found nothing here because another connection came at that moment, it could dial one more than pool_max_conns.
func TestHandIsNeverFoundEmptyWhileConnectionsAreExchanged(t *testing.T) {
	const takes = 1 << 17
	var h hand
	var conns [2]Conn
	h.put(&conns[0])
	var over atomic.Bool
	exchanged := make(chan struct{})
	go func() {
		defer close(exchanged)
		for i := 0; !over.Load(); i++ {
			h.put(&conns[i%2])
		}
	}()
	missed := 0
	for range takes {
		if c := h.take(); c == nil {
			missed++
		} else {
			h.put(c)
		}
	}
	over.Store(true)
	<-exchanged
	assert.Zero(t, missed)
}
