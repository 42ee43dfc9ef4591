package endpoint

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHandKeepsWhatWasGivenBackLast(t *testing.T) {
	var r recent
	var first, second Conn
	assert.Nil(t, r.take())
	assert.Nil(t, r.put(&first))
	assert.Same(t, &first, r.put(&second))
	assert.False(t, r.remove(&first))
	assert.Same(t, &second, r.take())
	assert.Nil(t, r.take())
	r.put(&first)
	assert.True(t, r.remove(&first))
	assert.Nil(t, r.take())
}

func TestHandThatIsClosedTakesNothing(t *testing.T) {
	var r recent
	var left, late Conn
	require.Nil(t, r.put(&left))
	assert.Same(t, &left, r.close())
	assert.Same(t, &late, r.put(&late))
	assert.Nil(t, r.take())
	assert.Nil(t, r.close())
}

// If a borrower with a permit found nothing here because another connection came at that moment, it could dial one more than pool_max_conns.
func TestHandIsNeverFoundEmptyWhileConnectionsAreExchanged(t *testing.T) {
	const takes = 1 << 17
	var r recent
	var conns [2]Conn
	r.put(&conns[0])
	var over atomic.Bool
	exchanged := make(chan struct{})
	go func() {
		defer close(exchanged)
		for i := 0; !over.Load(); i++ {
			r.put(&conns[i%2])
		}
	}()
	missed := 0
	for range takes {
		if c := r.take(); c == nil {
			missed++
		} else {
			r.put(c)
		}
	}
	over.Store(true)
	<-exchanged
	assert.Zero(t, missed)
}
