package endpoint

import (
	"context"
	"errors"
)

// Spares are connections that were dialled before anybody wanted one, to be warm, or to see whether the server is well, and those whose borrower went
// away during the dial. They are idle connections, but the inner pool does not know them yet: it gets one when it asks for a new connection because it has no idle one left.

// Probe dials, and asks the server whether it is well. The connection is kept as a spare.
func (e *Endpoint) Probe(ctx context.Context) error {
	if _, err := e.gate.enter(ctx, e.pool.ConnectTimeout); err != nil {
		return err
	}
	defer e.gate.leave()
	return e.dialSpare(ctx)
}

// dialSpare dials for nobody, and keeps the connection as a spare if the server answers on it. One that was retired meanwhile is dialled again:
// what answered may have been the server that went away. The caller holds a permit.
func (e *Endpoint) dialSpare(ctx context.Context) error {
	err := errRetired
	for err == errRetired {
		err = e.dialSpareOnce(ctx)
	}
	return err
}

func (e *Endpoint) dialSpareOnce(ctx context.Context) error {
	r := &Request{Context: ctx}
	c, err := e.dial(r)
	if err != nil {
		return err
	}
	ctx, cancel := e.bound(r, 1)
	defer cancel()
	err = c.Ping(ctx)
	if err == nil {
		err = c.PrepareMost(ctx, never)
	}
	if err != nil {
		if c.reason = failed; e.closed.Load() {
			c.reason = shutdown
		}
		_ = innerConn{c}.Close() // err is the reason
		return err
	}
	if e.putSpare(c) == retired {
		return errRetired
	}
	return nil
}

// errRetired answers a dial that began before connections were retired.
var errRetired = errors.New("pooled: connections were retired meanwhile")

// never is for what is not to be interrupted.
func never() bool { return false }

// putSpare keeps a connection that nobody has, or closes it and tells why.
func (e *Endpoint) putSpare(c *Conn) reason {
	c.use.Lock() // whoever tends idle connections may look at it already
	c.idleSince = e.now()
	why := e.addSpare(c)
	if why != kept {
		c.reason = why
		_ = innerConn{c}.Close()
		return why
	}
	c.use.Unlock()
	e.line.tell()
	return kept
}

// addSpare puts a connection among the spares, or tells why not.
func (e *Endpoint) addSpare(c *Conn) reason {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.closed.Load():
		return shutdown
	case c.Retired():
		return c.whyRetired()
	case e.pool.MaxConns > 0 && len(e.conns) > e.pool.MaxConns, !e.countIdle():
		return idleLimit
	}
	c.idle = true
	e.spares = append(e.spares, c)
	return kept
}

// popSpare takes the spare that was dialled last, with its use locked, unless it is tended for too long; nil: there is none, or the
// request has an error.
func (e *Endpoint) popSpare(r *Request) *Conn {
	for {
		e.mu.Lock()
		if len(e.spares) == 0 {
			e.mu.Unlock()
			return nil
		}
		last := len(e.spares) - 1
		c := e.spares[last]
		e.spares[last] = nil
		e.spares = e.spares[:last]
		e.mu.Unlock()
		if !c.use.TryLock() && !e.claim(c, r) {
			r.conn, r.tended = nil, false
			e.mu.Lock()
			e.spares = append(e.spares, c)
			e.mu.Unlock()
			return nil
		}
		if c.over.Load() {
			c.use.Unlock()
			continue
		}
		c.idle = false
		e.surplus.note(e.idle.Add(-1))
		return c
	}
}

// spare finds a spare that can be handed out for a request; nil: there is none. If the request has an error then, there was no time to
// find out.
func (e *Endpoint) spare(r *Request) *Conn {
	for {
		c := e.popSpare(r)
		if c == nil {
			return nil
		}
		reason := e.unfitToBorrow(c, r)
		switch {
		case reason != kept:
			c.reason = reason
			_ = innerConn{c}.Close()
		case r.err != nil:
			c.use.Unlock()
			e.putSpare(c)
			return nil
		default:
			return c
		}
	}
}

// closeSpares closes those that are left when the endpoint closes.
func (e *Endpoint) closeSpares() error {
	e.mu.Lock()
	spares := e.spares
	e.spares = nil
	e.mu.Unlock()
	var err error
	for _, c := range spares {
		err = errors.Join(err, innerConn{c}.Close())
	}
	return err
}
