package gate

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
	g := New(Options{})
	for range 1000 {
		_, waited, err := g.Enter(t.Context(), time.Nanosecond)
		require.NoError(t, err)
		require.Zero(t, waited)
	}
}

func TestGateServesWaitersInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := one()
		enter(t, g)
		var order []int
		for i := range 100 {
			go func() {
				p := enter(t, g)
				order = append(order, i) // safe: one permit
				g.Leave(p)
			}()
			synctest.Wait() // i waits before i+1 comes
		}
		require.Equal(t, 100, g.State().Waiting)
		g.Leave(Permit{})
		synctest.Wait()
		require.Len(t, order, 100)
		assert.IsIncreasing(t, order)
		assert.Zero(t, g.State().Taken)
	})
}

func TestGateLetsNobodyOvertakeAWaiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Limit: 2})
		enter(t, g)
		enter(t, g)
		admitted := make(chan struct{})
		go func() {
			enter(t, g)
			close(admitted)
		}()
		synctest.Wait()
		g.Leave(Permit{})
		assert.False(t, g.TryEnter(), "the permit belongs to the one who waits")
		<-admitted
		g.Leave(Permit{})
		assert.True(t, g.TryEnter())
	})
}

func TestGateTimeoutEndsTheWaitAndTellsHowLongItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := one()
		enter(t, g)
		_, waited, err := g.Enter(t.Context(), 3*time.Second)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, waited)
		state := g.State()
		assert.Equal(t, State{Taken: 1, Waits: 1, WaitTime: 3 * time.Second}, state)
		g.Leave(Permit{})
		enter(t, g)
	})
}

func TestGateCancellationLeavesThePlaceInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := one()
		enter(t, g)
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, _, err := g.Enter(ctx, 0)
			failed <- err
		}()
		synctest.Wait()
		second := make(chan struct{})
		go func() {
			enter(t, g)
			close(second)
		}()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		g.Leave(Permit{})
		<-second
		assert.Equal(t, 1, g.State().Taken)
	})
}

// A permit that is granted at the moment of the cancellation must go to the next waiter. The race is provoked many times.
func TestGateCancellationNeverLosesAPermit(t *testing.T) {
	const permits, workers, rounds = 4, 200, 300
	g := New(Options{Limit: permits})
	var inside, entered, cancelled atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rand.IntN(200))*time.Microsecond)
				if p, _, err := g.Enter(ctx, 0); err == nil {
					entered.Add(1)
					if n := inside.Add(1); n > permits {
						t.Errorf("%d inside, %d permits", n, permits)
					}
					for range 20 {
						runtime.Gosched() // the others come, wait and give up meanwhile
					}
					inside.Add(-1)
					g.Leave(p)
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
	state := g.State()
	assert.Zero(t, state.Taken)
	assert.Zero(t, state.Waiting)
	for range permits {
		assert.True(t, g.TryEnter())
	}
	assert.False(t, g.TryEnter())
}

func TestClosedGateSendsAwayWhoWaitsAndRefusesWhoComesUntilItIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := one()
		enter(t, g)
		told := make(chan error)
		go func() {
			_, _, err := g.Enter(t.Context(), 0)
			told <- err
		}()
		synctest.Wait()
		g.Close()
		require.Equal(t, ErrDismissed, <-told)
		_, _, err := g.Enter(t.Context(), 0)
		require.Equal(t, ErrClosed, err)
		g.Open()
		assert.False(t, g.TryEnter(), "the permit of before is not free")
		g.Leave(Permit{})
		enter(t, g)
		assert.Equal(t, 1, g.State().Taken)
	})
}

func enter(t *testing.T, g *Gate) Permit {
	t.Helper()
	p, _, err := g.Enter(t.Context(), 0)
	assert.NoError(t, err)
	return p
}

func TestRoomIsForThePermitsThatAreLeft(t *testing.T) {
	g := New(Options{Limit: 2})
	assert.EqualValues(t, 2, g.Room())
	enter(t, g)
	assert.EqualValues(t, 1, g.Room())
	unlimited := New(Options{})
	enter(t, unlimited)
	assert.Greater(t, unlimited.Room(), int64(1<<40))
}

// one makes a gate with one permit.
func one() *Gate { return New(Options{Limit: 1}) }
