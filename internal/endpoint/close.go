package endpoint

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"

	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// Open makes an endpoint ready that is new, or closed.
func (e *Endpoint) Open() {
	e.gate.Open()
	e.recent.open()
	inner := sql.OpenDB(innerConnector{e})
	inner.SetMaxIdleConns(maxInt)                    // the endpoint applies pool_max_idle_conns itself, so that it knows why a connection is closed
	inner.SetConnMaxIdleTime(e.pool.MaxConnIdleTime) // also of what is left there of those that the endpoint has closed
	e.inner.Store(inner)
	e.mu.Lock()
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.closed.Store(false)
	e.mu.Unlock()
	if e.pool.MinIdleConns > 0 {
		e.startMaintenance()
	}
}

const maxInt = int(^uint(0) >> 1)

// Close closes the idle connections, ends the dials under way, waits for those being closed or cleaned, and sends away all who wait. Connections in use
// are closed when they are given back.
func (e *Endpoint) Close() error {
	e.cold.Store(true)
	e.mu.Lock()
	e.closed.Store(true)
	close(e.away)
	e.away = make(chan struct{})
	e.mu.Unlock()
	e.opened.Store(e.generation.Add(1))
	e.cancel()
	err := e.inner.Load().Close()
	if c := e.recent.close(); c != nil {
		err = errors.Join(err, c.sqlConn.Close()) // the inner pool closes what comes back now
	}
	e.endDials(errDismissed)
	e.gate.Close()
	e.workers.wait()
	if closer, ok := e.server.Connector.(io.Closer); ok {
		err = errors.Join(err, e.contained("the real driver's connector was closed", closer.Close))
	}
	return err
}

// Excuse is called by who is about to close the endpoint, or waits for who does: if that is one of its own goroutines, where a callback of the program runs,
// Close does not wait for it.
func (e *Endpoint) Excuse() { e.workers.excuse() }

// ErrClosed answers a request of a closed endpoint.
var ErrClosed = gate.ErrClosed

// Resume is called when the pool has a new session after it was closed: connections are kept ready again.
func (e *Endpoint) Resume() {
	e.cold.Store(false)
	signal(e.wanted)
}

// errDismissed answers who waited when the endpoint was closed.
var errDismissed = gate.ErrDismissed

// sentAway has database/sql run a call again that was sent away before anything was sent to the server: if its *sql.DB was the one that was
// closed, it says so now, and otherwise the call waits anew.
func sentAway(err error) error {
	if err == errDismissed {
		return driver.ErrBadConn
	}
	return err
}

// dismissal is closed when those who wait now are sent away.
func (e *Endpoint) dismissal() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.away
}

// refuse answers a new borrower while the endpoint drains: at once, or with pool_drain=wait when nobody waits any more. After Close nobody does: who
// asks then holds a session of a *sql.DB that was closed, and no other Close is to be expected.
func (e *Endpoint) refuse(ctx context.Context) error {
	if e.pool.Drain == policy.DrainWait {
		away := e.dismissal() // first, as Close tells that it is cold before it sends away
		if !e.cold.Load() {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-away:
			}
		}
	}
	return &middleware.DrainingError{Endpoint: e.info.Name}
}
