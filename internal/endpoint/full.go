package endpoint

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// A server may have no room for another connection: it is full, or the user has as many as he may have. A bare sql.DB never hears of that as long as its one
// connection comes back to it. Here that connection may still be on its way, being made clean or closed, when the next borrower dials. So such a refusal is
// no error for him while something is on its way; he stays in line for it.

// refusal is what the line knows of a server that had no room. The zero value: nobody was refused.
type refusal struct {
	at    int64 // stamp: when it was refused last; 0: never
	tried int64 // stamp: when a dial began since, to see whether there is room by now; 0: none did, or there was
	pause int64 // for how long nobody dials then while the server ends what was closed, in nanoseconds
}

const (
	// fullFor is for how long after a refusal nobody dials while a connection is on its way that may be had instead, or leaves room.
	fullFor = int64(time.Second)
	// The pause doubles between these. A server needs a moment to end the session of a connection that was closed.
	shortestRefusal = int64(2 * time.Millisecond)
	longestRefusal  = int64(250 * time.Millisecond)
)

// try takes down that a dial begins. Soon after a refusal one is enough to see whether there is room by now.
func (f *refusal) try(now int64) {
	if f.at != 0 && now-max(f.at, f.tried) <= 2*fullFor {
		f.tried = now
	}
}

// note takes a refusal down.
func (f *refusal) note(now int64) {
	if now-f.at > fullFor {
		f.pause = 0
	}
	f.at, f.pause = now, min(max(2*f.pause, shortestRefusal), longestRefusal)
}

// over is the stamp until which nobody dials, for what is on its way, or because a connection was closed at that moment; 0: now.
func (f *refusal) over(now int64, onWay bool, ended int64) int64 {
	if f.at == 0 {
		return 0
	}
	until := f.at
	switch {
	case onWay:
		until = max(f.at, f.tried) + fullFor
	case isEnding(now, ended):
		until += f.pause
	}
	if until <= now {
		return 0
	}
	return until
}

// isEnding reports whether the server may still be ending the session of a connection that was closed at that moment.
func isEnding(now, ended int64) bool { return ended != 0 && now < ended+int64(goneTimeout) }

// refuse says that the server had no room for a connection.
func (l *line) refuse(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused.note(now)
}

// accept says that the server had room for one.
func (l *line) accept() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused.tried = 0
}

// end says that a connection was closed.
func (l *line) end(now int64) { l.ended.Store(now) }

// beginAside says that the endpoint uses a connection of its own, or makes one for nobody, and endAside that this is over.
func (l *line) beginAside() { l.count(&l.aside, 1) }
func (l *line) endAside()   { l.count(&l.aside, -1) }

// onWayLocked is how many connections are on their way to those in line, or leave room for one when they are gone.
func (l *line) onWayLocked() int { return l.dials + l.returning + l.closing + l.aside }

// hopes reports whether one in line whose dial was refused, and still counts as under way, has something to wait for.
func (l *line) hopes(w *place, now int64, idle, going *atomic.Int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	// In this order: what is on its way counts as the next before it does not count as the one before any more.
	return w.element == nil || l.onWayLocked() > 1 || idle.Load() > 0 || going.Load() > 0 || isEnding(now, l.ended.Load())
}

// isFull reports whether a server, and not a breaker, refused a dial because it has no room.
func (e *Endpoint) isFull(err error) bool {
	return e.shared.Dialect.Classify(err).Has(dialect.TooManyConnections) && !errors.Is(err, middleware.ErrBreakerOpen)
}
