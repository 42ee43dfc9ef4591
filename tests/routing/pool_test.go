package routing_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/routing"
	"github.com/gopooled/pooled/stats"
)

// pool is a pool over a cluster of real servers, with a table of registers.
type pool struct {
	*sql.DB
	*testserver.Cluster
	family    *family
	connector *pooled.Connector
	witness   *witness
}

// querier is an *sql.DB, an *sql.Conn or an *sql.Tx.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// patience is how long anything that is waited for may take.
const patience = 40 * time.Second

// countRegisters is a read that every server answers.
const countRegisters = "select count(*) from register"

// forEachFamily runs a test over a cluster of each family.
func forEachFamily(t *testing.T, replicas int, change func(*pooled.Config), test func(t *testing.T, p *pool)) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) { test(t, open(t, f, f.cluster(t, replicas), change)) })
	}
}

// open opens a pool, and waits until reads go to all replicas.
func open(t *testing.T, f *family, cluster *testserver.Cluster, change func(*pooled.Config)) *pool {
	t.Helper()
	cluster.Nodes[0].Exec("create table if not exists register (id int primary key, n bigint not null)")
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = f.driver, cluster.Nodes[0].DSN()
	for _, node := range cluster.Nodes[1:] {
		cfg.Routing.Replicas = append(cfg.Routing.Replicas, pooled.Replica{Address: node.Address()})
	}
	if change != nil {
		change(&cfg)
	}
	w := newWitness(f, cluster.Nodes)
	connector, err := pooled.NewConnector(cfg, w.middleware())
	require.NoError(t, err)
	p := &pool{sql.OpenDB(connector), cluster, f, connector, w}
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	require.NoError(t, connector.Warm(t.Context()))
	p.readable(t, countRegisters)
	return p
}

// eventually waits until a condition holds.
func (p *pool) eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(2 * time.Millisecond) { // between two looks
		if time.Now().After(deadline) {
			require.FailNow(t, what, "not within %v: %+v", patience, p.stats())
		}
	}
}

// stats are those of the router.
func (p *pool) stats() *stats.Routing { return p.connector.Stats().Routing }

// readable waits until all replicas have what the primary has told, and reads like this one go to them.
func (p *pool) readable(t *testing.T, text string) {
	t.Helper()
	p.eventually(t, "all replicas are ready, and the catalogue is known", func() bool {
		s := p.stats()
		for _, server := range s.Servers {
			if server.Role == "replica" && (!server.Readable || server.Lag != 0) {
				return false
			}
		}
		d, ok := routing.Explain(p.DB, text)
		return ok && len(s.Servers) == len(p.Nodes) && s.Primary != "" && d.Reason == routing.ReasonRead
	})
}

// last returns the node that ran the last call.
func (p *pool) last(t *testing.T) int {
	t.Helper()
	calls := p.witness.take()
	require.NotEmpty(t, calls)
	return calls[len(calls)-1].node
}

// value reads the only register.
func value(ctx context.Context, t *testing.T, q querier) (n int) {
	t.Helper()
	require.NoError(t, q.QueryRowContext(ctx, "select n from register").Scan(&n))
	return n
}

// node returns the node that answers a read. Nobody else may use the pool meanwhile.
func (p *pool) node(ctx context.Context, t *testing.T, q querier) int {
	t.Helper()
	var n int
	require.NoError(t, q.QueryRowContext(ctx, countRegisters).Scan(&n))
	return p.last(t)
}

// readsReturn waits until a replica answers reads again.
func (p *pool) readsReturn(t *testing.T) {
	t.Helper()
	p.eventually(t, "reads go to replicas", func() bool { return p.node(t.Context(), t, p) > 0 })
}

// rows reads two columns of a server, the second by the first, over a bare connection.
func (p *pool) rows(t *testing.T, node *testserver.Node, query string) map[int64]int64 {
	t.Helper()
	db := p.bare(t, node)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	all := map[int64]int64{}
	for rows.Next() {
		var key, value int64
		require.NoError(t, rows.Scan(&key, &value))
		all[key] = value
	}
	require.NoError(t, rows.Err())
	return all
}

// registers reads all registers of a server.
func (p *pool) registers(t *testing.T, node *testserver.Node) map[int64]int64 {
	t.Helper()
	return p.rows(t, node, "select id, n from register")
}

// ask reads one value of a server, over a bare connection. The zero value stands for an error: who asks waits for something else.
func ask[T any](t *testing.T, p *pool, node *testserver.Node, query string) (answer T) {
	t.Helper()
	db := p.bare(t, node)
	defer db.Close()
	_ = db.QueryRowContext(t.Context(), query).Scan(&answer) // as above
	return answer
}

// bare opens the real driver over a server. The caller closes it.
func (p *pool) bare(t *testing.T, node *testserver.Node) *sql.DB {
	t.Helper()
	db, err := sql.Open(p.family.driver, node.DSN())
	require.NoError(t, err)
	return db
}
