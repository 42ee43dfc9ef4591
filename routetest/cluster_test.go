package routetest

import (
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	_ "github.com/gopooled/pooled/mysql"    // its dialect
	_ "github.com/gopooled/pooled/postgres" // its dialect
	"github.com/gopooled/pooled/routing"
)

// family is what differs between the databases.
type family struct {
	name, driver string
	replicas     int
	cluster      func(t testserver.T, replicas int) *testserver.Cluster
	port         string                          // asks a server for its port
	idle         string                          // 1 once a replica without a primary has applied all that it has received, as text
	progress     string                          // how much a replica has applied, as a number that grows
	deaf         []string                        // makes a replica receive nothing any more, until it follows another primary
	slow         func(milliseconds int) []string // makes a replica apply everything that much later; nil: it cannot
	increment    string                          // adds 1 to the register $1 and returns the new value; empty: last_insert_id tells it
	argument     string                          // the placeholder for the first argument
	setting      string                          // changes something about a session
}

var families = []*family{
	{
		name: "PostgreSQL", driver: "pgx", replicas: 2, cluster: testserver.PostgresCluster,
		port:     "select inet_server_port()",
		idle:     "select count(*)::text from pg_stat_activity where backend_type = 'startup' and wait_event = 'RecoveryRetrieveRetryInterval'",
		progress: "select pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::bigint",
		deaf:     []string{"alter system set primary_conninfo = 'host=127.0.0.1 port=1'", "select pg_reload_conf()"},
		slow: func(milliseconds int) []string {
			return []string{fmt.Sprintf("alter system set recovery_min_apply_delay = '%dms'", milliseconds), "select pg_reload_conf()"}
		},
		increment: "update register set n = n + 1 where id = $1 returning n",
		argument:  "$1",
		setting:   "set statement_timeout = '30s'",
	},
	{
		name: "MariaDB", driver: "mysql", replicas: 1, cluster: testserver.MariaDBCluster,
		port: "select @@port",
		idle: "select (select count(*) from information_schema.processlist where command = 'Slave_SQL' and state like 'Slave has read all relay log%')" +
			" - (select count(*) from information_schema.processlist where command = 'Slave_IO')",
		progress: "select 1",
		deaf:     []string{"stop slave io_thread"},
		argument: "?",
		setting:  "set sql_mode = 'ANSI'",
	},
}

// pool is a pool over a cluster of real servers.
type pool struct {
	*sql.DB
	*testserver.Cluster
	family    *family
	connector *pooled.Connector
	witness   *witness
}

// patience is how long anything that is waited for may take.
const patience = 40 * time.Second

// forEachFamily runs a test over a cluster of each family.
func forEachFamily(t *testing.T, change func(*pooled.Config), test func(t *testing.T, p *pool)) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) { test(t, open(t, f, change)) })
	}
}

func open(t *testing.T, f *family, change func(*pooled.Config)) *pool {
	t.Helper()
	p := &pool{Cluster: f.cluster(t, f.replicas), family: f}
	p.Nodes[0].Exec("create table register (id int primary key, n bigint not null)")
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = f.driver, p.Nodes[0].DSN()
	for _, node := range p.Nodes[1:] {
		cfg.Routing.Replicas = append(cfg.Routing.Replicas, pooled.Replica{Address: node.Address()})
	}
	if change != nil {
		change(&cfg)
	}
	p.witness = newWitness(f, p.Nodes)
	connector, err := pooled.NewConnector(cfg, p.witness.middleware())
	require.NoError(t, err)
	p.connector, p.DB = connector, sql.OpenDB(connector)
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	require.NoError(t, connector.Warm(t.Context()))
	p.readable(t, "select count(*) from register")
	return p
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(2 * time.Millisecond) { // between two looks
		require.False(t, time.Now().After(deadline), "%s: not within %v", what, patience)
	}
}

// readable waits until all replicas have what the primary has told, and reads like this one go to them.
func (p *pool) readable(t *testing.T, text string) {
	t.Helper()
	eventually(t, "reads go to replicas", func() bool {
		s := p.connector.Stats().Routing
		for _, server := range s.Servers {
			if server.Role == "replica" && (!server.Readable || server.Lag != 0) {
				return false
			}
		}
		d, ok := routing.Explain(p.DB, text)
		return ok && s.Primary != "" && d.Reason == routing.Read
	})
}

// values reads all registers of a server, over a bare connection.
func (p *pool) values(t *testing.T, node *testserver.Node) map[int]int64 {
	t.Helper()
	db := p.bare(t, node)
	rows, err := db.QueryContext(t.Context(), "select id, n from register")
	require.NoError(t, err)
	defer rows.Close()
	all := map[int]int64{}
	for rows.Next() {
		var id int
		var n int64
		require.NoError(t, rows.Scan(&id, &n))
		all[id] = n
	}
	require.NoError(t, rows.Err())
	return all
}

// ask reads one value of a server, over a bare connection. The zero value stands for an error: who asks waits for something else.
func ask[T any](t *testing.T, p *pool, node *testserver.Node, query string) (answer T) {
	t.Helper()
	_ = p.bare(t, node).QueryRowContext(t.Context(), query).Scan(&answer) // as above
	return answer
}

func (p *pool) bare(t *testing.T, node *testserver.Node) *sql.DB {
	t.Helper()
	db, err := sql.Open(p.family.driver, node.DSN())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}
