package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
)

func TestIdleConnectionsArePingedInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		p.idle(t, 3)
		var mu sync.Mutex // guards pings: connections are pinged beside each other
		pings := map[int]int{}
		p.driver.Hook(faultdriver.Ping, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			mu.Lock()
			defer mu.Unlock()
			pings[c.Conn]++
			return faultdriver.Outcome{}
		})
		time.Sleep(7 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, map[int]int{1: 3, 2: 3, 3: 3}, pings)
		assert.Equal(t, 3, p.stats().Idle)
		assert.EqualValues(t, 3, p.stats().Dials)
	})
}

func TestIdleConnectionThatDoesNotAnswerIsClosedBeforeAnybodyGetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		p.idle(t, 2)
		p.driver.Hook(faultdriver.Ping, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			if c.Conn == 1 {
				return faultdriver.Outcome{Err: driver.ErrBadConn}
			}
			return faultdriver.Outcome{}
		})
		time.Sleep(3 * time.Minute)
		assert.Equal(t, 1, p.stats().Idle)
		assert.Equal(t, 1, p.stats().Open)
		assert.EqualValues(t, 1, p.stats().Closed.Validation)
		for range 3 {
			p.exec(t)
		}
		assert.EqualValues(t, 2, p.stats().Dials)
	})
}

// untilPinged waits until the endpoint pings an idle connection.
func (p pool) untilPinged() {
	for p.calls(faultdriver.Ping) == 0 {
		time.Sleep(100 * time.Millisecond)
	}
}

func TestBorrowerWaitsForThePingOfItsConnectionAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.ValidateAfter = policy.NeverValidate })
		p.idle(t, 1)
		answer := make(chan struct{})
		p.driver.Always(faultdriver.Ping, faultdriver.Outcome{Wait: answer})
		p.untilPinged()

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := p.ExecContext(ctx, "impatient")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 1, p.stats().Open, "a borrower who gives up costs no connection")

		began := time.Now()
		time.AfterFunc(time.Second, func() { close(answer) })
		p.exec(t)
		assert.Equal(t, time.Second, time.Since(began))
		assert.EqualValues(t, 1, p.stats().Dials)
	})
}

func TestBorrowerGetsAnotherConnectionWhenThePingOfItsOwnFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.ValidateAfter = policy.NeverValidate })
		p.idle(t, 1)
		p.driver.Always(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})})
		p.untilPinged()
		began := time.Now()
		p.exec(t)
		assert.LessOrEqual(t, time.Since(began), 2*time.Second)
		assert.EqualValues(t, 2, p.stats().Dials)
		assert.EqualValues(t, 1, p.stats().Closed.Validation)
	})
}

func TestIdleConnectionsAreClosedWhenTheirLifetimeIsOverAndNotTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConnIdleTime = 0 })
		p.idle(t, 20)
		time.Sleep(time.Hour)
		assert.Equal(t, 20, p.stats().Open)
		closedIn := 0
		for last := 20; last > 0; closedIn++ {
			time.Sleep(time.Minute)
			require.Less(t, closedIn, 10, "the jitter is over")
			last = p.stats().Open
		}
		assert.Greater(t, closedIn, 3, "they were not closed together")
		assert.EqualValues(t, 20, p.stats().Closed.Lifetime)
		p.exec(t)
		assert.EqualValues(t, 21, p.stats().Dials)
	})
}

func TestMinIdleConnsAreReadyBeforeTheFirstCallAndStayReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MinIdleConns, s.MaxConns = 3, 8 })
		require.NoError(t, p.connector.Warm(t.Context()))
		synctest.Wait()
		assert.Equal(t, 3, p.stats().Idle)
		assert.EqualValues(t, 3, p.stats().Dials)
		conns := p.hold(t, 3)
		assert.EqualValues(t, 3, p.stats().Dials, "nobody had to wait for a dial")
		time.Sleep(2 * time.Second)
		assert.Equal(t, 3, p.stats().Idle, "others are ready")
		conns = append(conns, p.hold(t, 3)...)
		time.Sleep(2 * time.Second)
		assert.Equal(t, 8, p.stats().Open, "pool_max_conns")
		for _, c := range conns {
			require.NoError(t, c.Close())
		}
	})
}

