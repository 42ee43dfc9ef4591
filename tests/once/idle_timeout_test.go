package once_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

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

// idleServer is a server that says so when it ends a session that was idle for too long.
type idleServer struct {
	name, dsn string
	setting   string // makes a session of that kind
	id, alive string // the session's number, and whether it is there
	code      string
}

func idleServers(t *testing.T) []idleServer {
	t.Helper()
	postgres := idleServer{
		setting: "set idle_session_timeout = 1", id: "select pg_backend_pid()", alive: "select exists (select from pg_stat_activity where pid = $1)", code: "57P05",
	}
	my := idleServer{
		name: "MySQL", dsn: testserver.MySQLDatabase(t), setting: "set session wait_timeout = 1", id: "select connection_id()",
		alive: "select exists (select 1 from information_schema.processlist where id = ?)", code: "4031",
	}
	old, recent := postgres, postgres
	old.name, old.dsn = "PostgreSQL 15", testserver.PostgresDatabase(t)
	recent.name, recent.dsn = "PostgreSQL 18", testserver.Postgres18Database(t)
	return []idleServer{old, recent, my}
}

// sleeper has the server end the session of the connections that are acquired next, between the acquisition and the call.
type sleeper struct {
	*testing.T
	idleServer
	admin *sql.DB
	left  atomic.Int64 // so many
}

func (s *sleeper) middleware() pooled.Middleware {
	return pooled.Middleware{Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
		return func(ctx context.Context, a *middleware.Acquisition) error {
			err := next(ctx, a)
			if err == nil && s.left.Add(-1) >= 0 {
				s.sleep(a.Conn.Real())
			}
			return err
		}
	}}
}

func (s *sleeper) sleep(conn driver.Conn) {
	id := s.ask(conn, s.id)
	_, err := conn.(driver.ExecerContext).ExecContext(s.Context(), s.setting, nil)
	require.NoError(s, err)
	for there := true; there; {
		require.NoError(s, s.admin.QueryRow(s.alive, id).Scan(&there))
	}
}

// ask runs a query of one value.
func (s *sleeper) ask(conn driver.Conn, query string) driver.Value {
	rows, err := conn.(driver.QueryerContext).QueryContext(s.Context(), query, nil)
	require.NoError(s, err)
	defer rows.Close()
	value := make([]driver.Value, 1)
	require.NoError(s, rows.Next(value))
	return value[0]
}

// open opens a pool with a table of one column, whose next acquisitions the server ends.
func (s *sleeper) open(t *testing.T, middlewares ...pooled.Middleware) (*sql.DB, *pooled.Connector) {
	t.Helper()
	cfg, err := pooled.ParseDSN(s.dsn)
	require.NoError(t, err)
	s.T, s.admin = t, realtest.Open(t, cfg.DriverName, s.dsn)
	for _, text := range []string{"drop table if exists idle", "create table idle (a int)"} {
		_, err = s.admin.Exec(text)
		require.NoError(t, err)
	}
	return pooltest.Open(t, cfg, append([]pooled.Middleware{s.middleware()}, middlewares...)...)
}

func (s *sleeper) rows(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, s.admin.QueryRow("select count(*) from idle").Scan(&n))
	return n
}

const insertIdle = "insert into idle values (1)"

