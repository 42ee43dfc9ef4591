package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/stats"
)

// hour is one run of the service, and what was seen of it.
type hour struct {
	reclaim string
	length  time.Duration // simulated
	server  server
	pool    *pooled.Connector
	shop    *shop
	out     io.Writer

	served, failed atomic.Int64
	mostSockets    int        // that the server had, by a look every simulated minute
	leaks          stats.Leak // in the end

	mu        sync.Mutex // guards what follows
	timeout   error      // the first acquire timeout
	timeoutAt int        // the simulated second of its request
	other     error      // the last that was none: it ends the program
	leak      *held.Leak // the first report of one whose goroutine has ended
}

// listen has the pool tell of leaks here, and nowhere else: the log would tell of every one.
func (h *hour) listen(cfg *pooled.Config) {
	cfg.Logger = slog.New(slog.DiscardHandler)
	cfg.OnLeak = func(leak held.Leak) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.leak == nil && leak.Fate == held.Gone { // on a slow machine, a living goroutine may look as if it had forgotten
			h.leak = &leak
		}
	}
}

// run is the hour, and then the end of it.
func (h *hour) run(ctx context.Context) error {
	h.printHead()
	if err := h.send(ctx); err != nil {
		return err
	}
	if h.other != nil {
		return h.other
	}
	h.leaks = h.pool.Stats().Leak
	h.printEnd()
	return nil
}

// send sends a request each simulated second, and returns when all are served, or have failed. A ticker that is not read in time drops
// ticks: on a busy machine the hour takes longer, and holds no more requests.
func (h *hour) send(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	ticker := time.NewTicker(time.Second / faster)
	defer ticker.Stop()
	for second := 1; second <= int(h.length/time.Second); second++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		// A goroutine for each request, which ends with it, as in net/http.
		running.Go(func() { h.note(second, h.shop.request(second)) })
		if second%60 == 0 {
			if err := h.look(ctx, second/60); err != nil {
				return err
			}
		}
	}
	return nil
}

// note counts a request by its outcome.
func (h *hour) note(second int, err error) {
	if err == nil {
		h.served.Add(1)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !errors.Is(err, pooled.ErrAcquireTimeout) {
		h.other = err
		return
	}
	h.failed.Add(1)
	if h.timeout == nil {
		h.timeout, h.timeoutAt = err, second
	}
}

// look asks the server for its sockets, and tells every ten minutes how it goes.
func (h *hour) look(ctx context.Context, minute int) error {
	sockets, err := h.server.Sockets(ctx)
	if err != nil {
		return err
	}
	h.mostSockets = max(h.mostSockets, sockets)
	if minute%10 == 0 {
		h.printProgress(minute, sockets)
	}
	return nil
}
