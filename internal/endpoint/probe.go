package endpoint

import (
	"context"
	"errors"
)

// Probe dials, and asks the server whether it is well. The connection is idle then.
func (e *Endpoint) Probe(ctx context.Context) error {
	p, _, err := e.gate.EnterAhead(ctx, e.pool.ConnectTimeout)
	if err != nil {
		return err
	}
	defer e.gate.Leave(p)
	return e.dialIdle(ctx)
}

// dialIdle dials for nobody, and makes the connection idle if the server answers on it. One that was retired meanwhile is dialled again:
// what answered may have been the server that went away. The caller holds a permit.
func (e *Endpoint) dialIdle(ctx context.Context) error {
	e.line.beginAside()
	defer e.line.endAside()
	err := errRetired
	for err == errRetired {
		err = e.dialIdleOnce(ctx)
	}
	return err
}

func (e *Endpoint) dialIdleOnce(ctx context.Context) error {
	r := &Request{ctx: ctx}
	var c *Conn
	err := e.contained("a connection was dialled for nobody", func() (err error) {
		c, err = e.dial(r)
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := e.bound(r, 1)
	defer cancel()
	err = e.contained("a new connection was made ready", func() error {
		if err := c.Ping(ctx); err != nil {
			return err
		}
		return c.PrepareMost(ctx, never)
	})
	if err != nil {
		why := failed
		if e.closed.Load() {
			why = shutdown
		}
		e.discard(c, why)
		return err
	}
	c.idleSince = e.now()
	if why := e.admit(c); why != kept {
		e.discard(c, why)
		if why == retired {
			return errRetired
		}
	}
	return nil
}

// errRetired answers a dial that began before connections were retired.
var errRetired = errors.New("pooled: connections were retired meanwhile")

// never is for what is not to be interrupted.
func never() bool { return false }

// admit makes a connection idle that was dialled for nobody, or for one who has gone, or tells why not.
func (e *Endpoint) admit(c *Conn) reason {
	limit := e.Limit()
	switch {
	case e.closed.Load():
		return shutdown
	case c.Retired():
		return c.whyRetired()
	case limit > 0 && e.CountOpen() > limit, !e.countIdle():
		return idleLimit
	}
	e.keep(c)
	return kept
}
