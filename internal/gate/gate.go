// Package gate decides who may have one of the permits of an endpoint, and in which order those are served who have to wait.
//
// The order refuses nobody before his time is over: see [queue]. With Options.Shed the gate is an admission control as well: see [crowd].
package gate

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"
)

// Gate hands out permits: nobody takes one that is somebody else's turn. A permit is held from before a connection is taken or dialled until after it is idle again
// or closed. It is safe for concurrent use.
type Gate struct {
	Options
	start     time.Time // what the stamps count from
	strangers strangers

	mu     sync.Mutex // guards what follows
	shares shares
	closed bool
	relax  *time.Timer // has nothing be kept any more; nil: nothing is
}

// Options is what a gate is made of.
type Options struct {
	// Limit is how many permits there are, until SetLimits says otherwise. 0 = no limit, for ever: everybody is admitted, and nothing is counted.
	Limit int
	// Classes are the kinds of calls: see [WithClass]. Calls that name none, or one that is not here, belong to the first. None = there is one.
	Classes []Class
	// Class is what calls belong to that name no class, or one that is not there. Empty = the first.
	Class string
	// Tenant is whom calls belong to that name no tenant. Empty = nobody in particular.
	Tenant string
	// Unknown is told once of each class that calls name and that is not there, of the first few. Nil = nobody wants to know.
	Unknown func(name string)
	// MaxOfTenant is how many permits one tenant may have in all classes together, whether others wait or not: see [WithTenant]. 0 = all.
	MaxOfTenant int
	// MaxWaiters is how many may wait. 0 = no limit, negative = nobody.
	MaxWaiters int
	// Shed refuses those who cannot be served in good time, instead of letting them wait until their own deadlines.
	Shed bool
	// Target is how long somebody may wait before the queue counts as too long, and Interval for how long it may be too long before somebody is refused.
	// Negative = by how long permits are held.
	Target, Interval time.Duration
}

// ErrClosed answers who comes to a closed gate.
var ErrClosed = errors.New("pooled: the pool is closed")

// ErrDismissed answers who waited when the gate was closed.
var ErrDismissed = errors.New("pooled: the pool was closed meanwhile")

// New makes a gate that is open.
func New(o Options) *Gate {
	if len(o.Classes) == 0 {
		o.Classes = []Class{{Weight: 1}}
	}
	g := &Gate{Options: o, start: time.Now(), shares: shares{limit: o.Limit, mostOfTenant: o.MaxOfTenant, capped: o.MaxOfTenant > 0, held: map[string]int{}}}
	for _, c := range o.Classes {
		g.shares.classes = append(g.shares.classes, &class{
			Class: c, tenants: map[string]*tenant{}, servable: byPaid(), waiters: byClaim(), newLine: func() line { return newQueue() },
			crowd: crowd{target: int64(o.Target), interval: int64(o.Interval), sheds: o.Shed},
		})
	}
	return g
}

// now is the time since the gate was made, in nanoseconds, and never 0.
func (g *Gate) now() int64 { return g.stamp(time.Now()) }

// stamp is a time as now tells it. What is too far away for that is as far as can be told.
func (g *Gate) stamp(t time.Time) int64 {
	return min(max(0, int64(t.Sub(g.start))), math.MaxInt64-1) + 1
}

// Enter takes a permit, and waits for it until ctx is done or timeout (0 = none) has passed. It returns how the wait was and, when it did not get the permit,
// a [*TimeoutError] if its time was over, the error of the context if that was cancelled, a [*RefusedError], [ErrClosed], or [ErrDismissed] if the gate was closed meanwhile.
func (g *Gate) Enter(ctx context.Context, timeout time.Duration) (Permit, Wait, error) {
	return g.enter(ctx, timeout, inTurn)
}

// EnterHolding is Enter for somebody who has a permit already: see [Gate.KeepOne].
func (g *Gate) EnterHolding(ctx context.Context, timeout time.Duration) (Permit, Wait, error) {
	return g.enter(ctx, timeout, holding)
}

// EnterAhead is Enter for the pool's own work, which waits for nobody who waits, and is never refused.
func (g *Gate) EnterAhead(ctx context.Context, timeout time.Duration) (Permit, Wait, error) {
	return g.enter(ctx, timeout, ahead)
}

// standing is what somebody is served as.
type standing uint8

