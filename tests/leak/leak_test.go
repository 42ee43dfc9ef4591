package leak_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func assertBorrowedIn(t *testing.T, function string, c held.Conn) {
	t.Helper()
	frames := c.Frames()
	require.NotEmpty(t, frames, "no stack")
	assert.Contains(t, frames[0].Function, function)
	assert.True(t, strings.HasSuffix(frames[0].File, "leak_test.go"), frames[0].File)
}

// Each of these holds a connection and forgets it.

func leakRows(ctx context.Context, db *sql.DB) func() error {
	rows, err := db.QueryContext(ctx, "select 'xyz'")
	if err != nil {
		panic(err)
	}
	return rows.Close
}

func leakTx(ctx context.Context, db *sql.DB) func() error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		panic(err)
	}
	return tx.Rollback
}

func leakConn(ctx context.Context, db *sql.DB) func() error {
	conn, err := db.Conn(ctx)
	if err != nil {
		panic(err)
	}
	if err := conn.PingContext(ctx); err != nil {
		panic(err)
	}
	return conn.Close
}

func leakStmtRows(ctx context.Context, db *sql.DB) func() error {
	stmt, err := db.PrepareContext(ctx, "select 1")
	if err != nil {
		panic(err)
	}
	rows, err := stmt.QueryContext(ctx)
	if err != nil {
		panic(err)
	}
	return func() error {
		defer stmt.Close()
		return rows.Close()
	}
}

var leakers = []struct {
	name, function, last string
	inTx                 bool
	leak                 func(context.Context, *sql.DB) func() error
}{
	{"rows", "leakRows", "query", false, leakRows},
	{"transaction", "leakTx", "begin", true, leakTx},
	{"connection", "leakConn", "ping", false, leakConn},
	{"rows of a statement", "leakStmtRows", "query", false, leakStmtRows},
}

func TestLeakIsReportedOnceWithItsCallerAndItsFate(t *testing.T) {
	for _, l := range leakers {
		t.Run(l.name+", goroutine gone", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewLeakPool(t, nil)
				var giveBack func() error
				done := make(chan struct{})
				go func() { defer close(done); giveBack = l.leak(context.Background(), p.DB) }()
				<-done
				time.Sleep(10 * time.Minute)
				require.Len(t, p.Reported(), 1)
				leak := p.Reported()[0]
				assert.Equal(t, held.Gone, leak.Fate)
				assert.Empty(t, leak.Where)
				assert.Equal(t, l.last, leak.Op)
				assert.Equal(t, l.inTx, leak.InTx)
				assert.False(t, leak.Busy)
				assert.InDelta(t, time.Minute, leak.Idle, float64(2*time.Second))
				assertBorrowedIn(t, l.function, leak.Conn)
				assert.NotContains(t, p.Log.String(), "xyz")
				assert.Contains(t, p.Log.String(), "the goroutine that borrowed it has ended")
				assert.Contains(t, p.Log.String(), l.function)
				require.NoError(t, giveBack())
				time.Sleep(time.Minute)
				assert.Contains(t, p.Log.String(), "came back")
				assert.Equal(t, stats.Leak{Reported: 1, Orphaned: 1, Returned: 1}, p.Connector.Stats().Leak)
			})
		})
		t.Run(l.name+", goroutine blocked", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewLeakPool(t, nil)
				end := leakAndWait(t, p.DB, l.leak)
				time.Sleep(10 * time.Minute)
				require.Len(t, p.Reported(), 1)
				leak := p.Reported()[0]
				assert.Equal(t, held.Alive, leak.Fate)
				assert.Contains(t, leak.Where, "chan receive")
				assert.Contains(t, leak.Where, "leak_test.waitHere")
				assertBorrowedIn(t, l.function, leak.Conn)
				end()
			})
		})
		t.Run(l.name+", context cancelled later", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewLeakPool(t, nil)
				ctx, cancel := context.WithCancel(t.Context())
				giveBack := l.leak(ctx, p.DB)
				time.Sleep(2 * time.Minute)
				cancel() // database/sql gives rows and transactions back then
				time.Sleep(2 * time.Minute)
				require.Len(t, p.Reported(), 1)
				_ = giveBack() // some say that it was done already
				assert.Zero(t, p.EndpointStats().InUse)
			})
		})
	}
}

