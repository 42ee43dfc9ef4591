package pg

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

// row is a line of testdata/statements.tsv: a text and what is to be said of it.
type row struct{ text, class, effects, functions, targets string }

// rows reads the table. A text that is written in Go's quotes has characters that a line cannot hold.
func rows(tb testing.TB) []row {
	tb.Helper()
	data, err := os.ReadFile("testdata/statements.tsv")
	require.NoError(tb, err)
	var all []row
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "# ") || strings.TrimSpace(line) == "" {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(tb, f, 5, line)
		r := row{class: f[0], effects: f[1], functions: f[2], targets: f[3], text: f[4]}
		if strings.HasPrefix(r.text, "`") || strings.HasSuffix(r.text, `"`) && strings.HasPrefix(r.text, `"`) {
			r.text, err = strconv.Unquote(r.text)
			require.NoError(tb, err, line)
		}
		all = append(all, r)
	}
	return all
}

// said writes what Parse says as the table does.
func said(text string) row {
	s := Parse(text)
	return row{text, s.Class.String(), s.Effects.String(), strings.Join(s.Functions, " "), strings.Join(s.Targets, " ")}
}

func TestParseSaysWhatTheTableSays(t *testing.T) {
	table := rows(t)
	require.Greater(t, len(table), 250)
	for _, want := range table {
		assert.Equal(t, want, said(want.text))
		got := Parse(want.text)
		assert.Equal(t, got.Class == dialect.Read && got.Effects == 0, got.Why == "", "%s: %s", want.text, got.Why)
		assert.Equal(t, got.Effects&dialect.Unprovable == 0, got.Unproved == "", "%s: %s", want.text, got.Unproved)
	}
}
