package secrets_test

import (
	"context"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// clusters have a user named rotator.
var clusters = []struct {
	name, driver string
	start        func(t testserver.T, replicas int) *testserver.Cluster
	user         []string // makes it, with the first password
	made         string   // 1 where that has arrived
	change       string   // of its password
	end          string   // ends its sessions
	sessions     string   // counts them
}{
	{
		"PostgreSQL", "pgx", testserver.PostgresCluster,
		[]string{"create role rotator login password 'secret'", "grant pg_monitor to rotator"},
		"select count(*)::text from pg_auth_members where member::regrole::text = 'rotator'",
		"alter role rotator password 'rotated'",
		"select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = 'rotator'",
		"select count(*) from pg_stat_activity where usename = 'rotator'",
	},
	{
		"MariaDB", "mysql", testserver.MariaDBCluster,
		[]string{"create user rotator identified by 'secret'", "grant all on *.* to rotator"},
		"select count(*) from mysql.user where user = 'rotator' and super_priv = 'Y'",
		"alter user rotator identified by 'rotated'",
		"kill user rotator",
		"select count(*) from information_schema.processlist where user = 'rotator' and command <> 'Killed'",
	},
}

// asRotator is the DSN of a node for the user, with a password that was never right.
func asRotator(t *testing.T, driver, dsn string) string {
	if driver == "pgx" {
		address, err := url.Parse(dsn)
		require.NoError(t, err)
		address.User = url.UserPassword("rotator", "stale")
		return address.String()
	}
	return realtest.WithParams(t, dsn, func(cfg *mysql.Config) { cfg.User, cfg.Passwd = "rotator", "stale" })
}

func TestReplicasAndMonitorsLogInWithTheNewPassword(t *testing.T) {
	for _, c := range clusters {
		t.Run(c.name, func(t *testing.T) {
			cluster := c.start(t, 1)
			primary, replica := cluster.Nodes[0], cluster.Nodes[1]
			primary.Exec(c.user...)
			replica.Await(c.made, "1")
			file := newFile(t, firstPassword)
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN, cfg.PasswordFile = c.driver, asRotator(t, c.driver, primary.DSN()), file.path
			cfg.Routing.Replicas = []policy.Replica{{Address: replica.Address()}}
			cfg.Routing.Fallback = policy.FallbackError
			cfg.Pool.MinIdleConns = 1
			db, connector := pooltest.Open(t, cfg)
			require.NoError(t, connector.Warm(t.Context()))

			primary.Exec(c.change)
			file.write("rotated")
			for _, n := range cluster.Nodes {
				n.Exec(c.end)
			}
			require.NoError(t, connector.Evict("")) // idle connections of which nobody has heard that they are over
			for _, n := range cluster.Nodes {
				admin := realtest.Open(t, c.driver, n.DSN())
				for realtest.ScanInt(t, admin, c.sessions) < 2 { // the monitor's, and the one that is kept ready
					time.Sleep(10 * time.Millisecond) // between two looks: the server does not tell by itself
				}
			}
			for _, ctx := range []context.Context{routing.WithPrimary(t.Context()), routing.WithReplica(t.Context())} {
				err := pooled.ErrNoReplica
				for errors.Is(err, pooled.ErrNoReplica) { // its monitor has logged in, and may not have asked yet
					err = db.QueryRowContext(ctx, "select 1").Scan(new(int))
				}
				require.NoError(t, err)
			}
		})
	}
}
