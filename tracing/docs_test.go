package tracing

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"

	"github.com/gopooled/pooled/internal/markdown"
)

// With POOLED_UPDATE=1 the table is written instead of compared.
func TestTheDocsListTheMetrics(t *testing.T) {
	table, err := markdown.Find("../docs/observability.md", "metrics")
	require.NoError(t, err)
	want := metricsTable()
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, table.Replace(want))
		return
	}
	assert.Equal(t, want, table.Text, "run: POOLED_UPDATE=1 go test -run Docs ./tracing")
}

// metricsTable lists all metrics.
func metricsTable() string {
	var b strings.Builder
	b.WriteString("| metric | unit | what it tells | by |\n|---|---|---|---|\n")
	row := func(s spec, part string) {
		if part != "" {
			part = "`" + part + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Name(), s.Unit(), s.Description(), part)
	}
	row(dbconv.ClientOperationDuration{}, string(semconv.DBQuerySummaryKey))
	for _, s := range []spec{
		dbconv.ClientConnectionCreateTime{}, dbconv.ClientConnectionWaitTime{}, dbconv.ClientConnectionUseTime{}, dbconv.ClientConnectionTimeouts{},
	} {
		row(s, "")
	}
	for _, f := range figures {
		row(f, string(f.part))
	}
	return b.String()
}
