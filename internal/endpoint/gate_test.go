package endpoint

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGateWithoutLimitAdmitsEverybody(t *testing.T) {
	var g gate
	for range 1000 {
		waited, err := g.enter(t.Context(), time.Nanosecond)
		require.NoError(t, err)
		require.Zero(t, waited)
	}
}

func TestGateServesWaitersInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{limit: 1}
		enter(t, &g)
		var order []int
		for i := range 100 {
			go func() {
				enter(t, &g)
				order = append(order, i) // safe: one permit
				g.leave()
			}()
			synctest.Wait() // i waits before i+1 comes
		}
		require.Equal(t, 100, g.state().waiting)
		g.leave()
		synctest.Wait()
		require.Len(t, order, 100)
		assert.IsIncreasing(t, order)
		assert.Zero(t, g.state().taken)
	})
}

func TestGateLetsNobodyOvertakeAWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{limit: 2}
		enter(t, &g)
		enter(t, &g)
		admitted := make(chan struct{})
		go func() {
			enter(t, &g)
			close(admitted)
		}()
		synctest.Wait()
		g.leave()
		assert.False(t, g.tryEnter(), "the permit belongs to the one who waits")
		<-admitted
		g.leave()
		assert.True(t, g.tryEnter())
	})
}

func TestGateTimeoutEndsTheWaitAndTellsHowLongItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{limit: 1}
		enter(t, &g)
		waited, err := g.enter(t.Context(), 3*time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, waited)
		state := g.state()
		assert.Equal(t, gateState{taken: 1, waiting: 0, waits: 1, waitTime: 3 * time.Second}, state)
		g.leave()
		enter(t, &g)
	})
}

func TestGateCancellationLeavesThePlaceInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{limit: 1}
		enter(t, &g)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := g.enter(ctx, 0)
			failed <- err
		}()
		synctest.Wait()
		second := make(chan struct{})
		go func() {
			enter(t, &g)
			close(second)
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		g.leave()
		<-second
		assert.Equal(t, 1, g.state().taken)
	})
}

// A permit that is granted at the moment of the cancellation must go to the next waiter. The race is provoked many times.
func TestGateCancellationNeverLosesAPermit(t *testing.T) {
	const permits, workers, rounds = 4, 200, 300
	g := gate{limit: permits}
	var inside, entered, cancelled atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(200))*time.Microsecond)
				if _, err := g.enter(ctx, 0); err == nil {
					entered.Add(1)
					if n := inside.Add(1); n > permits {
						t.Errorf("%d inside, %d permits", n, permits)
					}
					for range 20 {
						runtime.Gosched() // the others come, wait and give up meanwhile
					}
					inside.Add(-1)
					g.leave()
				} else {
					cancelled.Add(1)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	assert.NotZero(t, entered.Load())
	assert.NotZero(t, cancelled.Load())
	state := g.state()
	assert.Zero(t, state.taken)
	assert.Zero(t, state.waiting)
	for range permits {
		assert.True(t, g.tryEnter())
	}
	assert.False(t, g.tryEnter())
}

func TestClosedGateSendsAwayWhoWaitsAndRefusesWhoComesUntilItIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{limit: 1}
		enter(t, &g)
		told := make(chan error)
		go func() {
			_, err := g.enter(t.Context(), 0)
			told <- err
		}()
		synctest.Wait()
		g.close()
		require.Equal(t, errDismissed, <-told)
		_, err := g.enter(t.Context(), 0)
		require.Equal(t, ErrClosed, err)
		g.open()
		assert.False(t, g.tryEnter(), "the permit of before is not free")
		g.leave()
		enter(t, &g)
		assert.Equal(t, 1, g.state().taken)
	})
}

func enter(t *testing.T, g *gate) {
	t.Helper()
	_, err := g.enter(t.Context(), 0)
	assert.NoError(t, err)
}
