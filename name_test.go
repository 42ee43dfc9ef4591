package pooled_test

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/gopooled/pooled"
)

// openNamed opens a pool of a DSN, which connects to nothing.
func openNamed(t *testing.T, dsn string) *pooled.Connector {
	t.Helper()
	cfg, err := pooled.ParseDSN(dsn)
	require.NoError(t, err)
	_, connector := openConfig(t, cfg)
	return connector
}

func TestAPoolIsCalledByItsServerAndDatabaseUnlessItHasAName(t *testing.T) {
	for dsn, want := range map[string]string{
		"postgres://app:s3cret@db1/a":                                   "db1:5432/a",
		"postgres://app:s3cret@db1:1,db2:2/b?pool_routing=split":        "db1:1/b",
		"host=db1 user=app password=s3cret dbname=c":                    "db1:5432/c",
		"mysql://app:s3cret@tcp(db1:3306)/d":                            "db1:3306/d",
		"mysql://app:s3cret@tcp(db1:3306)/":                             "db1:3306",
		"postgres://app:s3cret@db1/a?pool_name=orders":                  "orders",
		"mysql://app:s3cret@unix(/run/mysqld/mysqld.sock)/d":            "/run/mysqld/mysqld.sock/d",
		"postgres://app:s3cret@db1/e?pool_replicas=db2&pool_name=reads": "reads",
	} {
		connector := openNamed(t, dsn)
		assert.Equal(t, want, connector.Stats().Name, dsn)
		require.NoError(t, connector.Close())
	}
}

func TestTwoOpenPoolsNeverHaveOneName(t *testing.T) {
	const dsn = "postgres://db1/twice"
	name := func(c *pooled.Connector) string { return c.Stats().Name }
	first, second, third := openNamed(t, dsn), openNamed(t, dsn), openNamed(t, dsn)
	assert.Equal(t, []string{"db1:5432/twice", "db1:5432/twice#2", "db1:5432/twice#3"}, []string{name(first), name(second), name(third)})

	require.NoError(t, second.Close())
	require.NoError(t, second.Close(), "it is freed once")
	assert.Equal(t, "db1:5432/twice#2", name(openNamed(t, dsn)), "the next one takes the number that is free")
	assert.Equal(t, "db1:5432/twice#4", name(openNamed(t, dsn)))

	assert.Equal(t, "mine", name(openNamed(t, dsn+"?pool_name=mine")))
	assert.Equal(t, "mine#2", name(openNamed(t, dsn+"?pool_name=mine")), "a name of one's own is no exception")
}

func TestAPoolThatCannotBeMadeLeavesItsNameToTheNext(t *testing.T) {
	for range 2 {
		cfg, err := pooled.ParseDSN("mysql://tcp(db1:3306)/never?pool_timestamp_zone=UTC") // which MySQL cannot have
		require.NoError(t, err)
		_, err = pooled.NewConnector(cfg)
		require.ErrorContains(t, err, "pool_timestamp_zone")
	}
	assert.Equal(t, "db1:3306/never", openNamed(t, "mysql://tcp(db1:3306)/never").Stats().Name)
}

func TestTwoPoolsToOneHostAreToldApartInMetricsAndLogs(t *testing.T) {
	var log bytes.Buffer
	reader := sdkmetric.NewManualReader()
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	open := func() pool {
		return newPoolOf(t, modern, func(c *pooled.Config) {
			c.Name, c.Pool.MaxConns, c.Tracing.MeterProvider = "told-apart", 3, provider
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
	}
	first, second := open(), open()
	first.idle(t, 1)
	second.idle(t, 2)

	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(t.Context(), &data))
	idle, metrics := map[string]int64{}, 0
	for _, m := range data.ScopeMetrics[0].Metrics {
		if m.Name == "db.client.operation.duration" { // of the server, whatever pools lead to it
			continue
		}
		metrics++
		_, points := kindOf(t, m)
		seen := map[string]bool{}
		for _, attributes := range points {
			name, ok := attributes.Value(semconv.DBClientConnectionPoolNameKey)
			assert.True(t, ok, m.Name)
			seen[name.AsString()] = true
		}
		assert.Equal(t, map[string]bool{first.connector.Stats().Name: true, second.connector.Stats().Name: true}, seen, m.Name)
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

	require.NoError(t, second.connector.Evict(""))
	assert.Contains(t, log.String(), "pool=told-apart#2")
	assert.NotContains(t, log.String(), "pool=told-apart ")
}
