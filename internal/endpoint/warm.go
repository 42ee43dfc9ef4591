package endpoint

import (
	"context"
	"errors"
	"sync"
)

// missing is how many connections there are too few of for pool_min_idle_conns, within pool_max_conns.
func (e *Endpoint) missing() int {
	want := e.pool.MinIdleConns - int(e.idle.Load())
	if e.pool.MaxConns > 0 {
		e.mu.Lock()
		want = min(want, e.pool.MaxConns-len(e.conns))
		e.mu.Unlock()
	}
	return max(want, 0)
}

// Warm dials until there are pool_min_idle_conns idle connections, several at a time, and returns the first error. It takes no permit that
// somebody waits for.
func (e *Endpoint) Warm(ctx context.Context) error {
	e.warming.Lock() // one at a time, or they would dial twice as many
	defer e.warming.Unlock()
	var wg sync.WaitGroup
	n := e.missing()
	errs := make(chan error, n)
	for range n {
		wg.Go(func() { errs <- e.warmOne(ctx) })
	}
	wg.Wait()
	close(errs)
	var first error
	for err := range errs {
		if first == nil && !errors.Is(err, errBusy) {
			first = err
		}
	}
	return first
}

// errBusy answers an attempt to warm a pool whose connections are all in use.
var errBusy = errors.New("pooled: no permit is free")

func (e *Endpoint) warmOne(ctx context.Context) error {
	if !e.gate.tryEnter() {
		return errBusy
	}
	defer e.gate.leave()
	return e.dialSpare(ctx)
}
