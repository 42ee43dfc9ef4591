package routetest

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/routing"
)

// routed is a pool over a cluster of real servers.
type routed struct {
	*sql.DB
	*testserver.Cluster
	family    *routedFamily
	connector *pooled.Connector
}

// routedFamily is what differs between the families.
type routedFamily struct {
	name, driver string
	cluster      func(t testserver.T, replicas int) *testserver.Cluster
	port         string // a read that tells where it runs
	self         string // a statement that tells where it runs, whatever the session has done
	counter      string // creates a table of counters
	schema       string // of the matrix
	cases        []routingCase
}

var routedFamilies = []*routedFamily{
	{
		"PostgreSQL", "pgx", testserver.PostgresCluster, "select inet_server_port()", "select inet_server_port()",
		"create table counter (id int primary key, n bigint not null)",
		postgresRoutingSchema, postgresRoutingCases,
	},
	{
		"MariaDB", "mysql", testserver.MariaDBCluster, "select port from whoami", "select @@port",
		"create table counter (id int primary key, n bigint not null)",
		mariaDBRoutingSchema, mariaDBRoutingCases,
	},
}

// forEachRouted runs a test over a cluster of each family.
func forEachRouted(t *testing.T, replicas int, change func(*pooled.Config), test func(t *testing.T, r *routed)) {
	for _, family := range routedFamilies {
		t.Run(family.name, func(t *testing.T) { test(t, openRouted(t, family, replicas, change)) })
	}
}

func openRouted(t *testing.T, family *routedFamily, replicas int, change func(*pooled.Config)) *routed {
	t.Helper()
	cluster := family.cluster(t, replicas)
	cluster.Nodes[0].Exec(family.counter)
	if family.driver == "mysql" { // of which a replica can answer nothing that tells it from the others, unless it has data of its own
		cluster.Nodes[0].Exec("create table whoami (port int)")
		for i, node := range cluster.Nodes {
			if i > 0 {
				node.Await("select count(*) from information_schema.tables where table_name = 'whoami'", "1")
			}
			node.Exec("set sql_log_bin = 0", "insert into whoami values (@@port)")
		}
	}
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = family.driver, cluster.Nodes[0].DSN()
	for _, node := range cluster.Nodes[1:] {
		cfg.Routing.Replicas = append(cfg.Routing.Replicas, pooled.Replica{Address: node.Address()})
	}
	if change != nil {
		change(&cfg)
	}
	connector, err := pooled.NewConnector(cfg)
	require.NoError(t, err)
	r := &routed{sql.OpenDB(connector), cluster, family, connector}
	t.Cleanup(func() { assert.NoError(t, r.Close()) })
	return r
}

// poll waits until a condition of the router's statistics holds.
func (r *routed) poll(t *testing.T, what string, condition func(*pooled.RoutingStats) bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition(r.connector.Stats().Routing) {
		require.False(t, time.Now().After(deadline), "%s: %+v", what, r.connector.Stats().Routing)
		time.Sleep(2 * time.Millisecond) // between two looks
	}
}

// untilReadsReturn waits until reads go to replicas again.
func (r *routed) untilReadsReturn(t *testing.T) {
	t.Helper()
	r.poll(t, "reads go to replicas", func(*pooled.RoutingStats) bool { return r.node(t.Context(), t, r.DB) != 0 })
}

// ready waits until all replicas may be read from, and the catalogue is known that statements are judged by.
func (r *routed) ready(t *testing.T) {
	t.Helper()
	require.NoError(t, r.connector.Warm(t.Context()))
	r.poll(t, "all replicas are ready", r.caughtUp)
	r.poll(t, "the catalogue is known", func(*pooled.RoutingStats) bool {
		d, ok := routing.Explain(r.DB, r.family.port)
		return ok && d.Reason == routing.Read
	})
}

// caughtUp says that all replicas have what the primary has told.
func (r *routed) caughtUp(s *pooled.RoutingStats) bool {
	for _, server := range s.Servers {
		if server.Role == "replica" && (!server.Readable || server.Lag != 0) {
			return false
		}
	}
	return len(s.Servers) == len(r.Nodes) && s.Primary != ""
}

// node finds out which server answers a read, by asking it.
func (r *routed) node(ctx context.Context, t *testing.T, q rower) int {
	t.Helper()
	return r.nodeSays(ctx, t, q, r.family.port)
}

// nodeOf finds out which server a session is on. The question does not move it.
func (r *routed) nodeOf(ctx context.Context, t *testing.T, conn *sql.Conn) int {
	t.Helper()
	return r.nodeSays(routing.WithReplica(ctx), t, conn, r.family.self)
}

type rower interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (r *routed) nodeSays(ctx context.Context, t *testing.T, q rower, query string) int {
	t.Helper()
	var port int
	require.NoError(t, q.QueryRowContext(ctx, query).Scan(&port))
	for i, node := range r.Nodes {
		if strings.HasSuffix(node.Address(), ":"+strconv.Itoa(port)) {
			return i
		}
	}
	require.Fail(t, "no node has the port", port)
	return -1
}

func TestReadsGoToReplicasAndWritesToThePrimary(t *testing.T) {
	forEachRouted(t, 2, nil, func(t *testing.T, r *routed) {
		r.ready(t)
		where := map[int]int{}
		for range 40 {
			where[r.node(t.Context(), t, r.DB)]++
		}
		assert.Zero(t, where[0], "reads go to replicas")
		assert.Positive(t, where[1])
		assert.Positive(t, where[2])

		conn, err := r.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "insert into counter values (1, 1)")
		require.NoError(t, err)
		assert.Zero(t, r.node(t.Context(), t, conn), "a session stays on the primary")
		require.NoError(t, conn.Close())
		var n int
		require.NoError(t, r.QueryRowContext(t.Context(), "select n from counter where id = 1").Scan(&n))
		assert.Equal(t, 1, n, "what was just written is seen, wherever that is")
		r.untilReadsReturn(t)
	})
}
