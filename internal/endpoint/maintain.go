package endpoint

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gopooled/pooled/policy"
)

// maintenanceEvery is how often the idle connections are looked at.
const maintenanceEvery = time.Second

// mostPings is how many idle connections are pinged at once.
const mostPings = 4

// pingTimeout is how long an idle connection has to answer. A borrower may be waiting for it.
const pingTimeout = 2 * time.Second

// startMaintenance starts the goroutine that maintains the idle connections, once.
func (e *Endpoint) startMaintenance() {
	if !e.maintained.Load() && e.maintained.CompareAndSwap(false, true) {
		e.Background(e.maintain)
	}
}

// maintain looks after the idle connections until ctx is done: it closes those that are too old or not needed, pings those that have been idle for
// pool_keepalive, and dials where fewer than pool_min_idle_conns are left.
func (e *Endpoint) maintain(ctx context.Context) {
	defer e.maintained.Store(false) // an endpoint that was closed may be opened again
	ticker := time.NewTicker(maintenanceEvery)
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
			e.tellShortageOver()
			if e.pool.MaxIdleConns == policy.AutoIdle {
				e.trim()
			}
		case <-e.wanted:
		}
	}
}

// LookAfter looks at each idle connection once. It is called by the goroutine that maintains.
func (e *Endpoint) LookAfter() {
	if e.lowered.Load() {
		e.shrink()
	}
	e.eachIdle(func(c *Conn) (maintained bool) {
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
		e.maintainOne(c, func(ctx context.Context) {
			defer e.pings.Add(-1)
			e.ping(ctx, c)
		})
		return true
	})
}

// maintainOne runs f, which uses a connection that the caller looks at, on a goroutine of its own, and has it idle again when f is done.
func (e *Endpoint) maintainOne(c *Conn, f func(ctx context.Context)) {
	c.maintain()
	run := func(ctx context.Context) {
		defer func() {
			c.rest()
			if e.closed.Load() && c.look() { // the inner pool has left it to us
				e.closeIdle(c, shutdown)
			}
			e.tellRest()
		}()
		err := e.contained("an idle connection was looked after", func() error {
			f(ctx)
			return nil
		})
		if err != nil && c.state.phase() != closed { // nobody knows what the driver has sent
			e.closeIdle(c, failed)
		}
	}
	if !e.Background(run) {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		run(over)
	}
}

// tellRest has those look again who wait because all idle connections are maintained.
func (e *Endpoint) tellRest() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.rested)
	e.rested = make(chan struct{})
}

// rest is closed when a connection that is maintained now is not any more, or another one comes back, or one that was being closed is gone.
func (e *Endpoint) rest() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rested
}

// eachIdle calls f with each idle connection, which it looks at. f reports whether it has left the connection to maintainOne.
func (e *Endpoint) eachIdle(f func(c *Conn) (maintained bool)) {
	e.mu.Lock()
	conns := slices.Collect(maps.Keys(e.conns))
	e.mu.Unlock()
	for _, c := range conns {
		if c.look() && !f(c) {
			c.rest()
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
	case c.superseded(now):
		return retired
	default:
		return kept
	}
}

// overdue reports whether a connection has been idle for too long.
func (e *Endpoint) overdue(c *Conn, now int64) bool {
	return e.pool.MaxConnIdleTime > 0 && time.Duration(now-c.idleSince) >= e.pool.MaxConnIdleTime
}

// needsPing reports whether an idle connection has been silent for pool_keepalive.
func (e *Endpoint) needsPing(c *Conn, now int64) bool {
	if e.pool.Keepalive == 0 || !c.CanPing() {
		return false
	}
	return time.Duration(now-max(c.idleSince, c.pingedAt)) >= e.pool.Keepalive+c.jitter
}

// ping asks the server whether an idle connection is alive, and closes one that is not. The caller maintains it.
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
