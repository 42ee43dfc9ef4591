package pooltest

import (
	"context"
	"database/sql"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// GiveUp makes a call whose caller has so much time, which is not enough.
func (p Pool) GiveUp(t *testing.T, patience time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	_, err := p.ExecContext(ctx, "exec")
	require.Equal(t, context.DeadlineExceeded, err)
	require.Equal(t, patience, time.Since(began), "nobody waits for longer than he wanted to")
}

// WithClasses are connections of which web gets eight times as large a part as batch.
func WithClasses(conns int) func(*pooled.Config) {
	return func(c *pooled.Config) {
		c.Pool.MaxConns = conns
		c.Queue.Classes = []policy.Class{{Name: "web", Weight: 8}, {Name: "batch", Weight: 1}}
	}
}

// NewNarrowPool is a pool with a few connections. All stacks are captured, so that errors can be compared.
func NewNarrowPool(t *testing.T, conns int, change func(*pooled.Config)) (Pool, *LogBuffer) {
	t.Helper()
	log := &LogBuffer{}
	return NewPoolOf(t, Modern, func(c *pooled.Config) {
		c.Pool.MaxConns, c.Leak.Sample, c.Logger = conns, 1, slog.New(slog.NewTextHandler(log, nil))
		if change != nil {
			change(c)
		}
	}), log
}

// Beside opens another DB with the connector of a pool.
func (p Pool) Beside(t *testing.T) *sql.DB {
	t.Helper()
	db := sql.OpenDB(p.Connector)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// Finish closes what is left. In a bubble, a goroutine that is left over fails the test.
func (p Pool) Finish(t *testing.T, other *sql.DB) {
	t.Helper()
	require.NoError(t, other.Close())
	require.NoError(t, p.Close())
	assert.Empty(t, p.Fault.OpenConns())
	assert.Zero(t, p.EndpointStats().Open)
}

// Modern is what both known drivers offer.
var Modern = faultdriver.EveryConn

// Pool is a pooled DB over a scriptable driver.
type Pool struct {
	*sql.DB
	Fault     *faultdriver.Driver
	Connector *pooled.Connector
}

// NewPool opens one. Inside a synctest bubble, all of it lives in the bubble.
func NewPool(t *testing.T, caps faultdriver.ConnCaps, change func(*policy.Pool)) Pool {
	t.Helper()
	return NewPoolOf(t, caps, func(c *pooled.Config) {
		if change != nil {
			change(&c.Pool)
		}
	})
}

// NewPoolOf is NewPool with all settings to change, and middlewares.
func NewPoolOf(t *testing.T, caps faultdriver.ConnCaps, change func(*pooled.Config), middlewares ...pooled.Middleware) Pool {
	t.Helper()
	d := faultdriver.New(caps, faultdriver.EveryStmt)
	t.Cleanup(func() { assert.Empty(t, d.Violations(), "two used one connection at once") }) // once it is closed
	cfg := pooled.NewConfig()
	cfg.Connector, cfg.Pool.MaxIdleConns = d, policy.AllIdle // those that are about it say so
	if change != nil {
		change(&cfg)
	}
	db, connector := Open(t, cfg, middlewares...)
	return Pool{db, d, connector}
}

// EndpointStats are those of the pool's only server.
func (p Pool) EndpointStats() stats.Endpoint { return p.Connector.Stats().Endpoints[0] }

// Hold takes n server connections at once.
func (p Pool) Hold(t *testing.T, n int) []*sql.Conn {
	t.Helper()
	conns := make([]*sql.Conn, n)
	for i := range conns {
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "hold")
		require.NoError(t, err)
		conns[i] = conn
	}
	return conns
}

// Idle makes n idle server connections.
func (p Pool) Idle(t *testing.T, n int) {
	t.Helper()
	for _, conn := range p.Hold(t, n) {
		require.NoError(t, conn.Close())
	}
	require.Equal(t, n, p.EndpointStats().Idle)
}

// MustExec makes a call that must succeed.
func (p Pool) MustExec(t *testing.T) {
	t.Helper()
	_, err := p.ExecContext(t.Context(), "exec")
	require.NoError(t, err)
}

// Calls counts the calls of an operation that reached the driver.
func (p Pool) Calls(op faultdriver.Op) int {
	n := 0
	for _, call := range p.Fault.Calls() {
		_, name, _ := strings.Cut(call, ".")
		name, _, _ = strings.Cut(name, " ")
		if name == string(op) {
			n++
		}
	}
	return n
}
