// Package endpoint is one database server and the connections to it.
//
// The connections are pooled by database/sql itself: an inner sql.DB per endpoint keeps the idle ones, but for one at hand, and hands them out again.
// It has no limit, so nobody ever waits in it; who may take a connection, and in which order, is decided by the gate before it. What is
// left to this package is what a pool under database/sql cannot do: bounded and explained waits, dialling with a limit,
// validation, jittered lifetimes, and closing what comes back off everybody's path. (What is found dead when it is to be borrowed is
// closed by the borrower, in the inner pool.)
package endpoint

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/serverconn"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// Endpoint is one database server and the pool of connections to it. It is safe for concurrent use.
type Endpoint struct {
	info     *middleware.Endpoint
	pool     policy.Pool
	Logger   *slog.Logger
	server   dialect.Server
	shared   serverconn.Config
	dialer   middleware.ConnectFunc // the composed Connect chain
	dialling chan struct{}          // one for each dial under way; nil: there is no limit
	watched  bool                   // sockets are to be known
	zone     *time.Location         // of timestamps without one; nil: the real driver's
	texts    *serverconn.Texts      // of the statements that warm connections have prepared; nil: none

	gate  gate
	line  line
	hand  hand
	inner atomic.Pointer[sql.DB] // a new one each time the endpoint is opened
	start time.Time              // what the int64 stamps count from

	// suspectedAt is when a connection was last found dead. Those that were there before are not trusted.
	suspectedAt atomic.Int64
	// generation counts how often connections were retired. Those whose dial began in an earlier one are closed as soon as nobody uses them.
	generation atomic.Uint64
	// opened is the generation that began when the endpoint was closed last.
	opened      atomic.Uint64
	closed      atomic.Bool    // changes while mu is held
	cold        atomic.Bool    // nothing is kept warm, as it was closed and those who still use it may be about to end
	endedAt     atomic.Int64   // when the server last ended a connection
	draining    atomic.Bool    // no new borrower is let in
	tended      atomic.Bool    // there is a goroutine that tends idle connections
	pings       atomic.Int64   // of idle connections, under way
	wanted      chan struct{}  // wakes the goroutine that tends
	warming     chan struct{}  // holds a value while somebody warms the pool
	lastID      *atomic.Uint64 // shared by the endpoints of a connector
	readOnly    atomic.Bool    // connections are dialled for sessions that cannot write
	idle        atomic.Int64
	surplus     surplus
	holdTime    lately // for how long connections are in use
	dialTime    lately // how long dials take that succeed
	acquires    atomic.Uint64
	dials       atomic.Uint64
	failedDials atomic.Uint64
	closes      [reasons]atomic.Uint64

	mu      sync.Mutex // guards what follows
	conns   map[*Conn]struct{}
	spares  []*Conn                               // see spare.go
	pending map[*context.CancelCauseFunc]struct{} // of dials under way
	away    chan struct{}                         // closed and replaced when those who wait are sent away
	ctx     context.Context                       // of what runs in the background; Close cancels it
	cancel  context.CancelFunc
	workers sync.WaitGroup // counts the goroutines of Background; grows only while closed is false
}

// Options is what an endpoint is made of.
type Options struct {
	Info        *middleware.Endpoint
	Server      dialect.Server
	Dialect     dialect.Dialect
	Pool        policy.Pool
	Statements  policy.Statements
	Zone        *time.Location          // of timestamps without one; nil: the real driver's. With it, Server.ReadTimestampsIn is not nil
	Watched     bool                    // somebody watches how connections are used, and may reclaim them: they are dialled through sockets, where that is possible
	Middlewares []middleware.Middleware // their Connect wraps
	LastID      *atomic.Uint64          // numbers connections, together with other endpoints
	ReadOnly    bool                    // see SetReadOnly
	Advise      func(err error)         // is told the errors of statements; nil: nobody wants to know
	Logger      *slog.Logger
}

