package deadlock_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// nest queries the pool for each of the rows of a query.
func nest(t *testing.T, db *sql.DB) error {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "select 'outer'")
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		if _, err := db.ExecContext(t.Context(), "update 'inner'"); err != nil {
			return err
		}
	}
	return rows.Err()
}

func TestNestedConnectionIsToldOnceForEachCallSite(t *testing.T) {
	p, log := pooltest.NewNarrowPool(t, 5, nil)
	for range 3 {
		require.NoError(t, nest(t, p.DB))
	}
	told := log.String()
	assert.Equal(t, 1, strings.Count(told, "takes a second connection"), told)
	assert.Contains(t, told, "wanted_at=\"github.com/gopooled/pooled/tests/deadlock_test.nest (")
	assert.Contains(t, told, "borrowed_at=\"github.com/gopooled/pooled/tests/deadlock_test.nest (")
	assert.Contains(t, told, "max_conns=5")
	assert.NotContains(t, told, "outer")
	assert.NotContains(t, told, "inner")

	tx, err := p.Begin()
	require.NoError(t, err)
	_, err = p.Exec("another call site")
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	assert.Equal(t, 2, strings.Count(log.String(), "takes a second connection"))
	assert.EqualValues(t, 4, p.EndpointStats().Nested.Nested)

	p.MustExec(t)
	assert.EqualValues(t, 4, p.EndpointStats().Nested.Nested, "what was held before is not held any more")
}

func TestBothPlacesAreToldFromTheSecondTimeOnIfStacksAreSampled(t *testing.T) {
	p, log := pooltest.NewNarrowPool(t, 5, func(c *pooled.Config) { c.Leak.Sample = 0 })
	require.NoError(t, nest(t, p.DB))
	assert.NotContains(t, log.String(), "borrowed_at")
	tx, err := p.Begin()
	require.NoError(t, err)
	require.NoError(t, nest(t, p.DB)) // another way to the same place
	require.NoError(t, tx.Commit())
	assert.Contains(t, log.String(), "borrowed_at")
}

func TestNestedConnectionIsRefusedOnRequest(t *testing.T) {
	for _, conns := range []int{0, 5} {
		p, _ := pooltest.NewNarrowPool(t, conns, func(c *pooled.Config) {
			c.Nested, c.Leak.Threshold, c.Leak.Sample = policy.NestedError, 0, pooled.NewConfig().Leak.Sample
		})
		err := nest(t, p.DB)
		require.ErrorIs(t, err, pooled.ErrNested)
		var nested *pooled.NestedError
		require.ErrorAs(t, err, &nested)
		assert.Equal(t, "select ?", nested.Holds[0].Text)
		assert.ErrorContains(t, err, "and wants one for exec update ? at github.com/gopooled/pooled/tests/deadlock_test.nest (")
		assert.Equal(t, 1, p.EndpointStats().Open)
		p.MustExec(t)
	}
}

func TestNestedConnectionsAreNotToldWithoutALimitOrOnRequest(t *testing.T) {
	for _, change := range []func(c *pooled.Config){
		func(c *pooled.Config) { c.Pool.MaxConns = 0 },
		func(c *pooled.Config) { c.Nested = policy.NestedOff },
	} {
		p, log := pooltest.NewNarrowPool(t, 5, change)
		require.NoError(t, nest(t, p.DB))
		assert.Empty(t, log.String())
		assert.Zero(t, p.EndpointStats().Nested)
	}
}

// A goroutine that gave back what it held is not nested, whoever has closed it.
func TestConnectionThatAnotherGoroutineHasClosedIsNotHeldAnyMore(t *testing.T) {
	p, log := pooltest.NewNarrowPool(t, 5, nil)
	tx, err := p.Begin()
	require.NoError(t, err)
	closed := make(chan error)
	go func() { closed <- tx.Rollback() }()
	require.NoError(t, <-closed)
	p.MustExec(t)
	assert.Empty(t, log.String())
}
