package endpoint

import (
	"container/list"
	"context"
	"math"
	"sync"
	"time"
)

// gate hands out the permits of pool_max_conns, strictly first in, first out: nobody takes a permit while somebody waits.
// A permit is held from before a connection is taken or dialled until after it is idle again or closed.
// The zero value has no limit and admits everybody; it then counts nothing.
type gate struct {
	limit int // 0 = no limit; never changes

	mu      sync.Mutex // guards what follows
	taken   int
	waiters list.List // of *waiter, the oldest first
	closed  bool

	waits    uint64
	waitTime time.Duration
}

// waiter is one session that waits. Whoever takes it off the list owes it the outcome.
type waiter struct {
	admitted chan struct{} // closed when the permit is the waiter's, or err is set
	err      error         // why it gets no permit
}

// enter takes a permit, waiting for its turn until ctx is done or timeout (0 = none) has passed. It returns how
// long it waited and, when it did not get the permit, the context's error, context.DeadlineExceeded for the timeout, errDismissed if the
// gate was closed meanwhile, or ErrClosed.
func (g *gate) enter(ctx context.Context, timeout time.Duration) (time.Duration, error) {
	if g.limit == 0 {
		return 0, nil
	}
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return 0, ErrClosed
	}
	if g.taken < g.limit && g.waiters.Len() == 0 {
		g.taken++
		g.mu.Unlock()
		return 0, nil
	}
	w := &waiter{admitted: make(chan struct{})}
	place := g.waiters.PushBack(w)
	g.mu.Unlock()

	start := time.Now()
	err := w.wait(ctx, timeout)
	waited := time.Since(start)

	g.mu.Lock()
	defer g.mu.Unlock()
	g.waits++
	g.waitTime += waited
	if err != nil {
		select {
		case <-w.admitted: // if the permit came at the same moment, it goes to the next one
			if w.err == nil {
				g.leaveLocked()
			}
		default:
			g.waiters.Remove(place)
		}
	}
	return waited, err
}

// tryEnter takes a permit if one is free and nobody waits.
func (g *gate) tryEnter() bool {
	if g.limit == 0 {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.taken >= g.limit || g.waiters.Len() > 0 {
		return false
	}
	g.taken++
	return true
}

// wait returns nil once the waiter is admitted.
func (w *waiter) wait(ctx context.Context, timeout time.Duration) error {
	var expired <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-w.admitted:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	case <-expired:
		return context.DeadlineExceeded
	}
}

// leave gives a permit back: to the session that has waited longest, if there is one.
func (g *gate) leave() {
	if g.limit == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leaveLocked()
}

func (g *gate) leaveLocked() {
	first := g.waiters.Front()
	if first == nil {
		g.taken--
		return
	}
	g.waiters.Remove(first)
	close(first.Value.(*waiter).admitted)
}

// room is how many permits are left; without a limit, more than anybody needs.
func (g *gate) room() int64 {
	if g.limit == 0 {
		return math.MaxInt64
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(g.limit - g.taken)
}

// open has a gate that was closed hand out permits again. Those from before are still taken.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

// close sends all away who wait, and refuses all who come.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for g.waiters.Len() > 0 {
		w := g.waiters.Remove(g.waiters.Front()).(*waiter)
		w.err = errDismissed
		close(w.admitted)
	}
}

// gateState is a snapshot of a gate.
type gateState struct {
	taken, waiting int
	waits          uint64
	waitTime       time.Duration
}

func (g *gate) state() gateState {
	g.mu.Lock()
	defer g.mu.Unlock()
	return gateState{g.taken, g.waiters.Len(), g.waits, g.waitTime}
}