func TestBorrowerDoesNotWaitForAllThatIsToBePrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MinIdleConns, s.MaxConns = 1, 1 })
		require.NoError(t, p.connector.Warm(t.Context()))
		p.driver.Hook(faultdriver.Prepare, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			time.Sleep(time.Second)
			return faultdriver.Outcome{}
		})
		warmed := make(chan error, 1)
		go func() { warmed <- p.connector.Warm(t.Context(), "a", "b", "c") }()
		synctest.Wait()
		began := time.Now()
		p.exec(t)
		assert.Equal(t, time.Second, time.Since(began), "one, and not three")
		require.NoError(t, <-warmed)
		assert.EqualValues(t, 1, p.stats().Dials)
	})
}

func TestOftenUsedStatementsArePreparedOnNewWarmConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MinIdleConns, s.WarmStatements = 1, 2 })
		for text, times := range map[string]int{"often": 9, "sometimes": 4, "seldom": 1} {
			st, err := p.PrepareContext(t.Context(), text)
			require.NoError(t, err)
			for range times {
				_, err := st.ExecContext(t.Context())
				require.NoError(t, err)
			}
			require.NoError(t, st.Close())
		}
		var mu sync.Mutex // guards prepared
		prepared := map[string]int{}
		p.driver.Hook(faultdriver.Prepare, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			mu.Lock()
			defer mu.Unlock()
			prepared[c.Text]++
			return faultdriver.Outcome{}
		})
		require.NoError(t, p.connector.Evict(""))
		time.Sleep(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, map[string]int{"often": 1, "sometimes": 1}, prepared)
	})
}

func TestMinIdleConnsAreDialledAgainAfterFailuresWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		_ = p
		var dials atomic.Int64
		q := newPoolOf(t, modern, func(c *pooled.Config) {
			c.Pool.MinIdleConns = 2
			c.Connector.(*faultdriver.Driver).Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
				dials.Add(1)
				return faultdriver.Outcome{Err: errNobody}
			})
		})
		time.Sleep(5 * time.Minute)
		n := dials.Load()
		assert.Greater(t, n, int64(10))
		assert.Less(t, n, int64(60), "it does not run the server over")
		require.Equal(t, errNobody, q.connector.Warm(t.Context()))
		q.driver.Hook(faultdriver.Connect, nil)
		time.Sleep(time.Minute)
		assert.Equal(t, 2, q.stats().Idle)
	})
}

func TestNothingIsWarmedThroughAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) { c.Pool.MinIdleConns, c.Breaker.Cooldown = 2, 30*time.Second })
		time.Sleep(time.Second)
		p.fail(t, faultdriver.Exec, errReset, 5)
		p.requireOpen(t)
		dials := p.calls(faultdriver.Connect)
		require.NoError(t, p.connector.Evict(""))
		time.Sleep(20 * time.Second)
		assert.Equal(t, dials, p.calls(faultdriver.Connect))
		require.ErrorIs(t, p.connector.Warm(t.Context()), pooled.ErrBreakerOpen)
		time.Sleep(time.Minute)
		assert.Equal(t, 2, p.stats().Idle)
	})
}

func TestOnlySoManyConnectionsAreDialledAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConns = 50 })
		var now, most atomic.Int64
		p.driver.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			now.Add(-1)
			return faultdriver.Outcome{}
		})
		var wg sync.WaitGroup
		for range 200 {
			wg.Go(func() {
				_, err := p.Exec("exec")
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		assert.EqualValues(t, 4, most.Load())
		assert.LessOrEqual(t, p.stats().Open, 50)
	})
}

