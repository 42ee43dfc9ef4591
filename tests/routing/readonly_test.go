package routing_test

import (
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
)

// asOrdinary has the pool log in as a user who may not write where read_only is set, and may not see whether servers replicate. All servers know
// him when it returns: one that does not yet would turn the pool away for good.
func asOrdinary(t *testing.T, cluster *testserver.Cluster) func(c *pooled.Config) {
	t.Helper()
	cluster.Nodes[0].Exec("create user ordinary identified by 'secret'", "grant all on pooled.* to ordinary", "create database granted")
	for _, n := range cluster.Nodes[1:] {
		n.Await("select count(*) from information_schema.schemata where schema_name = 'granted'", "1")
	}
	return func(c *pooled.Config) {
		cfg, err := mysql.ParseDSN(c.DSN)
		require.NoError(t, err)
		cfg.User, cfg.Passwd = "ordinary", "secret"
		c.DSN = cfg.FormatDSN()
	}
}

// readOnlySwitch are the statements that have a server refuse to write, and write again.
var readOnlySwitch = map[string][2]string{
	"MariaDB": {"set global read_only = 1", "set global read_only = 0"},
	"MySQL":   {"set global super_read_only = 1", "set global read_only = 0"},
}

// A primary that is made read-only refuses what comes until the monitors have seen it: that waits for a primary as what comes later does.
func TestWritesWaitWhileThePrimaryIsReadOnly(t *testing.T) {
	for _, f := range families {
		if f.driver == "pgx" {
			continue // a standby is started anew to become one
		}
		t.Run(f.name, func(t *testing.T) {
			cluster := f.cluster(t, 1)
			ordinary := asOrdinary(t, cluster)
			cluster.Nodes[0].Exec("create table numbered (id int auto_increment primary key, n int)")
			p := open(t, f, cluster, func(c *pooled.Config) {
				ordinary(c)
				c.Routing.MonitorInterval = 4 * time.Second // the first write is refused before a monitor looks
			})
			for i, text := range []string{
				"insert into numbered (n) values (1)", "update register set n = n + 1", "insert into numbered (n) values (?)", "replace into register values (7, 7)", "delete from register where id = 7",
			} {
				for _, way := range []string{"refused", "begun later"} {
					t.Run(fmt.Sprintf("%s, %s", text, way), func(t *testing.T) {
						var args []any
						if text == "insert into numbered (n) values (?)" {
							args = append(args, i)
						}
						p.prepare(t)
						before := p.numbered(t)
						p.Nodes[0].Exec(readOnlySwitch[f.name][0])
						if way == "begun later" {
							p.eventually(t, "there is no primary", func() bool { return p.stats().Primary == "" })
						}
						done := make(chan error, 1)
						go func() {
							_, err := p.ExecContext(t.Context(), text, args...)
							done <- err
						}()
						p.eventually(t, "there is no primary", func() bool { return p.stats().Primary == "" })
						assert.Empty(t, done, "it waits")
						p.Nodes[0].Exec(readOnlySwitch[f.name][1])
						require.NoError(t, <-done)
						if len(args) > 0 || text == "insert into numbered (n) values (1)" {
							assert.Equal(t, before+1, p.numbered(t), "it ran once")
						}
					})
				}
			}
			t.Run("a transaction gets the server's error", func(t *testing.T) {
				p.prepare(t)
				tx, err := p.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				defer tx.Rollback()
				p.Nodes[0].Exec(readOnlySwitch[f.name][0])
				_, err = tx.ExecContext(t.Context(), "update register set n = n + 1")
				var my *mysql.MySQLError
				require.ErrorAs(t, err, &my)
				assert.EqualValues(t, 1290, my.Number)
				p.Nodes[0].Exec(readOnlySwitch[f.name][1])
			})
			t.Run("another server takes over", func(t *testing.T) {
				p.prepare(t)
				before := p.numbered(t)
				p.Nodes[0].Exec(readOnlySwitch[f.name][0])
				done := make(chan error, 1)
				go func() {
					_, err := p.ExecContext(t.Context(), "insert into numbered (n) values (1)")
					done <- err
				}()
				p.eventually(t, "there is no primary", func() bool { return p.stats().Primary == "" })
				p.Nodes[1].Promote()
				require.NoError(t, <-done)
				assert.Equal(t, before+1, p.numbered(t))
				assert.Equal(t, p.Nodes[1].Address(), p.stats().Primary)
			})
		})
	}
}

// numbered counts the rows of that table on the primary.
func (p *pool) numbered(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, p.QueryRowContext(t.Context(), "select count(*) from numbered").Scan(&n))
	return n
}

func TestWritesOnAReadOnlyPrimaryAreRefusedAfterTheTimeWithTheServersError(t *testing.T) {
	for _, f := range families {
		if f.driver == "pgx" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			cluster := f.cluster(t, 1)
			ordinary := asOrdinary(t, cluster)
			p := open(t, f, cluster, func(c *pooled.Config) {
				ordinary(c)
				c.Routing.FailoverTimeout = time.Second
			})
			p.Nodes[0].Exec(readOnlySwitch[f.name][0])
			_, err := p.ExecContext(t.Context(), "insert into register values (5, 5)")
			require.ErrorIs(t, err, pooled.ErrNoPrimary)
			if my := new(mysql.MySQLError); errors.As(err, &my) {
				assert.EqualValues(t, 1290, my.Number)
			}
		})
	}
}

// Two servers without read_only, of which one replicates: who may not see that is told what to grant.
func TestMissingPrivilegeIsNamedWhereItKeepsFromWriting(t *testing.T) {
	for _, f := range families {
		if f.driver == "pgx" {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			cluster := f.cluster(t, 1)
			cluster.Nodes[0].Exec("create table register (id int primary key, n bigint not null)")
			change := asOrdinary(t, cluster)
			privilege := map[string]string{"MariaDB": "replica monitor", "MySQL": "replication client"}[f.name]
			cluster.Nodes[1].Exec("set global read_only = 0", "stop replica") // MariaDB shows everybody a replica that runs
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN = f.driver, cluster.Nodes[0].DSN()
			cfg.Routing.Replicas = []pooled.Replica{{Address: cluster.Nodes[1].Address()}}
			cfg.Routing.FailoverTimeout = 2 * time.Second
			change(&cfg)
			connector, err := pooled.NewConnector(cfg)
			require.NoError(t, err)
			db := sql.OpenDB(connector)
			defer db.Close()
			require.NoError(t, connector.Warm(t.Context()))
			require.Eventually(t, func() bool { return connector.Stats().Routing.Primary == "" }, patience, time.Millisecond)
			_, err = db.ExecContext(t.Context(), "insert into register values (1, 1)")
			require.ErrorIs(t, err, pooled.ErrNoPrimary)
			assert.ErrorContains(t, err, map[string]string{"MariaDB": "grant REPLICA MONITOR", "MySQL": "grant REPLICATION CLIENT"}[f.name])
			for _, n := range cluster.Nodes {
				n.Exec("set sql_log_bin = 0", "grant "+privilege+" on *.* to ordinary")
			}
			require.EventuallyWithT(t, func(t *assert.CollectT) {
				_, err := db.Exec("replace into register values (1, 1)")
				assert.NoError(t, err)
			}, patience, time.Millisecond)
		})
	}
}
