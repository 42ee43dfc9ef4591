package servers_test

import (
	"context"
	"database/sql"
	"net/url"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
)

func TestServersAnswer(t *testing.T) {
	for _, server := range []struct {
		name    string
		driver  string
		dsn     func(testing.TB) string
		version string // what version() must match
	}{
		{"PostgreSQL 15 or later", "pgx", testserver.Postgres, `^PostgreSQL (1[5-9]|[2-9]\d)`},
		{"PostgreSQL 18", "pgx", testserver.Postgres18, `^PostgreSQL 18`},
		{"MariaDB", "mysql", testserver.MariaDB, `MariaDB`},
		{"MySQL", "mysql", testserver.MySQL, `^(9|[1-9]\d)\.[^a-zA-Z]*$`},
		{"PgBouncer", "pgx", unpreparedPgBouncer, `^PostgreSQL `},
		{"a current PgBouncer", "pgx", testserver.PgBouncerCurrent, `^PostgreSQL `},
	} {
		t.Run(server.name, func(t *testing.T) {
			assert.Regexp(t, server.version, queryString(t, server.driver, server.dsn(t), "select version()"))
		})
	}
}

func TestDatabaseIsFreshAndDroppedWithItsTest(t *testing.T) {
	for _, server := range []struct {
		name    string
		driver  string
		admin   func(testing.TB) string
		create  func(testing.TB) string
		nameOf  func(*testing.T, string) string
		exists  string
		current string
	}{
		{
			"PostgreSQL 15", "pgx", testserver.Postgres, testserver.PostgresDatabase, postgresName,
			"select count(*)::text from pg_database where datname = $1", "select current_database()",
		},
		{
			"PostgreSQL 18", "pgx", testserver.Postgres18, testserver.Postgres18Database, postgresName,
			"select count(*)::text from pg_database where datname = $1", "select current_database()",
		},
		{
			"MariaDB", "mysql", testserver.MariaDB, testserver.MariaDBDatabase, mysqlName,
			"select count(*) from information_schema.schemata where schema_name = ?", "select database()",
		},
		{
			"MySQL", "mysql", testserver.MySQL, testserver.MySQLDatabase, mysqlName,
			"select count(*) from information_schema.schemata where schema_name = ?", "select database()",
		},
	} {
		t.Run(server.name, func(t *testing.T) {
			var name string
			t.Run("in use", func(t *testing.T) {
				first, second := server.create(t), server.create(t)
				assert.NotEqual(t, first, second)
				name = server.nameOf(t, first)
				assert.Equal(t, name, queryString(t, server.driver, first, server.current))
			})
			assert.Equal(t, "0", queryString(t, server.driver, server.admin(t), server.exists, name))
		})
	}
}

func TestStatementThatRunsOnWithoutItsCallerEndsWithItsTest(t *testing.T) {
	for _, server := range []struct {
		name          string
		admin, create func(testing.TB) string
	}{
		{"MariaDB", testserver.MariaDB, testserver.MariaDBDatabase},
		{"MySQL", testserver.MySQL, testserver.MySQLDatabase},
	} {
		t.Run(server.name, func(t *testing.T) {
			runs := func(n string) func() bool {
				return func() bool {
					return n == queryString(t, "mysql", server.admin(t), "select count(*) from information_schema.processlist where info like 'do sleep(3600)%'")
				}
			}
			used := t.Run("in use", func(t *testing.T) {
				db := open(t, "mysql", server.create(t))
				ctx, cancel := context.WithCancel(t.Context())
				left := make(chan error, 1)
				go func() {
					_, err := db.ExecContext(ctx, "do sleep(3600)")
					left <- err
				}()
				require.Eventually(t, runs("1"), time.Minute, 10*time.Millisecond)
				cancel()
				require.ErrorIs(t, <-left, context.Canceled)
			})
			require.True(t, used)
			assert.Eventually(t, runs("0"), time.Minute, 10*time.Millisecond)
		})
	}
}

// unpreparedPgBouncer returns the URL of PgBouncer with prepared statements off, which old ones do not have.
func unpreparedPgBouncer(t testing.TB) string {
	t.Helper()
	address, err := url.Parse(testserver.PgBouncer(t))
	require.NoError(t, err)
	query := address.Query()
	query.Set("default_query_exec_mode", "exec")
	address.RawQuery = query.Encode()
	return address.String()
}

func postgresName(t *testing.T, dsn string) string {
	t.Helper()
	address, err := url.Parse(dsn)
	require.NoError(t, err)
	return address.Path[1:]
}

func mysqlName(t *testing.T, dsn string) string {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	return config.DBName
}

func open(t *testing.T, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

func queryString(t *testing.T, driver, dsn, query string, args ...any) string {
	t.Helper()
	var s string
	require.NoError(t, open(t, driver, dsn).QueryRowContext(t.Context(), query, args...).Scan(&s))
	return s
}

func TestPrivateServerIsAnotherOneAndEndsWithItsTest(t *testing.T) {
	for _, server := range []struct {
		name            string
		private, common func(testing.TB) string
		version         string
	}{
		{"MariaDB", testserver.PrivateMariaDB, testserver.MariaDB, "MariaDB"},
		{"MySQL", testserver.PrivateMySQL, testserver.MySQL, "^[^a-zA-Z]*$"},
	} {
		t.Run(server.name, func(t *testing.T) {
			var dsn string
			t.Run("in use", func(t *testing.T) {
				dsn = server.private(t)
				assert.NotEqual(t, server.common(t), dsn)
				assert.Regexp(t, server.version, queryString(t, "mysql", dsn, "select version()"))
			})
			assert.Error(t, open(t, "mysql", dsn).PingContext(t.Context()), "a stopped server answers")
		})
	}
}
