package endpoint

import (
	"context"
	"errors"
	"sync"

	"github.com/gopooled/pooled/internal/gate"
)

// missing is how many connections there are too few of for pool_min_idle_conns, within pool_max_conns.
func (e *Endpoint) missing() int {
	want := e.pool.MinIdleConns - int(e.idle.Load())
	if limit := e.Limit(); limit > 0 {
		want = min(want, limit-e.CountOpen())
	}
	return max(want, 0)
}

// Warm dials until there are pool_min_idle_conns idle connections, several at a time, and returns the first error. It takes no permit that
// somebody waits for, and waits for those that are being closed. The texts count as used often, and are prepared on connections that are idle already as well.
func (e *Endpoint) Warm(ctx context.Context, texts ...string) error {
	select {
	case e.warming <- struct{}{}: // one at a time, or they would dial twice as many
		defer func() { <-e.warming }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if e.texts != nil {
		for _, text := range texts {
			e.texts.Add(text, announcedUses)
		}
	}
	busy, err := e.warmOnce(ctx, len(texts) > 0)
	if busy && err == nil { // one that is idle counts twice until its permit is given back, which it is by now
		busy, err = e.warmOnce(ctx, false)
	}
	for busy && err == nil {
		rested := e.rest()
		if e.going.Load() == 0 { // whoever has all the room will not be gone before long
			_, err = e.warmOnce(ctx, false)
			return err
		}
		select {
		case <-rested:
			busy, err = e.warmOnce(ctx, false)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// warmOnce dials the connections that are missing, and returns the first error. It is busy if there was no room for some.
func (e *Endpoint) warmOnce(ctx context.Context, prepares bool) (busy bool, first error) {
	n := e.missing()
	errs := make(chan error, n)
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() { errs <- e.warmOne(ctx) })
	}
	if prepares {
		e.prepareIdle(ctx, &wg)
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		switch {
		case errors.Is(err, errBusy):
			busy = true
		case first == nil:
			first = err
		}
	}
	return busy, first
}

// announcedUses is how often a text counts as used that the program has announced.
const announcedUses = 1 << 10

// errBusy answers an attempt to warm a pool that has all the connections that it may have.
var errBusy = errors.New("pooled: there is no room for a connection")

func (e *Endpoint) warmOne(ctx context.Context) error {
	if !e.gate.TryEnter() {
		return errBusy
	}
	defer e.gate.Leave(gate.Permit{})
	if e.idle.Load() > e.room() { // they have come back meanwhile, or are still being closed
		return errBusy
	}
	return e.dialIdle(ctx)
}

// prepareIdle prepares the most used statements on the connections that nobody uses. It leaves one alone that a borrower waits for.
func (e *Endpoint) prepareIdle(ctx context.Context, wg *sync.WaitGroup) {
	e.eachIdle(func(c *Conn) (maintained bool) {
		wg.Add(1)
		e.maintainOne(c, func(own context.Context) {
			defer wg.Done()
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			defer context.AfterFunc(own, cancel)() // who closes the pool does not wait for a server that is silent
			if c.PrepareMost(ctx, c.wanted) != nil {
				e.closeIdle(c, failed) // also if ctx ended in the middle: nobody knows what the driver has sent
			}
		})
		return true
	})
}
