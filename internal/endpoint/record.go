package endpoint

import (
	"context"
	"errors"
	"time"

	"github.com/gopooled/pooled/internal/history"
	"github.com/gopooled/pooled/middleware"
)

// DialFailure tells that dials fail, and none has succeeded since.
type DialFailure struct {
	Since time.Time
	Error error // of the last one, in the driver's own words
}

// noteDialFailure takes down that a dial has failed. One that was not tried, or was ended by the pool, says nothing of the server.
func (e *Endpoint) noteDialFailure(ctx context.Context, err error) {
	if errors.Is(err, middleware.ErrBreakerOpen) || context.Cause(ctx) == errDismissed {
		return
	}
	failure := &DialFailure{Since: time.Now(), Error: err}
	if before := e.failing.Load(); before != nil {
		failure.Since = before.Since
	}
	e.failing.Store(failure)
}

// startRecording starts the goroutine that records how the endpoint is, once.
func (e *Endpoint) startRecording() {
	if e.record != nil && !e.recording.Load() && e.recording.CompareAndSwap(false, true) && !e.Background(e.keepRecording) {
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
