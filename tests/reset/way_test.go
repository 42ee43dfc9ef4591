package reset_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// A server that does not answer as usual is no proxy: only a proxy that shows itself is left alone.

func TestSessionsAreResetWhateverTheirDSNSets(t *testing.T) {
	for version, dsn := range map[string]string{"15": testserver.PostgresDatabase(t), "18": testserver.Postgres18Database(t)} {
		for _, set := range []string{"client_encoding=LATIN1", "client_encoding=SQL_ASCII", "standard_conforming_strings=off", "default_query_exec_mode=exec"} {
			t.Run(version+" "+set, func(t *testing.T) {
				u, err := url.Parse(dsn)
				require.NoError(t, err)
				u.RawQuery += "&" + set
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: u.String()}, nil)
				pid := realtest.Scalar(t, db, `select pg_backend_pid()`)
				realtest.Borrow(t, db, `set app.tenant = '7'`, `select pg_advisory_lock(7)`)
				assert.Empty(t, realtest.Scalar(t, db, `select current_setting('app.tenant', true)`))
				assert.Equal(t, "0", realtest.Scalar(t, db, `select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()`))
				assert.Equal(t, pid, realtest.Scalar(t, db, `select pg_backend_pid()`))
				assert.Empty(t, log.String())
				assert.Positive(t, resettest.Resets(t, db).Resets)
			})
		}
	}
}

func TestSessionsAreResetWhateverTheDatabaseSets(t *testing.T) {
	for version, open := range map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database} {
		for _, set := range []string{"client_encoding = 'LATIN1'", "standard_conforming_strings = off"} {
			t.Run(version+" "+set, func(t *testing.T) {
				dsn := open(t)
				admin := realtest.Open(t, "pgx", dsn)
				_, err := admin.ExecContext(t.Context(), `alter database `+realtest.Scalar(t, admin, `select current_database()`)+` set `+set)
				require.NoError(t, err)
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, nil)
				realtest.Borrow(t, db, `set app.tenant = '7'`)
				assert.Empty(t, realtest.Scalar(t, db, `select current_setting('app.tenant', true)`))
				assert.Empty(t, log.String())
				assert.Positive(t, resettest.Resets(t, db).Resets)
			})
		}
	}
}

// A quota lets the connection be dialled, and refuses what it is asked first.
func TestSessionThatCouldNotBeAskedIsNotHandedOn(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		cfg, err := mysql.ParseDSN(s.Database(t))
		require.NoError(t, err)
		admin := realtest.Open(t, "mysql", cfg.FormatDSN())
		run := func(text string) {
			_, err := admin.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		user := cfg.DBName[len(cfg.DBName)-16:] + "_user"
		run(fmt.Sprintf("create user %s identified by 'x'", user))
		defer run("drop user " + user)
		run(fmt.Sprintf("grant all on %s.* to %s", cfg.DBName, user))
		for allowed := 1; allowed <= 6; allowed++ { // statements that the driver and pooled send first
			run(fmt.Sprintf("alter user %s with max_queries_per_hour %d", user, allowed))
			mine := cfg.Clone()
			mine.User, mine.Passwd = user, "x"
			db, log := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: mine.FormatDSN()}, func(c *pooled.Config) { c.Reset.Audit = 0 })
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), "do 1") // dials
			if err != nil {
				assert.Equal(t, "error 1226", realtest.Code(err), log)
			}
			run(fmt.Sprintf("alter user %s with max_queries_per_hour 0", user))
			run("flush privileges") // which counts from nothing
			_, err = conn.ExecContext(t.Context(), "set @tenant = 7, foreign_key_checks = 0")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			assert.Equal(t, "0 1", realtest.Scalar(t, db, "select concat(coalesce(@tenant, 0), ' ', @@foreign_key_checks + 0)"), "%d statements\n%s", allowed, log)
			id := realtest.Scalar(t, db, "select connection_id()")
			realtest.Borrow(t, db, "set @tenant = 7, foreign_key_checks = 0")
			assert.Equal(t, "0 1", realtest.Scalar(t, db, "select concat(coalesce(@tenant, 0), ' ', @@foreign_key_checks + 0)"))
			assert.Equal(t, id, realtest.Scalar(t, db, "select connection_id()"), "the next connection has told\n%s", log)
		}
	})
}

// Behind one address there may be a proxy and a server.
func TestEachConnectionHasItsOwnWayToTheServer(t *testing.T) {
	direct, err := pgx.ParseConfig(testserver.Postgres(t))
	require.NoError(t, err)
	proxied, err := pgx.ParseConfig(testserver.PgBouncer(t))
	require.NoError(t, err)
	for name, first := range map[string]uint32{"the proxy first": 0, "the server first": 1} {
		t.Run(name, func(t *testing.T) {
			cfg := proxied.Copy()
			cfg.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
			var dials atomic.Uint32
			dials.Store(first)
			cfg.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
				to := proxied
				if dials.Add(1)%2 == 0 {
					to = direct
				}
				return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("%s:%d", to.Host, to.Port))
			}
			db, log := resettest.OpenForReset(t, resettest.Family{}, func(c *pooled.Config) {
				c.DriverName, c.DSN, c.Connector = "", "", stdlib.GetConnector(*cfg)
				c.Pool.MaxConns, c.Reset.Audit = 2, 0
			})
			isProxied := func(conn *sql.Conn) (proxied bool) {
				require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
					c := real.(*stdlib.Conn).Conn()
					var pid uint32
					err := c.QueryRow(t.Context(), "select pg_backend_pid()").Scan(&pid)
					proxied = pid != c.PgConn().PID()
					return err
				}))
				return proxied
			}
			for round := range 3 {
				var conns []*sql.Conn
				for range 2 {
					conn, err := db.Conn(t.Context())
					require.NoError(t, err)
					_, err = conn.ExecContext(t.Context(), `select 1`)
					require.NoError(t, err)
					conns = append(conns, conn)
				}
				kinds := map[bool]int{}
				for _, conn := range conns {
					kinds[isProxied(conn)]++
					if !isProxied(conn) {
						var left sql.NullString
						require.NoError(t, conn.QueryRowContext(t.Context(), `select nullif(current_setting('app.tenant', true), '')`).Scan(&left))
						assert.False(t, left.Valid, "round %d: %s\n%s", round, left.String, log)
						_, err := conn.ExecContext(t.Context(), `set app.tenant = '7'`)
						require.NoError(t, err)
					}
				}
				if round == 0 {
					assert.Equal(t, map[bool]int{true: 1, false: 1}, kinds)
				}
				for _, conn := range conns {
					require.NoError(t, conn.Close())
				}
			}
			assert.Contains(t, log.String(), "a proxy stands before the server")
		})
	}
}
