package cancel_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// cancelServer is what differs between the servers.
type cancelServer struct {
	name, driver string
	dsn          func(testing.TB) string
	long, short  string // statements that last for long, and for about as long as it takes until they are cancelled
	running      string // counts long statements that run
	brief        string // one that lasts for a second: a server goes on with the statement of a connection that was closed
}

var cancelServers = []cancelServer{
	{
		"PostgreSQL", "pgx", testserver.PostgresDatabase,
		"select pg_sleep(60)", "select pg_sleep(0.001)",
		"select count(*) from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep(60)'",
		"select pg_sleep(1)",
	},
	{
		"MariaDB", "mysql", testserver.MariaDBDatabase,
		// Not SLEEP: all sleepers share a mutex, and MariaDB's KILL waits for it, up to seconds.
		"select count(*) from information_schema.columns a, information_schema.columns b, information_schema.columns c", "select count(*) from information_schema.tables",
		"select count(*) from information_schema.processlist where db = database() and info like 'select count(*) from information_schema.columns a%'",
		"do sleep(1)",
	},
	{
		"MySQL", "mysql", testserver.MySQLDatabase,
		"select count(*) from information_schema.columns a, information_schema.columns b, information_schema.columns c", "select count(*) from information_schema.tables",
		"select count(*) from information_schema.processlist where db = database() and info like 'select count(*) from information_schema.columns a%'",
		"do sleep(1)",
	},
}

func openCancelPool(t *testing.T, s cancelServer, permits int, change func(*pooled.Config)) (*sql.DB, *pooled.Connector) {
	t.Helper()
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = s.driver, s.dsn(t)
	cfg.Pool.MaxConns = permits
	if change != nil {
		change(&cfg)
	}
	return pooltest.Open(t, cfg)
}

// cancels is how many statements are cancelled on each server.
var cancels = flag.Int("cancels", 1000, "statements to cancel on each server")

// Statements are cancelled at random moments, and after each an innocent one runs on one of the same connections.
func TestCancelledStatementsEndOnTheServerAndCostNothingElse(t *testing.T) {
	const permits, workers = 8, 16
	for _, s := range cancelServers {
		t.Run(s.name, func(t *testing.T) {
			db, connector := openCancelPool(t, s, permits, nil)
			var cancelled, ended atomic.Int64
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for cancelled.Load() < int64(*cancels) {
						text := s.long
						if rand.IntN(4) == 0 {
							text = s.short
						}
						err := cancelSoon(db, text)
						switch {
						case err == nil:
							ended.Add(1) // just in time
						case errors.Is(err, context.Canceled):
							cancelled.Add(1)
						default:
							t.Errorf("cancelled: %v", err)
						}
						var n int
						if err := db.QueryRow("select 1").Scan(&n); err != nil {
							t.Errorf("innocent: %v", err)
						}
					}
				})
			}
			wg.Wait()
			end := connector.Stats().Endpoints[0]
			t.Logf("%d cancelled, %d ended in time, %d dials, closed %+v", cancelled.Load(), ended.Load(), end.Dials, end.Closed)
			assert.Equal(t, stats.Closes{}, end.Closed, "no connection was lost")
			assert.LessOrEqual(t, end.Open, permits)
			assert.Zero(t, realtest.ScanInt(t, db, s.running), "no statement runs on")
		})
	}
}

// cancelSoon runs a statement and cancels it within two milliseconds: by its context, while it runs or while its rows are read.
func cancelSoon(db *sql.DB, text string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	time.AfterFunc(rand.N(2*time.Millisecond), cancel)
	if rand.IntN(2) == 0 {
		_, err := db.ExecContext(ctx, text)
		return err
	}
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	if err := rows.Err(); err != nil && ctx.Err() == nil {
		return err
	}
	return ctx.Err() // rows may end with the driver's error before database/sql sees that of the context
}

func TestCancelCanCloseTheConnectionAsTheDriversDo(t *testing.T) {
	for _, s := range cancelServers {
		t.Run(s.name, func(t *testing.T) {
			db, connector := openCancelPool(t, s, 2, func(c *pooled.Config) { c.Pool.Cancel = policy.CancelClose })
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			_, err := db.ExecContext(ctx, s.brief)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NoError(t, db.Ping())
			assert.EqualValues(t, 2, connector.Stats().Endpoints[0].Dials)
		})
	}
}

// A context may end just before anything is sent. pgx answers driver.ErrBadConn then, for a connection that is as good as before.
func TestContextThatEndsBeforeItsStatementIsSentIsTheErrorAndCostsNothing(t *testing.T) {
	for _, s := range cancelServers {
		t.Run(s.name, func(t *testing.T) {
			db, connector := openCancelPool(t, s, 1, nil)
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			for range 2 {
				_, err = conn.ExecContext(ended, s.long)
				require.ErrorIs(t, err, context.Canceled)
				_, err = conn.QueryContext(ended, s.long)
				require.ErrorIs(t, err, context.Canceled)
				_, err = conn.PrepareContext(ended, s.short)
				require.ErrorIs(t, err, context.Canceled)
				_, err = conn.ExecContext(t.Context(), "begin")
				require.NoError(t, err)
			}
			require.NoError(t, conn.Close())
			require.NoError(t, db.Ping())
			assert.EqualValues(t, 1, connector.Stats().Endpoints[0].Dials)
		})
	}
}

func TestTransactionCanBeRolledBackAfterOneOfItsStatementsWasCancelled(t *testing.T) {
	for _, s := range cancelServers {
		t.Run(s.name, func(t *testing.T) {
			db, connector := openCancelPool(t, s, 1, nil)
			tx, err := db.Begin()
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			_, err = tx.ExecContext(ctx, s.long)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NoError(t, tx.Rollback())
			require.NoError(t, db.Ping())
			assert.EqualValues(t, 1, connector.Stats().Endpoints[0].Dials)
		})
	}
}
