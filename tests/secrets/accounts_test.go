package secrets_test

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// account is a user of a real server, whose password can be changed.
type account struct {
	t      *testing.T
	admin  *sql.DB
	driver string
	user   string
	dsn    string // with the first password
}

// onServers runs a test with an account on each server.
func onServers(t *testing.T, test func(t *testing.T, a account)) {
	for _, s := range realtest.TxServers {
		t.Run(s.Name, func(t *testing.T) {
			native := s.DSN(t)
			limit := 0
			if s.Driver == "pgx" {
				limit = -1
			}
			dsn := realtest.LimitedUser(t, s.Driver, native, limit)
			test(t, account{t, realtest.Open(t, s.Driver, native), s.Driver, userOf(t, s.Driver, dsn), dsn})
		})
	}
}

// firstPassword is that of a new account.
const firstPassword = "secret"

func userOf(t *testing.T, driver, dsn string) string {
	if driver == "pgx" {
		address, err := url.Parse(dsn)
		require.NoError(t, err)
		return address.User.Username()
	}
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	return cfg.User
}

// without is the DSN with a password that was never right.
func (a account) without() string {
	if a.driver == "pgx" {
		return strings.Replace(a.dsn, ":"+firstPassword+"@", ":stale@", 1)
	}
	return realtest.WithParams(a.t, a.dsn, func(cfg *mysql.Config) { cfg.Passwd = "stale" })
}

// config is that of a pool without the right password in its DSN.
func (a account) config() pooled.Config {
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = a.driver, a.without()
	return cfg
}

// change has the server take another password.
func (a account) change(password string) {
	text := "alter user " + a.user + " identified by '" + password + "'"
	if a.driver == "pgx" {
		text = "alter role " + a.user + " password '" + password + "'"
	}
	_, err := a.admin.ExecContext(a.t.Context(), text)
	require.NoError(a.t, err)
}

// self is a query for the session's own number.
func (a account) self() string {
	if a.driver == "pgx" {
		return "select pg_backend_pid()"
	}
	return "select connection_id()"
}

// cancelled runs a query for ever on the one connection of a pool, ends its context when the server is at it, and requires that the connection is kept.
func (a account) cancelled(t *testing.T, db *sql.DB) {
	t.Helper()
	long := "select sleep(60)"
	running := "select count(*) from information_schema.processlist where user = '" + a.user + "' and info = '" + long + "'"
	if a.driver == "pgx" {
		long = "select pg_sleep(60)"
		running = "select count(*) from pg_stat_activity where usename = '" + a.user + "' and state = 'active' and query = '" + long + "'"
	}
	id := realtest.ScanInt(t, db, a.self())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := db.ExecContext(ctx, long)
		ended <- err
	}()
	for realtest.ScanInt(t, a.admin, running) == 0 {
		time.Sleep(time.Millisecond) // between two looks: the server does not tell by itself
	}
	cancel()
	require.Error(t, <-ended)
	require.Equal(t, id, realtest.ScanInt(t, db, a.self()), "the statement was ended on the server, and the connection is kept")
}

// secretFile is a file that is replaced as Kubernetes does it, by renaming.
type secretFile struct {
	t    *testing.T
	path string
}

func newFile(t *testing.T, text string) secretFile {
	f := secretFile{t, filepath.Join(t.TempDir(), "password")}
	f.write(text)
	return f
}

func (f secretFile) write(text string) {
	next := f.path + ".next"
	require.NoError(f.t, os.WriteFile(next, []byte(text+"\n"), 0o600))
	require.NoError(f.t, os.Rename(next, f.path))
}
