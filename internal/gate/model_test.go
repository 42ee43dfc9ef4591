package gate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

const ms = time.Millisecond

// draw draws a time at random.
type draw func(*rand.Rand) time.Duration

func always(d time.Duration) draw { return func(*rand.Rand) time.Duration { return d } }

func exponential(mean time.Duration) draw {
	return func(r *rand.Rand) time.Duration { return time.Duration(r.ExpFloat64() * float64(mean)) }
}

// service is how long a statement takes in the model.
const service = 10600 * time.Microsecond

// model is a load on a gate, in virtual time: callers come at random, have a deadline, and hold their permit until their statement ends or is cancelled.
type model struct {
	permits  int
	load     float64 // what comes, as a part of what can be served
	service  draw
	deadline draw // 0 = none
	length   time.Duration
	line     func() line // nil: the gate's own
	shed     bool
	slower   func(at time.Duration) float64       // how many times as long statements take that come then; nil: never longer
	still    func(at time.Duration) time.Duration // for how long the server stands still from then on; nil: never
}

// outcome is what became of the callers.
type outcome struct {
	came     int
	served   []served        // those whose statement ended
	lost     []time.Duration // when they came, of those who met their deadline
	refused  []time.Duration // when they came
	told     []time.Duration // after how long they knew
	permits  int
	duration time.Duration
	still    func(at time.Duration) time.Duration // as in the model
}

// served is a caller whose statement ended.
type served struct{ at, work, took time.Duration }

// goodput is the part of what the permits could do between two moments that was done for somebody.
func (o *outcome) goodput(from, to time.Duration) float64 {
	var done time.Duration
	for _, s := range o.served {
		if from <= s.at && s.at < to {
			done += s.work
		}
	}
	return float64(done) / float64(o.permits) / float64(to-from)
}

// quantile of times, which it sorts.
func quantile(q float64, all []time.Duration) time.Duration {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))]
}

func (o *outcome) took(q float64) time.Duration {
	all := make([]time.Duration, len(o.served))
	for i, s := range o.served {
		all[i] = s.took
	}
	return quantile(q, all)
}

func (o *outcome) String() string {
	return fmt.Sprintf("goodput %.3f, p50 %v, p99 %v; of %d callers %d served, %d refused, who knew within %v (p95)", o.goodput(0, o.duration),
		o.took(0.5).Round(ms/10), o.took(0.99).Round(ms/10), o.came, len(o.served), len(o.refused), quantile(0.95, o.told).Round(ms/10))
}

// run runs the model in a bubble. What is drawn is the same for all models that differ in nothing else than their gate.
func (m model) run(t *testing.T) *outcome {
	t.Helper()
	o := &outcome{permits: m.permits, duration: m.length, still: m.still}
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		g := New(Options{Limit: m.permits, Shed: m.shed, Target: -1, Interval: -1})
		if m.line != nil {
			g.shares.classes[0].newLine = m.line
		}
		each := float64(service) / float64(m.permits) / m.load
		for start := time.Now(); time.Since(start) < m.length; o.came++ {
			time.Sleep(time.Duration(r.ExpFloat64() * each))
			work, within := m.service(r), m.deadline(r)
			if at := time.Since(start); m.slower != nil {
				work = time.Duration(float64(work) * m.slower(at))
			}
			go o.call(t.Context(), g, time.Since(start), work, within)
		}
		time.Sleep(time.Minute) // all have ended, one way or the other
		synctest.Wait()
		assert.Zero(t, g.State().Taken)
		assert.Zero(t, g.State().Waiting)
	})
	return o
}

// call is one caller. Bubbles run one goroutine at a time in effect: the gate's lock orders what they note.
func (o *outcome) call(ctx context.Context, g *Gate, at, work, within time.Duration) {
	if within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	came := time.Now()
	p, _, err := g.Enter(ctx, 0)
	if err == nil {
		takes := work
		if o.still != nil {
			takes += o.still(at + time.Since(came))
		}
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			err = ctx.Err()
		}
		defer g.Leave(p)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	switch refusal := (*RefusedError)(nil); {
	case errors.As(err, &refusal):
		o.refused, o.told = append(o.refused, at), append(o.told, time.Since(came))
	case err != nil:
		o.lost = append(o.lost, at)
	default:
		o.served = append(o.served, served{at, work, time.Since(came)})
	}
}

