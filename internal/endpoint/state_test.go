package endpoint

import (
	"context"
	"database/sql/driver"
	"github.com/gopooled/pooled/stats"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// newEndpoint makes one over a scriptable driver, which must not have been misused when the test is over.
func newEndpoint(t *testing.T, change func(*policy.Pool)) (*Endpoint, *faultdriver.Driver) {
	t.Helper()
	d := faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
	pool := policy.NewConfig().Pool
	pool.MaxIdleConns = policy.AllIdle
	change(&pool)
	e := New(Options{
		Info: &middleware.Endpoint{Name: "test"}, Server: dialect.Server{Connector: d}, Dialect: dialect.Generic{},
		Pool: pool, LastID: new(atomic.Uint64), Logger: slog.New(slog.DiscardHandler),
	})
	e.Open()
	t.Cleanup(func() {
		assert.NoError(t, e.Close())
		assert.Empty(t, d.Violations(), "one connection was used by two at once, or after it was closed")
		assert.Empty(t, d.OpenConns())
		s := e.Stats()
		assert.Zero(t, s.Open)
		assert.Zero(t, s.InUse)
		assert.Zero(t, s.Idle)
		assert.Zero(t, e.idle.Load())
		assert.Equal(t, s.Dials-s.FailedDials, total(&s.Closed), "each was closed once, for one reason")
		assert.Zero(t, e.gate.State().Taken)
	})
	return e, d
}

func total(c *stats.Closes) (n uint64) {
	for _, r := range c.Reasons() {
		n += r.Conns
	}
	return n
}

// borrow takes a connection as a session does.
func (e *Endpoint) borrow(ctx context.Context, r *Request) (*Conn, error) {
	c, _, err := e.Acquire(ctx, r)
	if err == nil {
		c.BeginBorrow(middleware.Borrower{}, middleware.Exec, "exec")
	}
	return c, err
}

// giveBack gives it back as a session does.
func (e *Endpoint) giveBack(c *Conn, discard bool) {
	c.EndBorrow()
	e.Release(&middleware.Release{Conn: c, Discard: discard})
}

// hold borrows so many connections at once, and returns them in the order in which they were dialled.
func hold(t *testing.T, e *Endpoint, n int) []*Conn {
	t.Helper()
	conns := make([]*Conn, n)
	for i := range conns {
		var err error
		conns[i], err = e.borrow(t.Context(), &Request{})
		require.NoError(t, err)
	}
	return conns
}

func TestStateChangesOnlyAsItMay(t *testing.T) {
	phases := []phase{inUse, returning, idle, looked, maintained, wanted, closed}
	for name, c := range map[string]struct {
		change func(c *Conn)
		legal  map[phase]phase
		panics []phase
	}{
		"take":        {func(c *Conn) { c.take(inUse) }, map[phase]phase{idle: inUse, maintained: wanted}, nil},
		"leave":       {(*Conn).leave, map[phase]phase{inUse: idle}, []phase{returning, idle, looked, maintained, wanted, closed}},
		"beginReturn": {func(c *Conn) { c.beginReturn() }, map[phase]phase{inUse: returning}, nil},
		"endReturn":   {func(c *Conn) { c.endReturn() }, map[phase]phase{returning: inUse}, nil},
		"look":        {func(c *Conn) { c.look() }, map[phase]phase{idle: looked}, nil},
		"maintain":    {(*Conn).maintain, map[phase]phase{looked: maintained}, []phase{inUse, returning, idle, maintained, wanted, closed}},
		"rest":        {(*Conn).rest, map[phase]phase{looked: idle, maintained: idle, wanted: idle}, nil},
		"shut": {func(c *Conn) { c.shut() }, map[phase]phase{inUse: closed, returning: closed, looked: closed, maintained: closed, wanted: closed},
			[]phase{idle, closed}},
	} {
		for _, from := range phases {
			if name == "take" && from == looked {
				continue // it waits
			}
			var conn Conn
			conn.state.word.Store(uint32(from))
			want, ok := c.legal[from]
			if !ok {
				want = from
			}
			panics := false
			func() {
				defer func() { panics = recover() != nil }()
				c.change(&conn)
			}()
			assert.Equal(t, want, conn.state.phase(), "%s from %d", name, from)
			assert.Equal(t, slices.Contains(c.panics, from), panics, "%s from %d", name, from)
		}
	}
}

// Borrowers, the endpoint and those who close it want the same few connections, all the time.
func TestConnectionIsUsedByOneAndClosedOnceWhateverHappensAtTheSameMoment(t *testing.T) {
	for name, maxConns := range map[string]int{"without a limit": 0, "with pool_max_conns": 4} {
		t.Run(name, func(t *testing.T) {
			const borrowers, borrows = 8, 500
			e, d := newEndpoint(t, func(p *policy.Pool) {
				p.MaxConns, p.MinIdleConns, p.MaxIdleConns = maxConns, 2, 3
				p.Keepalive, p.ValidateAfter, p.MaxConnLifetime = time.Nanosecond, 0, 20*time.Millisecond
			})
			sometimes := func(of int) func(context.Context, faultdriver.Call) faultdriver.Outcome {
				var n atomic.Int64
				return func(context.Context, faultdriver.Call) faultdriver.Outcome {
					runtime.Gosched()
					if n.Add(1)%int64(of) == 0 {
						return faultdriver.Outcome{Err: driver.ErrBadConn}
					}
					return faultdriver.Outcome{}
				}
			}
			d.Hook(faultdriver.Ping, sometimes(7))
			d.Hook(faultdriver.Reset, sometimes(50))
			d.Hook(faultdriver.Exec, sometimes(100))
			d.Hook(faultdriver.Connect, sometimes(60))

			var users sync.Map // *Conn to its number of users
			use := func(c *Conn, by int64) int64 {
				n, _ := users.LoadOrStore(c, new(atomic.Int64))
				return n.(*atomic.Int64).Add(by)
			}
			var borrowed atomic.Int64
			var working, maintaining sync.WaitGroup
			for range borrowers {
				working.Go(func() {
					r := &Request{}
					for n := 0; n < borrows; {
						ctx, cancel := context.WithCancel(t.Context())
						if rand.IntN(10) == 0 {
							go cancel()
						}
						c, err := e.borrow(ctx, r)
						cancel()
						if err != nil {
							runtime.Gosched()
							continue
						}
						n++
						borrowed.Add(1)
						if n := use(c, 1); n != 1 {
							t.Errorf("%d have the connection", n)
						}
						_, _ = c.Exec(t.Context(), "exec", false, nil)
						c.EndCall(false)
						giveBack := func(context.Context) {
							use(c, -1)
							e.giveBack(c, rand.IntN(20) == 0)
						}
						if rand.IntN(4) != 0 || !c.Background(giveBack) {
							giveBack(t.Context())
						}
					}
				})
			}
			var over atomic.Bool
			every := func(n int64, do func()) {
				maintaining.Go(func() {
					for next := n; !over.Load(); runtime.Gosched() {
						if borrowed.Load() >= next {
							do()
							next = borrowed.Load() + n
						}
					}
				})
			}
			every(3, e.LookAfter)
			every(30, e.trim)
			every(100, e.Retire)
			every(50, func() { e.relieve(t.Context()) })
			every(20, func() { _ = e.Warm(t.Context(), "text") })
			every(1000, func() {
				assert.NoError(t, e.Close())
				e.Open()
				e.Resume()
			})
			every(1, func() {
				s := e.Stats()
				assert.GreaterOrEqual(t, s.Idle, 0)
				if maxConns > 0 {
					assert.LessOrEqual(t, s.Open, maxConns)
				}
			})
			working.Wait()
			over.Store(true)
			maintaining.Wait()
			t.Logf("closed: %+v", e.Stats().Closed)
		})
	}
}

// database/sql itself looks at two dead connections before it dials.
func TestHealthyIdleConnectionIsUsedBeforeADialHoweverManyDeadOnesComeFirst(t *testing.T) {
	for name, kill := range map[string]func(e *Endpoint, d *faultdriver.Driver){
		"found by the borrower": func(_ *Endpoint, d *faultdriver.Driver) { d.Hook(faultdriver.Ping, deadBut1) },
		"found by the driver":   func(_ *Endpoint, d *faultdriver.Driver) { d.Hook(faultdriver.Reset, deadBut1) },
		"closed by the endpoint": func(e *Endpoint, d *faultdriver.Driver) {
			e.eachIdle(func(c *Conn) (maintained bool) {
				if c.id != 1 {
					e.closeIdle(c, retired)
				}
				return false
			})
		},
	} {
		for _, n := range []int{2, 3, 4, 10, 100} {
			synctest.Test(t, func(t *testing.T) {
				e, d := newEndpoint(t, func(p *policy.Pool) { p.ValidateAfter = 0 })
				for _, c := range hold(t, e, n) { // the first, which is healthy, is the last to be chosen
					e.giveBack(c, false)
				}
				kill(e, d)
				began := time.Now()
				c, err := e.borrow(t.Context(), &Request{})
				require.NoError(t, err)
				assert.EqualValues(t, 1, c.id, name)
				assert.EqualValues(t, n, e.Stats().Dials, name)
				assert.Equal(t, 1, e.Stats().Open)
				assert.Zero(t, time.Since(began), "it does not wait for anything")
				e.giveBack(c, false)
			})
		}
	}
}

// deadBut1 has all connections be dead but the first.
func deadBut1(_ context.Context, call faultdriver.Call) faultdriver.Outcome {
	if call.Conn == 1 {
		return faultdriver.Outcome{}
	}
	return faultdriver.Outcome{Err: driver.ErrBadConn}
}

// A server that refuses each of many connections slowly must not take all the time from the dial.
func TestDeadConnectionsLeaveTimeForADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, d := newEndpoint(t, func(p *policy.Pool) { p.ValidateAfter, p.ConnectTimeout = 0, 10*time.Second })
		for _, c := range hold(t, e, 1000) {
			e.giveBack(c, false)
		}
		d.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			time.Sleep(50 * time.Millisecond)
			return faultdriver.Outcome{Err: driver.ErrBadConn}
		})
		began := time.Now()
		c, err := e.borrow(t.Context(), &Request{})
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(began), 5100*time.Millisecond)
		assert.EqualValues(t, 1001, c.id)
		assert.EqualValues(t, 1000, e.Stats().Closed.Validation)
		e.giveBack(c, false)
	})
}

