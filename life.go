package pooled

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
	"sync/atomic"
)

// This file is about how long a connector lives. database/sql closes the connector of each *sql.DB that is closed, and a connector may have been given
// to several, which it cannot tell apart. So the first Close ends everything, and the next call of a session, which can only be another DB's or one that
// was under way, has it begin again. As soon as it is known that there are several, the connector ends with the last session of all.

// life is what a connector knows of its own. The zero value is that of a connector that is open.
type life struct {
	sessions atomic.Int64 // how many there are
	closed   atomic.Bool  // Close was called
	shared   atomic.Bool  // and since then it was called again, or there was a new session: there are several DBs
	resting  atomic.Bool  // everything has ended, and was not begun again
	cold     atomic.Bool  // there was no new session since: who is left may be about to end

	mu sync.Mutex // held while everything ends or begins again
}

// Connect makes a session. It does not connect to a server: the session does, when its first call needs it.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.life.sessions.Add(1)
	if c.life.closed.Load() {
		c.life.shared.Store(true)
		if c.life.cold.CompareAndSwap(true, false) {
			for _, s := range c.servers {
				s.endpoint.Resume()
			}
		}
	}
	return c.source.New(), nil
}

// lock takes life.mu, under which the goroutines of the endpoints are waited for. Callbacks, hooks and log handlers of the program run there, and what they
// call may come here: who does is not waited for any more.
func (c *Connector) lock() (unlock func()) {
	for _, s := range c.servers {
		if s.endpoint != nil {
			s.endpoint.Excuse()
		}
	}
	c.life.mu.Lock()
	return c.life.mu.Unlock
}

// wake has a connector that was closed begin again.
func (c *Connector) wake() error {
	defer c.lock()()
	if !c.life.resting.Load() {
		return nil
	}
	if err := c.parts.begin(); err != nil {
		return err
	}
	poolNames.keep(c.names)
	for _, s := range c.servers {
		s.endpoint.Open()
	}
	c.life.resting.Store(false)
	return nil
}

// ended is called when a session has been closed.
func (c *Connector) ended() error {
	if c.life.sessions.Add(-1) > 0 || !c.life.closed.Load() {
		return nil
	}
	defer c.lock()()
	if c.life.sessions.Load() > 0 {
		return nil
	}
	return c.rest()
}

// Close closes the server connections and waits until they are closed, but those in use are closed when they are given back. db.Close calls it.
//
// Another *sql.DB that was given the same connector goes on. The connector is closed for good when all are.
func (c *Connector) Close() error {
	if c.life.closed.Swap(true) {
		c.life.shared.Store(true)
	}
	defer c.lock()()
	if c.life.shared.Load() && c.life.sessions.Load() > 0 {
		return nil
	}
	err := c.rest()
	c.life.cold.Store(true)
	return err
}

// rest closes everything, unless it is closed already. The caller holds life.mu.
func (c *Connector) rest() error {
	if !c.life.resting.CompareAndSwap(false, true) {
		return nil
	}
	poolNames.free(c.names)
	errs := make([]error, len(c.servers))
	var wg sync.WaitGroup
	for i, s := range c.servers {
		if s.endpoint != nil {
			wg.Go(func() { errs[i] = s.endpoint.Close() })
		}
	}
	wg.Wait()
	return errors.Join(errors.Join(errs...), c.parts.end())
}
