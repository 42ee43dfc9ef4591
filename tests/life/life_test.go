package life_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/internal/testserver"
	_ "github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/policy"
	_ "github.com/gopooled/pooled/postgres"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// Whatever the other DB is doing when the first is closed, it goes on, as it does with a connector of the bare driver.
func TestConnectorOfTwoDBsOutlivesTheClosingOfTheFirst(t *testing.T) {
	exec := func(other *sql.DB) error { _, err := other.Exec("exec"); return err }
	for name, tc := range map[string]struct {
		change func(*policy.Pool)
		before func(t *testing.T, p pooltest.Pool, other *sql.DB) (after func() error) // what the other one does; nil: nothing
	}{
		"nothing so far": {},
		"nothing at the moment": {before: func(t *testing.T, _ pooltest.Pool, other *sql.DB) func() error {
			require.NoError(t, exec(other))
			return nil
		}},
		"nothing at the moment, and it keeps no sessions": {before: func(t *testing.T, _ pooltest.Pool, other *sql.DB) func() error {
			other.SetMaxIdleConns(0)
			require.NoError(t, exec(other))
			return nil
		}},
		"it has an idle connection ready": {change: func(s *policy.Pool) { s.MinIdleConns = 2 }},
		"it reads rows": {before: func(t *testing.T, _ pooltest.Pool, other *sql.DB) func() error {
			rows, err := other.Query("query")
			require.NoError(t, err)
			return func() error {
				if !rows.Next() {
					return errors.New("no row")
				}
				return errors.Join(rows.Err(), rows.Close())
			}
		}},
		"it has a transaction": {before: func(t *testing.T, _ pooltest.Pool, other *sql.DB) func() error {
			tx, err := other.Begin()
			require.NoError(t, err)
			return func() error { _, err := tx.Exec("exec"); return errors.Join(err, tx.Commit()) }
		}},
		"it has a connection that has done nothing": {before: func(t *testing.T, _ pooltest.Pool, other *sql.DB) func() error {
			conn, err := other.Conn(t.Context())
			require.NoError(t, err)
			return func() error { _, err := conn.ExecContext(t.Context(), "exec"); return errors.Join(err, conn.Close()) }
		}},
		"it has a connection that has done something": {before: func(t *testing.T, _ pooltest.Pool, other *sql.DB) func() error {
			conn, err := other.Conn(t.Context())
			require.NoError(t, err)
			require.NoError(t, conn.PingContext(t.Context()))
			return func() error { _, err := conn.ExecContext(t.Context(), "exec"); return errors.Join(err, conn.Close()) }
		}},
		"it has a prepared statement": {before: func(t *testing.T, _ pooltest.Pool, other *sql.DB) func() error {
			stmt, err := other.Prepare("exec ?")
			require.NoError(t, err)
			return func() error { _, err := stmt.Exec(1); return errors.Join(err, stmt.Close()) }
		}},
		"it waits for a permit": {
			change: func(s *policy.Pool) { s.MaxConns = 1 },
			before: func(t *testing.T, p pooltest.Pool, other *sql.DB) func() error {
				conn := p.Hold(t, 1)[0]
				told := pooltest.Waiting(func() error { return exec(other) })
				return func() error { return errors.Join(conn.Close(), <-told) }
			},
		},
		"it waits for a dial": {before: func(t *testing.T, p pooltest.Pool, other *sql.DB) func() error {
			conn := p.Hold(t, 1)[0]
			p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
			told := pooltest.Waiting(func() error { return exec(other) })
			return func() error { return errors.Join(<-told, conn.Close()) }
		}},
		"it waits for its turn to dial": {
			change: func(s *policy.Pool) { s.MaxDials = 1 },
			before: func(t *testing.T, p pooltest.Pool, other *sql.DB) func() error {
				conn := p.Hold(t, 1)[0]
				p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
				told := pooltest.Waiting(func() error { return exec(other) }, func() error { return exec(other) })
				return func() error { return errors.Join(<-told, <-told, conn.Close()) }
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPool(t, pooltest.Modern, tc.change)
				other := p.Beside(t)
				synctest.Wait()
				p.MustExec(t)
				var after func() error
				if tc.before != nil {
					after = tc.before(t, p, other)
				}
				require.NoError(t, p.Close())
				if after != nil {
					require.NoError(t, after())
				}
				for range 3 {
					require.NoError(t, exec(other))
				}
				require.NoError(t, other.Ping())
				_, err := p.Exec("exec")
				require.EqualError(t, err, "sql: database is closed")
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if p.EndpointStats().Idle == 0 {
					assert.Contains(t, name, "keeps no sessions")
				}
				p.Finish(t, other)
			})
		})
	}
}

func TestConnectorCanBeUsedByOneDBAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns, s.MinIdleConns = 2, 1 })
		for range 3 {
			db := p.Beside(t)
			_, err := db.Exec("exec")
			require.NoError(t, err)
			synctest.Wait()
			time.Sleep(2 * time.Second)
			assert.Positive(t, p.EndpointStats().Idle)
			require.NoError(t, db.Close())
			require.NoError(t, p.Connector.Close(), "once more")
			assert.Empty(t, p.Fault.OpenConns())
			dials := p.EndpointStats().Dials
			time.Sleep(time.Minute)
			assert.Equal(t, dials, p.EndpointStats().Dials, "nothing is kept ready")
		}
		assert.EqualValues(t, 3, p.EndpointStats().Acquires, "counters only grow")
	})
}

// Who still has something of a DB that is closed may go on with it. Nothing is begun for him that would not end.
func TestWhatIsLeftOfAClosedDBGoesOnAndEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MinIdleConns = 3 })
		synctest.Wait()
		fresh, err := p.Conn(t.Context())
		require.NoError(t, err)
		tx, err := p.Begin()
		require.NoError(t, err)
		require.NoError(t, p.Close())
		assert.Equal(t, 1, p.EndpointStats().Open, "that of the transaction")
		_, err = tx.Exec("exec")
		require.NoError(t, err)
		_, err = fresh.ExecContext(t.Context(), "exec")
		require.NoError(t, err)
		time.Sleep(time.Minute)
		assert.Equal(t, 2, p.EndpointStats().Open, "no others are kept ready")
		require.NoError(t, tx.Commit())
		require.NoError(t, fresh.Close())
		assert.Empty(t, p.Fault.OpenConns())
	})
}

func TestBreakerOfAConnectorThatWasClosedIsClosedWhenItBeginsAgain(t *testing.T) {
	for name, wait := range map[string]time.Duration{"open": 0, "half-open": 6 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewBreakerPool(t, nil)
				other := p.Beside(t)
				p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
				p.Fault.Always(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
				p.Fault.Always(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})})
				time.Sleep(wait)
				assert.Equal(t, name, p.EndpointStats().Breaker.State.String())
				require.NoError(t, p.Close())
				assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State)
				p.Fault.Hook(faultdriver.Connect, nil)
				p.Fault.Hook(faultdriver.Ping, nil)
				_, err := other.Exec("exec")
				require.NoError(t, err)
				for range 5 {
					p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: pooltest.ErrReset})
					_, err := other.Exec("exec")
					require.Equal(t, pooltest.ErrReset, err)
				}
				_, err = other.Exec("exec")
				require.ErrorIs(t, err, pooled.ErrBreakerOpen)
				p.Finish(t, other)
			})
		})
	}
}

func TestDBsOfOneConnectorAreOpenedUsedAndClosedAtOnceAndNothingIsLost(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns, s.MaxDials = 3, 1 })
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 50 {
				db := sql.OpenDB(p.Connector)
				db.SetMaxIdleConns(i % 3)
				for range 5 {
					_, err := db.ExecContext(t.Context(), "exec")
					assert.NoError(t, err)
				}
				assert.NoError(t, db.Close())
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.Close())
	assert.Empty(t, p.Fault.OpenConns())
	assert.Zero(t, p.EndpointStats().Open)
	assert.Zero(t, p.EndpointStats().InUse)
}

func TestConnectorOfTwoDBsOutlivesTheClosingOfTheFirstOnRealServers(t *testing.T) {
	for name, dsn := range map[string]string{
		"PostgreSQL 15": testserver.Postgres(t), "PostgreSQL 18": testserver.Postgres18(t),
		"MariaDB": testserver.MariaDB(t), "MySQL": testserver.MySQL(t),
	} {
		for _, routed := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", routed: ", routed), func(t *testing.T) {
				cfg, err := pooled.ParseDSN(dsn)
				require.NoError(t, err)
				if routed {
					cfg.Routing.Mode = policy.RoutePrimary
				}
				connector, err := pooled.NewConnector(cfg)
				require.NoError(t, err)
				first, second := sql.OpenDB(connector), sql.OpenDB(connector)
				one := func(q interface {
					QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
				}) {
					t.Helper()
					var n int
					require.NoError(t, q.QueryRowContext(t.Context(), "select 1").Scan(&n))
					require.Equal(t, 1, n)
				}
				one(first)
				conn, err := second.Conn(t.Context())
				require.NoError(t, err)
				one(conn)
				require.NoError(t, first.Close())
				one(conn)
				one(second)
				require.NoError(t, conn.Close())
				one(second)
				require.NoError(t, second.Close())
				assert.Zero(t, connector.Stats().Endpoints[0].Open)
			})
		}
	}
}
