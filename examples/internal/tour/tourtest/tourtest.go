// Package tourtest tests tours on real servers.
package tourtest

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/internal/testserver"
)

// Golden runs a tour on an empty database of each of the families, with pooled's policies on, and compares what it prints with
// testdata/<family>.golden, which POOLED_UPDATE=1 writes. A second run on the same database must print the same, and so must one without pooled.
func Golden(t *testing.T, name string, walk func(ctx context.Context, t *tour.Tour), families ...string) {
	for _, family := range families {
		t.Run(family, func(t *testing.T) {
			args := Database(t, family)
			text := run(t, name, args, walk)
			golden := filepath.Join("testdata", family+".golden")
			if os.Getenv("POOLED_UPDATE") != "" {
				must(t, os.MkdirAll("testdata", 0o755))
				must(t, os.WriteFile(golden, []byte(text), 0o644))
			}
			want, err := os.ReadFile(golden)
			must(t, err)
			same(t, "what is printed", string(want), text)
			same(t, "what is printed the second time", text, run(t, name, args, walk))
			bare := run(t, name, append([]string{"-bare"}, args...), walk)
			same(t, "what is printed without pooled", strings.Replace(text, "through pooled", "without pooled", 1), bare)
		})
	}
}

// Database makes an empty database, and returns the arguments that lead a tour there.
func Database(t *testing.T, family string) []string {
	t.Helper()
	switch family {
	case tour.Postgres:
		return []string{tour.With(testserver.PostgresDatabase(t), tour.Policies)}
	case tour.MySQL:
		return []string{tour.With(testserver.MariaDBDatabase(t), "parseTime=true&"+tour.Policies)} // without parseTime, libraries that keep times fail
	case tour.SQLite:
		t.Setenv("TMPDIR", t.TempDir())
		return nil // a tour makes its own
	default:
		t.Fatalf("no such family: %s", family)
		return nil
	}
}

func run(t *testing.T, name string, args []string, walk func(ctx context.Context, t *tour.Tour)) string {
	t.Helper()
	var out bytes.Buffer
	if err := tour.Run(t.Context(), name, args, &out, walk); err != nil {
		t.Fatalf("%v, after:\n%s", err, &out)
	}
	return out.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if got != want {
		t.Errorf("%s should be:\n%s\nand is:\n%s", what, want, got)
	}
}
