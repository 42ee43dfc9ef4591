package endpoint

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// The line is of those who want a connection and have found none idle. Each takes the first that there is: one that is given back, or has been made
// clean, goes to the oldest in line; whoever has a dial under way takes what comes first, and the dial goes on without him.
//
// A dial begins only where it is to be expected to end before a connection comes back. That is estimated by what connections were held for and dials took
// lately; whoever finds the estimate wrong dials late rather than never. And as a line that is never empty for long is one connection too few, whatever each
// of those in it has to expect, it is given a dial when it has lasted for as long as a dial takes.
//
// There are never more connections than those who use or want one, and one more: what is being made clean counts as on its way to somebody, and what is
// being closed is still there. Whoever is covered by what is being made clean waits for as long as a dial takes before he dials all the same.
//
// Where the server has no room for one more, he waits for what is on its way: see [refusal].

// line is the line of an endpoint. The zero value is empty and ready to use.
type line struct {
	n     atomic.Int64 // how many are in it; changes while mu is held
	ended atomic.Int64 // stamp: when a connection was closed last; 0: none was

	mu        sync.Mutex // guards what follows
	places    list.List  // of *place, the oldest first
	dials     int        // under way, or about to begin
	returning int        // connections that are being made clean
	closing   int        // connections that nobody gets any more
	aside     int        // connections that the endpoint uses for itself, or makes for nobody
	refused   refusal    // of dials, by a server that has no room
	lasted    int64      // for how long there was somebody in line, in nanoseconds, less what is forgiven for the time when there was nobody
	since     int64      // stamp: until when that is counted
	granted   int        // dials that a line may begin which has lasted
}

// forgiveness is how many times as long nobody has to be in line for the line to count as new.
const forgiveness = 8

// place is that of a request in line, which may stand there several times until it has a connection. Whoever takes it off the list owes it one.
type place struct {
	element *list.Element // nil: it is not on the list
	joined  int64         // stamp: since when a connection is wanted; 0: none is
	tempted int64         // stamp: since when there has been one that counts as idle and could not be had; 0: there is none
	given   chan *Conn    // holds the connection that it was given, with its permit
	changed chan struct{} // holds a signal: whether to dial is to be asked again
}

func (l *line) join(w *place, now int64) {
	if w.given == nil {
		w.given, w.changed = make(chan *Conn, 1), make(chan struct{}, 1)
	}
	if w.joined == 0 {
		w.joined = now
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.places.Len() == 0 {
		l.lasted = max(0, l.lasted-(now-l.since)/forgiveness)
		l.since = now
	}
	w.element = l.places.PushBack(w)
	l.n.Add(1)
}

// leave takes the place off the line. It returns the connection that it was given meanwhile, which it owes to somebody else; nil: none.
func (l *line) leave(w *place, now int64) *Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case c := <-w.given:
		return c
	default:
	}
	l.removeLocked(w, now)
	return nil
}

func (l *line) removeLocked(w *place, now int64) {
	if w.element == nil {
		return
	}
	l.places.Remove(w.element)
	w.element = nil
	if l.n.Add(-1) == 0 {
		l.lasted += now - l.since
		l.since, l.granted = now, 0
	}
}

// give gives a connection, and the permit that it has, to the oldest in line. It reports false if there is nobody.
func (l *line) give(c *Conn, now func() int64) bool {
	if l.n.Load() == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.places.Front()
	if first == nil {
		return false
	}
	w := first.Value.(*place)
	l.removeLocked(w, now())
	w.given <- c
	return true
}

// expectation is what is known of how soon a connection is to be had.
type expectation struct {
	hold int64 // for how long one is in use, in nanoseconds
	dial int64 // how long it takes to make one; 0: nobody knows
	busy int   // how many are not idle
	room int64 // how many permits are left, less what is being closed without one: so many connections may be idle while one is dialled
	gone bool  // connections that were idle are being closed
}

// moment is how soon to look again for a connection that counts as idle and could not be had: it is on its way, or another borrower's by now.
const moment = int64(100 * time.Microsecond)

// temptation is for how long connections that count as idle, and that others take first, keep somebody from dialling.
const temptation = int64(100 * time.Millisecond)

// mayDial reports whether a dial is to begin for one who is in line. It counts as under way then, until endDial. Otherwise it says when to ask again at the
// latest; 0: when something has changed.
func (l *line) mayDial(w *place, now int64, x expectation, idle *atomic.Int64) (may bool, again int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.element == nil {
		return false, 0
	}
	if l.dials+l.returning+l.closing > l.places.Len() {
		return false, 0
	}
	if x.room < 0 { // what is being closed is still there
		return false, 0
	}
	if until := l.refused.over(now, l.onWayLocked() > 0 || x.gone, l.ended.Load()); until != 0 {
		return false, until
	}
	switch idle := idle.Load(); { // what was on its way counts as idle before it does not count here any more
	case idle == 0:
		w.tempted = 0
	case w.tempted == 0:
		w.tempted = now
		return false, now + moment
	case now < w.tempted+temptation, idle > x.room:
		return false, now + moment
	}
	if may, again = l.isSoonerLocked(w, now, x); may {
		l.dials++
		l.refused.try(now)
		l.lasted, l.since = 0, now
	}
	return may, again
}

// isSoonerLocked reports whether a dial is to be expected to end before a connection comes back for the one in line.
func (l *line) isSoonerLocked(w *place, now int64, x expectation) (sooner bool, again int64) {
	uncovered := l.places.Len() - l.dials - l.returning
	inUse := x.busy - l.returning // which come back
	if x.dial == 0 || uncovered > 0 && inUse <= 0 {
		return true, 0
	}
	if uncovered <= 0 { // what is on its way comes before a dial would end, or has taken as long by now
		again = w.joined + x.dial
		return now >= again, again
	}
	if l.lasted+now-l.since >= x.dial {
		l.granted = max(1, uncovered/4)
	}
	if l.granted > 0 {
		l.granted--
		return true, 0
	}
	expected := x.hold * int64(l.rankLocked(w)) / int64(inUse)
	if 2*expected >= x.dial {
		return true, 0
	}
	patience := max(2*expected, x.dial/4)
	if now >= w.joined+patience {
		return true, 0
	}
	return false, min(w.joined+patience, l.since+x.dial-l.lasted)
}

// rankLocked is the place in line, counted from 1.
func (l *line) rankLocked(w *place) int {
	rank := 1
	for e := w.element.Prev(); e != nil; e = e.Prev() {
		rank++
	}
	return rank
}

// endDial says that a dial is over, or was not begun. The line has had what it was waiting for.
func (l *line) endDial(now int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dials--
	l.lasted, l.since = 0, now
	l.tellLocked()
}

// beginReturn says that a connection is being made clean, and endReturn that this is over.
func (l *line) beginReturn() { l.count(&l.returning, 1) }
func (l *line) endReturn()   { l.count(&l.returning, -1) }

// beginClose says that a connection that was in use is being closed, and endClose that this is over.
func (l *line) beginClose() { l.count(&l.closing, 1) }
func (l *line) endClose()   { l.count(&l.closing, -1) }

func (l *line) count(what *int, by int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*what += by
	if by < 0 {
		l.tellLocked()
	}
}

// tell has all in line ask again whether to dial.
func (l *line) tell() {
	if l.n.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tellLocked()
}

func (l *line) tellLocked() {
	for e := l.places.Front(); e != nil; e = e.Next() {
		signal(e.Value.(*place).changed)
	}
}
