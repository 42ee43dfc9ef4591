package routing_test

import (
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/routing"
)

// TestEveryStatementRunsWhereItBelongs runs each row of the matrix in a session of its own.
func TestEveryStatementRunsWhereItBelongs(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			cluster := f.cluster(t, 1)
			applySchema(t, f, cluster)
			p := open(t, f, cluster, func(c *pooled.Config) { c.Pool.MaxConns = 4 })
			ran := map[int]int{}
			for i := range f.cases {
				c := &f.cases[i]
				if c.noRun == "" && c.since <= 15 && !t.Failed() {
					ran[p.whereRan(t, c)]++
				}
			}
			t.Logf("%d statements ran on the primary, %d on the replica", ran[0], ran[1])
			assert.GreaterOrEqual(t, ran[0]+ran[1], 150)
		})
	}
}

// applySchema makes what the matrix needs, on the primary.
func applySchema(t *testing.T, f *family, cluster *testserver.Cluster) {
	t.Helper()
	primary := cluster.Nodes[0]
	if f.driver != "mysql" {
		primary.Exec(f.schema)
		return
	}
	for _, node := range cluster.Nodes {
		node.Exec("set global log_bin_trust_function_creators = on") // or functions must declare what they do
	}
	primary.ExecOver(multiStatements(t, primary.DSN()), f.schema)
}

// multiStatements has go-sql-driver/mysql take texts of several statements.
func multiStatements(t *testing.T, dsn string) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	cfg.MultiStatements = true
	return cfg.FormatDSN()
}

// whereRan runs a row, and returns the node that ran it. What belongs on a replica waits until the router knows what it names: until then it may
// also go to the primary, as while the catalogue is being read anyway.
func (p *pool) whereRan(t *testing.T, c *routingCase) int {
	t.Helper()
	want := 0
	if c.where() == dialect.RoleReplica && !strings.Contains(c.text, "pool:primary") {
		want = 1
	}
	if want == 1 && !strings.Contains(c.text, "pool:replica") {
		p.readable(t, c.text)
	}
	ctx := routing.NewSession(t.Context())
	conn, err := p.Conn(ctx)
	require.NoError(t, err)
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, c.text)
	require.NoError(t, err, c.text)
	require.NoError(t, drain(rows), c.text)
	node := p.last(t)
	assert.Equal(t, want, node, c.text)
	return node
}
