package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a library is told, its example tells it: the docs show no code that nobody runs.
func TestTheDocsHaveALineForEachLibraryWhoseCodeIsThatOfItsExample(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "libraries.md"))
	require.NoError(t, err)
	for _, library := range sourcesOfTours(t) {
		line := regexp.MustCompile(`(?m)^\| \[\w.*\]\(\.\./examples/` + library + `\) \| (.*) \|$`).FindSubmatch(docs)
		if !assert.NotNil(t, line, "%s has no line", library) {
			continue
		}
		source := sourceOf(t, library)
		snippets := regexp.MustCompile("`([^`]*[(.][^`]*)`").FindAllSubmatch(line[1], -1)
		assert.NotEmpty(t, snippets, library)
		for _, snippet := range snippets {
			if code := string(snippet[1]); code != "*sql.DB" {
				assert.Contains(t, source, code, library)
			}
		}
	}
}

func TestTheListOfExamplesHasThemAll(t *testing.T) {
	list, err := os.ReadFile(filepath.Join("..", "README.md"))
	require.NoError(t, err)
	for _, library := range append(sourcesOfTours(t), "matrix") {
		assert.Contains(t, string(list), "| `go run ./examples/"+library)
	}
}

// sourceOf returns an example's source, with the fields of a tour as a program would name what is in them.
func sourceOf(t *testing.T, library string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", library, "*.go"))
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(content)
	}
	return strings.NewReplacer("t.DB", "db", "o.db", "db", "t.Driver", `"pooled"`, "t.DSN", "dsn").Replace(all.String())
}
