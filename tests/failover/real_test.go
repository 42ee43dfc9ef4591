package failover_test

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	_ "github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/policy"
	_ "github.com/gopooled/pooled/postgres"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// family is what differs between the servers.
type family struct {
	name, driver string
	cluster      func(t testserver.T, replicas int) *testserver.Cluster
	create       []string
	// demote makes a primary refuse writes, promote has a replica take them once it has everything.
	demote       []string
	neither      []string // a server is no replica, and does not write
	insert       string
	codes        []string // of refusals
	sessionReads []string // a session asks for read only
	dsn          func(t *testing.T, dsn, address string) string
	readOnlyDSN  func(dsn string) string
}

// writer is a user who may not write while the server is read-only: administrators of MySQL and MariaDB may.
const writer = "writer"

var families = []family{
	{
		name: "PostgreSQL", driver: "pgx", cluster: testserver.PostgresCluster,
		create:  []string{"create table done (id bigint not null)"},
		demote:  []string{"alter system set default_transaction_read_only = on", "select pg_reload_conf()"},
		neither: []string{"alter system set default_transaction_read_only = on", "select pg_reload_conf()"},
		insert:  "insert into done values ($1)",
		codes:   []string{"SQLSTATE 25006"},
		sessionReads: []string{
			"set default_transaction_read_only = on", "set session characteristics as transaction read only", "begin read only",
			"select set_config('default_transaction_read_only', 'on', false)",
		},
		dsn: func(t *testing.T, dsn, address string) string {
			before, after, found := strings.Cut(dsn, "@127.0.0.1:")
			require.True(t, found)
			_, path, _ := strings.Cut(after, "/")
			return before + "@" + address + "/" + path
		},
		readOnlyDSN: func(dsn string) string { return dsn + "&default_transaction_read_only=on" },
	},
	mysqlFamily("MariaDB", testserver.MariaDBCluster, "tx_read_only"),
	mysqlFamily("MySQL", testserver.MySQLCluster, "transaction_read_only"),
}

func mysqlFamily(name string, cluster func(t testserver.T, replicas int) *testserver.Cluster, variable string) family {
	return family{
		name: name, driver: "mysql", cluster: cluster,
		create: []string{
			"create table done (id bigint not null) engine=innodb", "create user " + writer + " identified by 'secret'",
			"grant select, insert on *.* to " + writer,
		},
		demote:       []string{"set global read_only = 1"},
		neither:      []string{"set global " + variable + " = 1"},
		insert:       "insert into done values (?)",
		codes:        []string{"error 1290", "error 1792"},
		sessionReads: []string{"set session transaction read only", "set session " + variable + " = 1", "start transaction read only"},
		dsn: func(t *testing.T, dsn, address string) string {
			return realtest.WithParams(t, dsn, func(c *gomysql.Config) { c.User, c.Passwd, c.Addr = writer, "secret", address })
		},
		readOnlyDSN: func(dsn string) string { return dsn + "?" + variable + "=1" },
	}
}

// onFamilies runs a test on a cluster of each, with an address that leads to its primary, and the DSN of that.
func onFamilies(t *testing.T, test func(t *testing.T, f family, c *testserver.Cluster, a *address, dsn string)) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			c := f.cluster(t, 1)
			c.Nodes[0].Exec(f.create...)
			c.Nodes[1].Await("select count(*) from done", "0")
			if f.driver == "mysql" {
				c.Nodes[1].Await("select count(*) from mysql.user where user = '"+writer+"'", "1")
			}
			a := newAddress(t, c.Nodes[0].Address())
			test(t, f, c, a, f.dsn(t, c.Nodes[0].DSN(), a.String()))
		})
	}
}

// failOver has the replica take over, and then the address lead to it.
func failOver(t *testing.T, f family, c *testserver.Cluster, a *address) {
	old, successor := c.Nodes[0], c.Nodes[1]
	old.Exec(f.demote...)
	successor.Await("select count(*) from done", realtest.Scalar(t, realtest.Open(t, f.driver, old.DSN()), "select count(*) from done"))
	successor.Promote()
	a.leadTo(successor.Address())
}

func open(t *testing.T, driver, dsn string, change func(*pooled.Config)) (*sql.DB, *pooled.Connector, *pooltest.LogBuffer) {
	t.Helper()
	log := &pooltest.LogBuffer{}
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN, cfg.Logger = driver, dsn, slog.New(slog.NewTextHandler(log, nil))
	if change != nil {
		change(&cfg)
	}
	db, connector := pooltest.Open(t, cfg)
	return db, connector, log
}

// conns is how many connections a pool has when the failover comes.
const conns = 4

// spread has several connections idle.
func spread(t *testing.T, db *sql.DB) {
	t.Helper()
	db.SetMaxIdleConns(conns)
	var held []*sql.Conn
	for range conns {
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, conn.PingContext(t.Context()))
		held = append(held, conn)
	}
	for _, conn := range held {
		require.NoError(t, conn.Close())
	}
}

