package failover_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// wants is a setting of pool_role.
func wants(role policy.Role) func(*pooled.Config) {
	return func(cfg *pooled.Config) { cfg.Pool.Role = role }
}

func TestAConnectionToAServerOfAnotherRoleIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, _ := newPool(t, wants(policy.RolePrimary))
		require.NoError(t, exec(t, p, write))
		require.NoError(t, p.Connector.Evict(""))
		c.set("new", "old")
		var is *pooled.RoleError
		require.ErrorAs(t, exec(t, p, "read"), &is)
		assert.Equal(t, pooled.RoleError{Endpoint: p.EndpointStats().Endpoint, Wanted: dialect.RolePrimary, Found: dialect.RoleReplica}, *is)
		require.ErrorIs(t, is, pooled.ErrRole)
		require.EqualError(t, is, "pooled: name is a replica, and pool_role=primary wants another server: a failover may be under way, or the DSN names the wrong server")
		assert.Empty(t, p.Fault.OpenConns())
		c.set("old", "old")
		require.NoError(t, exec(t, p, write))
	})
}

func TestADialForAReplicaIsContentWithNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, _ := newPool(t, wants(policy.RoleReplica))
		require.EqualError(t, exec(t, p, "read"), "pooled: name is a primary, and pool_role=replica wants another server: a failover may be under way, or the DSN names the wrong server")
		c.set("new", "old")
		require.NoError(t, exec(t, p, "read"))
	})
}

func TestWithAnAcquireTimeoutADialWaitsForTheRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, _ := newPool(t, func(cfg *pooled.Config) {
			cfg.Pool.Role, cfg.Pool.AcquireTimeout = policy.RolePrimary, 10*time.Second
		})
		c.set("new", "old")
		done := pooltest.Waiting(func() error { return exec(t, p, write) })
		time.Sleep(3 * time.Second)
		c.set("new", "new")
		require.NoError(t, <-done)
		assert.Greater(t, p.EndpointStats().Dials, uint64(3))
		assert.Less(t, p.EndpointStats().Dials, uint64(15), "it pauses between")

		require.NoError(t, p.Connector.Evict(""))
		c.set("new", "old")
		began := time.Now()
		require.ErrorIs(t, exec(t, p, write), pooled.ErrRole)
		assert.LessOrEqual(t, time.Since(began), 10*time.Second)
		assert.Empty(t, p.Fault.OpenConns())
	})
}

func TestARoleThatNobodyCanAskForIsRefused(t *testing.T) {
	cfg := pooled.NewConfig()
	cfg.Connector, cfg.Pool.Role = faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt), policy.RolePrimary
	_, err := pooled.NewConnector(cfg)
	require.ErrorIs(t, err, pooled.ErrConfig)
	assert.ErrorContains(t, err, "pool_role")
	_, err = pooled.ParseDSN("postgres://db/app?pool_role=primary&pool_replicas=other")
	require.ErrorIs(t, err, pooled.ErrConfig)
	assert.ErrorContains(t, err, "pool_role=primary")
	_, err = pooled.ParseDSN("postgres://db/app?pool_role=leader")
	assert.ErrorIs(t, err, pooled.ErrConfig)
}

func TestRealServersTellTheirRoles(t *testing.T) {
	onFamilies(t, func(t *testing.T, f family, c *testserver.Cluster, a *address, dsn string) {
		try := func(role policy.Role, change func(*pooled.Config)) error {
			db, _, _ := open(t, f.driver, dsn, func(cfg *pooled.Config) {
				cfg.Pool.Role = role
				if change != nil {
					change(cfg)
				}
			})
			err := db.PingContext(t.Context())
			require.NoError(t, db.Close())
			return err
		}
		refused := func(err error, found dialect.ServerRole) {
			t.Helper()
			var is *pooled.RoleError
			require.ErrorAs(t, err, &is)
			assert.Equal(t, found, is.Found)
		}
		require.NoError(t, try(policy.RolePrimary, nil))
		refused(try(policy.RoleReplica, nil), dialect.RolePrimary)
		require.NoError(t, try(policy.RolePrimary, func(cfg *pooled.Config) { cfg.Pool.Init = f.sessionReads[0] }), "a session's own setting is not the server's")
		a.leadTo(c.Nodes[1].Address())
		require.NoError(t, try(policy.RoleReplica, nil))
		refused(try(policy.RolePrimary, nil), dialect.RoleReplica)
		c.Nodes[0].Exec(f.neither...)
		a.leadTo(c.Nodes[0].Address())
		refused(try(policy.RolePrimary, nil), dialect.RoleUnknown)
		refused(try(policy.RoleReplica, nil), dialect.RoleUnknown)
	})
}

func TestPostgresTellsItsRoleAtLogin(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			d, err := dialect.ForDriver("pgx")
			require.NoError(t, err)
			server, err := d.Open(database(t))
			require.NoError(t, err)
			conn, err := server.Connector.Connect(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			told, err := server.Dialled(t.Context(), conn)
			require.NoError(t, err)
			assert.Equal(t, dialect.RolePrimary, told.Role)
		})
	}
}