// fifo is the discipline of a queue at a counter, for comparison.
type fifo struct{ *queue }

func (f *fifo) next(_, _ int64, _ bool) *waiter {
	w := f.eldest()
	f.remove(w)
	return w
}

// random is the discipline of database/sql, for comparison.
type random struct {
	*queue
	all []*waiter
}

func (r *random) len() int       { return len(r.all) }
func (r *random) push(w *waiter) { r.all = append(r.all, w) }
func (r *random) remove(w *waiter) {
	r.all = slices.DeleteFunc(r.all, func(other *waiter) bool { return other == w })
}

func (r *random) next(_, _ int64, _ bool) *waiter {
	w := r.all[rand.IntN(len(r.all))]
	r.remove(w)
	return w
}

func TestOverloadIsBorneAsPromised(t *testing.T) {
	for _, c := range []struct {
		load    float64
		shed    bool
		goodput float64 // of what the permits can do, or of what comes
		p50     time.Duration
		p99     time.Duration
		told    time.Duration // after which 95 of 100 who are refused know
	}{
		{load: 0.8, goodput: 0.8 * 0.95, p50: 11 * ms, p99: 60 * ms},
		{load: 1.4, goodput: 0.96, p50: 2 * service, p99: 100 * ms},
		{load: 3, goodput: 0.93, p50: 20 * ms, p99: 100 * ms},
		{load: 10, goodput: 0.93, p50: 20 * ms, p99: 100 * ms},
		{load: 0.8, shed: true, goodput: 0.8 * 0.95, p50: 11 * ms, p99: 60 * ms},
		{load: 1.4, shed: true, goodput: 0.96, p50: 2 * service, p99: 5 * service},
		{load: 3, shed: true, goodput: 0.95, p50: 20 * ms, p99: 5 * service, told: 5 * ms},
		{load: 10, shed: true, goodput: 0.95, p50: 20 * ms, p99: 5 * service, told: 5 * ms},
	} {
		for _, statements := range []struct {
			name  string
			takes draw
			p99   time.Duration // by itself, more than the others
		}{{"all alike", always(service), 0}, {"some short, some long", exponential(service), 4 * service}} {
			t.Run(fmt.Sprintf("%v/shed=%v/%s", c.load, c.shed, statements.name), func(t *testing.T) {
				o := model{permits: 8, load: c.load, service: statements.takes, deadline: always(100 * ms), length: 8 * time.Second, shed: c.shed}.run(t)
				t.Log(o)
				assert.GreaterOrEqual(t, o.goodput(0, o.duration), c.goodput)
				assert.LessOrEqual(t, o.took(0.5), c.p50)
				assert.LessOrEqual(t, o.took(0.99), min(100*ms, c.p99+statements.p99))
				if c.load < 1 {
					assert.Empty(t, o.refused)
				}
				if c.told > 0 {
					assert.LessOrEqual(t, quantile(0.95, o.told), c.told)
				}
			})
		}
	}
}

// database/sql serves those who wait at random, a queue at a counter in turn. The gate's order must not serve fewer than either, whatever the load.
func TestOrderServesAsMuchAsOthers(t *testing.T) {
	for _, permits := range []int{1, 8} {
		for _, load := range []float64{0.8, 0.95, 1.1, 1.4, 3} {
			t.Run(fmt.Sprint(permits, " permits, load ", load), func(t *testing.T) {
				m := model{permits: permits, load: load, service: always(service), deadline: always(100 * ms), length: 8 * time.Second}
				own := m.run(t)
				for name, other := range map[string]func() line{"in turn": func() line { return &fifo{newQueue()} }, "at random": func() line { return &random{queue: newQueue()} }} {
					m.line = other
					o := m.run(t)
					t.Logf("%s: %v; own: %v", name, o, own)
					assert.GreaterOrEqual(t, own.goodput(0, own.duration), 0.97*o.goodput(0, o.duration), name)
				}
			})
		}
	}
}

