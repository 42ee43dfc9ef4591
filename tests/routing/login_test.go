package routing_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
)

// wrongDSNs change a DSN so that the server lets nobody in, by the code of its error.
func wrongDSNs(t *testing.T, driver, dsn string) map[string]string {
	t.Helper()
	wrong := map[string]string{}
	if driver == "pgx" {
		change := func(code string, f func(u *url.URL)) {
			u, err := url.Parse(dsn)
			require.NoError(t, err)
			f(u)
			wrong[code] = u.String()
		}
		query := func(key, value string) func(u *url.URL) {
			return func(u *url.URL) {
				q := u.Query()
				q.Set(key, value)
				u.RawQuery = q.Encode()
			}
		}
		change("28P01", func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "wrong") })
		change("3D000", func(u *url.URL) { u.Path = "/nowhere" })
		change("42704", query("no_such_setting", "1"))
		change("22023", query("work_mem", "much"))
		change("", query("sslmode", "require")) // which the servers do not have
		return wrong
	}
	change := func(code string, f func(cfg *mysql.Config)) {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		f(cfg)
		wrong[code] = cfg.FormatDSN()
	}
	change("1045", func(cfg *mysql.Config) { cfg.Passwd = "wrong" })
	change("1049", func(cfg *mysql.Config) { cfg.DBName = "nowhere" })
	change("1193", func(cfg *mysql.Config) { cfg.Params = map[string]string{"no_such_variable": "1"} })
	change("1231", func(cfg *mysql.Config) { cfg.Params = map[string]string{"sql_mode": "'WHATEVER'"} })
	return wrong
}

// deadAddress is one where nobody answers.
func deadAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// With replicas as without them, who cannot log in is told so by the server's own error, and waits for nobody.
func TestWhoCannotLogInIsToldAtOnceAndByTheServer(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			cluster := f.cluster(t, 1)
			d, err := dialect.ForDriver(f.driver)
			require.NoError(t, err)
			for code, dsn := range wrongDSNs(t, f.driver, cluster.Nodes[0].DSN()) {
				for replica, address := range map[string]string{"a replica": cluster.Nodes[1].Address(), "a replica that does not answer": deadAddress(t)} {
					t.Run(code+" with "+replica, func(t *testing.T) {
						cfg := pooled.NewConfig()
						cfg.DriverName, cfg.DSN = f.driver, dsn
						cfg.Routing.Replicas = []pooled.Replica{{Address: address}}
						cfg.Routing.FailoverTimeout = time.Hour
						connector, err := pooled.NewConnector(cfg)
						require.NoError(t, err)
						db := sql.OpenDB(connector)
						defer db.Close()
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						var n int
						_, written := db.ExecContext(ctx, "insert into register values (0, 0)")
						_, begun := db.BeginTx(ctx, nil)
						for what, err := range map[string]error{
							"a write": written, "a read": db.QueryRowContext(ctx, "select 1").Scan(&n), "a transaction": begun, "a ping": db.PingContext(ctx),
						} {
							require.Error(t, err, what)
							assert.NotErrorIs(t, err, pooled.ErrNoPrimary, what)
							assert.NotErrorIs(t, err, context.DeadlineExceeded, what)
							assert.Equal(t, code, d.Code(err), "%s: %v", what, err)
							assert.Equal(t, code != "", errors.As(err, new(*pgconn.PgError)) || errors.As(err, new(*mysql.MySQLError)), what)
						}
					})
				}
			}
		})
	}
}