// New makes an endpoint. It does not connect, unless connections are to be kept ready. Close releases what it holds.
func New(o Options) *Endpoint {
	e := &Endpoint{
		info:    o.Info,
		pool:    o.Pool,
		Logger:  o.Logger,
		server:  o.Server,
		watched: o.Watched && o.Server.Dial != nil,
		zone:    o.Zone,
		gate:    gate{limit: o.Pool.MaxConns},
		start:   time.Now(),
		conns:   map[*Conn]struct{}{},
		pending: map[*context.CancelCauseFunc]struct{}{},
		away:    make(chan struct{}),
		wanted:  make(chan struct{}, 1),
		warming: make(chan struct{}, 1),
		lastID:  o.LastID,
	}
	e.readOnly.Store(o.ReadOnly)
	if o.Pool.MaxDials > 0 {
		e.dialling = make(chan struct{}, o.Pool.MaxDials)
	}
	if o.Pool.MinIdleConns > 0 && o.Pool.WarmStatements > 0 && !o.Server.Traits.Unprepared {
		e.texts = serverconn.NewTexts(o.Pool.WarmStatements)
	}
	e.shared.Dialect = o.Dialect
	e.shared.Traits = o.Server.Traits
	e.shared.Plan = o.Server.Plan
	if sessions := o.Server.Sessions; sessions != nil {
		e.shared.Plain = func(text string) bool { return sessions.Statement(text).Plain }
	}
	e.shared.EndedIdle = o.Server.EndedIdle
	e.shared.CacheSize.Store(int64(o.Statements.CacheSize))
	e.shared.Relieve = e.relieve
	e.shared.Share = o.Server.StatementShare
	e.shared.Advise = o.Advise
	e.shared.KeepCancelled = !o.Pool.CancelCloses
	e.shared.ContextError = o.Server.ContextError
	if o.Server.Cancel != nil {
		e.shared.Rows = o.Server.Cancel.Rows
	}
	e.shared.Refused = func(err error) {
		e.Logger.Warn("pooled: a cancelled statement could not be ended on the server; its connection is closed", "endpoint", e.info.Name, "error", err)
	}
	e.dialer = middleware.Compose(middleware.Chain{Connect: e.connect}, o.Middlewares...).Connect
	e.Open()
	return e
}

// Info describes the endpoint.
func (e *Endpoint) Info() *middleware.Endpoint { return e.info }

// Traits are those of the real driver's connections.
func (e *Endpoint) Traits() *dialect.Traits { return &e.shared.Traits }

// Failures numbers the failures of prepared statements so far: see [serverconn.Conn.Stmt].
func (e *Endpoint) Failures() int64 { return e.shared.Failures() }

// Acquire takes a server connection for the session whose request it is: an idle one, or a new one. It
// returns how long it waited for a permit. Errors of the real driver are passed on as they are.
func (e *Endpoint) Acquire(ctx context.Context, r *Request) (*Conn, time.Duration, error) {
	if e.draining.Load() {
		return nil, 0, e.refuse(ctx)
	}
	if e.closed.Load() {
		return nil, 0, ErrClosed
	}
	waited, err := e.gate.enter(ctx, e.pool.AcquireTimeout)
	if err != nil {
		if !errors.Is(err, context.DeadlineExceeded) {
			return nil, waited, sentAway(err) // the caller went away, and needs no explanation
		}
		return nil, waited, e.timeout(waited, ctx.Err() == nil, err)
	}
	if e.pool.AcquireTimeout > 0 {
		r.deadline = time.Now().Add(e.pool.AcquireTimeout - waited)
	}
	r.permit = true
	var c *Conn
	defer func() {
		if c == nil && r.permit { // also when the real driver or a middleware panicked
			e.gate.leave()
		}
	}()
	c, err = e.take(ctx, r)
	if err != nil {
		return nil, waited, sentAway(err)
	}
	e.acquires.Add(1)
	c.borrow.since = r.at
	return c, waited, nil
}

