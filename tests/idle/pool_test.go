package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
)

// modern is what both known drivers offer.
var modern = faultdriver.EveryConn

// pool is a pooled DB over a scriptable driver.
type pool struct {
	*sql.DB
	driver    *faultdriver.Driver
	connector *pooled.Connector
}

// newPool opens one. Inside a synctest bubble, all of it lives in the bubble.
func newPool(t *testing.T, caps faultdriver.ConnCaps, change func(*policy.Pool)) pool {
	t.Helper()
	return newPoolOf(t, caps, func(c *pooled.Config) {
		if change != nil {
			change(&c.Pool)
		}
	})
}

// newPoolOf is newPool with all settings to change, and middlewares.
func newPoolOf(t *testing.T, caps faultdriver.ConnCaps, change func(*pooled.Config), middlewares ...pooled.Middleware) pool {
	t.Helper()
	d := faultdriver.New(caps, faultdriver.EveryStmt)
	t.Cleanup(func() { assert.Empty(t, d.Violations(), "two used one connection at once") }) // once it is closed
	cfg := pooled.NewConfig()
	cfg.Connector, cfg.Pool.MaxIdleConns = d, policy.AllIdle // those that are about it say so
	if change != nil {
		change(&cfg)
	}
	db, connector := openConfig(t, cfg, middlewares...)
	return pool{db, d, connector}
}

func (p pool) stats() pooled.EndpointStats { return p.connector.Stats().Endpoints[0] }

// hold takes n server connections at once.
func (p pool) hold(t *testing.T, n int) []*sql.Conn {
	t.Helper()
	conns := make([]*sql.Conn, n)
	for i := range conns {
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "hold")
		require.NoError(t, err)
		conns[i] = conn
	}
	return conns
}

// idle makes n idle server connections.
func (p pool) idle(t *testing.T, n int) {
	t.Helper()
	for _, conn := range p.hold(t, n) {
		require.NoError(t, conn.Close())
	}
	require.Equal(t, n, p.stats().Idle)
}

func (p pool) exec(t *testing.T) {
	t.Helper()
	_, err := p.ExecContext(t.Context(), "exec")
	require.NoError(t, err)
}

// calls counts the calls of an operation that reached the driver.
func (p pool) calls(op faultdriver.Op) int {
	n := 0
	for _, call := range p.driver.Calls() {
		_, name, _ := strings.Cut(call, ".")
		name, _, _ = strings.Cut(name, " ")
		if name == string(op) {
			n++
		}
	}
	return n
}

func TestPoolKeepsAsManyConnectionsAsWereInUse(t *testing.T) {
	p := newPool(t, modern, nil)
	p.idle(t, 20)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 50 {
				_, err := p.Exec("exec")
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 20, p.stats().Dials)
}

func TestMaxIdleConnsClosesWhatComesBackOverIt(t *testing.T) {
	p := newPool(t, modern, func(s *policy.Pool) { s.MaxIdleConns = 2 })
	conns := p.hold(t, 5)
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
	require.NoError(t, p.Close()) // waits for those being closed
	assert.EqualValues(t, 3, p.stats().Closed.IdleLimit)
	assert.EqualValues(t, 2, p.stats().Closed.Shutdown)
	assert.Empty(t, p.driver.OpenConns())
}

func TestConnectionsAreReplacedWhenTheirLifetimeAndJitterAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) {
			s.MaxConnLifetime, s.MaxConnLifetimeJitter = time.Hour, 30*time.Minute
			s.MaxConnIdleTime = 0
		})
		p.idle(t, 100)
		borrowAll := func() {
			for _, conn := range p.hold(t, 100) {
				require.NoError(t, conn.Close())
			}
		}
		time.Sleep(59 * time.Minute)
		borrowAll()
		assert.Zero(t, p.stats().Closed.Lifetime, "before the lifetime is over, none is replaced")
		time.Sleep(16 * time.Minute)
		borrowAll()
		synctest.Wait()
		early := p.stats().Closed.Lifetime
		assert.Greater(t, early, uint64(20), "within the jitter, some are")
		assert.Less(t, early, uint64(80), "and some are not")
		time.Sleep(16 * time.Minute)
		borrowAll()
		synctest.Wait()
		assert.EqualValues(t, 100, p.stats().Closed.Lifetime, "after it, all are")
		assert.Equal(t, 100, p.stats().Open)
	})
}