func TestAfterAFailoverEachConnectionFailsOneWriteAtMost(t *testing.T) {
	onFamilies(t, func(t *testing.T, f family, c *testserver.Cluster, a *address, dsn string) {
		bare := realtest.Open(t, f.driver, dsn)
		db, connector, log := open(t, f.driver, dsn, nil)
		spread(t, bare)
		spread(t, db)
		failOver(t, f, c, a)
		var refused, done atomic.Int64
		var writers sync.WaitGroup
		for writer := range conns {
			writers.Go(func() {
				for n := range 50 {
					_, err := db.ExecContext(t.Context(), f.insert, writer*50+n)
					if err == nil {
						done.Add(1)
						continue
					}
					assert.Contains(t, f.codes, realtest.Code(err), err)
					refused.Add(1)
				}
			})
		}
		writers.Wait()
		assert.Positive(t, refused.Load())
		assert.LessOrEqual(t, refused.Load(), int64(conns))
		successor := realtest.Open(t, f.driver, c.Nodes[1].DSN())
		assert.EqualValues(t, done.Load(), realtest.ScanInt(t, successor, "select count(distinct id) from done"))
		assert.EqualValues(t, done.Load(), realtest.ScanInt(t, successor, "select count(*) from done"))
		assert.Equal(t, 1, strings.Count(log.String(), replaced), log)
		assert.Positive(t, connector.Stats().Endpoints[0].Closed.Demoted)
		for range 5 * conns {
			_, err := bare.ExecContext(t.Context(), f.insert, -1)
			assert.Contains(t, f.codes, realtest.Code(err), "the bare driver goes on failing")
		}
	})
}

func TestAFailoverUnderLoadLosesNoWriteAndDoublesNone(t *testing.T) {
	onFamilies(t, func(t *testing.T, f family, c *testserver.Cluster, a *address, dsn string) {
		db, _, _ := open(t, f.driver, dsn, func(cfg *pooled.Config) { cfg.Pool.MaxConns = conns })
		var last, refused atomic.Int64
		var switched atomic.Bool
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		acknowledged := make([][]int64, 2*conns)
		var writers sync.WaitGroup
		for writer := range acknowledged {
			writers.Go(func() {
				for later := 0; later < 50 && ctx.Err() == nil; {
					id := last.Add(1)
					is := switched.Load()
					if _, err := db.ExecContext(ctx, f.insert, id); err != nil {
						assert.Contains(t, f.codes, realtest.Code(err), err)
						refused.Add(1)
						continue
					}
					acknowledged[writer] = append(acknowledged[writer], id)
					if is {
						later++
					}
				}
			})
		}
		failOver(t, f, c, a)
		switched.Store(true)
		writers.Wait()
		require.NoError(t, ctx.Err(), "writes succeed again")
		assert.Positive(t, refused.Load())
		successor := realtest.Open(t, f.driver, c.Nodes[1].DSN())
		times := map[int64]int{}
		rows, err := successor.QueryContext(t.Context(), "select id from done")
		require.NoError(t, err)
		defer rows.Close()
		for rows.Next() {
			var id int64
			require.NoError(t, rows.Scan(&id))
			times[id]++
		}
		require.NoError(t, rows.Err())
		written := 0
		for _, ids := range acknowledged {
			for _, id := range ids {
				assert.Equal(t, 1, times[id], id)
				written++
			}
		}
		assert.Len(t, times, written, "what was refused was not written")
	})
}

func TestASessionThatAskedForReadOnlyOnARealServerRetiresNothing(t *testing.T) {
	databases := map[string]func(testing.TB) string{"PostgreSQL": testserver.PostgresDatabase, "MariaDB": testserver.MariaDBDatabase, "MySQL": testserver.MySQLDatabase}
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			dsn := databases[f.name](t)
			realtest.SetUp(t, f.driver, dsn, f.create[:1])
			for _, reset := range []policy.ResetMode{policy.ResetDirty, policy.ResetOff} {
				db, connector, log := open(t, f.driver, dsn, func(cfg *pooled.Config) { cfg.Pool.MaxConns, cfg.Reset.Mode = conns, reset })
				spread(t, db)
				for _, text := range f.sessionReads {
					conn, err := db.Conn(t.Context())
					require.NoError(t, err)
					_, err = conn.ExecContext(t.Context(), text)
					require.NoError(t, err)
					_, err = conn.ExecContext(t.Context(), f.insert, 1)
					assert.Contains(t, f.codes, realtest.Code(err), text)
					if strings.HasSuffix(text, "transaction read only") {
						_, _ = conn.ExecContext(t.Context(), "rollback") // nothing may be open
					}
					require.NoError(t, conn.Close())
				}
				tx, err := db.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
				require.NoError(t, err)
				_, err = tx.ExecContext(t.Context(), f.insert, 1)
				assert.Contains(t, f.codes, realtest.Code(err))
				require.NoError(t, tx.Rollback())
				awaitIdle(t, connector)
				assert.Zero(t, connector.Stats().Endpoints[0].Closed.Demoted)
				assert.NotContains(t, log.String(), replaced)
			}
			db, connector, log := open(t, f.driver, f.readOnlyDSN(dsn), nil)
			for range 3 {
				_, err := db.ExecContext(t.Context(), f.insert, 1)
				assert.Contains(t, f.codes, realtest.Code(err), "by the DSN")
			}
			awaitIdle(t, connector)
			assert.Zero(t, connector.Stats().Endpoints[0].Closed.Demoted)
			assert.NotContains(t, log.String(), replaced)
		})
	}
}

// awaitIdle waits until nothing is looked at any more.
func awaitIdle(t *testing.T, connector *pooled.Connector) {
	t.Helper()
	require.Eventually(t, func() bool { return connector.Stats().Endpoints[0].InUse == 0 }, time.Minute, time.Millisecond)
}
