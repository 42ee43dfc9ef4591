package realtest

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
)

// Secret is a password that no error and no log may show.
const Secret = "s3cr3t"

// TxServers are where cancelled transactions are tried. long lasts until it is cancelled, brief for a moment.
var TxServers = []struct {
	Name, Driver string
	DSN          func(testing.TB) string
	Long, Brief  string
}{
	{"PostgreSQL 15", "pgx", testserver.PostgresDatabase, "select pg_sleep(60)", "select pg_sleep(0.1)"},
	{"PostgreSQL 18", "pgx", testserver.Postgres18Database, "select pg_sleep(60)", "select pg_sleep(0.1)"},
	{
		"MariaDB", "mysql", severalStatements(testserver.MariaDBDatabase),
		"select count(*) from seq_1_to_1000000 a, seq_1_to_1000000 b", "select sleep(0.1)", // all its sleepers share a mutex, for which KILL waits
	},
	{"MySQL", "mysql", severalStatements(testserver.MySQLDatabase), "select sleep(60)", "select sleep(0.1)"},
}

// severalStatements lets go-sql-driver/mysql send texts of several statements, as pgx does.
func severalStatements(database func(testing.TB) string) func(testing.TB) string {
	return func(t testing.TB) string { return database(t) + "?multiStatements=true" }
}

// LimitedUser makes a user who may have so many connections, and returns his DSN.
func LimitedUser(t *testing.T, driver, dsn string, limit int) string {
	t.Helper()
	admin := Open(t, driver, dsn)
	admin.SetMaxIdleConns(0)
	user := fmt.Sprintf("pooled_few_%x", rand.Uint32())
	run := func(text string) {
		_, err := admin.Exec(text)
		require.NoError(t, err)
	}
	if driver == "pgx" {
		run(fmt.Sprintf("create role %s login password 'secret' connection limit %d", user, limit))
		run("grant all on schema public to " + user)
		t.Cleanup(func() {
			for _, text := range []string{"drop owned by " + user, "drop role " + user} {
				_, err := admin.Exec(text)
				assert.NoError(t, err)
			}
		})
		address, err := url.Parse(dsn)
		require.NoError(t, err)
		address.User = url.UserPassword(user, "secret")
		return address.String()
	}
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	run(fmt.Sprintf("create user %s identified by 'secret' with max_user_connections %d", user, limit))
	run("grant all on " + cfg.DBName + ".* to " + user)
	t.Cleanup(func() { run("drop user " + user) })
	cfg.User, cfg.Passwd = user, "secret"
	return cfg.FormatDSN()
}

// PgBouncers are an old and a current one, in transaction mode, with the exec modes of pgx that they know: before 1.21 they know no prepared statements.
var PgBouncers = []struct {
	Name  string
	DSN   func(testing.TB) string
	Modes []string
	Stmts bool // whether it keeps prepared statements for its clients
}{
	{"before 1.21", testserver.PgBouncer, []string{"exec", "simple_protocol"}, false},
	{"current", testserver.PgBouncerCurrent, []string{"cache_statement", "cache_describe", "exec", "simple_protocol"}, true},
}

// PostgresVersions are the databases of the servers that are tested.
var PostgresVersions = map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database}

// Servers are the native DSNs of one server of each family.
func Servers(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{
		"PostgreSQL": testserver.Postgres(t),
		"MariaDB":    testserver.MariaDB(t),
		"MySQL":      testserver.MySQL(t),
	}
}
