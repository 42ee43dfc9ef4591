package cancel_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// endings are the ways in which a context ends while a call waits for the server.
var endings = map[string]func(context.Context) (context.Context, context.CancelFunc){
	"deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 50*time.Millisecond)
	},
	"cancel": func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		time.AfterFunc(50*time.Millisecond, cancel)
		return ctx, cancel
	},
}

// cancelledCall is a call that lasts for longer than its context, and what is told of its end.
type cancelledCall struct {
	name string
	run  func(ctx context.Context, db *sql.DB) error
}

func queried(text string, args ...any) cancelledCall {
	return cancelledCall{fmt.Sprintf("query %s %v", text, args), func(ctx context.Context, db *sql.DB) error {
		return realtest.ReadAll(db.QueryContext(ctx, text, args...))
	}}
}

func executed(text string, args ...any) cancelledCall {
	return cancelledCall{fmt.Sprintf("exec %s %v", text, args), func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, text, args...)
		return err
	}}
}

func scanned(text string, args ...any) cancelledCall {
	return cancelledCall{fmt.Sprintf("scan %s %v", text, args), func(ctx context.Context, db *sql.DB) error {
		return db.QueryRowContext(ctx, text, args...).Scan(new(any))
	}}
}

func throughStmt(text string, args ...any) cancelledCall {
	return cancelledCall{fmt.Sprintf("prepared: %s %v", text, args), func(ctx context.Context, db *sql.DB) error {
		st, err := db.PrepareContext(context.Background(), text)
		if err != nil {
			return err
		}
		defer st.Close()
		return st.QueryRowContext(ctx, args...).Scan(new(any))
	}}
}

func inTx(text string, args ...any) cancelledCall {
	return cancelledCall{fmt.Sprintf("in a transaction %s %v", text, args), func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(context.Background(), nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		return tx.QueryRowContext(ctx, text, args...).Scan(new(any))
	}}
}

// mysqlCalls end, on MySQL or on MariaDB, with values that are made up when they are ended by KILL QUERY. A lock "taken" is somebody else's.
var mysqlCalls = []cancelledCall{
	scanned("select sleep(2)"), scanned("select sleep(?)", 2), scanned("select get_lock('taken', 2)"), scanned("select get_lock(?, 2)", "taken"),
	scanned("select benchmark(50000000, 1 + 1)"), scanned("select n from one where sleep(2) = 1"), scanned("select n from naps"),
	queried("select sleep(2)"), queried("select sleep(?)", 2), queried("insert into made values (sleep(2))"), queried("insert into made values (sleep(?))", 2),
	queried("select 1; select sleep(2)"), queried("call nap()"), queried("update one set n = n + sleep(2)"),
	queried("select repeat('x', 60000), sleep(0.02) from information_schema.collations limit 50"), // rows come one by one
	executed("do sleep(2)"), executed("insert into made values (sleep(2))"), executed("insert into made values (sleep(?))", 2), executed("call nap()"),
	executed("insert into made values (get_lock('taken', 2))"), executed("select sleep(2)"),
	throughStmt("select sleep(2)"), throughStmt("select sleep(?)", 2), inTx("select sleep(2)"), inTx("select sleep(?)", 2), inTx("select get_lock('taken', 2)"),
}

var postgresCalls = []cancelledCall{
	scanned("select pg_sleep(2)"), scanned("select pg_sleep($1)", 2), queried("select pg_sleep(2)"), queried("insert into made select 1 from pg_sleep(2)"),
	executed("select pg_sleep(2)"), executed("select pg_sleep($1)", 2), executed("insert into made select 1 from pg_sleep(2)"), executed("select 1; select pg_sleep(2)"),
	throughStmt("select pg_sleep(2)"), throughStmt("select pg_sleep($1)", 2), inTx("select pg_sleep(2)"), inTx("select pg_sleep($1)", 2),
	{"a commit", func(ctx context.Context, db *sql.DB) error { // whose deferred trigger sleeps; database/sql would roll back once its own context has ended
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(ctx, "insert into slow values (1)"); err != nil {
			return err
		}
		return tx.Commit()
	}},
}

// cancelledCalls are the calls for each server, and what prepares them.
var cancelledCalls = map[string]struct {
	calls []cancelledCall
	setup []string
}{
	"mysql": {mysqlCalls, []string{
		"create table made (n int)", "create table one (n int)", "insert into one values (0)", "create view naps as select sleep(2) as n", "create procedure nap() select sleep(2)",
	}},
	"pgx": {postgresCalls, []string{
		"create table made (n int)", "create table slow (n int)",
		"create function nap() returns trigger language plpgsql as $$ begin perform pg_sleep(2); return null; end $$",
		"create constraint trigger nap after insert on slow deferrable initially deferred for each row execute function nap()",
	}},
}

// said is what callers look for in an error.
func said(err error) map[string]bool {
	return map[string]bool{
		"some": err != nil, "canceled": errors.Is(err, context.Canceled), "deadline": errors.Is(err, context.DeadlineExceeded),
		"pgconn.Timeout": pgconn.Timeout(err), "bad connection": errors.Is(err, driver.ErrBadConn),
	}
}

