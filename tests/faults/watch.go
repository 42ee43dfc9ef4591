package main

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// watch looks at a pool from the inside, as a middleware: which connection each call got, and how many dials are under way.
type watch struct {
	full      string // the kind of error of a server that is out of connections
	dialling  atomic.Int64
	mostDials atomic.Int64
	refused   atomic.Int64 // dials that met a server out of connections

	mu     sync.Mutex // guards opened
	opened []opened
}

func (w *watch) middleware() pooled.Middleware {
	return pooled.Middleware{Name: "watch", Connect: w.connect, Call: w.call}
}

func (w *watch) connect(next middleware.ConnectFunc) middleware.ConnectFunc {
	return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
		raise(&w.mostDials, w.dialling.Add(1))
		defer w.dialling.Add(-1)
		conn, err := next(ctx, dial)
		if err != nil && kindOf(err) == w.full {
			w.refused.Add(1)
		}
		return conn, err
	}
}

// call notes the connection in the worker's call, which may take several calls of sessions: database/sql tries again.
func (w *watch) call(next middleware.CallFunc) middleware.CallFunc {
	return func(ctx context.Context, c *middleware.Call) error {
		of, ok := ctx.Value(callKey{}).(*call)
		if !ok {
			return next(ctx, c)
		}
		of.dialled = time.Time{}
		err := next(ctx, c)
		if conn := c.Session.Conn(); conn != nil {
			of.dialled = conn.DialledAt()
		}
		return err
	}
}

// raise makes a maximum at least n.
func raise(most *atomic.Int64, n int64) {
	for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
	}
}

// opened is what the breaker said when it opened, or stayed open.
type opened struct{ at, nextProbe time.Time }

// changed notes until when the breaker is to be open.
func (w *watch) changed(c policy.BreakerChange) {
	if c.To != policy.BreakerOpen {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opened = append(w.opened, opened{time.Now(), c.NextProbe})
}

// waited is for how long a breaker that was open at some time was open from then on, by its own word.
func (w *watch) waited(from time.Time) (rest time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, o := range w.opened {
		if o.at.Before(from) {
			rest = max(rest, o.nextProbe.Sub(from))
		}
	}
	return rest
}

// sampler asks a server again and again how many connections the service has.
type sampler struct {
	server *server
	proxy  *proxy // nil: there is none in between
	most   atomic.Int64
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// sampleEvery is how often.
const sampleEvery = 10 * time.Millisecond

// newSampler starts to ask. The caller ends it.
func newSampler(s *server, p *proxy) *sampler {
	ctx, cancel := context.WithCancel(context.Background())
	m := &sampler{server: s, proxy: p, cancel: cancel}
	m.work.Go(func() {
		ticker := time.NewTicker(sampleEvery)
		defer ticker.Stop()
		for {
			if n, err := m.sample(ctx); err == nil { // a server that is broken has none that could be counted
				raise(&m.most, n)
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return m
}

// end returns the most connections that were seen.
func (m *sampler) end() int64 {
	m.cancel()
	m.work.Wait()
	return m.most.Load()
}

// sample counts the sessions that the server has for the service and whose connection the service has not closed: a server that was stopped
// has yet to find out about those, and no client can hasten that. The sockets are looked at after the sessions, so that all that are counted
// were there at once. What MySQL's cancellations need (a connection for a moment each, beyond pool_max_conns) is counted too.
func (m *sampler) sample(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	rows, err := m.server.control.QueryContext(ctx, m.server.sessions)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var sessions []int
	for rows.Next() {
		var port int
		if err := rows.Scan(&port); err != nil {
			return 0, err
		}
		sessions = append(sessions, port)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	var clients map[int]int
	to := m.server.port
	if m.proxy != nil {
		clients, to = m.proxy.clientPorts(), m.proxy.port()
	}
	open, err := openPorts(to)
	if err != nil {
		return 0, err
	}
	n := int64(0)
	for _, port := range sessions {
		if m.proxy != nil {
			port = clients[port]
		}
		if open[port] {
			n++
		}
	}
	return n, nil
}