// leakAndWait leaks in a goroutine that waits then. end has it give back, and end.
//
//go:noinline
func leakAndWait(t *testing.T, db *sql.DB, leak func(context.Context, *sql.DB) func() error) (end func()) {
	t.Helper()
	goOn, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		giveBack := leak(context.Background(), db)
		waitHere(goOn)
		assert.NoError(t, giveBack())
	}()
	return func() {
		close(goOn)
		<-done
	}
}

func waitHere(goOn <-chan struct{}) { <-goOn }

func TestStatementThatIsNeverClosedHoldsNoConnection(t *testing.T) {
	p := pooltest.NewLeakPool(t, nil)
	_, err := p.PrepareContext(t.Context(), "select 1")
	require.NoError(t, err)
	assert.Empty(t, p.Connector.Held())
}

func TestNoLeakIsReportedWhileAConnectionIsUsed(t *testing.T) {
	tests := []struct {
		name string
		use  func(t *testing.T, p *pooltest.LeakPool)
	}{
		{"a statement of ten minutes", func(t *testing.T, p *pooltest.LeakPool) {
			end := make(chan struct{})
			time.AfterFunc(10*time.Minute, func() { close(end) })
			p.Fault.Next(faultdriver.Query, faultdriver.Outcome{Wait: end})
			rows, err := p.QueryContext(t.Context(), "select slowly")
			require.NoError(t, err)
			require.NoError(t, rows.Close())
		}},
		{"a transaction that works every 50 seconds", func(t *testing.T, p *pooltest.LeakPool) {
			tx, err := p.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			for range 20 {
				time.Sleep(50 * time.Second)
				_, err := tx.ExecContext(t.Context(), "update")
				require.NoError(t, err)
			}
			require.NoError(t, tx.Commit())
		}},
		{"rows that are read for long", func(t *testing.T, p *pooltest.LeakPool) {
			rows, err := p.QueryContext(t.Context(), "select much")
			require.NoError(t, err)
			for range 20 {
				time.Sleep(50 * time.Second)
				p.Sockets.Receive(t)
			}
			require.NoError(t, rows.Close())
		}},
		{"rows for which the server works for long", func(t *testing.T, p *pooltest.LeakPool) {
			rows, err := p.QueryContext(t.Context(), "select slowly")
			require.NoError(t, err)
			time.AfterFunc(10*time.Minute, func() { _, _ = p.Sockets.Ends[1].Write([]byte{1}) })
			_, err = p.Sockets.Ends[0].Read(make([]byte, 1)) // as the driver does in rows.Next
			require.NoError(t, err)
			require.NoError(t, rows.Close())
		}},
		{"a function that has the real connection", func(t *testing.T, p *pooltest.LeakPool) {
			conn, err := p.Conn(t.Context())
			require.NoError(t, err)
			require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error {
				time.Sleep(10 * time.Minute)
				return nil
			}))
			require.NoError(t, conn.Close())
		}},
		{"many short borrows", func(t *testing.T, p *pooltest.LeakPool) {
			for range 100 {
				p.MustExec(t)
				time.Sleep(5 * time.Second)
			}
		}},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewLeakPool(t, nil)
				tc.use(t, p)
				assert.Empty(t, p.Reported())
				assert.Empty(t, p.Log.String())
			})
		})
	}
}