// KILL QUERY has functions return what they would not have, and the statement succeed with it.
func TestCallThatOutlastsItsContextAnswersAsThatOfTheBareDriver(t *testing.T) {
	for _, s := range realtest.TxServers {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel() // they wait
			dsn := s.DSN(t)
			bare, db := realtest.Open(t, s.Driver, dsn), realtest.Open(t, "pooled-"+s.Driver, dsn)
			for _, text := range cancelledCalls[s.Driver].setup {
				_, err := bare.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			if s.Driver == "mysql" {
				holder, err := bare.Conn(t.Context())
				require.NoError(t, err)
				defer holder.Close()
				require.Equal(t, 1, realtest.ScanInt(t, holder, "select get_lock('taken', 0)"))
			}
			for _, call := range cancelledCalls[s.Driver].calls {
				for ending, end := range endings {
					t.Run(ending+" "+call.name, func(t *testing.T) {
						outcome := func(db *sql.DB) error {
							require.Equal(t, 1, realtest.ScanInt(t, db, "select 1"))
							ctx, cancel := end(t.Context())
							defer cancel()
							return call.run(ctx, db)
						}
						want, got := outcome(bare), outcome(db)
						require.Error(t, want)
						assert.Equal(t, said(want), said(got), "%v, and not %v", want, got)
						assert.Equal(t, 7, realtest.ScanInt(t, db, "select 7"))
					})
				}
			}
		})
	}
}

// countedDSN makes the DSN of a MySQL server lead over a network of its own, which counts the connections.
func countedDSN(t *testing.T, dsn string) (counted string, dials *atomic.Int64) {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	network := strings.NewReplacer("/", "_", " ", "_").Replace(t.Name())
	dials = new(atomic.Int64)
	mysql.RegisterDialContext(network, func(ctx context.Context, address string) (net.Conn, error) {
		dials.Add(1)
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	})
	t.Cleanup(func() { mysql.DeregisterDialContext(network) })
	cfg.Net = network
	return cfg.FormatDSN(), dials
}

// killServers are those whose statements are ended by KILL QUERY.
var killServers = realtest.TxServers[2:]

func TestContextsThatEndAfterTheirStatementsCostTheServerNothing(t *testing.T) {
	for _, s := range killServers {
		t.Run(s.Name, func(t *testing.T) {
			dsn, dials := countedDSN(t, s.DSN(t))
			db := realtest.Open(t, "pooled-mysql", dsn)
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			for i := range 100 {
				ctx, cancel := context.WithCancel(t.Context())
				switch i % 4 {
				case 0:
					require.NoError(t, tx.QueryRowContext(ctx, "select 1").Scan(new(int)))
				case 1:
					require.NoError(t, realtest.ReadAll(tx.QueryContext(ctx, "select ?", i)))
				case 2:
					_, err := tx.ExecContext(ctx, "do ?", i)
					require.NoError(t, err)
				case 3: // it is database/sql that closes these
					rows, err := tx.QueryContext(ctx, "select 1 union select 2")
					require.NoError(t, err)
					require.True(t, rows.Next())
					cancel()
					rows.Close()
				}
				cancel()
			}
			require.NoError(t, tx.Commit())
			assert.EqualValues(t, 1, dials.Load())
		})
	}
}

func TestContextThatEndsAfterItsStatementLeavesWhatTheServerTellsOfIt(t *testing.T) {
	for _, s := range killServers {
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			told := func(db *sql.DB) (all []string) {
				c, err := db.Conn(t.Context())
				require.NoError(t, err)
				defer c.Close()
				for _, ask := range []string{"show warnings", "select found_rows()", "select row_count()"} {
					ctx, cancel := context.WithCancel(t.Context())
					require.NoError(t, realtest.ReadAll(c.QueryContext(ctx, "select sql_calc_found_rows cast('x' as signed) from (select 1 union select 2) t limit 1")))
					cancel()
					rows, err := c.QueryContext(t.Context(), ask)
					require.NoError(t, err)
					columns, err := rows.Columns()
					require.NoError(t, err)
					for rows.Next() {
						row := make([]any, len(columns))
						for i := range row {
							row[i] = new(sql.RawBytes)
						}
						require.NoError(t, rows.Scan(row...))
						for _, v := range row {
							all = append(all, string(*v.(*sql.RawBytes)))
						}
					}
					require.NoError(t, rows.Err())
				}
				return all
			}
			assert.Equal(t, told(realtest.Open(t, "mysql", dsn)), told(realtest.Open(t, "pooled-mysql", dsn)))
		})
	}
}

