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

// Gate hands out permits: nobody takes one while somebody waits. A permit is held from before a connection is taken or dialled until after it is idle again or
// closed. It is safe for concurrent use.
type Gate struct {
	Options
	start time.Time // what the stamps count from

	mu     sync.Mutex // guards what follows
	taken  int
	queue  order
	crowd  crowd
	closed bool
	counts counts
}

// Options is what a gate is made of.
type Options struct {
	// Limit is how many permits there are. 0 = no limit: everybody is admitted, and nothing is counted.
	Limit int
	// Hold returns how long permits are held lately, in nanoseconds; 0: nobody knows. Whoever has less time left than that is hopeless. It must not block. Nil =
	// nobody ever knows.
	Hold func() int64
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
	if o.Hold == nil {
		o.Hold = func() int64 { return 0 }
	}
	return &Gate{Options: o, start: time.Now(), queue: &queue{}, crowd: crowd{permits: int64(o.Limit), target: int64(o.Target), interval: int64(o.Interval)}}
}

// now is the time since the gate was made, in nanoseconds, and never 0.
func (g *Gate) now() int64 { return g.stamp(time.Now()) }

func (g *Gate) stamp(t time.Time) int64 { return max(1, int64(t.Sub(g.start))+1) }

// Enter takes a permit, and waits for it until ctx is done or timeout (0 = none) has passed. It returns how long it waited and, when it did not get the permit,
// the error of the context, context.DeadlineExceeded for the timeout, a [*Refusal], [ErrClosed], or [ErrDismissed] if the gate was closed meanwhile.
func (g *Gate) Enter(ctx context.Context, timeout time.Duration) (time.Duration, error) {
	return g.enter(ctx, timeout, false)
}

// EnterAhead is Enter for the pool's own work, which waits for nobody who waits, and is never refused.
func (g *Gate) EnterAhead(ctx context.Context, timeout time.Duration) (time.Duration, error) {
	return g.enter(ctx, timeout, true)
}

func (g *Gate) enter(ctx context.Context, timeout time.Duration, ahead bool) (time.Duration, error) {
	if g.Limit == 0 {
		return 0, nil
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return 0, ErrClosed
	}
	if g.taken < g.Limit && g.queue.len() == 0 {
		g.taken++
		g.mu.Unlock()
		return 0, nil
	}
	w, err := g.joinLocked(ctx, timeout, ahead)
	g.mu.Unlock()
	if err != nil {
		return 0, err
	}
	return g.end(w, w.wait(ctx, timeout))
}

// joinLocked puts a new waiter into the queue, if one more may wait.
func (g *Gate) joinLocked(ctx context.Context, timeout time.Duration, ahead bool) (*waiter, error) {
	now := g.now()
	if most := g.MaxWaiters; !ahead && most != 0 && g.queue.len() >= most {
		return nil, g.refuseLocked(now, true)
	}
	w := &waiter{joined: now, ahead: ahead, admitted: make(chan struct{}), index: outside}
	if deadline, ok := ctx.Deadline(); ok {
		w.due = g.stamp(deadline)
		w.until = w.due
	}
	if timeout > 0 && (w.until == 0 || now+int64(timeout) < w.until) {
		w.until = now + int64(timeout)
	}
	g.crowd.arrived(now, g.queue.len())
	g.queue.push(w)
	g.watchLocked(now)
	return w, nil
}

// end takes down how a wait ended.
func (g *Gate) end(w *waiter, err error) (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	waited := time.Duration(g.now() - w.joined)
	g.counts.waits++
	g.counts.waitTime += waited
	if err == nil {
		return waited, nil
	}
	select {
	case <-w.admitted: // if the permit came at the same moment, it goes to the next one
		if w.err == nil {
			g.leaveLocked()
		}
	default:
		g.queue.remove(w)
	}
	return waited, err
}

// TryEnter takes a permit if one is free and nobody waits.
func (g *Gate) TryEnter() bool {
	if g.Limit == 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.taken >= g.Limit || g.queue.len() > 0 {
		return false
	}
	g.taken++
	return true
}

// Leave gives a permit back, to whose turn it is.
func (g *Gate) Leave() {
	if g.Limit == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leaveLocked()
}

func (g *Gate) leaveLocked() {
	if g.queue.len() == 0 {
		g.taken--
		return
	}
	now := g.now()
	w := g.queue.next(now, g.Hold())
	g.crowd.admitted(now)
	g.watchLocked(now)
	close(w.admitted)
}

// watchLocked looks whether there is a crowd, and sends those away who are too many.
func (g *Gate) watchLocked(now int64) {
	g.crowd.look(now, g.queue.oldest())
	if !g.Shed {
		return
	}
	g.queue.hurry(g.crowd.over)
	for most := g.crowd.most(now); g.crowd.over && g.queue.len() > most; {
		w := g.queue.worst()
		if w == nil {
			return
		}
		w.err = g.refuseLocked(now, false)
		g.crowd.refused = now
		close(w.admitted)
	}
}

// refuseLocked tells somebody who is refused how things are.
func (g *Gate) refuseLocked(now int64, full bool) error {
	g.counts.refused++
	n := g.queue.len()
	wait := time.Duration(int64(n+1) * g.crowd.pace(now))
	return &Refusal{Full: full, Waiting: n, Wait: wait, RetryAfter: max(wait, time.Duration(g.crowd.patience()))}
}

// Refusal answers who is refused.
type Refusal struct {
	Full       bool          // as many wait as may; otherwise there are more than can be served
	Waiting    int           // how many do
	Wait       time.Duration // that one more would have to expect
	RetryAfter time.Duration // when it makes sense to come back
}

// Error is for who forgets to tell it in words of his own.
func (r *Refusal) Error() string { return "pooled: overloaded" }

// Room is how many permits are left; without a limit, more than anybody needs.
func (g *Gate) Room() int64 {
	if g.Limit == 0 {
		return math.MaxInt64
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(g.Limit - g.taken)
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
	for g.queue.len() > 0 {
		w := g.queue.next(0, 0)
		w.err = ErrDismissed
		close(w.admitted)
	}
}