const (
	inTurn  standing = iota
	holding          // it has a permit already
	ahead            // it is the pool's own work
)

// Wait is how it was to come for a permit, whether that was got or not.
type Wait struct {
	Class      string        // of the call; empty: there is one
	For        time.Duration // 0: it did not wait
	PassedOver bool          // it had less time left than permits are held for, and others were served before it
}

func (g *Gate) enter(ctx context.Context, timeout time.Duration, as standing) (Permit, Wait, error) {
	if g.Limit == 0 {
		return Permit{}, Wait{}, nil
	}
	var who caller
	counted := g.shares.counted()
	if counted && as != ahead {
		who = g.callerOf(ctx)
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return Permit{}, Wait{}, ErrClosed
	}
	if p, ok := g.tryLocked(who, as); ok {
		g.keptLocked(as)
		g.mu.Unlock()
		return p, Wait{Class: g.classOf(p.tenant)}, nil
	}
	if !counted && as != ahead {
		who = g.callerOf(ctx)
	}
	w, err := g.joinLocked(ctx, who, timeout, as)
	g.mu.Unlock()
	if err != nil {
		return Permit{}, Wait{Class: g.classOf(w.tenant)}, err
	}
	err = w.wait(ctx, timeout)
	return g.end(w, err)
}

// classOf is the name of the class of a tenant, nil being the pool's own work, if there are several.
func (g *Gate) classOf(t *tenant) string {
	if t == nil || len(g.shares.classes) == 1 {
		return ""
	}
	return t.class.Name
}

// tryLocked takes a permit if there is one.
func (g *Gate) tryLocked(who caller, as standing) (Permit, bool) {
	switch s := &g.shares; {
	case s.taken >= s.limit:
		return Permit{}, false
	case as == ahead:
		s.taken++
		return Permit{}, true
	case !s.counted():
		c := s.classes[0]
		if s.kept > 0 && !s.has(c, as) {
			return Permit{}, false
		}
		s.taken++
		c.Admitted++
		return Permit{}, true
	default:
		c := s.find(who.class)
		if t := c.of(who.tenant); s.has(c, as) && s.may(t) {
			c.Admitted++
			if s.waiting == 0 {
				return s.lend(t, g.now()), true
			}
			s.begin(t)
			return s.sell(t, g.now()), true
		}
		return Permit{}, false
	}
}

// joinLocked lets somebody wait, if one more may.
func (g *Gate) joinLocked(ctx context.Context, who caller, timeout time.Duration, as standing) (*waiter, error) {
	now := g.now()
	w := &waiter{joined: now, served: g.shares.served, admitted: make(chan struct{}), index: outside}
	if deadline, ok := ctx.Deadline(); ok {
		w.due = g.stamp(deadline)
		w.until = w.due
	}
	if timeout > 0 && (w.until == 0 || now+int64(timeout) < w.until) {
		w.until = now + int64(timeout)
	}
	if as == ahead {
		g.shares.push(w)
		return w, nil
	}
	c := g.shares.find(who.class)
	w.tenant = c.of(who.tenant)
	if most := g.MaxWaiters; most != 0 && g.shares.waiting >= most && !g.makeRoomLocked(w, now) {
		err := g.refuseLocked(c, now, true)
		g.shares.settle(w.tenant)
		return w, err
	}
	c.crowd.arrived(now, c.Waiting)
	g.shares.push(w)
	if as == holding {
		w.holder = g.shares.holders.PushBack(w)
	}
	g.watchLocked(c, now)
	return w, nil
}

// makeRoomLocked refuses somebody who waits, if that is right: one of a class of less weight, or of a tenant who takes and wants more.
func (g *Gate) makeRoomLocked(w *waiter, now int64) bool {
	own := w.tenant.class
	switch c := g.shares.lowest(); {
	case c == nil:
		return false
	case c != own && c.Weight < own.Weight, c == own && c.waiters.first().claim() > w.tenant.claim()+1:
		g.sendAwayLocked(c, now, true)
		return true
	default:
		return false
	}
}