// The server had ended the session before it read anything, so that whoever was to use it never meets that.
func TestStatementThatMeetsAnIdleTimeoutRunsOnAnotherConnection(t *testing.T) {
	calls := map[string]func(ctx context.Context, db *sql.DB) error{
		"Exec": func(ctx context.Context, db *sql.DB) error { _, err := db.ExecContext(ctx, insertIdle); return err },
		"Query": func(ctx context.Context, db *sql.DB) error {
			var one int
			if err := db.QueryRowContext(ctx, "select 1").Scan(&one); err != nil {
				return err
			}
			_, err := db.ExecContext(ctx, insertIdle)
			return err
		},
		"Tx": func(ctx context.Context, db *sql.DB) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, insertIdle)
			return errors.Join(err, tx.Commit())
		},
		"Conn": func(ctx context.Context, db *sql.DB) error {
			conn, err := db.Conn(ctx)
			if err != nil {
				return err
			}
			_, err = conn.ExecContext(ctx, insertIdle)
			return errors.Join(err, conn.Close())
		},
		"Stmt": func(ctx context.Context, db *sql.DB) error {
			st, err := db.PrepareContext(ctx, insertIdle)
			if err != nil {
				return err
			}
			_, err = st.ExecContext(ctx)
			return errors.Join(err, st.Close())
		},
	}
	for _, server := range idleServers(t) {
		for name, call := range calls {
			for _, sessions := range []int64{1, 2} {
				t.Run(fmt.Sprint(server.name, ", ", name, ", sessions that end: ", sessions), func(t *testing.T) {
					s := &sleeper{idleServer: server}
					db, connector := s.open(t)
					s.left.Store(sessions)
					require.NoError(t, call(t.Context(), db))
					assert.Negative(t, s.left.Load(), "it is another connection")
					assert.Equal(t, 1, s.rows(t))
					assert.EqualValues(t, sessions, connector.Stats().Endpoints[0].Closed.Failed)
				})
			}
		}
	}
}

func TestAnIdleTimeoutIsTheDriversErrorWhereSomethingWouldBeMissing(t *testing.T) {
	for _, server := range idleServers(t) {
		requireIdle := func(t *testing.T, err error) {
			t.Helper()
			var pg *pgconn.PgError
			var my *mysql.MySQLError
			require.Error(t, err)
			code := ""
			if errors.As(err, &pg) {
				code = pg.Code
			} else if errors.As(err, &my) {
				code = fmt.Sprint(my.Number)
			}
			require.Equal(t, server.code, code, err.Error())
		}
		t.Run(server.name+", a connection that was used", func(t *testing.T) {
			s := &sleeper{idleServer: server}
			db, _ := s.open(t)
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error { s.sleep(real); return nil }))
			_, err = conn.ExecContext(t.Context(), insertIdle)
			requireIdle(t, err)
			assert.Zero(t, s.rows(t))
		})
		t.Run(server.name+", a middleware has used it for the call", func(t *testing.T) {
			s := &sleeper{idleServer: server}
			db, _ := s.open(t, pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
				return func(ctx context.Context, c *middleware.Call) error {
					conn, err := c.Session.Acquire(ctx)
					if err != nil {
						return err
					}
					s.sleep(conn.Real()) // such as to set the tenant
					return next(ctx, c)
				}
			}})
			_, err := db.Exec(insertIdle)
			requireIdle(t, err)
			assert.Zero(t, s.rows(t))
		})
		t.Run(server.name+", there is no end of it", func(t *testing.T) {
			s := &sleeper{idleServer: server}
			db, connector := s.open(t)
			s.left.Store(100)
			_, err := db.Exec(insertIdle)
			requireIdle(t, err)
			assert.Zero(t, s.rows(t))
			assert.EqualValues(t, 3, connector.Stats().Endpoints[0].Acquires)
		})
	}
}

// A program can raise the same codes, after it has written something.
func TestAnErrorThatOnlyLooksLikeAnIdleTimeoutRunsNothingAgain(t *testing.T) {
	for _, server := range idleServers(t) {
		t.Run(server.name, func(t *testing.T) {
			s := &sleeper{idleServer: server}
			db, _ := s.open(t)
			create := `create procedure looks_idle() language plpgsql as $$ begin insert into idle values (1); commit; raise exception using errcode = '57P05'; end $$`
			if server.code == "4031" {
				create = `create procedure looks_idle() begin insert into idle values (1); commit; signal sqlstate 'HY000' set mysql_errno = 4031; end`
			}
			_, err := s.admin.Exec(create)
			require.NoError(t, err)
			t.Cleanup(func() { _, err := s.admin.Exec("drop procedure looks_idle"); assert.NoError(t, err) })
			_, err = db.Exec("call looks_idle()")
			require.Error(t, err)
			assert.Equal(t, 1, s.rows(t))
		})
	}
}
