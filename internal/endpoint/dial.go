package endpoint

import (
	"context"
	"database/sql/driver"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/credentials"
	"github.com/gopooled/pooled/internal/serverconn"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// mayPass reports whether a dial failed for a reason that may be gone in a moment. A breaker that is open has said that it will not.
func (e *Endpoint) mayPass(err error) bool {
	if errors.Is(err, middleware.ErrBreakerOpen) {
		return false
	}
	if errors.Is(err, middleware.ErrRole) { // a failover may be under way
		return true
	}
	class := e.shared.Dialect.Classify(err)
	return !class.Has(dialect.Misconfigured) && (class.Has(dialect.Infrastructure) || class.Has(dialect.TooManyConnections))
}

// dial makes a new server connection for nobody, when it is its turn by pool_max_dials.
func (e *Endpoint) dial(r *Request) (*Conn, error) {
	if err := e.turn(r); err != nil {
		return nil, err
	}
	defer e.endTurn()
	ctx, cancel := e.bound(r, 1)
	defer cancel()
	ctx, end := e.severable(ctx)
	defer end(nil)
	c, err := e.connectOnce(ctx)
	if err != nil {
		return nil, e.explain(ctx, r, err)
	}
	return c, nil
}

// connectOnce makes a new server connection through the Connect chain. It is in use by the caller.
func (e *Endpoint) connectOnce(ctx context.Context) (*Conn, error) {
	e.startRecording()
	e.dials.Add(1)
	began := e.now()
	o := opened{readOnly: e.readOnly.Load()}
	generation := e.generation.Load() // whoever it leads to may be gone before the dial ends
	done := false
	defer func() {
		if done {
			return
		}
		e.failedDials.Add(1)
		if o.conn != nil { // a middleware did not want it, or something panicked
			_ = o.conn.Close()
		}
	}()
	dial := middleware.Dial{Endpoint: e.info}
	real, err := e.dialer(context.WithValue(ctx, openedKey{}, &o), &dial)
	if err == nil && real == nil {
		err = errNoConn
	}
	if err != nil {
		if e.isFull(err) {
			e.line.refuse(e.now())
		}
		e.noteDialFailure(ctx, err)
		return nil, err
	}
	done = true
	e.failing.Store(nil)
	e.line.accept()
	c := &Conn{
		Conn:       serverconn.New(real, &e.shared),
		endpoint:   e,
		id:         e.lastID.Add(1),
		generation: generation,
		dialledAt:  time.Now(),
		dialled:    e.now(),
		expiresAt:  e.expiry(),
		readOnly:   o.readOnly,
		socket:     o.socket,
		secret:     o.secret,
		renewal:    rand.N(mostRenewal),
	}
	*c.Changes() = dial.Changes
	c.idleSince = c.dialled
	c.Changes().Implicit = o.told.Implicit
	if o.told.Session != "" && e.server.Cancel != nil && e.pool.Cancel != policy.CancelClose {
		c.CancelWith(func(ctx context.Context) error {
			e.line.beginAside() // it may take a connection
			defer e.line.endAside()
			defer func() { e.line.end(e.now()) }()
			return e.contained("a statement was cancelled", func() error { return e.server.Cancel.Statement(ctx, o.told.Session) })
		})
	}
	c.SetSocket(o.socket)
	c.CountTexts(e.texts)
	if e.pool.Keepalive > 0 {
		c.jitter = rand.N(e.pool.Keepalive/10 + 1)
	}
	e.mu.Lock()
	e.conns[c] = struct{}{}
	e.mu.Unlock()
	e.dialTime.Note(c.dialled - began)
	e.startMaintenance()
	if e.introduce(c) != nil {
		_ = e.closeConn(c, shutdown)
		return nil, errDismissed
	}
	return c, nil
}

// turn waits until fewer than pool_max_dials are under way. It is not pool_connect_timeout that limits this wait: the server has nothing to do with it.
func (e *Endpoint) turn(r *Request) error {
	if e.dialling == nil {
		return nil
	}
	select {
	case e.dialling <- struct{}{}:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// endTurn lets the next one dial.
func (e *Endpoint) endTurn() {
	if e.dialling != nil {
		<-e.dialling
	}
}

// errNoConn answers for a middleware that broke the contract.
var errNoConn = errors.New("pooled: a middleware ended the Connect stage without a connection and without an error")

// opened is what connect opened: the real connection, and the socket under it if it is known.
type opened struct {
	conn   driver.Conn
	socket *dialect.Socket
	told   dialect.Dialled
	secret uint64 // that it has logged in with
	// readOnly is set before, and says what kind of connection is wanted.
	readOnly bool
}

// openedKey finds, in the context of the Connect chain, where connect leaves what it opened.
type openedKey struct{}

// connect is the innermost function of the Connect chain: the real driver's dial, and pool_init.
func (e *Endpoint) connect(ctx context.Context, _ *middleware.Dial) (driver.Conn, error) {
	o, ok := ctx.Value(openedKey{}).(*opened)
	if !ok { // a middleware replaced the context; nobody else could close the connection then
		o = &opened{}
	}
	var secret uint64
	real, socket, err := e.open(credentials.Note(ctx, &secret), o.readOnly)
	if err != nil {
		return nil, err
	}
	if o.conn != nil { // a middleware did not want that one, and tries again
		_ = o.conn.Close()
	}
	o.conn, o.socket, o.secret, o.told = real, socket, secret, dialect.Dialled{}
	if err := e.prepare(ctx, o); err != nil {
		o.conn = nil
		_ = real.Close() // the reason is in err
		return nil, err
	}
	return real, nil
}

// prepare makes what was opened ready for its first borrower.
func (e *Endpoint) prepare(ctx context.Context, o *opened) (err error) {
	if e.zone != nil {
		if err := e.server.ReadTimestampsIn(o.conn, e.zone); err != nil {
			return err
		}
	}
	if e.pool.Init != "" {
		if err := e.runInit(ctx, o.conn); err != nil {
			return &middleware.InitError{Endpoint: e.info.Name, Code: e.shared.Dialect.Code(err), Cause: err}
		}
	}
	if e.server.Dialled != nil {
		if o.told, err = e.server.Dialled(ctx, o.conn); err != nil {
			return err
		}
	}
	return e.checkRole(ctx, o)
}

// open has the real driver dial, through a socket if connections are watched.
func (e *Endpoint) open(ctx context.Context, readOnly bool) (driver.Conn, *dialect.Socket, error) {
	if readOnly {
		ctx = dialect.ReadOnly(ctx)
	}
	if e.pool.Cancel != policy.CancelClose {
		ctx = dialect.CancelQuery(ctx)
	}
	if e.watched {
		return e.server.Dial(ctx)
	}
	real, err := e.server.Connector.Connect(ctx)
	return real, nil, err
}

// runInit runs pool_init, as a prepared statement where the driver wants that.
func (e *Endpoint) runInit(ctx context.Context, real driver.Conn) error {
	c := serverconn.New(real, &e.shared)
	c.Silence()              // advice comes with the server's words
	defer c.DropStatements() // its cache is not the one that the connection will have
	_, err := c.Exec(ctx, e.pool.Init, false, nil)
	if err != driver.ErrSkip {
		return err
	}
	st, err := c.Stmt(ctx, e.pool.Init, nil, 0)
	if err != nil {
		return err
	}
	defer st.Release()
	_, err = st.Exec(ctx, nil)
	return err
}

// expiry is the stamp at which a connection dialled now has reached its lifetime. The jitter is added at random, so that
// connections dialled together are not replaced together.
func (e *Endpoint) expiry() int64 {
	if e.pool.MaxConnLifetime == 0 {
		return 0
	}
	life := e.pool.MaxConnLifetime
	if jitter := e.pool.Jitter(); jitter > 0 {
		life += rand.N(jitter)
	}
	return e.now() + int64(life)
}

// bound limits a dial or a validation: by the caller's context, what is left of pool_acquire_timeout, and a share of what is
// left of pool_connect_timeout, which leaves a validation that gets no answer time for a dial.
func (e *Endpoint) bound(r *Request, share time.Duration) (context.Context, context.CancelFunc) {
	deadline := r.deadline
	if limit := e.limit(r); !limit.IsZero() {
		now := time.Now()
		limit = now.Add(limit.Sub(now) / share)
		if deadline.IsZero() || limit.Before(deadline) {
			deadline = limit
		}
	}
	return until(r.ctx, deadline)
}

// limit is when pool_connect_timeout is over for a request; zero: never. It begins when it is first asked for.
func (e *Endpoint) limit(r *Request) time.Time {
	if e.pool.ConnectTimeout > 0 && r.limit.IsZero() {
		r.limit = time.Now().Add(e.pool.ConnectTimeout)
	}
	return r.limit
}

// halfOver reports whether half of pool_connect_timeout is over for a request. The other half is for a dial.
func (e *Endpoint) halfOver(r *Request) bool {
	limit := e.limit(r)
	return !limit.IsZero() && time.Until(limit) < e.pool.ConnectTimeout/2
}

// until is a context that ends at the deadline, if there is one, because the server has not answered.
func until(ctx context.Context, deadline time.Time) (context.Context, context.CancelFunc) {
	if deadline.IsZero() {
		return ctx, func() {}
	}
	return context.WithDeadlineCause(ctx, deadline, middleware.ErrConnectTimeout)
}

// explain tells whose limit ended a dial. The driver's error stays what it is unless a limit of pooled's own did.
func (e *Endpoint) explain(ctx context.Context, r *Request, err error) error {
	cause := context.Cause(ctx)
	switch {
	case r.ctx.Err() != nil:
		return err
	case cause == errDismissed:
		return errDismissed
	case cause != errSevered && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return err
	case cause != errSevered && !r.deadline.IsZero() && !time.Now().Before(r.deadline):
		t := e.timeout(e.pool.AcquireTimeout-time.Until(r.deadline), true, err)
		t.Class = r.class
		return t
	}
	return &middleware.ConnectTimeoutError{Endpoint: e.info.Name, Timeout: e.pool.ConnectTimeout, Cause: err}
}
