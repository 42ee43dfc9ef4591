package pooled_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

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
func TestReadmeReferenceIsTheTableOfKeys(t *testing.T) {
	reference, err := markdown.Find("README.md", "keys")
	require.NoError(t, err)
	want := policy.KeysMarkdown()
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, reference.Replace(want))
		return
	}
	assert.Equal(t, want, reference.Text, "run: POOLED_UPDATE=1 go test -run Readme .")
}

// Code in the README is code that the compiler has seen: each declaration stands in example_test.go, and each statement somewhere in it.
func TestReadmeCodeIsThatOfTheExamples(t *testing.T) {
	squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	examples := squeeze(read(t, "example_test.go"))
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(read(t, "README.md"), -1) {
		code := regexp.MustCompile(`\s+//.*`).ReplaceAllString(block[1], "")
		if strings.HasPrefix(code, "func ") {
			assert.Contains(t, regexp.MustCompile(`\s+//[^\n]*`).ReplaceAllString(read(t, "example_test.go"), ""), strings.TrimRight(code, "\n"))
			continue
		}
		for line := range strings.Lines(code) {
			if line = squeeze(line); line != "" {
				assert.Contains(t, examples, line)
			}
		}
	}
}

// The keys that MIGRATING.md names are those that there are, but for those of the pools that are left.
func TestMigratingNamesKeysThatExist(t *testing.T) {
	others := []string{"pool_min_conns", "pool_health_check_period", "pool_mode"}
	keys := regexp.MustCompile("(?m)^#### `(pool_[a-z_]+)`$").FindAllStringSubmatch(policy.KeysMarkdown(), -1)
	require.NotEmpty(t, keys)
	for _, key := range keys {
		others = append(others, key[1])
	}
	named := regexp.MustCompile(`\bpool_[a-z_]+`).FindAllString(read(t, "MIGRATING.md"), -1)
	require.NotEmpty(t, named)
	for _, key := range named {
		assert.Contains(t, others, key)
	}
}
