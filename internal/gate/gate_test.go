package gate

import (
	"context"
	"fmt"
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
		assert.Equal(t, Wait{For: 3 * time.Second}, waited)
		state := g.State()
		assert.Equal(t, Counts{Taken: 1, Admitted: 1, Waits: 1, WaitTime: 3 * time.Second}, state.Counts)
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

func TestDeadlineInCenturiesIsNotOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := one()
		p := enter(t, g)
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().AddDate(1000, 0, 0))
		defer cancel()
		admitted := make(chan Permit)
		go func() {
			p, _, err := g.Enter(ctx, 0)
			assert.NoError(t, err)
			admitted <- p
		}()
		synctest.Wait()
		g.Leave(p)
		g.Leave(<-admitted)
		assert.Equal(t, Counts{Waits: 1, Admitted: 2}, g.Counts())
	})
}

func TestFullQueueRefusesWhoeverMattersLeast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Limit: 1, MaxWaiters: 3, Classes: []Class{{Name: "web", Weight: 8}, {Name: "batch", Weight: 1}}})
		p := enter(t, g)
		refused := map[string]int{}
		join := func(class, tenant string) {
			go func() {
				p, waited, err := g.Enter(WithTenant(WithClass(context.Background(), class), tenant), 0)
				if err == nil {
					g.Leave(p)
					return
				}
				var refusal *RefusedError
				assert.ErrorAs(t, err, &refusal)
				assert.True(t, refusal.Full)
				assert.Equal(t, class, waited.Class)
				refused[class+" of "+tenant]++
			}()
			synctest.Wait()
		}
		for _, tenant := range []string{"a", "a", "a", "a"} {
			join("batch", tenant)
		}
		assert.Equal(t, map[string]int{"batch of a": 1}, refused, "the one that came last")
		join("batch", "b")
		assert.Equal(t, map[string]int{"batch of a": 2}, refused, "of the tenant that wants most")
		join("web", "a")
		join("web", "a")
		assert.Equal(t, 4, refused["batch of a"]+refused["batch of b"], "of the class of less weight")
		join("web", "a")
		join("web", "a")
		join("batch", "c")
		assert.Equal(t, map[string]int{"batch of a": 4, "batch of b": 1, "web of a": 1, "batch of c": 1}, refused)
		g.Leave(p)
		synctest.Wait()
		assert.Zero(t, g.State().Waiting)
	})
}

// BenchmarkWaiter has one more wait and go away, while many do.
func BenchmarkWaiter(b *testing.B) {
	for _, n := range []int{0, 1_000, 100_000} {
		for name, timeout := range map[string]time.Duration{"no deadline": 0, "a deadline": time.Hour} {
			b.Run(fmt.Sprint(name, ", ", n, " wait"), func(b *testing.B) {
				g := one()
				enterOrFail(b, g)
				g.mu.Lock()
				for range n {
					_, err := g.joinLocked(b.Context(), caller{}, timeout, inTurn)
					require.NoError(b, err)
				}
				g.mu.Unlock()
				b.ReportAllocs()
				for b.Loop() {
					g.mu.Lock()
					w, _ := g.joinLocked(b.Context(), caller{}, timeout, inTurn)
					g.shares.remove(w)
					g.mu.Unlock()
				}
			})
		}
	}
}

func enterOrFail(b *testing.B, g *Gate) {
	b.Helper()
	_, _, err := g.Enter(b.Context(), 0)
	require.NoError(b, err)
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