func TestDialIsTriedAgainWhileThereIsTimeToWait(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	tests := []struct {
		name    string
		err     error
		timeout time.Duration
		dials   int
		ok      bool
	}{
		{"a server that starts", refused, 30 * time.Second, 4, true},
		{"without pool_acquire_timeout, as the bare driver", refused, 0, 1, false},
		{"for an error that will not pass", errors.New("wrong password"), 30 * time.Second, 1, false},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPool(t, modern, func(s *policy.Pool) { s.AcquireTimeout = tc.timeout })
				p.driver.Next(faultdriver.Connect, faultdriver.Outcome{Err: tc.err}, faultdriver.Outcome{Err: tc.err}, faultdriver.Outcome{Err: tc.err})
				began := time.Now()
				_, err := p.Exec("exec")
				if tc.ok {
					require.NoError(t, err)
					assert.NotZero(t, time.Since(began))
				} else {
					require.Equal(t, tc.err, err)
					assert.Zero(t, time.Since(began))
				}
				assert.EqualValues(t, tc.dials, p.stats().Dials)
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.AcquireTimeout = 5 * time.Second })
		p.driver.Always(faultdriver.Connect, faultdriver.Outcome{Err: refused})
		began := time.Now()
		_, err := p.Exec("exec")
		require.Equal(t, refused, err, "the driver's error says more than a timeout")
		assert.LessOrEqual(t, time.Since(began), 5*time.Second)
		assert.Less(t, p.stats().Dials, uint64(12))
	})
}

func TestEvictClosesIdleConnectionsNowAndOthersWhenTheyComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		held := p.hold(t, 2)
		p.idle(t, 3)
		require.ErrorContains(t, p.connector.Evict("nowhere"), `there is no endpoint "nowhere"`)
		require.NoError(t, p.connector.Evict(""))
		synctest.Wait()
		assert.Equal(t, 2, p.stats().Open)
		_, err := held[0].ExecContext(t.Context(), "go on")
		require.NoError(t, err)
		for _, c := range held {
			require.NoError(t, c.Close())
		}
		synctest.Wait()
		assert.Zero(t, p.stats().Open)
		assert.EqualValues(t, 5, p.stats().Closed.Retired)
		time.Sleep(time.Second)
		p.exec(t)
		assert.Equal(t, 1, p.stats().Idle)
	})
}

func TestDrainLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConns = 3 })
		held := p.hold(t, 2)
		p.idle(t, 1)
		tx, err := p.Begin()
		require.NoError(t, err)
		waiting := make(chan error, 1)
		go func() {
			_, err := p.Exec("waits since before")
			waiting <- err
		}()
		synctest.Wait()
		drained := make(chan error, 1)
		go func() {
			left, err := p.connector.Drain(t.Context())
			assert.Empty(t, left)
			drained <- err
		}()
		synctest.Wait()
		_, err = p.Exec("too late")
		require.ErrorIs(t, err, pooled.ErrDraining)
		require.NotErrorIs(t, err, driver.ErrBadConn)
		_, err = tx.Exec("update")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
		require.NoError(t, <-waiting)
		for _, c := range held {
			time.Sleep(time.Second)
			require.NoError(t, c.Close())
		}
		require.NoError(t, <-drained)
		assert.Zero(t, p.stats().Open)
	})
}

func TestDrainTellsWhatIsStillHeldWhenItsTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		conn := p.hold(t, 1)[0]
		p.idle(t, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		left, err := p.connector.Drain(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, left, 1)
		assert.Equal(t, "hold", left[0].Text)
		assert.Equal(t, 1, p.stats().Open)
		require.NoError(t, conn.Close())
	})
}

func TestDrainCanLetNewBorrowersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.DrainWaits = true })
		p.idle(t, 1)
		_, err := p.connector.Drain(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = p.ExecContext(ctx, "waits")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		failed := make(chan error, 1)
		go func() {
			_, err := p.Exec("waits for ever")
			failed <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close())
		require.ErrorIs(t, <-failed, pooled.ErrDraining)
	})
}

// endingDialect takes one error for that of a server which ends a connection, and another for that of one which ends them all.
type endingDialect struct{ dialect.Generic }

var errEnded, errCrashed = errors.New("terminated by the server"), errors.New("crashed")

func init() { dialect.Register("fault driver that ends", endingDialect{}) }

func (endingDialect) Owns(d driver.Driver) bool {
	_, ok := d.(endingDriver)
	return ok
}

func (endingDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "ending"}
}

func (endingDialect) Classify(err error) dialect.ErrorClass {
	switch err {
	case errEnded:
		return dialect.Dead | dialect.ShuttingDown
	case errCrashed:
		return dialect.Dead | dialect.ShuttingDown | dialect.Crashed
	default:
		return 0
	}
}

type endingDriver struct{ driver.Driver }

