package endpoint

import (
	"context"
	"errors"
	"time"

	"github.com/gopooled/pooled/internal/history"
	"github.com/gopooled/pooled/middleware"
)

// DialFailure tells that dials fail: the last one did, and all before it up to the first of them.
type DialFailure struct {
	First, Last time.Time
	Error       error // of the last one, in the driver's own words
}

// noteDialFailure takes down that a dial has failed. One that was not tried, or was ended by the pool or its caller, says nothing of the server.
func (e *Endpoint) noteDialFailure(ctx context.Context, err error) {
	if cause := context.Cause(ctx); cause == errDismissed || cause == context.Canceled || errors.Is(err, middleware.ErrBreakerOpen) {
		return
	}
	now := time.Now()
	failure := &DialFailure{First: now, Last: now, Error: err}
	if before := e.failing.Load(); before != nil {
		failure.First = before.First
	}
	e.failing.Store(failure)
}

// startRecording records where counting begins, and starts the goroutine that goes on with it, once. It is one of its own, as the one that maintains idle connections waits for
// dials, and how they go is to be seen.
func (e *Endpoint) startRecording() {
	if e.record == nil || e.recording.Load() || !e.recording.CompareAndSwap(false, true) {
		return
	}
	e.record(e.Stats())
	if !e.Background(e.keepRecording) {
		e.recording.Store(false)
	}
}

// keepRecording records until ctx is done.
func (e *Endpoint) keepRecording(ctx context.Context) {
	defer e.recording.Store(false) // an endpoint that was closed may be opened again
	ticker := time.NewTicker(history.Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			e.record(e.Stats())
		}
	}
}
