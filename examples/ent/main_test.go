package main

import (
	"context"
	"database/sql"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

func TestEntRunsThroughPooled(t *testing.T) {
	tourtest.Golden(t, "ent", walk, tour.Postgres, tour.MySQL, tour.SQLite)
}

// ent resets what WithVar has set with the caller's context. When that has ended, the variable stays. (pgx gives the connection up instead.)
func TestNobodySeesAVariableThatEntCouldNotReset(t *testing.T) {
	tourtest.OnEach(t, tour.MySQL, func(t *testing.T, args []string) {
		dsn := args[0]
		cfg, err := pooled.ParseDSN(dsn)
		require.NoError(t, err)
		require.Equal(t, "north", afterOneWhoGaveUp(t, cfg.DriverName, cfg.DSN), "without pooled it stays")
		require.Equal(t, "(none)", afterOneWhoGaveUp(t, "pooled", dsn))
	})
}

// afterOneWhoGaveUp has a caller give up when its rows have been read, and returns what the next one sees of its variable.
func afterOneWhoGaveUp(t *testing.T, driverName, dsn string) string {
	t.Helper()
	db, err := sql.Open(driverName, dsn)
	require.NoError(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1) // the next one gets the same connection
	driver, tenant := entsql.OpenDB(dialect.MySQL, db), variables[tour.MySQL]

	ctx, giveUp := context.WithCancel(t.Context())
	var rows entsql.Rows
	require.NoError(t, driver.Query(entsql.WithVar(ctx, tenant.name, "north"), tenant.read, []any{}, &rows))
	require.True(t, rows.Next())
	require.False(t, rows.Next())
	require.NoError(t, rows.Err())
	giveUp()
	require.ErrorIs(t, rows.Close(), context.Canceled)

	seen, err := tenant.seen(t.Context(), driver)
	require.NoError(t, err)
	return seen
}