func TestBorrowerTakesAnotherIdleConnectionWhereOneIsBeingPinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, d := newEndpoint(t, func(p *policy.Pool) { p.ValidateAfter = policy.NeverValidate })
		for _, c := range hold(t, e, 3) {
			e.giveBack(c, false)
		}
		pinged, answer := make(chan struct{}), make(chan struct{})
		d.Hook(faultdriver.Ping, func(_ context.Context, call faultdriver.Call) faultdriver.Outcome {
			if call.Conn != 2 {
				return faultdriver.Outcome{}
			}
			close(pinged)
			return faultdriver.Outcome{Wait: answer}
		})
		time.Sleep(policy.NewConfig().Pool.Keepalive - time.Second)
		c, err := e.borrow(t.Context(), &Request{}) // the third, which is not silent any more
		require.NoError(t, err)
		require.EqualValues(t, 3, c.id)
		<-pinged // the second
		began := time.Now()
		other, err := e.borrow(t.Context(), &Request{})
		require.NoError(t, err)
		assert.Zero(t, time.Since(began))
		assert.EqualValues(t, 1, other.id)
		close(answer)
		synctest.Wait()
		e.giveBack(c, false)
		e.giveBack(other, false)
		assert.Equal(t, 3, e.Stats().Idle)
		assert.EqualValues(t, 3, e.Stats().Dials)
	})
}

func TestBorrowerTakesWhatComesBackWhereAllThatAreIdleArePinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, d := newEndpoint(t, func(p *policy.Pool) { p.ValidateAfter = policy.NeverValidate })
		conns := hold(t, e, 2)
		e.giveBack(conns[0], false)
		pinged, answer := make(chan struct{}), make(chan struct{})
		d.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			close(pinged)
			return faultdriver.Outcome{Wait: answer}
		})
		<-pinged
		got := make(chan *Conn)
		go func() {
			c, err := e.borrow(t.Context(), &Request{})
			assert.NoError(t, err)
			got <- c
		}()
		synctest.Wait()
		began := time.Now()
		e.giveBack(conns[1], false)
		c := <-got
		assert.Zero(t, time.Since(began))
		assert.EqualValues(t, 2, c.id)
		close(answer)
		synctest.Wait()
		e.giveBack(c, false)
		assert.EqualValues(t, 2, e.Stats().Dials)
	})
}