func TestConnectionIsNotKeptWhenItComesBackAfterItsLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConnLifetime, s.MaxConnLifetimeJitter = time.Minute, 0 })
		conn := p.hold(t, 1)[0]
		time.Sleep(time.Hour)
		require.NoError(t, conn.Close())
		synctest.Wait()
		assert.EqualValues(t, 1, p.stats().Closed.Lifetime)
		assert.Zero(t, p.stats().Open)
	})
}

func TestIdleConnectionsAreClosedAfterTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConnIdleTime = 10 * time.Minute })
		p.idle(t, 3)
		time.Sleep(9 * time.Minute)
		p.exec(t)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.EqualValues(t, 2, p.stats().Closed.IdleTime)
		assert.Equal(t, 1, p.stats().Idle)
		time.Sleep(6 * time.Minute)
		assert.EqualValues(t, 3, p.stats().Closed.IdleTime, "that which was used last, too")
		assert.Zero(t, p.stats().Open)
		p.exec(t)
		assert.EqualValues(t, 4, p.stats().Dials)
	})
}

func TestIdleConnectionIsPingedOnceAtTheNextBorrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		p.exec(t)
		time.Sleep(999 * time.Millisecond)
		p.exec(t)
		assert.Zero(t, p.calls(faultdriver.Ping))
		time.Sleep(time.Second)
		p.exec(t)
		p.exec(t)
		assert.Equal(t, 1, p.calls(faultdriver.Ping))
	})
}

func TestLongStatementIsNotIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		conn := p.hold(t, 1)[0]
		time.Sleep(time.Hour / 2)
		require.NoError(t, conn.Close())
		p.exec(t)
		assert.Zero(t, p.calls(faultdriver.Ping))
	})
}

func TestValidateAfterNeverAndAlways(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		pings int
	}{{policy.NeverValidate, 0}, {0, 3}} {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(t, modern, func(s *policy.Pool) { s.ValidateAfter = c.after })
			for range 4 {
				p.exec(t)
				time.Sleep(time.Minute)
			}
			assert.Equal(t, c.pings, p.calls(faultdriver.Ping))
		})
	}
}

func TestDeadIdleConnectionsNeverReachTheBorrower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		p.idle(t, 10)
		p.driver.Hook(faultdriver.Ping, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			if c.Conn <= 10 { // those from before the server's restart
				return faultdriver.Outcome{Err: driver.ErrBadConn}
			}
			return faultdriver.Outcome{}
		})
		time.Sleep(2 * time.Second)
		for _, conn := range p.hold(t, 10) {
			require.NoError(t, conn.Close())
		}
		synctest.Wait()
		assert.EqualValues(t, 10, p.stats().Closed.Validation)
		assert.Equal(t, 10, p.stats().Open)
	})
}

// database/sql tries again with a new connection at last; a new session may not get an old server connection then.
func TestManyDeadConnectionsDoNotExhaustTheRetries(t *testing.T) {
	withoutPing := modern
	withoutPing.Pinger = false
	for name, caps := range map[string]faultdriver.ConnCaps{"with Pinger": modern, "without": withoutPing} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, caps, nil)
			p.idle(t, 20)
			dead := func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
				if c.Conn <= 20 {
					return faultdriver.Outcome{Err: driver.ErrBadConn}
				}
				return faultdriver.Outcome{}
			}
			p.driver.Hook(faultdriver.Exec, dead)
			p.driver.Hook(faultdriver.Ping, dead)
			for range 20 {
				p.exec(t)
			}
		})
	}
}

func TestConnectionThatWasInUseWhenAnotherWasFoundDeadIsSuspectToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		conns := p.hold(t, 2)
		time.Sleep(time.Millisecond)
		p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
		_, err := conns[0].ExecContext(t.Context(), "finds out")
		require.Equal(t, driver.ErrBadConn, err)
		time.Sleep(time.Millisecond)
		require.NoError(t, conns[1].Close()) // without a word of the server's meanwhile
		p.driver.Next(faultdriver.Ping, faultdriver.Outcome{Err: driver.ErrBadConn})
		p.exec(t)
		assert.EqualValues(t, 3, p.stats().Dials)
		assert.EqualValues(t, 1, p.stats().Closed.Validation)
	})
}

