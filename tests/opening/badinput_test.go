package opening_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// What sql.Open refuses: the error names the key, the value, what is allowed, and the nearest known key.
func TestOpenRefusesBadInputAndNamesTheCure(t *testing.T) {
	const pg, my = "postgres://u:" + realtest.Secret + "@localhost/db?", "u:" + realtest.Secret + "@tcp(localhost)/db?"
	for name, c := range map[string]struct {
		driver, dsn string
		want        []string
	}{
		"unknown key":            {"pooled", pg + "pool_max_con=3", []string{"pool_max_con", "pool_max_conns"}},
		"unknown key, MySQL":     {"pooled", my + "pool_stmtcache=3", []string{"pool_stmtcache", "pool_stmt_cache"}},
		"key given twice":        {"pooled", pg + "pool_max_conns=3&pool_max_conns=4", []string{"pool_max_conns", "twice"}},
		"missing unit":           {"pooled", pg + "pool_acquire_timeout=30", []string{"pool_acquire_timeout", "30", "30s"}},
		"wrong unit":             {"pooled", pg + "pool_acquire_timeout=30days", []string{"pool_acquire_timeout", "30days"}},
		"negative size":          {"pooled", pg + "pool_max_conns=-1", []string{"pool_max_conns", "-1"}},
		"contradiction":          {"pooled", pg + "pool_max_conns=2&pool_max_idle_conns=3", []string{"pool_max_conns", "pool_max_idle_conns"}},
		"no form":                {"pooled", "nothing like a dsn " + realtest.Secret, []string{"postgres://", "mysql://", "NAME:"}},
		"unknown driver":         {"pooled", "file.db?pool_driver=nosuch", []string{"nosuch", "forgotten import?"}},
		"itself":                 {"pooled", pg + "pool_driver=pooled", []string{"pooled itself"}},
		"unknown middleware":     {"pooled", pg + "pool_use=nosuch", []string{"pool_use", "nosuch", "RegisterMiddleware"}},
		"other family":           {"pooled-pgx", "mysql://" + my, []string{"pooled-pgx"}},
		"other family, MySQL":    {"pooled-mysql", pg, []string{"pooled-mysql"}},
		"bad native DSN":         {"pooled", pg + "sslmode=nosuch", []string{"sslmode"}},
		"bad native DSN, MySQL":  {"pooled", my + "parseTime=maybe", []string{"maybe"}},
		"port that is no number": {"pooled", "postgres://u:" + realtest.Secret + "@localhost:x/db", []string{"port"}},
		"no value":               {"pooled", pg + "pool_max_conns=", []string{"pool_max_conns"}},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open(c.driver, c.dsn)
			require.Error(t, err)
			require.Nil(t, db)
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
			assert.NotContains(t, err.Error(), realtest.Secret)
			ofTheDriver := strings.HasPrefix(name, "bad native DSN") || name == "port that is no number"
			assert.Equal(t, !ofTheDriver, errors.Is(err, pooled.ErrConfig), "the driver's own errors pass as they are")
		})
	}
}

func TestUnreachableServerIsTheDriversErrorInBoundedTime(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	require.NoError(t, listener.Close()) // nobody listens there now
	for name, dsn := range dsns(addr) {
		t.Run(name, func(t *testing.T) {
			err := ping(t, dsn)
			assert.ErrorContains(t, err, "connection refused")
			assert.NotContains(t, err.Error(), realtest.Secret)
		})
	}
}

// silentServer accepts and says nothing, as a hung server or a port of something else does.
func silentServer(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return listener.Addr().String()
}

func TestSilentServerEndsInAConnectTimeoutThatSaysSo(t *testing.T) {
	for name, dsn := range dsns(silentServer(t)) {
		t.Run(name, func(t *testing.T) {
			err := ping(t, dsn+"&pool_connect_timeout=200ms")
			require.ErrorIs(t, err, pooled.ErrConnectTimeout)
			var timeout *pooled.ConnectTimeoutError
			require.ErrorAs(t, err, &timeout)
			assert.Equal(t, 200*time.Millisecond, timeout.Timeout)
			assert.ErrorContains(t, err, "pool_connect_timeout")
			assert.NotContains(t, err.Error(), realtest.Secret)
		})
	}
}

