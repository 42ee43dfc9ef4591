// Package tourtest tests tours on real servers.
package tourtest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/internal/testserver"
)

// Policies are what a tour runs with.
const Policies = "pool_reset=dirty&pool_leak=1m&pool_breaker=on&pool_min_idle_conns=2"

// Golden runs a tour on an empty database of each of the families, with pooled's policies on, and compares what it prints with
// testdata/<family>.golden, which POOLED_UPDATE=1 writes. A second run on the same database must print the same, and so must one without pooled.
func Golden(t *testing.T, name string, walk func(ctx context.Context, t *tour.Tour), families ...string) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			args := Database(t, family)
			text := run(t, name, args, walk)
			golden := filepath.Join("testdata", family+".golden")
			if os.Getenv("POOLED_UPDATE") != "" {
				require.NoError(t, os.MkdirAll("testdata", 0o755))
				require.NoError(t, os.WriteFile(golden, []byte(text), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), text)
			assert.Equal(t, text, run(t, name, args, walk), "the second time")
			bare := run(t, name, append([]string{"-bare"}, args...), walk)
			assert.Equal(t, strings.Replace(text, "through pooled", "without pooled", 1), bare)
		})
	}
}

// Database makes an empty database, and returns the arguments that lead a tour there.
func Database(t *testing.T, family string) []string {
	t.Helper()
	switch family {
	case tour.Postgres:
		return []string{With(testserver.PostgresDatabase(t), Policies)}
	case tour.MySQL:
		return []string{With(testserver.MariaDBDatabase(t), Policies)}
	case tour.SQLite:
		t.Setenv("TMPDIR", t.TempDir())
		return nil // a tour makes its own
	default:
		require.FailNow(t, "no such family", family)
		return nil
	}
}

// With adds parameters to a URL, or to a DSN of MySQL.
func With(dsn, parameters string) string {
	if database := dsn[strings.LastIndexByte(dsn, '/')+1:]; strings.Contains(database, "?") { // passwords have some, too
		return dsn + "&" + parameters
	}
	return dsn + "?" + parameters
}

func run(t *testing.T, name string, args []string, walk func(ctx context.Context, t *tour.Tour)) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, tour.Run(t.Context(), name, args, &out, walk), out.String())
	return out.String()
}
