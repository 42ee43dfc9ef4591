// Package breaker is the middleware that cuts an endpoint off while its server is in trouble.
//
// Its wraps of Connect and Call count what fails because of the server or the network. When there is too much of it, the breaker opens:
// the wrap of Acquire refuses at once, and a goroutine of the endpoint probes the server, again and again with longer pauses, until it
// is well. Nobody's request is the guinea pig. Whoever holds a connection keeps it: what was begun may still end well.
//
// The states are those of sony/gobreaker. What is added is what it takes to cost nothing while all is well: a success is only counted
// after a failure.
//
// What it is not: a judge of errors. The dialect is, see [dialect.ErrorClass].
package breaker

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// Options is what a Breaker is made of.
type Options struct {
	Policy        policy.Breaker
	Endpoint      string // its name
	Classify      func(error) dialect.ErrorClass
	Probe         func(context.Context) error          // asks the server whether it is well
	Background    func(func(ctx context.Context)) bool // runs a function on a goroutine of the endpoint
	OnStateChange func(policy.BreakerChange)           // nil: nothing is called
	Logger        *slog.Logger
}

// Breaker is the breaker of one endpoint. It is safe for concurrent use.
type Breaker struct {
	Options
	outage   atomic.Pointer[outage] // nil: closed
	failing  atomic.Bool            // closed, but there were failures: the next success counts
	window   *window                // nil: the rule of the ratio is off
	trips    atomic.Uint64
	refusals atomic.Uint64

	transitions [3]atomic.Uint64 // by policy.BreakerState

	mu     sync.Mutex // guards what follows
	states *gobreaker.TwoStepCircuitBreaker[struct{}]
	state  gobreaker.State
}

// outage is why and since when a breaker is open. It never changes.
type outage struct {
	since     time.Time
	cause     error
	nextProbe time.Time
	halfOpen  bool
}

func (o *outage) state() policy.BreakerState {
	if o.halfOpen {
		return policy.BreakerHalfOpen
	}
	return policy.BreakerOpen
}

// New makes a closed breaker.
func New(o Options) *Breaker {
	b := &Breaker{Options: o}
	if o.Policy.Ratio > 0 {
		b.window = newWindow(o.Policy.Window)
	}
	b.states = b.closed()
	return b
}

// closed makes the states of a breaker that is closed.
func (b *Breaker) closed() *gobreaker.TwoStepCircuitBreaker[struct{}] {
	return gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name:        b.Endpoint,
		MaxRequests: uint32(max(b.Policy.Probes, 1)),
		// An open breaker is half-open as soon as it is asked: it is only asked for a probe.
		Timeout:       1,
		ReadyToTrip:   b.readyToTrip,
		OnStateChange: func(_ string, _, to gobreaker.State) { b.state = to },
	})
}

// rest forgets the outage when the endpoint is closed: nobody probes the server any more, and if the endpoint is opened again, nobody knows whether
// it is still in trouble.
func (b *Breaker) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.states, b.state = b.closed(), gobreaker.StateClosed
	b.failing.Store(false)
	if b.window != nil {
		b.window.clear()
	}
	b.outage.Store(nil)
}

// Middleware returns the wraps.
func (b *Breaker) Middleware() middleware.Middleware {
	return middleware.Middleware{Name: "breaker", Connect: b.connect, Acquire: b.acquire, Call: b.call}
}

// Open reports whether the breaker refuses acquisitions.
func (b *Breaker) Open() bool { return b.outage.Load() != nil }

// acquire refuses while the breaker is open.
func (b *Breaker) acquire(next middleware.AcquireFunc) middleware.AcquireFunc {
	return func(ctx context.Context, a *middleware.Acquisition) error {
		if o := b.outage.Load(); o != nil {
			return b.refuse(o)
		}
		return next(ctx, a)
	}
}

func (b *Breaker) refuse(o *outage) error {
	b.refusals.Add(1)
	return &middleware.BreakerOpenError{Endpoint: b.Endpoint, Since: o.since, Cause: o.cause, NextProbe: o.nextProbe, State: o.state()}
}

// probing marks the context of a probe's dial.
type probing struct{}

// connect counts dials. One that the pool's own limit ended has met a server that does not answer: pool_connect_timeout, or the second that a
// dial has left when its borrower goes away. That a borrower went away counts for nothing, if the server answers then.
func (b *Breaker) connect(next middleware.ConnectFunc) middleware.ConnectFunc {
	return func(ctx context.Context, dial *middleware.Dial) (conn driver.Conn, err error) {
		if o := b.outage.Load(); o != nil && ctx.Value(probing{}) == nil {
			return nil, b.refuse(o) // who wants to warm the pool, or was let in before
		}
		conn, err = next(ctx, dial)
		switch {
		case err == nil: // only a statement shows that the server works
		case b.Classify(err).Has(dialect.Infrastructure), errors.Is(context.Cause(ctx), middleware.ErrConnectTimeout):
			if errors.Is(err, context.Canceled) {
				b.failed(context.Cause(ctx)) // nobody gave up
			} else {
				b.failed(err)
			}
		}
		return conn, err
	}
}

