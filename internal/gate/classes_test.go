package gate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// flow is what comes of one kind of callers.
type flow struct {
	class    string
	tenants  int // of whom each call is one's at random; 0: nobody's
	tenant   string
	load     float64
	service  draw
	deadline draw
}

// run has all flows come for a while, and tells what became of each.
func run(t *testing.T, o Options, length time.Duration, flows ...flow) []*outcome {
	t.Helper()
	outcomes := make([]*outcome, len(flows))
	synctest.Test(t, func(t *testing.T) {
		o.Target, o.Interval = -1, -1
		g := New(o)
		for i, f := range flows {
			outcomes[i] = &outcome{permits: o.Limit, duration: length}
			go func() {
				r := rand.New(rand.NewPCG(1, uint64(i)))
				for start := time.Now(); time.Since(start) < length; outcomes[i].came++ {
					time.Sleep(time.Duration(r.ExpFloat64() * float64(service) / float64(o.Limit) / f.load))
					ctx := context.Background()
					if f.class != "" {
						ctx = WithClass(ctx, f.class)
					}
					if tenant := f.tenant; tenant != "" || f.tenants > 0 {
						if tenant == "" {
							tenant = fmt.Sprint(r.IntN(f.tenants))
						}
						ctx = WithTenant(ctx, tenant)
					}
					go outcomes[i].call(ctx, g, time.Since(start), f.service(r), f.deadline(r))
				}
			}()
		}
		time.Sleep(length + time.Minute)
		synctest.Wait()
		assert.Zero(t, g.State().Taken)
		assert.Zero(t, g.State().Waiting)
		for _, c := range g.shares.classes {
			assert.Empty(t, c.tenants, "what is kept of tenants ends with their calls")
		}
	})
	return outcomes
}

// various is how long statements take that are neither all alike nor very different. If all were alike, the connections would soon come back all at once.
func various(r *rand.Rand) time.Duration {
	return service/2 + time.Duration(r.Int64N(int64(service)))
}

func TestBatchWorkDoesNotDisturbPeople(t *testing.T) {
	const length = 4 * time.Second
	web := flow{class: "web", load: 0.5, service: various, deadline: always(time.Second)}
	batch := flow{class: "batch", load: 10, service: various, deadline: always(time.Second)}
	for _, c := range []struct {
		classes []Class
		most    float64 // times the p99 of people alone
	}{
		{[]Class{{Name: "web", Weight: 8}, {Name: "batch", Weight: 1}}, 1.5},
		{[]Class{{Name: "web", Weight: 8, Reserve: 6}, {Name: "batch", Weight: 1}}, 1.2},
	} {
		for _, shed := range []bool{false, true} {
			o := Options{Limit: 8, Classes: c.classes, Shed: shed}
			alone := run(t, o, length, web)[0]
			both := run(t, o, length, web, batch)
			t.Logf("%d permits kept free, shed=%v: people alone %v; beside batch work %v; batch work %v", c.classes[0].Reserve, shed, alone, both[0], both[1])
			assert.LessOrEqual(t, both[0].took(0.99), time.Duration(c.most*float64(alone.took(0.99))))
			assert.Empty(t, both[0].refused)
			assert.Empty(t, both[0].lost)
			if c.classes[0].Reserve == 0 {
				assert.GreaterOrEqual(t, both[0].goodput(0, length)+both[1].goodput(0, length), 0.97, "batch work gets all the rest")
			}
		}
	}
}

func TestNoClassStarves(t *testing.T) {
	flows := []flow{
		{class: "web", load: 3, service: always(service), deadline: always(100 * ms)},
		{class: "batch", load: 1, service: always(20 * service), deadline: always(10 * time.Second)},
	}
	for _, permits := range []int{1, 8} {
		classes := []Class{{Name: "web", Weight: 50}, {Name: "batch", Weight: 1}}
		both := run(t, Options{Limit: permits, Classes: classes}, 8*time.Second, flows...)
		during := func(o *outcome) float64 { // what was done while both came
			var done time.Duration
			for _, s := range o.served {
				if s.at+s.took < 8*time.Second {
					done += s.work
				}
			}
			return float64(done) / float64(permits) / float64(8*time.Second)
		}
		t.Logf("%d permits: web %.3f, batch %.3f", permits, during(both[0]), during(both[1]))
		assert.GreaterOrEqual(t, during(both[1]), 0.01)
		assert.GreaterOrEqual(t, during(both[0]), 0.85)
	}
}

func TestCapHoldsWhileOthersWait(t *testing.T) {
	classes := []Class{{Name: "web", Weight: 1}, {Name: "batch", Weight: 1, Most: 2}}
	both := run(t, Options{Limit: 8, Classes: classes}, 4*time.Second,
		flow{class: "web", load: 3, service: always(service), deadline: always(100 * ms)},
		flow{class: "batch", load: 3, service: always(service), deadline: always(100 * ms)})
	assert.InDelta(t, 0.75, both[0].goodput(0, 4*time.Second), 0.03)
	assert.InDelta(t, 0.25, both[1].goodput(0, 4*time.Second), 0.03)
	lent := run(t, Options{Limit: 8, Classes: classes}, 4*time.Second, flow{class: "batch", load: 3, service: always(service), deadline: always(100 * ms)})
	assert.GreaterOrEqual(t, lent[0].goodput(0, 4*time.Second), 0.95, "what nobody wants is lent")
}

func TestTenantWhoFloodsDisturbsNobody(t *testing.T) {
	const length = 4 * time.Second
	others := flow{tenants: 1000, load: 0.5, service: various, deadline: always(time.Second)}
	flood := flow{tenant: "flood", load: 10, service: various, deadline: always(time.Second)}
	for _, c := range []struct {
		mostOfTenant int
		most         float64
	}{{0, 1.2}, {5, 1.05}} {
		o := Options{Limit: 20, MaxOfTenant: c.mostOfTenant}
		alone := run(t, o, length, others)[0]
		both := run(t, o, length, others, flood)
		t.Logf("at most %d of 20 for one: the others alone %v; beside the flood %v; the flood %v", c.mostOfTenant, alone, both[0], both[1])
		assert.LessOrEqual(t, both[0].took(0.99), time.Duration(c.most*float64(alone.took(0.99))))
		assert.Empty(t, both[0].lost)
	}
}
