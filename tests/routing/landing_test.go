package routing_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/middleware"
)

// tooling has the monitors be patient with servers on a busy machine, as here replicas are to answer whatever they may answer, and has
// go-sql-driver/mysql read times, which goose needs.
func tooling(c *pooled.Config) {
	c.Routing.MonitorInterval = 6 * time.Second
	if my, err := mysql.ParseDSN(c.DSN); err == nil && c.DriverName == "mysql" {
		my.ParseTime = true
		c.DSN = my.FormatDSN()
	}
}

// Each test has its tables; the last one closes the pool.
func TestToolsReadOnReplicasAndDoTheRestOnThePrimary(t *testing.T) {
	forEachFamily(t, 2, tooling, func(t *testing.T, p *pool) {
		t.Run("GORM", p.testGorm)
		t.Run("sqlx", p.testSqlx)
		t.Run("goose", p.testGoose)
		t.Run("golang-migrate", p.testGolangMigrate)
	})
}

// during returns the calls of f, none of which may have failed.
func (p *pool) during(t *testing.T, f func()) []testimony {
	t.Helper()
	p.witness.take()
	f()
	calls := p.witness.take()
	require.NotEmpty(t, calls)
	for _, c := range calls {
		assert.NoError(t, c.err, c)
		assert.NotEqual(t, -1, c.node, "nobody knows where %s was", c)
	}
	return calls
}

// onReplicas runs f, all calls of which belong to replicas, once these have what was written before. text is one of the reads.
func (p *pool) onReplicas(t *testing.T, text string, f func()) {
	t.Helper()
	p.readable(t, text)
	for _, c := range p.during(t, f) {
		assert.NotZero(t, c.node, c)
	}
}

// onPrimary runs f, all calls of which belong to the primary.
func (p *pool) onPrimary(t *testing.T, f func()) {
	t.Helper()
	for _, c := range p.during(t, f) {
		assert.Zero(t, c.node, c)
	}
}

// onEither runs f, which reads and writes, and returns how many calls were on replicas: reads outside transactions, and nothing else.
func (p *pool) onEither(t *testing.T, f func()) (onReplicas int) {
	t.Helper()
	for _, c := range p.during(t, f) {
		if c.node == 0 {
			continue
		}
		onReplicas++
		text := strings.ToLower(strings.TrimSpace(c.text))
		assert.True(t, c.op == middleware.Query && !c.inTx && (strings.HasPrefix(text, "select") || strings.HasPrefix(text, "show")), c)
		for _, word := range []string{"for update", "lock", "nextval", "into "} {
			assert.NotContains(t, text, word)
		}
	}
	return onReplicas
}

// isLock finds the statements that take the locks of migration tools.
func isLock(c testimony) bool {
	return slices.ContainsFunc([]string{"advisory_lock", "GET_LOCK", "lock"}, func(word string) bool { return strings.Contains(c.text, word) })
}
