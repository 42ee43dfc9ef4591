package endpoint

import (
	"sync"

	"github.com/gopooled/pooled/internal/callers"
)

// workers are the goroutines of an endpoint, which Close waits for. Callbacks, hooks and log handlers of the program run on them, and may close the pool
// themselves: whoever closes it is not waited for. The zero value has none and is ready to use.
type workers struct {
	all sync.WaitGroup

	mu    sync.Mutex          // guards what follows
	known map[uint64]struct{} // by the numbers of goroutines, as far as they can be told
}

// add says that a goroutine is about to be started, which calls run. Nobody may wait yet.
func (w *workers) add() { w.all.Add(1) }

// run calls f on the goroutine that was added.
func (w *workers) run(f func()) {
	number := callers.Goroutine()
	if number == 0 { // nobody can tell that it is the one who closes the pool
		defer w.all.Done()
		f()
		return
	}
	w.mu.Lock()
	if w.known == nil {
		w.known = map[uint64]struct{}{}
	}
	w.known[number] = struct{}{}
	w.mu.Unlock()
	defer w.done(number)
	f()
}

// excuse has nobody wait for the goroutine that calls it, if it is one of them.
func (w *workers) excuse() { w.done(callers.Goroutine()) }

// done has nobody wait for a goroutine any more, if it is one of them.
func (w *workers) done(number uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, waited := w.known[number]; waited {
		delete(w.known, number)
		w.all.Done()
	}
}

// wait waits for all of them, but for those that are excused.
func (w *workers) wait() { w.all.Wait() }
