package endpoint

import (
	"context"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/policy"
)

// tendEvery is how often the idle connections are looked at.
const tendEvery = time.Second

// mostPings is how many idle connections are pinged at once.
const mostPings = 4

// pingTimeout is how long an idle connection has to answer. A borrower may be waiting for it.
const pingTimeout = 2 * time.Second

// tending is somebody's looking after an idle connection.
type tending struct {
	done   chan struct{}
	wanted atomic.Bool // a borrower waits for it
}

// startTending starts the goroutine that tends the idle connections, once.
func (e *Endpoint) startTending() {
	if !e.tended.Load() && e.tended.CompareAndSwap(false, true) {
		e.Background(e.tend)
	}
}

// tend looks after the idle connections until ctx is done: it closes those that are too old or not needed, pings those that have been idle for
// pool_keepalive, and dials where fewer than pool_min_idle_conns are left.
func (e *Endpoint) tend(ctx context.Context) {
	defer e.tended.Store(false) // an endpoint that was closed may be opened again
	ticker := time.NewTicker(tendEvery)
	defer ticker.Stop()
	var retry backoff
	for {
		e.LookAfter()
		if e.missing() > 0 && retry.due() && !e.draining.Load() && !e.cold.Load() {
			retry.note(e.Warm(ctx))
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if e.pool.MaxIdleConns == policy.AutoIdle {
				e.trim()
			}
		case <-e.wanted:
		}
	}
}

// LookAfter looks at each idle connection once. It is called by the goroutine that tends.
func (e *Endpoint) LookAfter() {
	e.eachIdle(func(c *Conn) (locked bool) {
		now := e.now()
		why := e.outdated(c, now)
		if why == kept && e.overdue(c, now) {
			why = idleTime
		}
		if why != kept {
			e.closeIdle(c, why)
			return false
		}
		if !e.needsPing(c, now) {
			return false
		}
		if e.pings.Add(1) > mostPings {
			e.pings.Add(-1)
			return false
		}
		e.tendOne(c, func(ctx context.Context, _ *tending) {
			defer e.pings.Add(-1)
			e.ping(ctx, c)
		})
		return true
	})
}

// tendOne runs f, which uses an idle connection, on a goroutine of its own. The caller has locked the connection's use; it is unlocked
// when f is done.
func (e *Endpoint) tendOne(c *Conn, f func(ctx context.Context, t *tending)) {
	t := &tending{done: make(chan struct{})}
	c.tending.Store(t)
	run := func(ctx context.Context) {
		defer func() {
			c.tending.Store(nil)
			c.use.Unlock()
			close(t.done)
		}()
		f(ctx, t)
	}
	if !e.Background(run) {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		run(over)
	}
}

// eachIdle calls f with each connection that nobody uses, its use locked. f reports whether it leaves it locked, for somebody else to
// unlock.
func (e *Endpoint) eachIdle(f func(c *Conn) (locked bool)) {
	e.mu.Lock()
	conns := slices.Collect(maps.Keys(e.conns))
	e.mu.Unlock()
	for _, c := range conns {
		if !c.use.TryLock() {
			continue // it is in use
		}
		// Without idle, it was dialled, but is not anybody's yet.
		if locked := c.idle && !c.over.Load() && f(c); !locked {
			c.use.Unlock()
		}
	}
}

// outdated tells why an idle connection is closed, or kept.
func (e *Endpoint) outdated(c *Conn, now int64) reason {
	switch {
	case c.expired(now):
		return lifetime
	case c.Retired():
		return c.whyRetired()
	default:
		return kept
	}
}

// overdue reports whether a connection has been idle for too long that the inner pool does not count as idle: it sees to the others.
func (e *Endpoint) overdue(c *Conn, now int64) bool {
	return (c.sqlConn == nil || e.hand.has(c)) && e.pool.MaxConnIdleTime > 0 && time.Duration(now-c.idleSince) >= e.pool.MaxConnIdleTime
}

// needsPing reports whether an idle connection has been silent for pool_keepalive.
func (e *Endpoint) needsPing(c *Conn, now int64) bool {
	if e.pool.Keepalive == 0 || !c.CanPing() {
		return false
	}
	return time.Duration(now-max(c.idleSince, c.pingedAt)) >= e.pool.Keepalive+c.jitter
}

// ping asks the server whether an idle connection is alive, and closes one that is not. The caller has locked its use.
func (e *Endpoint) ping(ctx context.Context, c *Conn) {
	limit := pingTimeout
	if e.pool.ConnectTimeout > 0 {
		limit = min(limit, e.pool.ConnectTimeout)
	}
	pingCtx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := c.Ping(pingCtx)
	c.pingedAt = e.now()
	if err != nil && ctx.Err() == nil {
		e.suspectedAt.Store(c.pingedAt)
		e.closeIdle(c, validation)
	}
}

// closeIdle closes an idle connection whose use the caller has locked. The inner pool keeps what is left of it until it chooses it or
// cleans up.
func (e *Endpoint) closeIdle(c *Conn, why reason) {
	c.over.Store(true)
	e.remove(c)
	e.closes[why].Add(1)
	_ = c.Close() // nobody is there to be told
}

// remove takes a connection off the books, and reports whether the endpoint is closed.
func (e *Endpoint) remove(c *Conn) (closed bool) {
	if c.idle {
		c.idle = false
		e.idle.Add(-1)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, c)
	if i := slices.Index(e.spares, c); i >= 0 {
		e.spares = slices.Delete(e.spares, i, i+1)
	}
	return e.closed.Load()
}

// claim waits until nobody tends the connection, and locks its use. It reports false if ctx ends before.
func (c *Conn) claim(ctx context.Context) bool {
	for !c.use.TryLock() {
		t := c.tending.Load()
		if t == nil { // that is over in a moment
			runtime.Gosched()
			continue
		}
		t.wanted.Store(true)
		select {
		case <-t.done:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// backoff is the pause between attempts that fail: it doubles, up to half a minute, and varies by a half.
type backoff struct {
	pause time.Duration
	next  time.Time
}

const (
	shortestPause = 100 * time.Millisecond
	longestPause  = 30 * time.Second
)

func (b *backoff) due() bool { return !time.Now().Before(b.next) }

func (b *backoff) note(err error) {
	if err == nil {
		*b = backoff{}
		return
	}
	b.pause = min(max(2*b.pause, shortestPause), longestPause)
	b.next = time.Now().Add(b.pause/2 + rand.N(b.pause))
}
