package leak

import (
	"context"
	"time"

	"github.com/gopooled/pooled/held"
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
	dumped     time.Time     // when the last dump was made
	captureAll time.Time     // until when all stacks are captured; zero: they are not
}

// watch looks at the connections in use until ctx is done.
func (l *Leak) watch(ctx context.Context) {
	defer profiled(l)()
	w := watcher{Leak: l, every: max(min(lookEvery, l.Policy.Threshold/10), time.Millisecond)}
	ticker := time.NewTicker(w.every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.round(time.Now())
		}
	}
}

// round looks once, and reports what is due.
func (w *watcher) round(now time.Time) {
	if !w.captureAll.IsZero() && now.After(w.captureAll) {
		w.captureAll = time.Time{}
		w.sample.Store(w.rate())
	}
	fresh, known, returned := w.look(now)
	for _, c := range returned {
		w.tellReturned(c)
	}
	sinceDump := now.Sub(w.dumped)
	if sinceDump < min(dumpEvery, w.Policy.Threshold) {
		return // until then the reports wait
	}
	due := fresh
	if len(fresh) > 0 || sinceDump >= w.Policy.Threshold {
		due = append(due, known...)
	}
	if len(due) == 0 {
		return
	}
	w.dumped = now
	all := dumpGoroutines()
	for i, h := range due {
		leak := held.Leak{Conn: w.told(h.Conn)}
		leak.Fate, leak.Where = all.find(h.Goroutine)
		leak.Reclaimed = w.reclaims(leak.Fate) && h.Reclaim()
		w.note(h.Borrow, leak.Reclaimed)
		if i < len(fresh) || leak.Reclaimed {
			w.report(leak, i < len(fresh))
		}
		if h.Stack == nil && w.Policy.Sample > 1 {
			w.sample.Store(1)
			w.captureAll = now.Add(captureAll)
		}
	}
}

// look brings what is remembered up to date. It returns the connections that nobody has used for pool_leak, those first that have not
// been reported, and those that were reported and came back.
func (w *watcher) look(now time.Time) (fresh, known []Holding, returned []held.Conn) {
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
		case h.Busy || seen.version != h.Version:
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
			fresh = append(fresh, h)
		case w.Policy.Reclaim != policy.ReclaimOff:
			known = append(known, h)
		}
	}
	for _, gone := range before {
		if gone.reported {
			returned = append(returned, gone.last)
		}
	}
	return fresh, known, returned
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

// note remembers that a borrow was reported. One that was reclaimed is over.
func (w *watcher) note(b Borrow, reclaimed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if reclaimed {
		delete(w.watched, b)
	} else if seen := w.watched[b]; seen != nil {
		seen.reported = true
	}
}
