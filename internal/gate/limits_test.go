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

func TestMorePermitsAdmitThoseWhoWaitAtOnceAndInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := one()
		enter(t, g)
		var order []int
		var mu sync.Mutex
		for i := range 4 {
			go func() {
				enter(t, g)
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
			}()
			synctest.Wait()
		}
		g.SetLimits(Limits{Permits: 3})
		synctest.Wait()
		assert.ElementsMatch(t, []int{0, 1}, order, "the two that came first")
		assert.Equal(t, 3, g.Permits())
		assert.Zero(t, g.Room())
		state := g.State()
		assert.Equal(t, 3, state.Taken)
		assert.Equal(t, 2, state.Waiting)
		g.SetLimits(Limits{Permits: 9})
		synctest.Wait()
		assert.Len(t, order, 4)
		assert.EqualValues(t, 4, g.Room())
	})
}

func TestFewerPermitsTakeNoneAwayAndHoldAsSoonAsThoseTooManyAreBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Limit: 3})
		for range 3 {
			enter(t, g)
		}
		admitted := 0
		go func() {
			enter(t, g)
			admitted++ // safe: it is looked at when all others are blocked
		}()
		synctest.Wait()
		g.SetLimits(Limits{Permits: 1})
		assert.Zero(t, g.Room(), "and not less than none")
		assert.InDelta(t, 0.5, g.Pressure(), 0.001, "it is full, and not more than that")
		for range 2 { // these two are too many
			g.Leave(Permit{})
			synctest.Wait()
			assert.Zero(t, admitted)
			assert.False(t, g.TryEnter())
		}
		assert.Equal(t, 1, g.State().Taken)
		g.Leave(Permit{})
		synctest.Wait()
		assert.Equal(t, 1, admitted)
		assert.Equal(t, 1, g.State().Taken)
	})
}

func TestTheSharesOfClassesAndTenantsFollowTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := New(Options{Limit: 4, MaxOfTenant: 1, Classes: []Class{{Name: "web", Weight: 1}, {Name: "batch", Weight: 1, Most: 2}}})
		ctx := WithTenant(WithClass(t.Context(), "batch"), "acme")
		var inside atomic.Int64
		for range 3 {
			go func() {
				if _, _, err := g.Enter(ctx, 0); err == nil {
					inside.Add(1)
				}
			}()
		}
		synctest.Wait()
		assert.EqualValues(t, 1, inside.Load(), "of one tenant")
		g.SetLimits(Limits{Permits: 8, Most: []int{0, 4}, OfTenant: 2})
		synctest.Wait()
		assert.EqualValues(t, 2, inside.Load())
		assert.Equal(t, 4, g.shares.classes[1].Most)
		g.SetLimits(Limits{Permits: 12, Most: []int{0, 6}, OfTenant: 3})
		synctest.Wait()
		assert.EqualValues(t, 3, inside.Load())
	})
}

func TestAGateWithoutALimitStaysWithout(t *testing.T) {
	g := New(Options{})
	g.SetLimits(Limits{Permits: 1})
	for range 10 {
		enter(t, g)
	}
	assert.Zero(t, g.Permits())
}

// The limit goes up and down while many come and go. At no time more may be inside than the highest limit since the last moment when there was room, and in the end
// none is missing.
func TestNoPermitIsLostWhileTheLimitChangesUnderStress(t *testing.T) {
	const most = 12
	for _, classes := range [][]Class{nil, {{Name: "web", Weight: 3}, {Name: "batch", Weight: 1, Most: 2, Reserve: 1}}} {
		t.Run(fmt.Sprintf("%d classes", len(classes)), func(t *testing.T) {
			o := Options{Limit: most, Classes: classes}
			if classes != nil {
				o.MaxOfTenant = 3
			}
			g := New(o)
			var inside, highest, entered atomic.Int64
			var workers, changes sync.WaitGroup
			stop := make(chan struct{})
			changes.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					l := Limits{Permits: 2 + rand.IntN(most-1)}
					if classes != nil {
						l.Most, l.OfTenant = []int{0, 1 + l.Permits/2}, 1+l.Permits/3
					}
					g.SetLimits(l)
					runtime.Gosched()
				}
			})
			for range 30 {
				workers.Go(func() {
					for range 100 {
						ctx := WithTenant(WithClass(context.Background(), []string{"web", "batch"}[rand.IntN(2)]), fmt.Sprint(rand.IntN(4)))
						ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(3000))*time.Microsecond)
						if p, _, err := g.Enter(ctx, 0); err == nil {
							entered.Add(1)
							n := inside.Add(1)
							for h := highest.Load(); n > h && !highest.CompareAndSwap(h, n); h = highest.Load() {
							}
							runtime.Gosched()
							inside.Add(-1)
							g.Leave(p)
						}
						cancel()
					}
				})
			}
			workers.Wait()
			close(stop)
			changes.Wait()
			assert.NotZero(t, entered.Load())
			assert.LessOrEqual(t, highest.Load(), int64(most))
			state := g.State()
			assert.Zero(t, state.Taken)
			assert.Zero(t, state.Waiting)

			// What is set last holds: no more and no fewer.
			g.SetLimits(Limits{Permits: 5, Most: make([]int, len(classes)), OfTenant: o.MaxOfTenant})
			for range 5 {
				_, _, err := g.EnterAhead(t.Context(), time.Nanosecond)
				require.NoError(t, err)
			}
			assert.False(t, g.TryEnter())
		})
	}
}