func TestOverloadIsOverWhenTheServerIsWellAgain(t *testing.T) {
	const began, ended = 2 * time.Second, 3 * time.Second
	for _, shed := range []bool{false, true} {
		t.Run(fmt.Sprint("shed=", shed), func(t *testing.T) {
			o := model{
				permits: 8, load: 3, service: always(service), deadline: always(100 * ms), length: 5 * time.Second, shed: shed,
				slower: func(at time.Duration) float64 {
					if began <= at && at < ended {
						return 4
					}
					return 1
				},
			}.run(t)
			const interval = intervalHolds * service
			t.Logf("before %.3f, while it is slow %.3f, after two intervals %.3f", o.goodput(time.Second, began), o.goodput(began, ended), o.goodput(ended+2*interval, o.duration))
			assert.GreaterOrEqual(t, o.goodput(time.Second, began), 0.95)
			assert.GreaterOrEqual(t, o.goodput(began, ended), 0.9)
			assert.GreaterOrEqual(t, o.goodput(ended+2*interval, o.duration), 0.95)
		})
	}
}

func TestNobodyIsRefusedWhileTheServerStandsStillForAMoment(t *testing.T) {
	const began, lasts = 2 * time.Second, time.Second
	for _, each := range []time.Duration{ms, service} { // statements, which have no part in how long the server stands still
		o := model{
			permits: 8, load: 0.05 * float64(service) / float64(each), service: always(each), deadline: always(3 * time.Second), length: 5 * time.Second, shed: true,
			still: func(at time.Duration) time.Duration {
				if began <= at && at < began+lasts {
					return began + lasts - at
				}
				return 0
			},
		}.run(t)
		assert.Empty(t, o.refused)
		assert.Empty(t, o.lost)
	}
}

func TestNobodyIsRefusedOrLostInABurstThatIsShorterThanTheInterval(t *testing.T) {
	for _, shed := range []bool{false, true} {
		for _, n := range []int{20, 60, 72} { // which 8 permits serve in 100 ms, and database/sql too
			o := &outcome{permits: 8}
			synctest.Test(t, func(t *testing.T) {
				g := New(Options{Limit: 8, Shed: shed, Target: -1, Interval: -1})
				for range 5 { // one after the other
					for range n {
						go o.call(t.Context(), g, 0, 10*ms, 100*ms)
					}
					time.Sleep(500 * ms)
				}
			})
			assert.Len(t, o.served, 5*n, "shed=%v, %d at once", shed, n)
		}
	}
}

// Those who wait for as long as it takes must not starve, nor have the others starve.
func TestThoseWithoutADeadlineKeepTheirShare(t *testing.T) {
	for _, c := range []struct {
		workers int     // without a deadline, each with one statement after the other
		load    float64 // of callers with one
		most    float64 // part of the permits' time that the workers may have
		least   float64
	}{
		{workers: 8, load: 3, least: 0.05, most: 0.25},
		{workers: 100, load: 3, least: 0.3, most: 0.55},
		{workers: 1000, load: 0.4, least: 0.55, most: 0.65},
		{workers: 1000, load: 3, least: 0.4, most: 0.55},
	} {
		t.Run(fmt.Sprintf("%d and load %v", c.workers, c.load), func(t *testing.T) {
			const length = 3 * time.Second
			timed, untimed := &outcome{permits: 8}, &outcome{permits: 8}
			synctest.Test(t, func(t *testing.T) {
				g := New(Options{Limit: 8})
				ctx, cancel := context.WithCancel(t.Context())
				for range c.workers {
					go func() {
						for ctx.Err() == nil {
							untimed.call(ctx, g, 0, service, 0)
						}
					}()
				}
				r := rand.New(rand.NewPCG(1, 2))
				for start := time.Now(); time.Since(start) < length; {
					time.Sleep(time.Duration(r.ExpFloat64() * float64(service) / 8 / c.load))
					go timed.call(context.WithoutCancel(ctx), g, time.Since(start), service, 100*ms)
				}
				cancel()
				time.Sleep(time.Minute)
			})
			timed.duration = length
			share := float64(len(untimed.served)) * float64(service) / 8 / float64(length)
			t.Logf("without a deadline %.3f, with one %v", share, timed)
			assert.GreaterOrEqual(t, share, c.least)
			assert.LessOrEqual(t, share, c.most)
			if c.load+c.most < 1.1 {
				assert.Empty(t, timed.lost)
			}
		})
	}
}