// call counts statements, unless it was the acquisition that failed.
func (b *Breaker) call(next middleware.CallFunc) middleware.CallFunc {
	return func(ctx context.Context, c *middleware.Call) error {
		err := next(ctx, c)
		switch {
		case err == nil:
			b.succeeded()
		case err == driver.ErrSkip, c.Session.Conn() == nil:
		default:
			switch class := b.Classify(err); {
			case class.Has(dialect.Infrastructure):
				b.failed(err)
			case class.Has(dialect.Application): // the server was well enough to refuse
				b.succeeded()
			}
		}
		return err
	}
}

// failed counts a failure.
func (b *Breaker) failed(err error) {
	if b.outage.Load() != nil {
		return
	}
	if b.window != nil {
		b.window.add(false)
	}
	b.mu.Lock()
	b.failing.Store(true)
	before := b.state
	if done, refused := b.states.Allow(); refused == nil {
		done(err)
	}
	tripped := before == gobreaker.StateClosed && b.state == gobreaker.StateOpen
	if tripped {
		b.trips.Add(1)
		now := time.Now() // the first who is refused is told as well when the server is tried again
		b.outage.Store(&outage{since: now, cause: err, nextProbe: now.Add(jittered(b.Policy.Cooldown))})
	}
	b.mu.Unlock()
	if tripped && !b.Background(b.recover) {
		b.rest() // the endpoint is closed, and says so itself
	}
}

// succeeded counts a success, if that can change anything.
func (b *Breaker) succeeded() {
	if b.failing.Load() || b.window != nil {
		b.countSuccess()
	}
}

func (b *Breaker) countSuccess() {
	if b.window != nil {
		b.window.add(true)
	}
	if !b.failing.Load() || b.outage.Load() != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state != gobreaker.StateClosed {
		return
	}
	if done, refused := b.states.Allow(); refused == nil {
		done(nil)
	}
	b.failing.Store(false)
}

// leastCalls is how many calls it takes for a ratio to mean something.
const leastCalls = 10

// readyToTrip is asked after each failure, by gobreaker and so under mu.
func (b *Breaker) readyToTrip(counts gobreaker.Counts) bool {
	if b.Policy.Failures > 0 && int64(counts.ConsecutiveFailures) >= int64(b.Policy.Failures) {
		return true
	}
	if b.window == nil {
		return false
	}
	succeeded, failed := b.window.sum()
	all := succeeded + failed
	return all >= leastCalls && float64(failed) >= b.Policy.Ratio*float64(all)
}

// recover probes the server until it is well, on a goroutine of the endpoint.
func (b *Breaker) recover(ctx context.Context) {
	cooldown := b.Policy.Cooldown
	from := policy.BreakerClosed
	o := *b.outage.Load()
	for {
		b.tell(policy.BreakerChange{From: from, To: policy.BreakerOpen, Cause: o.cause, NextProbe: o.nextProbe})
		timer := time.NewTimer(time.Until(o.nextProbe))
		select {
		case <-ctx.Done():
			timer.Stop()
			b.rest()
			return
		case <-timer.C:
		}
		b.update(func(o *outage) { o.halfOpen = true })
		b.tell(policy.BreakerChange{From: policy.BreakerOpen, To: policy.BreakerHalfOpen, Cause: o.cause})
		err := b.probe(ctx)
		if ctx.Err() != nil {
			b.rest()
			return
		}
		if err == nil {
			b.failing.Store(false)
			if b.window != nil {
				b.window.clear()
			}
			b.outage.Store(nil)
			b.tell(policy.BreakerChange{From: policy.BreakerHalfOpen, To: policy.BreakerClosed})
			return
		}
		from = policy.BreakerHalfOpen
		cooldown = min(2*cooldown, b.Policy.MaxCooldown)
		o = b.update(func(o *outage) {
			o.cause, o.nextProbe, o.halfOpen = err, time.Now().Add(jittered(cooldown)), false
		})
	}
}

// update replaces the outage by a changed copy: those who are refused may be reading it. Only recover may call it.
func (b *Breaker) update(change func(*outage)) outage {
	o := *b.outage.Load()
	change(&o)
	b.outage.Store(&o)
	return o
}

// probe asks the server until gobreaker is content, or the first time that it fails.
func (b *Breaker) probe(ctx context.Context) error {
	for {
		b.mu.Lock()
		done, err := b.states.Allow()
		b.mu.Unlock()
		if err != nil {
			return err
		}
		err = b.Probe(context.WithValue(ctx, probing{}, true))
		b.mu.Lock()
		done(err)
		closed := b.state == gobreaker.StateClosed
		b.mu.Unlock()
		if err != nil || closed {
			return err
		}
	}
}

// jittered varies a pause by a tenth.
func jittered(d time.Duration) time.Duration {
	if d < 10 {
		return d
	}
	return d - d/10 + rand.N(d/5)
}