func TestDeadConnectionMakesTheOthersSuspect(t *testing.T) {
	p := newPool(t, modern, nil)
	p.idle(t, 3)
	p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
	p.exec(t) // the second try: on a suspect connection, which answers its ping
	assert.Equal(t, 1, p.calls(faultdriver.Ping))
	p.exec(t)
	assert.Equal(t, 1, p.calls(faultdriver.Ping), "one that was used since is trusted again")
	for _, conn := range p.hold(t, 2) {
		require.NoError(t, conn.Close())
	}
	assert.Equal(t, 2, p.calls(faultdriver.Ping))
}

// Neither the caller's deadline nor pool_acquire_timeout says anything about a connection.
func TestDeadlineWhileValidatingClosesNoHealthyConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.AcquireTimeout = 3 * time.Second })
		p.idle(t, 3)
		time.Sleep(time.Minute)
		p.driver.Next(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})}) // the others would answer
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		assert.Equal(t, 2, p.stats().Idle)
		assert.Equal(t, 1, p.calls(faultdriver.Ping))
		p.exec(t)
		assert.Equal(t, 2, p.stats().Open)
	})
}

func TestConnectionsThatDoNotAnswerLeaveTimeForADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		p.idle(t, 3)
		time.Sleep(time.Minute)
		p.driver.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			return faultdriver.Outcome{Wait: make(chan struct{})}
		})
		began := time.Now()
		p.exec(t)
		assert.Equal(t, 5*time.Second, time.Since(began), "half of pool_connect_timeout, once")
		assert.Equal(t, 1, p.calls(faultdriver.Ping))
		assert.EqualValues(t, 4, p.stats().Dials)
	})
}

func TestAcquireTimeoutExplainsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoolOf(t, modern, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Pool.AcquireTimeout, c.Leak.Threshold = 2, 5*time.Second, 0
			c.Nested = policy.NestedOff // or waiting for itself is a deadlock
		})
		held := p.hold(t, 1)
		time.Sleep(time.Minute)
		held = append(held, p.hold(t, 1)...)
		go p.Exec("exec") // one more waiter, a second ahead
		time.Sleep(time.Second)
		_, err := p.Exec("exec")
		var timeout *pooled.AcquireTimeoutError
		require.ErrorAs(t, err, &timeout)
		assert.Equal(t, pooled.AcquireTimeoutError{
			Endpoint: "*faultdriver.Driver", Waited: 5 * time.Second, Timeout: 5 * time.Second,
			MaxConns: 2, InUse: 2, OldestHeld: time.Minute + 6*time.Second, Waiters: 0,
			Cause: context.DeadlineExceeded,
		}, *timeout)
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.EqualError(t, err, "pooled: no server connection to *faultdriver.Driver after 5s (pool_acquire_timeout=5s): "+
			"2 of 2 permits (pool_max_conns) hold a connection in use, 0 are dialling, cleaning or closing, 0 more waiting; "+
			"the oldest has been held for 1m6s; "+
			"look for Rows, Tx or Conn that are never closed and for long transactions, or raise pool_max_conns")
		for _, conn := range held {
			require.NoError(t, conn.Close())
		}
		p.exec(t)
		assert.EqualValues(t, 2, p.stats().Waits)
		assert.Equal(t, 10*time.Second, p.stats().WaitTime)
	})
}

func TestCallersDeadlineWhileWaitingIsExplainedAndItsCancellationIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoolOf(t, modern, func(c *pooled.Config) { c.Pool.MaxConns, c.Nested = 1, policy.NestedOff }) // or waiting for itself is a deadlock
		held := p.hold(t, 1)[0]
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.ExecContext(ctx, "exec")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "the deadline of the caller's context")

		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err = p.ExecContext(ctx, "exec")
		assert.Equal(t, context.Canceled, err)
		require.NoError(t, held.Close())
	})
}

func TestPermitIsReturnedOnlyWhenTheConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConns = 1 })
		closing := make(chan struct{})
		p.driver.Next(faultdriver.Close, faultdriver.Outcome{Wait: closing})
		p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Invalid: true})
		p.exec(t) // comes back at once, although closing the connection takes long
		second := make(chan error)
		go func() {
			_, err := p.Exec("exec")
			second <- err
		}()
		synctest.Wait()
		assert.Equal(t, 1, p.stats().Waiting)
		assert.Equal(t, []int{1}, p.driver.OpenConns())
		close(closing)
		require.NoError(t, <-second)
		assert.Equal(t, []int{2}, p.driver.OpenConns())
	})
}

