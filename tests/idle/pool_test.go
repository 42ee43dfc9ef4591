package idle_test

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
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// MustExec makes a call that must succeed.

func TestPoolKeepsAsManyConnectionsAsWereInUse(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, nil)
	p.Idle(t, 20)
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
	assert.EqualValues(t, 20, p.EndpointStats().Dials)
}

func TestMaxIdleConnsClosesWhatComesBackOverIt(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxIdleConns = 2 })
	conns := p.Hold(t, 5)
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
	require.NoError(t, p.Close()) // waits for those being closed
	assert.EqualValues(t, 3, p.EndpointStats().Closed.IdleLimit)
	assert.EqualValues(t, 2, p.EndpointStats().Closed.Shutdown)
	assert.Empty(t, p.Fault.OpenConns())
}

func TestConnectionsAreReplacedWhenTheirLifetimeAndJitterAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) {
			s.MaxConnLifetime, s.MaxConnLifetimeJitter = time.Hour, 30*time.Minute
			s.MaxConnIdleTime = 0
		})
		p.Idle(t, 100)
		borrowAll := func() {
			for _, conn := range p.Hold(t, 100) {
				require.NoError(t, conn.Close())
			}
		}
		time.Sleep(59 * time.Minute)
		borrowAll()
		assert.Zero(t, p.EndpointStats().Closed.Lifetime, "before the lifetime is over, none is replaced")
		time.Sleep(16 * time.Minute)
		borrowAll()
		synctest.Wait()
		early := p.EndpointStats().Closed.Lifetime
		assert.Greater(t, early, uint64(20), "within the jitter, some are")
		assert.Less(t, early, uint64(80), "and some are not")
		time.Sleep(16 * time.Minute)
		borrowAll()
		synctest.Wait()
		assert.EqualValues(t, 100, p.EndpointStats().Closed.Lifetime, "after it, all are")
		assert.Equal(t, 100, p.EndpointStats().Open)
	})
}

func TestConnectionIsNotKeptWhenItComesBackAfterItsLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConnLifetime, s.MaxConnLifetimeJitter = time.Minute, 0 })
		conn := p.Hold(t, 1)[0]
		time.Sleep(time.Hour)
		require.NoError(t, conn.Close())
		synctest.Wait()
		assert.EqualValues(t, 1, p.EndpointStats().Closed.Lifetime)
		assert.Zero(t, p.EndpointStats().Open)
	})
}

func TestIdleConnectionsAreClosedAfterTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConnIdleTime = 10 * time.Minute })
		p.Idle(t, 3)
		time.Sleep(9 * time.Minute)
		p.MustExec(t)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.EqualValues(t, 2, p.EndpointStats().Closed.IdleTime)
		assert.Equal(t, 1, p.EndpointStats().Idle)
		time.Sleep(6 * time.Minute)
		assert.EqualValues(t, 3, p.EndpointStats().Closed.IdleTime, "that which was used last, too")
		assert.Zero(t, p.EndpointStats().Open)
		p.MustExec(t)
		assert.EqualValues(t, 4, p.EndpointStats().Dials)
	})
}

func TestIdleConnectionIsPingedOnceAtTheNextBorrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.MustExec(t)
		time.Sleep(999 * time.Millisecond)
		p.MustExec(t)
		assert.Zero(t, p.Calls(faultdriver.Ping))
		time.Sleep(time.Second)
		p.MustExec(t)
		p.MustExec(t)
		assert.Equal(t, 1, p.Calls(faultdriver.Ping))
	})
}

func TestLongStatementIsNotIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		conn := p.Hold(t, 1)[0]
		time.Sleep(time.Hour / 2)
		require.NoError(t, conn.Close())
		p.MustExec(t)
		assert.Zero(t, p.Calls(faultdriver.Ping))
	})
}

