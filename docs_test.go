package pooled_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/markdown"
	"github.com/gopooled/pooled/policy"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	return string(text)
}

// With POOLED_UPDATE=1 the reference is written instead of compared.
func TestTheDocsHaveTheTableOfKeys(t *testing.T) {
	reference, err := markdown.Find("docs/configuration.md", "keys")
	require.NoError(t, err)
	want := keysMarkdown(policy.Keys())
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, reference.Replace(want))
		return
	}
	assert.Equal(t, want, reference.Text, "run: POOLED_UPDATE=1 go test -run Docs .")
}

// keysMarkdown is the reference of settings: for each a heading, its type, values and default, and what it is.
func keysMarkdown(keys []policy.Key) string {
	var b strings.Builder
	for usage, title := range []string{policy.Essential: "Essential", policy.Frequent: "Frequent", policy.Rare: "Rare"} {
		fmt.Fprintf(&b, "### %s\n", title)
		for _, k := range keys {
			if int(k.Usage) == usage {
				fmt.Fprintf(&b, "\n#### `%s`\n\n```\nType:    %s\nValues:  %s\nDefault: %s\n```\n\n%s\n", k.Name, k.Type, k.Values, defaultOf(k), k.Doc)
			}
		}
		if usage != int(policy.Rare) {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// defaultOf tells what a key has that is left out.
func defaultOf(k policy.Key) string {
	text := cmp.Or(k.Default, "none")
	if k.Service != "" {
		text += "; " + k.Service + " with pool_profile=service"
	}
	return text
}

// documents lists the files that people read.
func documents(t *testing.T) (paths []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".md") {
			paths = append(paths, path)
		}
		return err
	}))
	require.Contains(t, paths, "README.md")
	return paths
}

// Code in the docs is code that the compiler has seen: each declaration stands in example_test.go, and each statement somewhere in it.
func TestTheDocsShowTheCodeOfTheExamples(t *testing.T) {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	comment := regexp.MustCompile(`\s+//[^\n]*`)
	examples := comment.ReplaceAllString(read(t, "example_test.go"), "")
	blocks := 0
	for _, path := range documents(t) {
		if path != "README.md" && !strings.HasPrefix(path, "docs/") {
			continue
		}
		for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, path), -1) {
			blocks++
			code := comment.ReplaceAllString(block[1], "")
			if strings.HasPrefix(code, "func ") {
				assert.Contains(t, examples, strings.TrimRight(code, "\n"), path)
				continue
			}
			for line := range strings.Lines(code) {
				if line = squeeze(line); line != "" {
					assert.Contains(t, squeeze(examples), line, path)
				}
			}
		}
	}
	assert.Greater(t, blocks, 5)
}

// A link leads to a file that is there, and to a heading in it.
func TestTheDocsLinkToWhatIsThere(t *testing.T) {
	links := 0
	for _, path := range documents(t) {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(markdown.WithoutCode(read(t, path)), -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			links++
			file := path
			if target != "" {
				file = filepath.Join(filepath.Dir(path), target)
			}
			if _, err := os.Stat(file); !assert.NoError(t, err, "%s links to %s", path, link[1]) || anchor == "" {
				continue
			}
			assert.Contains(t, markdown.Anchors(read(t, file)), anchor, "%s links to %s", path, link[1])
		}
	}
	assert.Greater(t, links, 30)
}

func TestTheReadmeIsAPageThatOneWantsToRead(t *testing.T) {
	lines := strings.Split(read(t, "README.md"), "\n")
	assert.LessOrEqual(t, len(lines), 250)
	for i, line := range lines {
		assert.LessOrEqual(t, utf8.RuneCountInString(line), 200, "line %d", i+1)
	}
}

// The keys that the docs name are those that there are, but for those of the pools that are left.
func TestTheDocsNameKeysThatExist(t *testing.T) {
	known := []string{"pool_min_conns", "pool_health_check_period", "pool_mode", "pool_"}
	for _, key := range policy.Keys() {
		known = append(known, key.Name)
	}
	for _, path := range documents(t) {
		if path == "CHANGELOG.md" { // tells of what was
			continue
		}
		for _, key := range regexp.MustCompile(`\bpool_[a-z_]*`).FindAllString(read(t, path), -1) {
			assert.Contains(t, known, key, path)
		}
	}
}