// take gets the connection at hand, or one out of the inner pool, which calls back with the request: see [Request].
func (e *Endpoint) take(ctx context.Context, r *Request) (*Conn, error) {
	r.Context, r.at = ctx, e.now()
	sqlConn, err := e.choose(r)
	for r.err == errFreed {
		r.err = nil
		sqlConn, err = e.choose(r)
	}
	if r.err == errHanded {
		sqlConn, err, r.err = r.conn.sqlConn, nil, nil
	}
	c, failure, tended := r.conn, r.err, r.tended
	r.Context, r.conn, r.err, r.limit, r.mute, r.tended, r.looks = nil, nil, nil, time.Time{}, false, false, 0
	r.place.joined, r.place.tempted = 0, 0
	switch {
	case failure != nil && err == nil && tended:
		_ = sqlConn.Close() // the inner pool has it again
		return nil, failure
	case failure != nil && err == nil:
		c.sqlConn = sqlConn
		e.idle.Add(1)
		e.keep(c)
		return nil, failure
	case failure != nil:
		return nil, failure
	case err != nil:
		return nil, err
	}
	c.sqlConn = sqlConn
	return c, nil
}

// choose looks at the connection at hand first. One that is not fit goes to the inner pool, which chooses it at once, and counts it among
// the bad ones that it sees before it dials: database/sql looks at two. For a caller who went away it would choose none, and so closes this one.
func (e *Endpoint) choose(r *Request) (*sql.Conn, error) {
	if c := e.hand.take(); c != nil {
		if e.lend(c, r) {
			return c.sqlConn, nil
		}
		c.refused = r.Err() == nil
		_ = c.sqlConn.Close()
	}
	inner := e.inner.Load()
	sqlConn, err := inner.Conn(r)
	if err != nil && r.err == nil && (e.closed.Load() || e.inner.Load() != inner) {
		err = ErrClosed // the inner pool says it in its own words
	}
	return sqlConn, err
}

// Release gives a connection back: to the next borrower or, when it is not to be used again, to be closed by a goroutine
// of the endpoint. It is the innermost function of the Release chain, and does not block.
func (e *Endpoint) Release(r *middleware.Release) {
	if r.Released {
		return
	}
	r.Released = true
	c := r.Conn.(*Conn)
	if c.returning {
		c.returning = false
		defer e.line.endReturn()
	}
	if reason := e.unfitToKeep(c, r); reason != kept {
		c.reason = reason
		e.closeOffPath(c)
		return
	}
	e.passOn(c)
}

// keep leaves a connection that was counted as idle at hand, and gives the one that was there back to the inner pool. It is somebody else's from then on.
func (e *Endpoint) keep(c *Conn) {
	c.idle = true
	c.use.Unlock()
	if spilled := e.hand.put(c); spilled != nil {
		_ = spilled.sqlConn.Close()
	}
	e.line.tell() // whoever has joined it since
}

// unfitToKeep tells why a connection that comes back is to be closed, or kept.
func (e *Endpoint) unfitToKeep(c *Conn, r *middleware.Release) reason {
	switch {
	case r.Reclaimed: // first, as its holder may be about to use what the others look at
		return reclaimed
	case c.Failed():
		e.suspectedAt.Store(e.now())
		e.noteShutdown(c.Seen())
		return failed
	case e.draining.Load() && !e.awaited():
		return shutdown
	case e.outdated(c, c.idleSince) != kept: // before what it was discarded for: it would not have been kept
		return e.outdated(c, c.idleSince)
	case r.Discard, c.Changes().Effects.Has(dialect.OpenTx):
		return discarded
	default:
		return kept
	}
}

// awaited reports whether somebody waits for a connection.
func (e *Endpoint) awaited() bool { return e.gate.state().waiting > 0 || e.line.n.Load() > 0 }

