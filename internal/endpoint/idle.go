package endpoint

import (
	"slices"
	"time"

	"github.com/gopooled/pooled/policy"
)

// An idle connection is at hand, or in the inner pool. One that the endpoint has closed there is dropped by whoever comes upon it.

// lendIdle makes an idle connection the request's: the first that is fit for it, however many are not. nil: there is none.
func (e *Endpoint) lendIdle(r *Request) (*Conn, error) {
	for {
		c, err := e.takeIdle(r)
		if c == nil || err != nil {
			return nil, err
		}
		fit, err := e.lend(c, r)
		if fit {
			return c, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// takeIdle takes the idle connection that was given back last; nil: there is none.
func (e *Endpoint) takeIdle(r *Request) (*Conn, error) {
	if c, busy, err := e.takeNow(r); !busy || r.waited {
		return c, err
	}
	ctx, cancel := e.bound(r, 2)
	defer cancel()
	e.awaiting.Add(1)
	defer e.awaiting.Add(-1)
	for {
		rested := e.rest()
		if c, busy, err := e.takeNow(r); !busy {
			return c, err
		}
		select {
		case <-rested:
		case <-ctx.Done():
			if r.ctx.Err() == nil && (r.deadline.IsZero() || time.Now().Before(r.deadline)) {
				r.waited = true
				return nil, nil
			}
			return nil, e.explain(ctx, r, ctx.Err())
		}
	}
}

// takeNow takes the idle connection that was given back last of those that can be had now. It is busy if there are none but some that are maintained.
func (e *Endpoint) takeNow(r *Request) (c *Conn, busy bool, err error) {
	if c := e.recent.take(); c != nil {
		if taken, _ := c.take(inUse); taken {
			return c, false, nil
		}
		_ = c.sqlConn.Close() // the inner pool has it, unless it is closed
	}
	return e.takeInner(r)
}

// takeInner is takeNow for the connections of the inner pool.
func (e *Endpoint) takeInner(r *Request) (c *Conn, busy bool, err error) {
	var met []*Conn // those that are maintained
	defer func() {
		for _, c := range slices.Backward(met) {
			_ = c.sqlConn.Close() // the inner pool has it again
		}
	}()
	for {
		c, err := e.pop(r.ctx, &r.lookup)
		if c == nil {
			return nil, err == nil && len(met) > 0, err
		}
		switch taken, busy := c.take(inUse); {
		case taken:
			return c, false, nil
		case busy:
			met = append(met, c)
		default:
			_ = c.sqlConn.Close() // it is closed, and the inner pool drops it
		}
	}
}

// lend makes a connection the request's that was idle and is in use now, or closes it if it is not fit for that. With an error, it is idle again, and as healthy
// as it was.
func (e *Endpoint) lend(c *Conn, r *Request) (fit bool, err error) {
	left := e.idle.Add(-1)
	why := failed // if the real driver panics
	defer func() {
		if why != kept {
			e.discard(c, why)
		}
	}()
	if why, err = e.unfitToBorrow(c, r); why != kept {
		return false, nil
	}
	if err != nil {
		e.idle.Add(1)
		e.keep(c)
		return false, err
	}
	e.surplus.note(left)
	return true, nil
}

// unfitToBorrow tells why a connection is not handed out, or kept. It asks the server if the connection has been idle
// for pool_validate_after, or was last dialled or borrowed before another one was found dead. When there is no time left for that, it returns an error
// as well.
func (e *Endpoint) unfitToBorrow(c *Conn, r *Request) (reason, error) {
	now := r.at
	if why := e.outdated(c, now); why != kept {
		return why, nil
	}
	if c.Reset(r.ctx) != nil {
		e.suspectedAt.Store(e.now())
		return validation, nil
	}
	// Not since when it is idle: whoever gave it back may not have heard of the server for long, as with rows that were read at once.
	suspect := max(c.borrow.since, c.dialled, c.pingedAt) <= e.suspectedAt.Load()
	due := e.pool.ValidateAfter >= 0 && time.Duration(now-c.idleSince) >= e.pool.ValidateAfter && !e.server.Traits.PingsOnReset
	if e.pool.ValidateAfter == policy.NeverValidate || !c.CanPing() {
		if suspect && r.NewSession {
			return validation, nil
		}
		return kept, nil
	}
	if !due && !suspect {
		return kept, nil
	}
	ctx, cancel := e.bound(r, 2)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return kept, e.explain(ctx, r, err)
	}
	if r.mute || c.Ping(ctx) != nil {
		if r.ctx.Err() == nil { // a caller who went away says nothing about the server
			e.suspectedAt.Store(e.now())
			r.mute = r.mute || ctx.Err() != nil || e.halfOver(r)
		}
		return validation, nil
	}
	r.at = e.now()
	return kept, nil
}