// A statement of a transaction may have been executed although its caller was told that it was cancelled, and tried again.
func TestTransactionWithAStatementThatMayHaveBeenExecutedIsNotCommitted(t *testing.T) {
	dsn := testserver.MySQLDatabase(t)
	db, bare := realtest.Open(t, "pooled-mysql", dsn), realtest.Open(t, "mysql", dsn)
	_, err := bare.ExecContext(t.Context(), "create table ledger (n int)")
	require.NoError(t, err)
	for name, run := range map[string]func(ctx context.Context, tx *sql.Tx, text string) error{
		"exec": func(ctx context.Context, tx *sql.Tx, text string) error {
			_, err := tx.ExecContext(ctx, text)
			return err
		},
		"query": func(ctx context.Context, tx *sql.Tx, text string) error {
			return realtest.ReadAll(tx.QueryContext(ctx, text))
		},
	} {
		t.Run(name, func(t *testing.T) {
			tx, err := db.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			ctx, cancel := endings["deadline"](t.Context())
			defer cancel()
			require.ErrorIs(t, run(ctx, tx, "insert into ledger values (sleep(60))"), context.DeadlineExceeded)
			assert.Equal(t, driver.ErrBadConn, run(t.Context(), tx, "insert into ledger values (0)"))
			assert.Equal(t, driver.ErrBadConn, tx.Commit())
			assert.Zero(t, realtest.ScanInt(t, bare, "select count(*) from ledger"))
		})
	}
	t.Run("rolled back", func(t *testing.T) {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		ctx, cancel := endings["deadline"](t.Context())
		defer cancel()
		_, err = tx.ExecContext(ctx, "insert into ledger values (sleep(60))")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, tx.Rollback())
		assert.Zero(t, realtest.ScanInt(t, bare, "select count(*) from ledger"))
	})
}

// A routine runs as its definer, whose statements the caller may not end.
func TestStatementThatTheServerRefusesToEndIsLoggedAndCostsTheConnection(t *testing.T) {
	for _, s := range killServers {
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			cfg, err := mysql.ParseDSN(dsn)
			require.NoError(t, err)
			root := realtest.Open(t, "mysql", dsn)
			user := strings.TrimPrefix(cfg.DBName, "pooled_")
			for _, text := range []string{
				"create procedure nap() sql security definer select sleep(2)",
				"create user " + user + " identified by 'secret'", "grant execute, select on " + cfg.DBName + ".* to " + user,
			} {
				_, err := root.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			t.Cleanup(func() {
				_, err := root.ExecContext(context.Background(), "drop user "+user)
				assert.NoError(t, err)
			})
			cfg.User, cfg.Passwd = user, "secret"
			var log pooltest.LogBuffer
			pool := pooled.NewConfig()
			pool.DriverName, pool.DSN, pool.Logger = "mysql", cfg.FormatDSN(), slog.New(slog.NewTextHandler(&log, nil))
			db, connector := pooltest.Open(t, pool)
			require.NoError(t, db.PingContext(t.Context()))
			ctx, cancel := endings["deadline"](t.Context())
			defer cancel()
			_, err = db.ExecContext(ctx, "call nap()")
			require.Equal(t, context.DeadlineExceeded, err)
			assert.Contains(t, log.String(), "could not be ended on the server")
			assert.Contains(t, log.String(), "1095")
			require.NoError(t, db.PingContext(t.Context()))
			assert.EqualValues(t, 1, connector.Stats().Endpoints[0].Closed.Failed, "%+v", connector.Stats().Endpoints[0])
		})
	}
}

// optional are the interfaces that rows may have.
func optional(rows driver.Rows) (has []bool) {
	_, next := rows.(driver.RowsNextResultSet)
	_, name := rows.(driver.RowsColumnTypeDatabaseTypeName)
	_, length := rows.(driver.RowsColumnTypeLength)
	_, null := rows.(driver.RowsColumnTypeNullable)
	_, precision := rows.(driver.RowsColumnTypePrecisionScale)
	_, scan := rows.(driver.RowsColumnTypeScanType)
	_, column := rows.(interface{ NextRow() error }) // driver.RowsColumnScanner of Go 1.27
	return []bool{next, name, length, null, precision, scan, column}
}

func TestRowsThatAreWatchedHaveTheOptionalInterfacesOfTheRealOnes(t *testing.T) {
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = "mysql", testserver.MySQL(t)
	var seen []driver.Rows
	db, _ := pooltest.Open(t, cfg, pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
		return func(ctx context.Context, c *middleware.Call) error {
			err := next(ctx, c)
			if c.Op == middleware.Query {
				seen = append(seen, c.Rows)
			}
			return err
		}
	}})
	for _, args := range [][]any{nil, {1}} {
		text := "select 1" + strings.Repeat(" + ?", len(args))
		for _, ctx := range []context.Context{context.Background(), t.Context()} {
			require.NoError(t, realtest.ReadAll(db.QueryContext(ctx, text, args...)))
		}
		require.Len(t, seen, 2)
		assert.Equal(t, optional(seen[0]), optional(seen[1]))
		assert.NotEqual(t, fmt.Sprintf("%T", seen[0]), fmt.Sprintf("%T", seen[1]))
		seen = nil
	}
}
