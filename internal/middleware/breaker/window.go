package breaker

import (
	"sync/atomic"
	"time"
)

// slots is how many parts a window has. It looks back as far as its length, less a part at most.
const slots = 10

// window counts successes and failures of the last so many seconds, without a lock: of calls at the very moment when a part begins, a few
// may be lost.
type window struct {
	start time.Time
	part  time.Duration
	parts [slots]part
}

type part struct {
	number            atomic.Int64 // of the part since start, beginning with 1; 0 = nothing was counted yet
	succeeded, failed atomic.Uint32
}

func newWindow(length time.Duration) *window {
	return &window{start: time.Now(), part: max(length/slots, 1)}
}

func (w *window) now() int64 { return int64(time.Since(w.start)/w.part) + 1 }

// add counts a call.
func (w *window) add(succeeded bool) {
	now := w.now()
	p := &w.parts[now%slots]
	if old := p.number.Load(); old != now && p.number.CompareAndSwap(old, now) {
		p.succeeded.Store(0)
		p.failed.Store(0)
	}
	if succeeded {
		p.succeeded.Add(1)
	} else {
		p.failed.Add(1)
	}
}

// sum counts the calls of the window.
func (w *window) sum() (succeeded, failed int) {
	now := w.now()
	for i := range w.parts {
		if p := &w.parts[i]; p.number.Load() > max(now-slots, 0) {
			succeeded += int(p.succeeded.Load())
			failed += int(p.failed.Load())
		}
	}
	return succeeded, failed
}

// clear forgets all calls.
func (w *window) clear() {
	for i := range w.parts {
		w.parts[i].number.Store(0)
	}
}
