package routetest

import (
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/routing"
)

// TestEveryStatementRunsWhereItBelongs runs each row of the matrix in a session of its own, and then asks the server that the session is
// on who it is.
func TestEveryStatementRunsWhereItBelongs(t *testing.T) {
	forEachRouted(t, 1, func(c *pooled.Config) { c.Pool.MaxConns = 4 }, func(t *testing.T, r *routed) {
		r.applySchema(t)
		r.ready(t)
		r.untilReadsReturn(t)
		ran := map[int]int{}
		for i := range r.family.cases {
			c := &r.family.cases[i]
			if c.noRun == "" && c.since <= 15 && !t.Failed() {
				ran[r.whereRan(t, c)]++
			}
		}
		t.Logf("%d statements ran on the primary, %d on the replica", ran[0], ran[1])
		assert.GreaterOrEqual(t, ran[0]+ran[1], 150)
	})
}

// applySchema makes what the matrix needs, on the primary.
func (r *routed) applySchema(t *testing.T) {
	t.Helper()
	if r.family.driver != "mysql" {
		r.Nodes[0].Exec(r.family.schema)
		return
	}
	cfg, err := mysql.ParseDSN(r.Nodes[0].DSN())
	require.NoError(t, err)
	cfg.MultiStatements = true
	for _, node := range r.Nodes {
		node.Exec("set global log_bin_trust_function_creators = on") // or functions must declare what they do
	}
	r.Nodes[0].ExecOver(cfg.FormatDSN(), r.family.schema)
}

// whereRan runs a row, and returns the node that its session is on then.
func (r *routed) whereRan(t *testing.T, c *routingCase) int {
	t.Helper()
	ctx := routing.NewSession(t.Context())
	conn, err := r.Conn(ctx)
	require.NoError(t, err)
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, c.text)
	require.NoError(t, err, c.text)
	require.NoError(t, drain(rows), c.text)
	node := r.nodeOf(ctx, t, conn)
	want := 0
	if c.where() == dialect.RoleReplica && !strings.Contains(c.text, "pool:primary") {
		want = 1
	}
	assert.Equal(t, want, node, c.text)
	return node
}