func TestServerThatEndsItsConnectionsHasAllOfThemRetired(t *testing.T) {
	tests := []struct {
		name string
		errs []error
		wait time.Duration
		left int
	}{
		{"one was killed by hand", []error{errEnded}, 0, 4},
		{"two, long after each other", []error{errEnded, errEnded}, time.Minute, 3},
		{"two at once", []error{errEnded, errEnded}, 0, 0},
		{"the server has crashed", []error{errCrashed}, 0, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fault := faultdriver.New(modern, faultdriver.EveryStmt)
				cfg := pooled.NewConfig()
				cfg.Connector = endingConnector{fault}
				connector, err := pooled.NewConnector(cfg)
				require.NoError(t, err)
				db := sql.OpenDB(connector)
				defer db.Close()
				p := pool{db, fault, connector}
				p.idle(t, 5)
				for i, err := range tc.errs {
					if i > 0 {
						time.Sleep(tc.wait)
					}
					fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: err})
					_, got := db.Exec("exec")
					require.Equal(t, err, got)
					synctest.Wait()
				}
				assert.Equal(t, tc.left, p.stats().Idle)
			})
		})
	}
}

type endingConnector struct{ fault *faultdriver.Driver }

func (c endingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	return c.fault.Connect(ctx)
}
func (c endingConnector) Driver() driver.Driver { return endingDriver{c.fault.Driver()} }

// lingeringDialect is that of a driver which closes in the background, and of a server that never answers that.
type lingeringDialect struct{ dialect.Generic }

func init() { dialect.Register("fault driver that lingers", lingeringDialect{}) }

func (lingeringDialect) Owns(d driver.Driver) bool {
	_, ok := d.(lingeringDriver)
	return ok
}

func (lingeringDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "lingering"}
}

func (lingeringDialect) Classify(err error) dialect.ErrorClass { return dialect.ClassifyNetwork(err) }

func (lingeringDialect) Gone(driver.Conn) <-chan struct{} { return make(chan struct{}) }

type lingeringDriver struct{ driver.Driver }

type lingeringConnector struct{ fault *faultdriver.Driver }

func (c lingeringConnector) Connect(ctx context.Context) (driver.Conn, error) {
	return c.fault.Connect(ctx)
}
func (c lingeringConnector) Driver() driver.Driver { return lingeringDriver{c.fault.Driver()} }

func TestPermitIsFreeSoonAfterAServerWasLostThatNeverEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fault := faultdriver.New(modern, faultdriver.EveryStmt)
		cfg := pooled.NewConfig()
		cfg.Connector = lingeringConnector{fault}
		cfg.Pool.MaxConns = 1
		connector, err := pooled.NewConnector(cfg)
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		defer db.Close()
		fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: errReset})
		_, err = db.Exec("exec")
		require.Equal(t, errReset, err)
		began := time.Now()
		pool{db, fault, connector}.exec(t)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

// The endpoint pings, expires and closes connections that borrowers are about to take, all the time.
func TestTendingRacesBorrowersAndLosesNothing(t *testing.T) {
	const permits, workers = 4, 16
	fault := faultdriver.New(modern, faultdriver.EveryStmt)
	var pings atomic.Int64
	fault.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
		if pings.Add(1)%10 == 0 {
			return faultdriver.Outcome{Err: driver.ErrBadConn}
		}
		return faultdriver.Outcome{}
	})
	cfg := pooled.NewConfig()
	cfg.Connector = fault
	cfg.Pool.MaxConns, cfg.Pool.MinIdleConns, cfg.Pool.Keepalive = permits, 2, time.Nanosecond
	cfg.Pool.MaxConnLifetime = 20 * time.Millisecond
	var owners handouts
	connector, err := pooled.NewConnector(cfg, owners.middleware())
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range 2000 {
				if _, err := db.Exec("exec"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	wg.Go(func() {
		for n := 0; n < 300 || pings.Load() < 20; n++ {
			connector.TendNow()
			if n%100 == 0 {
				assert.NoError(t, connector.Evict(""))
			}
		}
		close(done)
	})
	wg.Wait()
	<-done
	assert.Empty(t, owners.violations())
	assert.NotZero(t, pings.Load())
	requireAllPermits(t, db, connector, permits)
	require.NoError(t, db.Close())
	assert.Zero(t, connector.Stats().Endpoints[0].Open)
	assert.Empty(t, fault.Violations(), "two used one connection at once")
}
