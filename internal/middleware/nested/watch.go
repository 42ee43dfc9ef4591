package nested

import (
	"context"
	"time"

	"github.com/gopooled/pooled/internal/goroutines"
)

// How often the goroutine that looks for deadlocks does what.
const (
	lookEvery  = 100 * time.Millisecond // looks, as long as somebody waits who holds something
	dumpEvery  = time.Second            // stops the program for a dump that has shown no deadlock, at most
	captureAll = 10 * time.Minute       // has all stacks captured for, since somebody who held something wanted one more
)

// watch looks for deadlocks until ctx is done.
func (n *Nested) watch(ctx context.Context) {
	defer n.started.Store(false) // a pool that was closed may be opened again
	w := watcher{Nested: n, dumps: goroutines.Dumper{Limit: goroutines.Most}}
	calm := time.NewTimer(captureAll)
	defer calm.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-calm.C:
			n.capture.Store(false)
		case <-n.wake:
			calm.Reset(captureAll)
		}
		w.forget()
		for n.isAwaited() {
			timer := time.NewTimer(lookEvery)
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
				w.look(time.Now())
			}
		}
	}
}

// isAwaited reports whether somebody waits who holds something.
func (n *Nested) isAwaited() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.waiting) > 0
}

// watcher is the goroutine that looks for deadlocks, and what only it knows.
type watcher struct {
	*Nested
	last     *suspicion // of the last look; nil: there was none
	seen     witnesses  // since that is suspected
	dumps    goroutines.Dumper
	nextDump time.Time // not before
}

// forget begins anew.
func (w *watcher) forget() { w.last, w.seen = nil, witnesses{} }

// look looks once, and ends a deadlock if there is one for certain.
func (w *watcher) look(now time.Time) {
	last := w.last
	w.last = w.suspect()
	if w.last == nil || !w.last.isSame(last) {
		w.seen = witnesses{}
		return
	}
	if now.Before(w.nextDump) {
		return
	}
	dump, took := w.dumps.Dump()
	if all := evidence(dump.All()); all.shows(w.last) {
		if len(all.rescuers(w.last, &w.seen)) == 0 {
			if again := w.suspect(); again != nil && again.isSame(last) { // the dump took a while
				w.endDeadlock(w.last)
			}
			w.forget()
			return
		}
	}
	w.nextDump = now.Add(max(dumpEvery, goroutines.Share*took))
}
