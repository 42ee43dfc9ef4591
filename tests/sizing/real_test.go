package sizing_test

import (
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/middleware/sizing"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// openService opens a DSN with pool_profile=service, and runs one statement.
func openService(t *testing.T, driver, dsn string) (pooltest.Pool, *pooltest.LogBuffer) {
	t.Helper()
	log := &pooltest.LogBuffer{}
	cfg := pooled.NewConfig()
	cfg.UseProfile(pooled.ProfileService)
	cfg.DriverName, cfg.DSN, cfg.Logger = driver, dsn, slog.New(slog.NewTextHandler(log, nil))
	db, connector := pooltest.Open(t, cfg)
	_, err := db.ExecContext(t.Context(), "select 1")
	require.NoError(t, err)
	return pooltest.Pool{DB: db, Fault: nil, Connector: connector}, log
}

// limitBecomes waits until the limit of a pool is that.
func limitBecomes(p pooltest.Pool, t *testing.T, limit int) {
	t.Helper()
	require.Eventually(t, func() bool { return p.EndpointStats().MaxConns == limit }, time.Minute, time.Millisecond, "%d is not %d", p.EndpointStats().MaxConns, limit)
}

func TestTheProfileOfAServiceTakesAQuarterOfWhatAUserMayHave(t *testing.T) {
	for name, server := range map[string]struct {
		driver string
		dsn    func(testing.TB) string
	}{
		"PostgreSQL 15": {"pgx", testserver.PostgresDatabase},
		"PostgreSQL 18": {"pgx", testserver.Postgres18Database},
		"MariaDB":       {"mysql", testserver.MariaDBDatabase},
		"MySQL":         {"mysql", testserver.MySQLDatabase},
	} {
		t.Run(name, func(t *testing.T) {
			p, log := openService(t, server.driver, realtest.LimitedUser(t, server.driver, server.dsn(t), 13))
			limitBecomes(p, t, 3)
			assert.Contains(t, log.String(), "limit=3 before=10 room=13")
			assert.EqualValues(t, 1, p.EndpointStats().Dials, "no connection is dialled for it")
		})
	}
}

func TestTheLimitsOfTheServerAndOfTheDatabaseCountToo(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		for name, dsn := range map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database} {
			t.Run(name, func(t *testing.T) {
				address := dsn(t)
				admin := realtest.Open(t, "pgx", address)
				var most int
				require.NoError(t, admin.QueryRow(`select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
					- coalesce(current_setting('reserved_connections', true)::int, 0)`).Scan(&most))
				p, _ := openService(t, "pgx", address) // of a superuser
				limitBecomes(p, t, sizing.Share(most, runtime.GOMAXPROCS(0), 0))

				user := realtest.LimitedUser(t, "pgx", address, -1)
				_, err := admin.Exec("do $$ begin execute format('alter database %I connection limit 17', current_database()); end $$")
				require.NoError(t, err)
				p, _ = openService(t, "pgx", user)
				limitBecomes(p, t, 4)
			})
		}
	})
	for name, dsn := range map[string]func(testing.TB) string{"MariaDB": testserver.MariaDBDatabase, "MySQL": testserver.MySQLDatabase} {
		t.Run(name, func(t *testing.T) {
			address := dsn(t)
			var most int
			require.NoError(t, realtest.Open(t, "mysql", address).QueryRow("select @@global.max_connections").Scan(&most))
			p, _ := openService(t, "mysql", realtest.LimitedUser(t, "mysql", address, 0))
			limitBecomes(p, t, sizing.Share(most, runtime.GOMAXPROCS(0), 0))
		})
	}
}

func TestBehindPgBouncerTheLimitStaysAsItsOwnCannotBeRead(t *testing.T) {
	for _, bouncer := range realtest.PgBouncers {
		t.Run(bouncer.Name, func(t *testing.T) {
			p, log := openService(t, "pgx", bouncer.DSN(t)+"&default_query_exec_mode=exec")
			require.Eventually(t, func() bool {
				return strings.Contains(log.String(), "a proxy stands before the server, and does not tell how many connections it has room for")
			}, time.Minute, time.Millisecond)
			assert.Equal(t, 10, p.EndpointStats().MaxConns)
		})
	}
}
