package endpoint

import (
	"context"
	"database/sql/driver"
	"errors"
	"time"

	"github.com/gopooled/pooled/policy"
)

// Request is one session's asking for a server connection. It is the context that the inner pool is asked with, and so comes
// out again where the pool dials (innerConnector.Connect) or has chosen an idle connection (innerConn.ResetSession): there the
// connection is left in it. The usual way, sql.Conn.Raw, costs an allocation and two locks more.
//
// The zero value is ready to use. A session keeps one and uses it for one acquisition after the other.
type Request struct {
	context.Context // the caller's, during the acquisition

	// Fresh is set for a session that was made because earlier ones failed, or the first of all: where a dead connection was
	// found recently, it does not get an old one that nobody can validate. database/sql makes such a session for its last try.
	Fresh bool

	permit   bool      // it is the request's to give back; an abandoned dial takes it along
	idleOnly bool      // do not dial
	deadline time.Time // of pool_acquire_timeout; zero = none
	limit    time.Time // of pool_connect_timeout, for all validations and the dial together; zero = none, or not begun
	tended   bool      // conn was still tended when the time was up: it is the endpoint's
	mute     bool      // a connection did not answer the ping in time; the others would not either

	place place // in line
	looks int   // how often it has looked once more since something has changed

	at   int64 // stamp: when the inner pool was asked or, if it took I/O to answer, when it had answered
	conn *Conn // what the inner pool chose
	err  error // what the dial failed with
}

// patience is a context that ends when the borrower goes away: its own has ended, or pool_acquire_timeout is over.
func (r *Request) patience() (context.Context, context.CancelFunc) {
	if r.deadline.IsZero() {
		return r.Context, func() {}
	}
	return context.WithDeadline(r.Context, r.deadline)
}

// errDial stands in for the error of a dial towards the inner pool, which would dial again on driver.ErrBadConn:
// the outer database/sql does that.
var errDial = errors.New("pooled: dial failed")

// errNoIdle answers a request that wanted an idle connection only.
var errNoIdle = errors.New("pooled: no idle connection")

// innerConnector is what the inner pool dials with.
type innerConnector struct{ e *Endpoint }

func (ic innerConnector) Connect(ctx context.Context) (driver.Conn, error) {
	r := ctx.(*Request)
	c := ic.e.spare(r)
	switch {
	case r.err != nil:
		return nil, errDial
	case c != nil:
	case r.idleOnly:
		return nil, errNoIdle
	default:
		var err error
		if c, err = ic.e.obtain(r); err != nil {
			r.err = err
			return nil, errDial
		}
	}
	r.at, r.conn = ic.e.now(), c
	return innerConn{c}, nil
}

func (ic innerConnector) Driver() driver.Driver { return ic.e.server.Connector.Driver() }

// innerConn is a server connection as the inner pool sees it: something that can be chosen, kept or closed.
type innerConn struct{ c *Conn }

var (
	_ driver.Conn            = innerConn{}
	_ driver.SessionResetter = innerConn{}
	_ driver.Validator       = innerConn{}
)

// ResetSession is called when the inner pool has chosen an idle connection. driver.ErrBadConn makes it close this one and choose again:
// another one, and after two bad ones a new one.
func (ic innerConn) ResetSession(ctx context.Context) error {
	if ic.c.refused || !ic.c.endpoint.lend(ic.c, ctx.(*Request)) {
		return driver.ErrBadConn
	}
	return nil
}

// IsValid is called when the connection comes back.
func (ic innerConn) IsValid() bool { return ic.c.reason == kept || ic.c.refused }

// Close is called for connections that are not valid, were idle for too long, or are left when the endpoint closes.
func (ic innerConn) Close() error {
	c := ic.c
	e := c.endpoint
	if c.reason == kept { // it is idle, and nobody's
		c.use.Lock()
		defer c.use.Unlock()
	}
	if c.over.Load() {
		return nil
	}
	closed := e.remove(c)
	if c.reason == kept {
		switch {
		case closed:
			c.reason = shutdown
		case c.expired(e.now()):
			c.reason = lifetime
		default:
			c.reason = idleTime
		}
	}
	e.closes[c.reason].Add(1)
	if c.reason == reclaimed { // the real connection is its holder's, who may be about to use it
		return c.socket.Close()
	}
	return c.Close()
}

// Prepare and Begin are part of driver.Conn, but nobody calls them: sessions use the connection itself.
func (innerConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }

// Begin is never called.
func (innerConn) Begin() (driver.Tx, error) { return nil, errors.ErrUnsupported }

// lend makes an idle connection the request's, unless it is not fit for that: the inner pool is to close it then. With an error in the request, the connection
// is lent only to be given back, as healthy as it was.
func (e *Endpoint) lend(c *Conn, r *Request) bool {
	if !c.use.TryLock() && !e.claim(c, r) {
		return true
	}
	if c.over.Load() { // closed by the endpoint, and only the inner pool has not known
		c.reason = shutdown
		c.use.Unlock()
		return false
	}
	returned := false
	defer func() {
		if !returned { // the real driver panicked: the inner pool has lost the connection
			c.reason = failed
			_ = innerConn{c}.Close()
		}
	}()
	reason := e.unfitToBorrow(c, r)
	returned = true
	if reason != kept {
		c.reason = reason
		return false
	}
	c.idle = false
	e.surplus.note(e.idle.Add(-1))
	r.conn = c
	return true
}

// claim waits until an idle connection is not tended any more. If that takes too long, it leaves an error in the request.
func (e *Endpoint) claim(c *Conn, r *Request) bool {
	ctx, cancel := e.bound(r, 2)
	defer cancel()
	if c.claim(ctx) {
		return true
	}
	r.err, r.conn, r.tended = e.explain(ctx, r, ctx.Err()), c, true
	return false
}

// unfitToBorrow tells why an idle connection is not handed out, or kept. It asks the server if the connection has been idle
// for pool_validate_after, or was last dialled or borrowed before another one was found dead. When there is no time left for that, it leaves an error
// in the request.
func (e *Endpoint) unfitToBorrow(c *Conn, r *Request) reason {
	now := r.at
	if why := e.outdated(c, now); why != kept {
		return why
	}
	if c.Reset(r.Context) != nil {
		e.suspectedAt.Store(e.now())
		return validation
	}
	// Not since when it is idle: whoever gave it back may not have heard of the server for long, as with rows that were read at once.
	suspect := max(c.borrow.since, c.dialled, c.pingedAt) <= e.suspectedAt.Load()
	due := e.pool.ValidateAfter >= 0 && time.Duration(now-c.idleSince) >= e.pool.ValidateAfter && !e.server.Traits.PingsOnReset
	if e.pool.ValidateAfter == policy.NeverValidate || !c.CanPing() {
		if suspect && r.Fresh {
			return validation
		}
		return kept
	}
	if !due && !suspect {
		return kept
	}
	ctx, cancel := e.bound(r, 2)
	defer cancel()
	if err := ctx.Err(); err != nil {
		r.err = e.explain(ctx, r, err)
		return kept
	}
	if r.mute || c.Ping(ctx) != nil {
		if r.Err() == nil { // a caller who went away says nothing about the server
			e.suspectedAt.Store(e.now())
			r.mute = r.mute || ctx.Err() != nil
		}
		return validation
	}
	r.at = e.now()
	return kept
}