// end takes down how a wait ended.
func (g *Gate) end(w *waiter, err error) (Permit, Wait, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waited := Wait{g.classOf(w.tenant), time.Duration(g.now() - w.joined), w.stage == hopeless}
	if w.tenant != nil {
		c := w.tenant.class
		c.Waits++
		c.WaitTime += waited.For
		if err == nil {
			c.Admitted++
		}
	}
	if err == nil {
		return w.permit, waited, nil
	}
	select {
	case <-w.admitted: // if the permit came at the same moment, it goes to the next one
		if w.err == nil {
			g.leaveLocked(w.permit)
		}
	default:
		g.shares.remove(w)
	}
	if err == context.DeadlineExceeded {
		err = &TimeoutError{Served: g.shares.served - w.served}
	}
	return Permit{}, waited, err
}

// TimeoutError answers whose time was over. It is a context.DeadlineExceeded.
type TimeoutError struct {
	Served uint64 // how many others got a permit while it waited
}

// Error is for who forgets to tell it in words of his own.
func (e *TimeoutError) Error() string { return "pooled: no permit in time" }

// Unwrap returns context.DeadlineExceeded.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// TryEnter takes a permit for the pool's own work, if one is free and nobody waits.
func (g *Gate) TryEnter() bool {
	if g.Limit == 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shares.waiting > 0 {
		return false
	}
	_, ok := g.tryLocked(caller{}, ahead)
	return ok
}

// Leave gives a permit back, to whose turn it is.
func (g *Gate) Leave(p Permit) {
	if g.Limit == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leaveLocked(p)
}

func (g *Gate) leaveLocked(p Permit) {
	s := &g.shares
	if p.tenant == nil && s.waiting == 0 {
		s.taken--
		return
	}
	now := g.now()
	s.give(p, now)
	g.serveLocked(now)
}

// serveLocked admits those whose turn it is, as long as there are permits.
func (g *Gate) serveLocked(now int64) {
	for w := g.shares.next(now); w != nil; w = g.shares.next(now) {
		if w.holder != nil {
			g.keptLocked(holding)
		}
		close(w.admitted)
		if w.tenant != nil {
			g.watchLocked(w.tenant.class, now)
		}
	}
}

// watchLocked looks whether there is a crowd of a class, and sends those away who are too many.
func (g *Gate) watchLocked(c *class, now int64) {
	c.crowd.look(now, c.oldest(), c.holds.mean)
	for most := c.crowd.most(now, g.shares.limit); c.crowd.sheds && c.crowd.over && c.Waiting > most; {
		g.sendAwayLocked(c, now, false)
		c.crowd.refused = now
	}
}

// sendAwayLocked refuses somebody of a class who waits.
func (g *Gate) sendAwayLocked(c *class, now int64, full bool) {
	w := g.shares.worst(c)
	w.err = g.refuseLocked(c, now, full)
	close(w.admitted)
}

// refuseLocked tells somebody who is refused how things are.
func (g *Gate) refuseLocked(c *class, now int64, full bool) error {
	if full {
		c.Full++
	} else {
		c.Shed++
	}
	wait := time.Duration(int64(c.Waiting+1) * c.crowd.pace(now))
	return &RefusedError{Full: full, Waiting: g.shares.waiting, Wait: wait, RetryAfter: max(wait, time.Duration(c.crowd.patience(c.holds.mean)))}
}

// RefusedError answers who is refused.
type RefusedError struct {
	Full       bool          // as many wait as may; otherwise there are more than can be served
	Waiting    int           // how many wait
	Wait       time.Duration // that one more of the class would have to expect
	RetryAfter time.Duration // when it makes sense to come back
}

// Error is for who forgets to tell it in words of his own.
func (r *RefusedError) Error() string { return "pooled: overloaded" }

// Room is how many permits are left, never less than none; without a limit, more than anybody needs.
func (g *Gate) Room() int64 {
	if g.Limit == 0 {
		return math.MaxInt64
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(max(0, g.shares.limit-g.shares.taken))
}

// Open has a gate that was closed hand out permits again. Those from before are still taken.
func (g *Gate) Open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

// Close sends all away who wait, and refuses all who come.
func (g *Gate) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.keepNoneLocked()
	for g.shares.own.Len() > 0 {
		w := first(&g.shares.own)
		g.shares.remove(w)
		w.err = ErrDismissed
		close(w.admitted)
	}
	for _, c := range g.shares.classes {
		for c.Waiting > 0 {
			w := g.shares.worst(c)
			w.err = ErrDismissed
			close(w.admitted)
		}
	}
}