func TestValidateAfterNeverAndAlways(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		pings int
	}{{policy.NeverValidate, 0}, {0, 3}} {
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.ValidateAfter = c.after })
			for range 4 {
				p.MustExec(t)
				time.Sleep(time.Minute)
			}
			assert.Equal(t, c.pings, p.Calls(faultdriver.Ping))
		})
	}
}

func TestDeadIdleConnectionsNeverReachTheBorrower(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Idle(t, 10)
		p.Fault.Hook(faultdriver.Ping, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			if c.Conn <= 10 { // those from before the server's restart
				return faultdriver.Outcome{Err: driver.ErrBadConn}
			}
			return faultdriver.Outcome{}
		})
		time.Sleep(2 * time.Second)
		for _, conn := range p.Hold(t, 10) {
			require.NoError(t, conn.Close())
		}
		synctest.Wait()
		assert.EqualValues(t, 10, p.EndpointStats().Closed.Validation)
		assert.Equal(t, 10, p.EndpointStats().Open)
	})
}

// database/sql tries again with a new connection at last; a new session may not get an old server connection then.
func TestManyDeadConnectionsDoNotExhaustTheRetries(t *testing.T) {
	withoutPing := pooltest.Modern
	withoutPing.Pinger = false
	for name, caps := range map[string]faultdriver.ConnCaps{"with Pinger": pooltest.Modern, "without": withoutPing} {
		t.Run(name, func(t *testing.T) {
			p := pooltest.NewPool(t, caps, nil)
			p.Idle(t, 20)
			dead := func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
				if c.Conn <= 20 {
					return faultdriver.Outcome{Err: driver.ErrBadConn}
				}
				return faultdriver.Outcome{}
			}
			p.Fault.Hook(faultdriver.Exec, dead)
			p.Fault.Hook(faultdriver.Ping, dead)
			for range 20 {
				p.MustExec(t)
			}
		})
	}
}

func TestConnectionThatWasInUseWhenAnotherWasFoundDeadIsSuspectToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		conns := p.Hold(t, 2)
		time.Sleep(time.Millisecond)
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
		_, err := conns[0].ExecContext(t.Context(), "finds out")
		require.Equal(t, driver.ErrBadConn, err)
		time.Sleep(time.Millisecond)
		require.NoError(t, conns[1].Close()) // without a word of the server's meanwhile
		p.Fault.Next(faultdriver.Ping, faultdriver.Outcome{Err: driver.ErrBadConn})
		p.MustExec(t)
		assert.EqualValues(t, 3, p.EndpointStats().Dials)
		assert.EqualValues(t, 1, p.EndpointStats().Closed.Validation)
	})
}

func TestDeadConnectionMakesTheOthersSuspect(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, nil)
	p.Idle(t, 3)
	p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
	p.MustExec(t) // the second try: on a suspect connection, which answers its ping
	assert.Equal(t, 1, p.Calls(faultdriver.Ping))
	p.MustExec(t)
	assert.Equal(t, 1, p.Calls(faultdriver.Ping), "one that was used since is trusted again")
	for _, conn := range p.Hold(t, 2) {
		require.NoError(t, conn.Close())
	}
	assert.Equal(t, 2, p.Calls(faultdriver.Ping))
}

// Neither the caller's deadline nor pool_acquire_timeout says anything about a connection.
func TestDeadlineWhileValidatingClosesNoHealthyConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.AcquireTimeout = 3 * time.Second })
		p.Idle(t, 3)
		time.Sleep(time.Minute)
		p.Fault.Next(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})}) // the others would answer
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		assert.Equal(t, 2, p.EndpointStats().Idle)
		assert.Equal(t, 1, p.Calls(faultdriver.Ping))
		p.MustExec(t)
		assert.Equal(t, 2, p.EndpointStats().Open)
	})
}

func TestConnectionsThatDoNotAnswerLeaveTimeForADial(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Idle(t, 3)
		time.Sleep(time.Minute)
		p.Fault.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			return faultdriver.Outcome{Wait: make(chan struct{})}
		})
		began := time.Now()
		p.MustExec(t)
		assert.Equal(t, 5*time.Second, time.Since(began), "half of pool_connect_timeout, once")
		assert.Equal(t, 1, p.Calls(faultdriver.Ping))
		assert.EqualValues(t, 4, p.EndpointStats().Dials)
	})
}

func TestAcquireTimeoutExplainsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Pool.AcquireTimeout, c.Leak.Threshold = 2, 5*time.Second, 0
			c.Nested = policy.NestedOff // or waiting for itself is a deadlock
		})
		held := p.Hold(t, 1)
		time.Sleep(time.Minute)
		held = append(held, p.Hold(t, 1)...)
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
		p.MustExec(t)
		assert.EqualValues(t, 2, p.EndpointStats().Waits)
		assert.Equal(t, 10*time.Second, p.EndpointStats().WaitTime)
	})
}

func TestCallersDeadlineWhileWaitingIsExplainedAndItsCancellationIsNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Pool.MaxConns, c.Nested = 1, policy.NestedOff }) // or waiting for itself is a deadlock
		held := p.Hold(t, 1)[0]
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
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 1 })
		closing := make(chan struct{})
		p.Fault.Next(faultdriver.Close, faultdriver.Outcome{Wait: closing})
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Invalid: true})
		p.MustExec(t) // comes back at once, although closing the connection takes long
		second := make(chan error)
		go func() {
			_, err := p.Exec("exec")
			second <- err
		}()
		synctest.Wait()
		assert.Equal(t, 1, p.EndpointStats().Waiting)
		assert.Equal(t, []int{1}, p.Fault.OpenConns())
		close(closing)
		require.NoError(t, <-second)
		assert.Equal(t, []int{2}, p.Fault.OpenConns())
	})
}

func TestOpenIsNeverMoreThanMaxConns(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 3 })
	p.Fault.Hook(faultdriver.Exec, func(context.Context, faultdriver.Call) faultdriver.Outcome {
		if open := len(p.Fault.OpenConns()); open > 3 {
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
	p := pooltest.NewPool(t, pooltest.Modern, nil)
	conns := p.Hold(t, 2)
	require.NoError(t, conns[0].Close())
	require.NoError(t, p.Close())
	assert.Equal(t, 1, p.EndpointStats().Open)
	require.NoError(t, conns[1].Close())
	assert.Zero(t, p.EndpointStats().Open)
	assert.EqualValues(t, 2, p.EndpointStats().Closed.Shutdown)
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
				db, connector := pooltest.Open(t, cfg)
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
				end := connector.Stats().Endpoints[0]
				assert.Equal(t, stats.Closes{Shutdown: end.Closed.Shutdown}, end.Closed)
				assert.Zero(t, end.Reset.Discards)
			})
		}
	}
}

func TestCloseEndsTheWaitOfSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 1 })
		held := p.Hold(t, 1)[0]
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
	cfg.Connector = closingConnector{faultdriver.New(pooltest.Modern, faultdriver.EveryStmt), closed}
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
	withoutExec := pooltest.Modern
	withoutExec.Execer = faultdriver.Absent
	for name, caps := range map[string]faultdriver.ConnCaps{"with ExecerContext": pooltest.Modern, "without": withoutExec} {
		t.Run(name, func(t *testing.T) {
			p := pooltest.NewPool(t, caps, func(s *policy.Pool) { s.Init = "set x" })
			p.Idle(t, 2)
			p.Idle(t, 2)
			inits := slices.DeleteFunc(p.Fault.Calls(), func(c string) bool {
				return !strings.Contains(c, `exec "set x"`)
			})
			assert.Len(t, inits, 2)
		})
	}
}

func TestFromFindsTheConnector(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, nil)
	found, ok := pooled.From(p.DB)
	require.True(t, ok)
	assert.Same(t, p.Connector, found)
	bare := sql.OpenDB(p.Fault)
	defer bare.Close()
	_, ok = pooled.From(bare)
	assert.False(t, ok)
}
