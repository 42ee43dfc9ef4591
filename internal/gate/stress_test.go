package gate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var stressFor = flag.Duration("gate-stress", time.Second, "how long the gate is put under stress")

// ledger counts who is inside, as the gate should.
type ledger struct {
	mu      sync.Mutex // guards what follows
	inside  int
	ofAll   int // most that were inside at once
	others  int // inside, and not of the class for which permits are kept
	tenants map[string]int
	faults  []string

	entered, refused, gaveUp int
}

// ended notes how somebody fared who wanted to enter.
func (l *ledger) ended(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var refusal *RefusedError
	switch {
	case err == nil:
		l.entered++
	case errors.As(err, &refusal):
		l.refused++
	default:
		l.gaveUp++
	}
}

// sawAll reports whether everything has happened that may. A busy machine takes its time.
func (l *ledger) sawAll(most int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.entered > 0 && l.refused > 0 && l.gaveUp > 0 && l.ofAll > most
}

func (l *ledger) enter(class, tenant string, by int, limit, kept, mostOfTenant int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inside += by
	l.tenants[tenant] += by
	if class != "admin" {
		l.others += by
	}
	if l.inside > limit || l.others > limit-kept || l.tenants[tenant] > mostOfTenant {
		l.faults = append(l.faults, fmt.Sprintf("%d inside, %d of them others, %d of %s", l.inside, l.others, l.tenants[tenant], tenant))
	}
	l.ofAll = max(l.ofAll, l.inside)
}

func TestNoPermitIsLostAndNoCapExceededUnderStress(t *testing.T) {
	const limit, kept, mostOfTenant = 8, 2, 3
	for _, shed := range []bool{false, true} {
		g := New(Options{
			Limit: limit, MaxOfTenant: mostOfTenant, Shed: shed, Target: -1, Interval: time.Millisecond, MaxWaiters: 150,
			Classes: []Class{{Name: "web", Weight: 8}, {Name: "batch", Weight: 1, Most: 4}, {Name: "admin", Weight: 1, Reserve: kept}},
		})
		l := &ledger{tenants: map[string]int{}}
		ends := time.Now().Add(*stressFor / 2)
		goesOn := func() bool { return time.Now().Before(ends) || !l.sawAll(limit-kept) }
		var workers sync.WaitGroup
		for range 200 {
			workers.Go(func() {
				for goesOn() {
					class := []string{"web", "web", "batch", "admin", "", "unknown"}[rand.IntN(6)]
					tenant := fmt.Sprint(rand.IntN(5))
					ctx := WithTenant(WithClass(context.Background(), class), tenant)
					ctx, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(2000))*time.Microsecond)
					enter := g.Enter
					if rand.IntN(4) == 0 {
						enter = g.EnterHolding
					}
					p, _, err := enter(ctx, time.Duration(rand.IntN(2))*time.Millisecond)
					if err == nil {
						l.enter(class, tenant, 1, limit, kept, mostOfTenant)
						for range rand.IntN(50) {
							runtime.Gosched()
						}
						l.enter(class, tenant, -1, limit, kept, mostOfTenant)
						g.Leave(p)
					}
					cancel()
					l.ended(err)
				}
			})
		}
		workers.Go(func() { // the pool's own work
			for goesOn() {
				if g.TryEnter() {
					g.Leave(Permit{})
				}
				if p, _, err := g.EnterAhead(context.Background(), time.Millisecond); err == nil {
					g.Leave(p)
				}
				g.State()
				g.Pressure()
				switch rand.IntN(20) {
				case 0:
					g.KeepOne()
				case 1:
					g.keepNone()
				}
			}
		})
		workers.Wait()
		assert.Empty(t, l.faults)
		state := g.State()
		assert.Zero(t, state.Taken)
		assert.Zero(t, state.Waiting)
		assert.Empty(t, g.shares.held)
		assert.Zero(t, g.shares.holders.Len())
		for _, c := range g.shares.classes {
			assert.Zero(t, c.Taken)
			assert.Zero(t, c.Waiting)
			assert.Empty(t, c.tenants)
			assert.Zero(t, c.arrivals.Len())
		}
	}
}
