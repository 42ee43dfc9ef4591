package tour_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/internal/tour/tourtest"
)

// walk is a tour of database/sql itself.
func walk(ctx context.Context, t *tour.Tour) {
	t.Show("reads", func() (any, error) {
		var one int
		err := t.DB.QueryRowContext(ctx, "select 1").Scan(&one)
		return one, err
	})
	t.FailsWith("finds no row", sql.ErrNoRows, func() error {
		var one int
		return t.DB.QueryRowContext(ctx, "select 1 where 1 = 0").Scan(&one)
	})
	t.Fails("has no such table", t.ServerError(), func() error {
		_, err := t.DB.ExecContext(ctx, "delete from nothing")
		return err
	})
	t.Each(func() error {
		_, err := t.DB.ExecContext(ctx, "select 1")
		return err
	})
}

func TestATourPrintsWhatEachFeatureGave(t *testing.T) {
	tourtest.Golden(t, "plain", walk, tour.Postgres, tour.MySQL, tour.SQLite)
}

func TestATourOpensItsDatabaseWithPooledOrWithItsOwnDriver(t *testing.T) {
	for family, driver := range map[string]string{tour.Postgres: "pgx", tour.MySQL: "mysql", tour.SQLite: "sqlite"} {
		tourtest.OnEach(t, family, func(t *testing.T, dsn []string) {
			for _, bare := range []bool{false, true} {
				args := dsn
				if bare {
					args = append([]string{"-bare"}, dsn...)
				}
				require.NoError(t, tour.Run(t.Context(), "plain", args, &bytes.Buffer{}, func(ctx context.Context, tour *tour.Tour) {
					_, isPooled := pooled.From(tour.DB)
					assert.Equal(t, !bare, isPooled)
					assert.Equal(t, family, tour.Family)
					if bare {
						assert.Equal(t, driver, tour.Driver)
						assert.NotContains(t, tour.DSN, "pool_")
					} else {
						assert.Equal(t, "pooled", tour.Driver)
					}
					again, err := sql.Open(tour.Driver, tour.DSN)
					require.NoError(t, err)
					defer again.Close()
					assert.NoError(t, again.PingContext(ctx))
				}))
			}
		})
	}
}

func TestTheFirstFeatureThatFailsEndsATour(t *testing.T) {
	broken := errors.New("broken")
	nothing := func() error { return nil }
	for name, c := range map[string]struct {
		fail func(*tour.Tour)
		says string
	}{
		"an error":          {func(t *tour.Tour) { t.Show("x", func() (any, error) { return nil, broken }) }, "x: broken"},
		"another error":     {func(t *tour.Tour) { t.Fails("x", t.ServerError(), func() error { return broken }) }, "x: a *sqlite.Error is expected, not: broken"},
		"no error":          {func(t *tour.Tour) { t.Fails("x", t.ServerError(), nothing) }, "x: a *sqlite.Error is expected, not: none"},
		"not that error":    {func(t *tour.Tour) { t.FailsWith("x", sql.ErrNoRows, func() error { return broken }) }, "not: broken"},
		"not even an error": {func(t *tour.Tour) { t.FailsWith("x", sql.ErrNoRows, nothing) }, "not: none"},
		"a query":           {func(t *tour.Tour) { t.Each(func() error { return broken }) }, "broken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			var out bytes.Buffer
			ran := 0
			err := tour.Run(t.Context(), "plain", nil, &out, func(_ context.Context, t *tour.Tour) {
				c.fail(t)
				t.Show("y", func() (any, error) { ran++; return "more", nil })
				t.Fails("y", t.ServerError(), func() error { ran++; return nil })
				t.FailsWith("y", broken, func() error { ran++; return broken })
				t.Each(func() error { ran++; return nil })
			})
			require.ErrorContains(t, err, c.says)
			assert.Equal(t, "plain on SQLite through pooled\n", out.String())
			assert.Zero(t, ran)

			left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*"))
			require.NoError(t, err)
			assert.Empty(t, left, "the database is removed")
		})
	}
}

func TestATourRunsAQueryOnceAndMoreOftenToMeasureItself(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, c := range []struct {
		args []string
		runs int
	}{{nil, 1}, {[]string{"-queries", "7"}, 8}, {[]string{"-queries", "20"}, 23}} {
		runs := 0
		require.NoError(t, tour.Run(t.Context(), "plain", c.args, &bytes.Buffer{}, func(_ context.Context, t *tour.Tour) {
			t.Each(func() error { runs++; return nil })
		}))
		assert.Equal(t, c.runs, runs)
	}
}

func TestABadArgumentIsAnErrorThatSaysWhy(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"nonsense"}, "pool_driver"},
		{[]string{"pooledless:x"}, "pool_driver"},
		{[]string{"postgres://u:secret@127.0.0.1:1/d"}, "refused"},
		{[]string{"-bare", "u:secret@tcp(127.0.0.1:1)/d"}, "refused"},
		{[]string{"a", "b"}, "at most one argument"},
	} {
		var out bytes.Buffer
		err := tour.Run(t.Context(), "plain", c.args, &out, walk)
		require.ErrorContains(t, err, c.says)
		assert.NotContains(t, err.Error(), "secret")
		assert.Empty(t, out.String())
	}
}