// countIdle counts one more idle connection, if pool_max_idle_conns has room for it or somebody waits for one.
func (e *Endpoint) countIdle() bool {
	n := e.idle.Add(1)
	if e.pool.MaxIdleConns < 0 || n <= int64(e.pool.MaxIdleConns) || e.awaited() {
		return true
	}
	e.idle.Add(-1)
	return false
}

// closeOffPath closes a connection on a goroutine of its own, which also returns the permit: the server has one
// connection less only then. Once the endpoint is closed, it happens at once, because nobody would wait for the goroutine.
func (e *Endpoint) closeOffPath(c *Conn) {
	e.line.beginClose()
	closed := sync.OnceFunc(e.line.endClose)
	running := e.Background(func(context.Context) {
		limit := time.AfterFunc(goneTimeout, closed) // a driver that does not come back keeps nobody from dialling for longer
		_ = c.sqlConn.Close()                        // the inner pool asks IsValid, and closes it
		limit.Stop()
		closed()
		if gone := c.gone(); gone != nil {
			limit := time.NewTimer(goneTimeout)
			defer limit.Stop()
			select {
			case <-gone:
			case <-limit.C:
				c.hangUp()
			}
		}
		e.gate.leave()
	})
	if !running {
		closed()
		_ = c.sqlConn.Close() // as above
		e.gate.leave()
	}
}

// Background runs f on a goroutine that Close waits for. It reports false, and does not run f, once the endpoint is closed.
func (e *Endpoint) Background(f func(ctx context.Context)) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed.Load() {
		return false
	}
	e.workers.Add(1)
	ctx := e.ctx
	go func() {
		defer e.workers.Done()
		f(ctx)
	}()
	return true
}

// goneTimeout is how long a permit waits for a driver that closes in the background. A server that is well needs milliseconds. Of one that
// is silent, or that nothing reaches any more, nobody can know whether it ever ends the session; as long as permits wait for that, they are missing
// to those whom the server, or the one that took its place, would serve. pgx itself waits for 15 s.
const goneTimeout = time.Second

// relieve closes the cached statements of the idle connections and reports whether there were any. It takes them all
// before it gives one back, as the inner pool would hand out the same one again.
func (e *Endpoint) relieve(ctx context.Context) bool {
	var taken []*Conn
	for e.gate.tryEnter() {
		c, err := e.take(ctx, &Request{idleOnly: true})
		if err != nil {
			e.gate.leave()
			break
		}
		taken = append(taken, c)
	}
	relieved := false
	for _, c := range taken {
		if c.DropStatements() {
			relieved = c.Ping(ctx) == nil || relieved // closing has no answer; the ping's comes after it was done
		}
		c.EndBorrow()
		e.Release(&middleware.Release{Conn: c})
	}
	return relieved
}

// timeout explains why a session got no connection in time.
func (e *Endpoint) timeout(waited time.Duration, ours bool, cause error) error {
	if errors.Is(cause, driver.ErrBadConn) {
		cause = context.DeadlineExceeded // database/sql would try again, after the deadline
	}
	gate := e.gate.state()
	held, oldest := e.held()
	t := &middleware.AcquireTimeoutError{
		Endpoint:   e.info.Name,
		Waited:     waited,
		MaxConns:   e.pool.MaxConns,
		InUse:      held,
		Dialling:   max(gate.taken-held, 0),
		OldestHeld: oldest,
		Waiters:    gate.waiting,
		Cause:      cause,
	}
	if ours {
		t.Timeout = e.pool.AcquireTimeout
	}
	return t
}

// held counts the connections in use, and tells for how long the oldest borrower has had its own.
func (e *Endpoint) held() (n int, oldest time.Duration) {
	all := e.Holdings()
	for _, h := range all {
		oldest = max(oldest, h.For)
	}
	return len(all), oldest
}

// now is the time since the endpoint was made, in nanoseconds, and never 0. Measured so, it costs half of time.Now.
func (e *Endpoint) now() int64 { return int64(time.Since(e.start)) + 1 }
