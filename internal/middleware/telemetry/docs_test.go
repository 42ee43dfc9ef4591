package telemetry

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"

	"github.com/gopooled/pooled/internal/markdown"
	"github.com/gopooled/pooled/tracing"
)

// With POOLED_UPDATE=1 the table is written instead of compared.
func TestTheDocsListTheMetrics(t *testing.T) {
	table, err := markdown.Find("../../../docs/observability.md", "metrics")
	require.NoError(t, err)
	want := metricsTable()
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, table.Replace(want))
		return
	}
	assert.Equal(t, want, table.Text, "run: POOLED_UPDATE=1 go test -run Docs ./internal/middleware/telemetry")
}

// byClass are the figures that pool_classes divides.
var byClass = map[Figure]bool{PendingRequests: true, Overloads: true, PassedOver: true}

// metricsTable lists all metrics.
func metricsTable() string {
	var b strings.Builder
	b.WriteString("| metric | unit | what it tells | by |\n|---|---|---|---|\n")
	row := func(s spec, by ...attribute.Key) {
		var keys []string
		for _, key := range by {
			if key != "" {
				keys = append(keys, "`"+string(key)+"`")
			}
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", s.Name(), s.Unit(), s.Description(), strings.Join(keys, ", "))
	}
	row(dbconv.ClientOperationDuration{}, semconv.DBQuerySummaryKey)
	row(dbconv.ClientConnectionCreateTime{})
	row(dbconv.ClientConnectionWaitTime{}, tracing.ClassKey)
	row(dbconv.ClientConnectionUseTime{})
	row(dbconv.ClientConnectionTimeouts{}, tracing.ClassKey)
	for i, f := range figures {
		by := []attribute.Key{f.part}
		if byClass[Figure(i)] {
			by = append(by, tracing.ClassKey)
		}
		row(f, by...)
	}
	return b.String()
}
