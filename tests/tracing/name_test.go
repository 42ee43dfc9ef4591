package tracing_test

import (
	"bytes"
	"log/slog"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestTwoPoolsToOneHostAreToldApartInMetricsAndLogs(t *testing.T) {
	var log bytes.Buffer
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	open := func() pooltest.Pool {
		return pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Name, c.Pool.MaxConns, c.Tracing.MeterProvider = "told-apart", 3, provider
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
	}
	first, second := open(), open()
	first.Idle(t, 1)
	second.Idle(t, 2)

	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	idle, metrics := map[string]int64{}, 0
	for _, m := range data.ScopeMetrics[0].Metrics {
		metrics++
		_, points := kindOf(t, m)
		seen := map[string]bool{}
		for _, attributes := range points {
			name, ok := attributes.Value(semconv.DBClientConnectionPoolNameKey)
			assert.True(t, ok, m.Name)
			seen[name.AsString()] = true
		}
		assert.Equal(t, map[string]bool{first.Connector.Stats().Name: true, second.Connector.Stats().Name: true}, seen, m.Name)
		if sum, ok := m.Data.(metricdata.Sum[int64]); ok && m.Name == "db.client.connection.count" {
			for _, p := range sum.DataPoints {
				name, _ := p.Attributes.Value(semconv.DBClientConnectionPoolNameKey)
				if state, _ := p.Attributes.Value(semconv.DBClientConnectionStateKey); state.AsString() == "idle" {
					idle[name.AsString()] = p.Value
				}
			}
		}
	}
	assert.Greater(t, metrics, 10)
	assert.Equal(t, map[string]int64{"told-apart": 1, "told-apart#2": 2}, idle)

	require.NoError(t, second.Connector.Evict(""))
	assert.Contains(t, log.String(), "pool=told-apart#2")
	assert.NotContains(t, log.String(), "pool=told-apart ")
}

func TestTheConnectionsToEachServerHaveAName(t *testing.T) {
	for dsn, want := range map[string][]string{
		"postgres://db1/each?pool_replicas=db2":                {"db1:5432/each", "db2:5432/each"},
		"postgres://db1/each?pool_replicas=db2&pool_name=each": {"each/db1:5432", "each/db2:5432"},
		"postgres://db1/each?pool_name=one":                    {"one"},
	} {
		cfg, err := pooled.ParseDSN(dsn)
		require.NoError(t, err)
		reader := sdkmetric.NewManualReader()
		cfg.Tracing.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		pooltest.Open(t, cfg)

		var data metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &data))
		names := map[string]bool{}
		for _, m := range data.ScopeMetrics[0].Metrics {
			_, points := kindOf(t, m)
			for _, attributes := range points {
				name, ok := attributes.Value(semconv.DBClientConnectionPoolNameKey)
				assert.True(t, ok, m.Name)
				names[name.AsString()] = true
			}
		}
		assert.ElementsMatch(t, want, slices.Collect(maps.Keys(names)), dsn)
	}
}
