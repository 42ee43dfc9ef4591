package endpoint

import (
	"context"
	"errors"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// Retire has all connections closed that exist now, or are being dialled: idle ones at once, those in use when they are given back.
func (e *Endpoint) Retire() {
	e.generation.Add(1)
	signal(e.wanted) // idle connections are looked after now
}

// Evict is Retire because the program asked for it.
func (e *Endpoint) Evict() {
	e.Logger.Info("pooled: connections are replaced, because the program asked for it", "endpoint", e.info.Name)
	e.Retire()
}

// SetReadOnly has connections dialled from now on for sessions that cannot write, or that can, and retires those of the other kind.
func (e *Endpoint) SetReadOnly(on bool) {
	if e.readOnly.Swap(on) != on {
		signal(e.wanted)
	}
}

// mostRenewal is in what time all connections are replaced that were logged in with another secret than there is now. The server takes a new password for
// new sessions alone, so nothing is urgent, and a server is not to be run over.
const mostRenewal = time.Minute

// superseded reports whether a connection was logged in with another secret than there is now, and its time is over.
func (c *Conn) superseded(now int64) bool {
	keeper := c.endpoint.secrets
	if keeper == nil {
		return false
	}
	newest := keeper.Newest()
	return c.secret != newest.Number && now >= int64(newest.Since.Add(c.renewal).Sub(c.endpoint.start))
}

// Sever cuts all connections off, also those in use, because their server does not answer any more: statements that wait for it fail
// now instead of when their callers lose patience. Dials under way end too.
func (e *Endpoint) Sever() {
	e.Retire()
	e.endDials(errSevered)
	e.mu.Lock()
	defer e.mu.Unlock()
	for c := range e.conns {
		if c.socket != nil {
			_ = c.socket.Close() // whoever uses it is told
		}
	}
}

// errSevered is the cause of what Sever ends.
var errSevered = errors.New("pooled: the server does not answer")

// endDials ends the dials under way.
func (e *Endpoint) endDials(cause error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for cancel := range e.pending {
		(*cancel)(cause)
	}
}

// severable makes a context for a dial that Sever and Close end. Whoever dials ends it too.
func (e *Endpoint) severable(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	e.mu.Lock()
	e.pending[&cancel] = struct{}{}
	e.mu.Unlock()
	return ctx, func(cause error) {
		e.mu.Lock()
		delete(e.pending, &cancel)
		e.mu.Unlock()
		cancel(cause)
	}
}

// signal wakes whoever waits at a channel that holds one signal.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// burst is how soon a second connection has to be ended by its server for all to count as ended. One alone may have been killed by hand.
const burst = time.Second

// noteShutdown retires the connections if the server ends them all.
func (e *Endpoint) noteShutdown(class dialect.ErrorClass) {
	if !class.Has(dialect.ShuttingDown) {
		return
	}
	now := e.now()
	last := e.endedAt.Swap(now)
	soon := last != 0 && time.Duration(now-last) < burst
	if !soon && !class.Has(dialect.Crashed) {
		return
	}
	e.Retire()
	if told := e.toldEnded.Load(); (told == 0 || time.Duration(now-told) >= burst) && e.toldEnded.CompareAndSwap(told, now) {
		e.Logger.Warn("pooled: connections are replaced, because the server has ended connections of their time", "endpoint", e.info.Name)
	}
}

// drainEvery is how often Drain looks whether the work is done.
const drainEvery = 10 * time.Millisecond

// Drain lets no new borrower in, closes the idle connections, and the others when they are given back, until ctx ends. It
// reports whether none is left.
func (e *Endpoint) Drain(ctx context.Context) bool {
	if !e.draining.Swap(true) {
		e.Logger.Info("pooled: the pool is drained: nobody gets a connection any more", "endpoint", e.info.Name)
	}
	ticker := time.NewTicker(drainEvery)
	defer ticker.Stop()
	for {
		e.closeAllIdle()
		if e.empty() {
			return true
		}
		select {
		case <-ctx.Done():
			return e.empty()
		case <-ticker.C:
		}
	}
}

// empty reports whether there is no connection, and nobody who waits for one.
func (e *Endpoint) empty() bool {
	queue := e.gate.Counts()
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.conns) == 0 && queue.Waiting == 0 && queue.Taken == 0 && e.line.n.Load() == 0
}

// closeAllIdle closes the connections that nobody uses or waits for.
func (e *Endpoint) closeAllIdle() {
	if e.awaited() {
		return
	}
	e.eachIdle(func(c *Conn) (maintained bool) {
		e.closeIdle(c, shutdown)
		return false
	})
}