func TestOpenIsNeverMoreThanMaxConns(t *testing.T) {
	p := newPool(t, modern, func(s *policy.Pool) { s.MaxConns = 3 })
	p.driver.Hook(faultdriver.Exec, func(context.Context, faultdriver.Call) faultdriver.Outcome {
		if open := len(p.driver.OpenConns()); open > 3 {
			t.Errorf("%d connections open", open)
		}
		return faultdriver.Outcome{Invalid: time.Now().UnixNano()%3 == 0}
	})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 100 {
				_, err := p.Exec("exec")
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

func TestConnectionsInUseAtCloseAreClosedWhenTheyComeBack(t *testing.T) {
	p := newPool(t, modern, nil)
	conns := p.hold(t, 2)
	require.NoError(t, conns[0].Close())
	require.NoError(t, p.Close())
	assert.Equal(t, 1, p.stats().Open)
	require.NoError(t, conns[1].Close())
	assert.Zero(t, p.stats().Open)
	assert.EqualValues(t, 2, p.stats().Closed.Shutdown)
}

func TestCloseCountsNoDiscards(t *testing.T) {
	for name, dsn := range map[string]string{
		"PostgreSQL 15": testserver.Postgres(t), "PostgreSQL 18": testserver.Postgres18(t),
		"MariaDB": testserver.MariaDB(t), "MySQL": testserver.MySQL(t),
	} {
		for _, text := range []string{"select 1", "set lc_messages = 'C'", "begin", ""} {
			t.Run(name+", "+text, func(t *testing.T) {
				cfg, err := pooled.ParseDSN(dsn)
				require.NoError(t, err)
				cfg.Pool.MinIdleConns = 2
				if cfg.DriverName == "mysql" && strings.HasPrefix(text, "set") {
					text = "set sort_buffer_size = 65536"
				}
				db, connector := openConfig(t, cfg)
				for range 3 {
					conn, err := db.Conn(t.Context())
					require.NoError(t, err)
					if text != "" {
						_, err = conn.ExecContext(t.Context(), text)
						require.NoError(t, err)
					}
					require.NoError(t, conn.Close())
				}
				require.NoError(t, db.Close())
				stats := connector.Stats().Endpoints[0]
				assert.Equal(t, pooled.Closes{Shutdown: stats.Closed.Shutdown}, stats.Closed)
				assert.Zero(t, stats.Reset.Discards)
			})
		}
	}
}

func TestCloseEndsTheWaitOfSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConns = 1 })
		held := p.hold(t, 1)[0]
		waiting := make(chan error)
		go func() {
			_, err := p.Exec("exec")
			waiting <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close())
		require.EqualError(t, <-waiting, "sql: database is closed")
		require.NoError(t, held.Close())
	})
}

func TestCloseReachesTheRealConnector(t *testing.T) {
	closed := errors.New("closed")
	cfg := pooled.NewConfig()
	cfg.Connector = closingConnector{faultdriver.New(modern, faultdriver.EveryStmt), closed}
	connector, err := pooled.NewConnector(cfg)
	require.NoError(t, err)
	require.ErrorIs(t, sql.OpenDB(connector).Close(), closed)
}

type closingConnector struct {
	driver.Connector
	err error
}

func (c closingConnector) Close() error { return c.err }

func TestInitRunsOnceOnEveryNewConnection(t *testing.T) {
	withoutExec := modern
	withoutExec.Execer = faultdriver.Absent
	for name, caps := range map[string]faultdriver.ConnCaps{"with ExecerContext": modern, "without": withoutExec} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, caps, func(s *policy.Pool) { s.Init = "set x" })
			p.idle(t, 2)
			p.idle(t, 2)
			inits := slices.DeleteFunc(p.driver.Calls(), func(c string) bool {
				return !strings.Contains(c, `exec "set x"`)
			})
			assert.Len(t, inits, 2)
		})
	}
}

func TestFromFindsTheConnector(t *testing.T) {
	p := newPool(t, modern, nil)
	found, ok := pooled.From(p.DB)
	require.True(t, ok)
	assert.Same(t, p.connector, found)
	bare := sql.OpenDB(p.driver)
	defer bare.Close()
	_, ok = pooled.From(bare)
	assert.False(t, ok)
}