func TestTimeInWhichTheProgramStoodStillIsNotIdleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := 0
		p := pooltest.NewLeakPool(t, func(c *pooled.Config) {
			c.OnLeak = func(held.Leak) {
				if reports++; reports == 1 {
					time.Sleep(time.Hour) // the watching goroutine sees the clock jump
				}
			}
		})
		old := p.Hold(t, 1)[0]
		time.Sleep(50 * time.Second)
		young := p.Hold(t, 1)[0]
		time.Sleep(20 * time.Second)
		synctest.Wait()
		require.Equal(t, 1, reports)
		time.Sleep(time.Hour)
		require.NoError(t, young.Close())
		time.Sleep(time.Minute)
		assert.Equal(t, 1, reports, "the other one was held for half a minute of the program's time")
		require.NoError(t, old.Close())
	})
}

func TestAcquireTimeoutNamesTheHoldersAndTheirCallSites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.Pool.MaxConns, c.Pool.AcquireTimeout = 2, 5*time.Second })
		var giveBack []func() error
		for _, leak := range []func(context.Context, *sql.DB) func() error{leakTx, leakRows} {
			done := make(chan struct{})
			go func() { defer close(done); giveBack = append(giveBack, leak(context.Background(), p.DB)) }()
			<-done
			time.Sleep(30 * time.Second)
		}
		_, err := p.Exec("exec")
		var timeout *pooled.AcquireTimeoutError
		require.ErrorAs(t, err, &timeout)
		require.Len(t, timeout.Holders, 2)
		assert.Empty(t, timeout.Own)
		assertBorrowedIn(t, "leakTx", timeout.Holders[0])
		assertBorrowedIn(t, "leakRows", timeout.Holders[1])
		assert.Regexp(t, `; held longest: connection 1, held for 1m5s by .*leakTx \(.*leak_test.go:\d+\), idle for 1m\ds after begin, in a transaction; `+
			`connection 2, held for 35s by .*leakRows \(.*leak_test.go:\d+\), idle for 3\ds after query select \?; look for Rows`, err.Error())
		for _, f := range giveBack {
			require.NoError(t, f())
		}
	})
}

func TestAcquireTimeoutDoesNotBlameTheGoroutineForASlowServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.Pool.MaxConns, c.Pool.AcquireTimeout = 20, time.Second })
		tx, err := p.Begin()
		require.NoError(t, err)
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
		_, err = p.Exec("exec")
		assert.ErrorContains(t, err, "the server is slow to accept connections")
		assert.NotContains(t, err.Error(), "itself")
		require.NoError(t, tx.Rollback())
	})
}

func TestAcquireTimeoutSaysThatTheGoroutineWaitsForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.Pool.MaxConns, c.Pool.AcquireTimeout = 2, time.Second })
		tx, err := p.Begin()
		require.NoError(t, err)
		give, given := make(chan struct{}), make(chan struct{})
		go func() { // without it there would be a DeadlockError
			defer close(given)
			other, err := p.Begin()
			assert.NoError(t, err)
			<-give
			assert.NoError(t, other.Rollback())
		}()
		synctest.Wait()
		_, err = p.Exec("exec") // on the DB, inside the transaction
		var timeout *pooled.AcquireTimeoutError
		require.ErrorAs(t, err, &timeout)
		require.Len(t, timeout.Own, 1)
		assert.ErrorContains(t, err, "this goroutine itself holds connection 1, held for 1s by")
		assert.ErrorContains(t, err, "it waits for itself: inside a transaction use the *sql.Tx")
		require.NoError(t, tx.Rollback())
		close(give)
		<-given
	})
}

func TestConnectionIsReportedAfterAFunctionHadTheRealOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, nil)
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error { return nil }))
		time.Sleep(2 * time.Minute)
		require.Len(t, p.Reported(), 1)
		assert.Equal(t, "raw", p.Reported()[0].Op)
		assertBorrowedIn(t, "TestConnectionIsReportedAfter", p.Reported()[0].Conn)
		require.NoError(t, conn.Close())
	})
}