func TestSilentServerEndsInAnAcquireTimeoutWhereThatIsShorter(t *testing.T) {
	for name, dsn := range dsns(silentServer(t)) {
		t.Run(name, func(t *testing.T) {
			err := ping(t, dsn+"&pool_acquire_timeout=200ms")
			require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
			assert.ErrorContains(t, err, "slow to accept connections")
			assert.NotContains(t, err.Error(), realtest.Secret)
		})
	}
}

func TestSilentServerWithTheCallersDeadlineIsTheCallersError(t *testing.T) {
	for name, dsn := range dsns(silentServer(t)) {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("pooled", dsn)
			require.NoError(t, err)
			defer db.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			err = db.PingContext(ctx)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.NotErrorIs(t, err, pooled.ErrConnectTimeout)
			assert.NotContains(t, err.Error(), realtest.Secret)
		})
	}
}

func TestWrongPasswordIsTheDriversErrorWithoutThePassword(t *testing.T) {
	pg, err := url.Parse(testserver.Postgres(t))
	require.NoError(t, err)
	pg.User = url.UserPassword(pg.User.Username(), realtest.Secret)
	wrong := func(dsn string) string {
		my, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		my.Passwd = realtest.Secret
		return my.FormatDSN()
	}
	for name, c := range map[string]struct{ dsn, want string }{
		"PostgreSQL": {pg.String(), "28P01"},
		"MariaDB":    {wrong(testserver.MariaDB(t)), "1045"},
		"MySQL":      {wrong(testserver.MySQL(t)), "1045"},
	} {
		t.Run(name, func(t *testing.T) {
			err := ping(t, c.dsn)
			assert.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), realtest.Secret)
		})
	}
}

func TestFailingInitClosesTheConnectionAndSaysThatItWasPoolInit(t *testing.T) {
	for name, dsn := range realtest.Servers(t) {
		t.Run(name, func(t *testing.T) {
			cfg, err := pooled.ParseDSN(dsn)
			require.NoError(t, err)
			cfg.Pool.Init = "nonsense '" + realtest.Secret + "'"
			db, connector := pooltest.Open(t, cfg)
			err = db.Ping()
			var initError *pooled.InitError
			require.ErrorAs(t, err, &initError)
			assert.Zero(t, connector.Stats().Endpoints[0].Open)
		})
	}
}

// A program without the dialect's import gets an error that names the import. It has to be another program than this test.
func TestMissingDialectNamesTheImport(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "run", "github.com/gopooled/pooled/internal/testserver/nodialect",
		"postgres://u:"+realtest.Secret+"@localhost/db", "u:"+realtest.Secret+"@tcp(localhost)/db").CombinedOutput()
	require.NoError(t, err, string(out))
	assert.Contains(t, string(out), `_ "github.com/gopooled/pooled/postgres"`)
	assert.Contains(t, string(out), `_ "github.com/gopooled/pooled/mysql"`)
	assert.NotContains(t, string(out), realtest.Secret)
}

// dsns returns a DSN of each family for an address, ready for more parameters.
func dsns(addr string) map[string]string {
	return map[string]string{
		"PostgreSQL": fmt.Sprintf("postgres://u:%s@%s/db?sslmode=disable", realtest.Secret, addr),
		"MySQL":      fmt.Sprintf("u:%s@tcp(%s)/db?parseTime=true", realtest.Secret, addr),
	}
}

// ping opens a pool without a deadline of its own, so that a call that is not bounded fails by the test's own timeout.
func ping(t *testing.T, dsn string) error {
	t.Helper()
	db, err := sql.Open("pooled", dsn)
	require.NoError(t, err)
	defer db.Close()
	err = db.PingContext(t.Context())
	require.Error(t, err)
	return err
}
