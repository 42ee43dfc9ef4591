package overload_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// What a class or a tenant had while nobody waited was lent: it does not count once several wait.
func TestWhatNobodyWantedIsNoDebt(t *testing.T) {
	type work struct {
		class, tenant string
		callers       int
	}
	for name, c := range map[string]struct {
		calm, busy []work
		batchOf    string
		share      float64
	}{
		"classes, the other one idle":     {[]work{{"batch", "", 4}}, []work{{"web", "", 40}, {"batch", "", 40}}, "batch", 1.0 / 9},
		"classes, the other one a little": {[]work{{"batch", "", 4}, {"web", "", 2}}, []work{{"web", "", 40}, {"batch", "", 40}}, "batch", 1.0 / 9},
		"classes, nothing before":         {nil, []work{{"web", "", 40}, {"batch", "", 40}}, "batch", 1.0 / 9},
		"tenants, the other one a little": {[]work{{"web", "a", 4}, {"web", "b", 2}}, []work{{"web", "b", 40}, {"web", "a", 40}}, "a", 0.5},
		"tenants, nothing before":         {nil, []work{{"web", "b", 40}, {"web", "a", 40}}, "a", 0.5},
		"tenants, the other one is new":   {[]work{{"web", "a", 4}}, []work{{"web", "b", 40}, {"web", "a", 40}}, "a", 0.5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := pooltest.NewNarrowPool(t, 8, pooltest.WithClasses(8))
				p.Fault.Hook(faultdriver.Exec, func(context.Context, faultdriver.Call) faultdriver.Outcome {
					time.Sleep(50*time.Millisecond + time.Duration(rand.IntN(100))*time.Millisecond)
					return faultdriver.Outcome{}
				})
				var mu sync.Mutex
				served := map[string]int{}
				run := func(all []work, until time.Time) *sync.WaitGroup {
					var wg sync.WaitGroup
					for _, w := range all {
						ctx := pooled.WithTenant(pooled.WithClass(context.Background(), w.class), w.tenant)
						for range w.callers {
							wg.Go(func() {
								for time.Now().Before(until) {
									_, err := p.ExecContext(ctx, "exec")
									assert.NoError(t, err)
									mu.Lock()
									served[w.class]++
									served[w.tenant]++
									served["all"]++
									mu.Unlock()
								}
							})
						}
					}
					return &wg
				}
				calm := run(c.calm, time.Now().Add(5*time.Minute+time.Second))
				time.Sleep(5 * time.Minute)
				mu.Lock()
				clear(served)
				mu.Unlock()
				assert.Zero(t, p.EndpointStats().Waits, "nobody has waited so far")
				began := time.Now()
				busy := run(c.busy, began.Add(30*time.Second))
				time.Sleep(29 * time.Second)
				mu.Lock()
				part := float64(served[c.batchOf]) / float64(served["all"])
				t.Log(served)
				mu.Unlock()
				assert.InDelta(t, c.share, part, 0.5*c.share, "its part of 29 seconds in which both wait")
				calm.Wait()
				busy.Wait()
			})
		})
	}
}

// What the errors of a timeout say where a connection is free that the caller may not have.
func TestNoErrorSaysThatAllAreTakenWhereSomeAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*pooled.Config)
		ctx    context.Context
	}{
		"reserve": {func(c *pooled.Config) {
			c.Queue.Classes = []policy.Class{{Name: "web", Weight: 1}, {Name: "admin", Weight: 1, Reserve: 2}}
		}, context.Background()},
		"tenant": {func(c *pooled.Config) { c.Queue.TenantMax = 0.5 }, pooled.WithTenant(context.Background(), "acme")},
	} {
		for kind, change := range map[string]func(*pooled.Config){
			"timeout": func(c *pooled.Config) { c.Pool.AcquireTimeout = time.Second },
			"full":    func(c *pooled.Config) { c.Queue.MaxWaiters = policy.NoWaiters },
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, _ := pooltest.NewNarrowPool(t, 4, func(cfg *pooled.Config) { c.change(cfg); change(cfg) })
					for range 2 {
						conn, err := p.Conn(c.ctx)
						require.NoError(t, err)
						_, err = conn.ExecContext(c.ctx, "exec")
						require.NoError(t, err)
						defer conn.Close()
					}
					_, err := p.ExecContext(c.ctx, "exec 'secret'")
					require.Error(t, err)
					t.Log(err)
					assert.NotContains(t, err.Error(), "all 4 permits")
					assert.NotContains(t, err.Error(), "secret")
				})
			})
		}
	}
}