func TestCallSiteIsThatOfTheCallerWhateverStandsInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := pooled.NewConfig()
		cfg.Connector = faultdriver.New(pooltest.Modern, faultdriver.EveryStmt)
		cfg.Leak.Sample = 1
		connector, err := pooled.NewConnector(cfg, pooled.Middleware{
			Call: func(next middleware.CallFunc) middleware.CallFunc {
				return func(ctx context.Context, c *middleware.Call) error { return next(ctx, c) }
			},
			Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
				return func(ctx context.Context, a *middleware.Acquisition) error { return next(ctx, a) }
			},
		})
		require.NoError(t, err)
		db := sql.OpenDB(wrapper{connector})
		defer connector.Close()
		defer db.Close()
		giveBack := leakTx(t.Context(), db)
		assertBorrowedIn(t, "leakTx", connector.Held()[0])
		require.NoError(t, giveBack())
	})
}

func TestStacksOfAllAreCapturedAfterAReportWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.Leak.Sample = 1 << 30 }) // none, in practice
		leak := func() held.Leak {
			before := len(p.Reported())
			conn := p.Hold(t, 1)[0]
			time.Sleep(2 * time.Minute)
			require.NoError(t, conn.Close())
			require.Len(t, p.Reported(), before+1)
			return p.Reported()[before]
		}
		assert.Nil(t, leak().Stack)
		assert.NotNil(t, leak().Stack)
		time.Sleep(10 * time.Minute)
		assert.Nil(t, leak().Stack)
	})
}

func TestPanicOfOnLeakIsLoggedAndEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.OnLeak = func(held.Leak) { panic("oops") } })
		for range 2 {
			conn := p.Hold(t, 1)[0]
			time.Sleep(2 * time.Minute)
			require.NoError(t, conn.Close())
		}
		assert.Equal(t, 2, strings.Count(p.Log.String(), "panic while connections were watched"))
	})
}

func TestHeldListsTheConnectionsInUse(t *testing.T) {
	for _, threshold := range []time.Duration{0, time.Minute} {
		t.Run(fmt.Sprint("pool_leak=", threshold), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.Leak.Threshold = threshold })
				assert.Empty(t, p.Connector.Held())
				conn := p.Hold(t, 1)[0]
				time.Sleep(10 * time.Second)
				tx, err := p.Begin()
				require.NoError(t, err)
				_, err = tx.Exec("update t set a = 'xyz'")
				require.NoError(t, err)
				end := make(chan struct{})
				p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Wait: end})
				go func() { _, _ = p.Exec("slow") }()
				synctest.Wait()
				time.Sleep(10 * time.Second)

				all := p.Connector.Held()
				require.Len(t, all, 3)
				assert.Equal(t, 20*time.Second, all[0].For)
				assert.Equal(t, time.Now().Add(-20*time.Second), all[0].Since)
				assert.Equal(t, "hold", all[0].Text)
				assert.True(t, all[1].InTx)
				assert.Equal(t, 2, all[1].Calls)
				assert.Equal(t, "update t set a = ?", all[1].Text)
				assert.True(t, all[2].Busy)
				assert.Equal(t, "slow", all[2].Text)
				if threshold > 0 {
					assertBorrowedIn(t, "TestHeldListsTheConnectionsInUse", all[1])
					assert.InDelta(t, 20*time.Second, all[0].Idle, float64(2*time.Second))
				} else {
					assert.Nil(t, all[1].Stack)
				}
				close(end)
				require.NoError(t, tx.Rollback())
				require.NoError(t, conn.Close())
				synctest.Wait()
				assert.Empty(t, p.Connector.Held())
			})
		})
	}
}

// wrapper is another driver around pooled, as tracing libraries are; its connections offer Raw.
type wrapper struct{ driver.Connector }

type wrappedConn struct{ driver.Conn }

func (w wrapper) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	return wrappedConn{c}, err
}

func (w wrappedConn) Raw() driver.Conn { return w.Conn }
