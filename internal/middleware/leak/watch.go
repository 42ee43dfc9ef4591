package leak

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/goroutines"
	"github.com/gopooled/pooled/policy"
)

// How often the goroutine that watches does what. With a shorter pool_leak, it is all more often.
const (
	lookEvery  = time.Second      // looks at the connections in use
	dumpEvery  = 10 * time.Second // stops the program for a dump of its goroutines, at most, and only if there is something to report
	captureAll = 10 * time.Minute // has all stacks captured, after a report that had none
)

// watcher is the goroutine that watches, and what only it knows.
type watcher struct {
	*Leak
	every      time.Duration // between two looks
	dumps      goroutines.Dumper
	nextDump   time.Time // not before
	captureAll time.Time // until when all stacks are captured; zero: they are not
	blind      bool      // it was said that nobody can tell who is orphaned
}

// watch looks at the connections in use until ctx is done.
func (l *Leak) watch(ctx context.Context) {
	defer l.started.Store(false) // a pool that was closed may be opened again
	defer profiled(l)()
	w := watcher{Leak: l, every: max(min(lookEvery, l.Policy.Threshold/10), time.Millisecond), dumps: goroutines.Dumper{Limit: goroutines.Most}}
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.guard(func() { w.round(time.Now()) })
		}
	}
}

// guard calls f, whose panic is not to end the program: middlewares and log handlers run here that are made for other goroutines.
func (w *watcher) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			w.Logger.Error("pooled: panic while connections were watched", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		}
	}()
	f()
}

// round looks once, and reports what is due.
func (w *watcher) round(now time.Time) {
	if !w.captureAll.IsZero() && now.After(w.captureAll) {
		w.captureAll = time.Time{}
		w.sample.Store(w.rate())
	}
	found, known, returned := w.look(now)
	for _, c := range returned {
		w.tellReturned(c)
	}
	if now.Before(w.nextDump) {
		return // until then the reports wait
	}
	if due := slices.Concat(found, known); len(due) > 0 {
		w.judge(due, len(found), now)
	}
}

// judge finds out what became of the holders, takes away what is to be reclaimed, and then reports; the first ones, found now, were not reported before.
func (w *watcher) judge(due []Holding, found int, now time.Time) {
	all, took := w.dumps.Dump()
	if w.Policy.Reclaim == policy.ReclaimOrphaned && !all.Whole && !w.blind {
		w.blind = true
		w.Logger.Warn("pooled: there are too many goroutines to see which have ended: pool_leak_reclaim=orphaned reclaims nothing", "limit", w.dumps.Limit)
	}
	w.nextDump = now.Add(max(min(dumpEvery, w.Policy.Threshold), goroutines.Share*took))
	var leaks []held.Leak
	var first []bool
	for i, h := range due {
		leak := held.Leak{Conn: h.Conn}
		leak.Fate, leak.Where = all.Find(h.Goroutine)
		if !h.Watched && h.Op == "query" && strings.Contains(leak.Where, "database/sql.(*Rows)") {
			w.used(h.Borrow) // rows are being read, though nobody saw it
			continue
		}
		if w.reclaims(leak.Fate) {
			w.guard(func() { leak.Reclaimed = h.Reclaim() })
		}
		w.note(h.Borrow, leak, now)
		if i < found || leak.Reclaimed {
			leaks, first = append(leaks, leak), append(first, i < found)
		}
		if h.Stack == nil && w.rate() > 1 && i < found {
			w.sample.Store(1)
			w.captureAll = now.Add(captureAll)
		}
	}
	for i, leak := range leaks {
		leak.Conn = w.told(leak.Conn)
		w.guard(func() { w.report(leak, first[i]) })
	}
}

// look brings what is remembered up to date. It returns the connections that nobody has used for pool_leak: those that have not been
// reported, those that were and may be reclaimed now; and those that were reported and came back.
func (w *watcher) look(now time.Time) (found, known []Holding, returned []held.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// What a clock says after the whole program stood still is no time in which somebody could have used a connection.
	passed := min(now.Sub(w.looked), 2*w.every)
	w.looked = now
	before := w.watched
	w.watched = make(map[Borrow]*watched, len(before))
	for _, h := range w.Holdings() {
		seen := before[h.Borrow]
		delete(before, h.Borrow)
		switch {
		case seen == nil:
			seen = &watched{version: h.Version}
		case h.inUse() || seen.version != h.Version:
			seen.version, seen.idle = h.Version, 0
		default:
			seen.idle += passed
		}
		h.Idle = seen.idle
		seen.last = h.Conn
		w.watched[h.Borrow] = seen
		switch {
		case seen.idle < w.Policy.Threshold:
		case !seen.reported:
			found = append(found, h)
		case w.Policy.Reclaim != policy.ReclaimOff && !now.Before(seen.recheck):
			known = append(known, h)
		}
	}
	for _, gone := range before {
		if gone.reported {
			returned = append(returned, gone.last)
		}
	}
	return found, known, returned
}

// reclaims reports whether a connection is taken away from a holder of that fate.
func (w *watcher) reclaims(fate held.Fate) bool {
	switch w.Policy.Reclaim {
	case policy.ReclaimAll:
		return true
	case policy.ReclaimOrphaned:
		return fate == held.Gone
	default:
		return false
	}
}

// longestRecheck is how long it takes at most until it is seen that the holder of a reported connection has ended.
const longestRecheck = 10 * time.Minute

// note remembers that a borrow was reported, and when it is looked at again. One that was reclaimed is over.
func (w *watcher) note(b Borrow, leak held.Leak, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.watched[b]
	switch {
	case seen == nil:
	case leak.Reclaimed:
		delete(w.watched, b)
	default:
		seen.reported, seen.fate = true, leak.Fate
		seen.pause = min(max(2*seen.pause, w.Policy.Threshold), longestRecheck) // each time costs a dump
		seen.recheck = now.Add(seen.pause)
	}
}

// used begins to count anew for how long a borrow has been idle.
func (w *watcher) used(b Borrow) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if seen := w.watched[b]; seen != nil {
		seen.idle = 0
	}
}
