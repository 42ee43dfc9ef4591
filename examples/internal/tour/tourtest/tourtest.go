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

// Golden runs a tour on an empty database of each server of the families, with pooled's policies on, and compares what it prints with
// testdata/<family>.golden, which POOLED_UPDATE=1 writes. A second run on the same database must print the same, and so must one without pooled.
func Golden(t *testing.T, name string, walk func(ctx context.Context, t *tour.Tour), families ...string) {
	for _, family := range families {
		OnEach(t, family, func(t *testing.T, args []string) {
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

// servers are those of each family, with what makes an empty database there and returns the arguments that lead a tour to it.
var servers = map[string][]struct {
	name     string
	database func(t *testing.T) []string
}{
	tour.Postgres: {{"PostgreSQL", func(t *testing.T) []string { return with(testserver.PostgresDatabase(t), "") }}},
	// Without parseTime, libraries that keep times fail.
	tour.MySQL: {
		{"MariaDB", func(t *testing.T) []string { return with(testserver.MariaDBDatabase(t), "parseTime=true&") }},
		{"MySQL", func(t *testing.T) []string { return with(testserver.MySQLDatabase(t), "parseTime=true&") }},
	},
	tour.SQLite: {{"SQLite", func(t *testing.T) []string {
		t.Setenv("TMPDIR", t.TempDir())
		return nil // a tour makes its own
	}}},
}

func with(dsn, parameters string) []string { return []string{tour.With(dsn, parameters+tour.Policies)} }

// OnEach runs a test on an empty database of each server of a family, with the arguments that lead a tour there.
func OnEach(t *testing.T, family string, test func(t *testing.T, args []string)) {
	for _, server := range servers[family] {
		t.Run(server.name, func(t *testing.T) { test(t, server.database(t)) })
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
