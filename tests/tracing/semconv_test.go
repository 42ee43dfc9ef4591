package tracing_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
)

// registered is a metric as the registry of the semantic conventions has it.
type registered struct {
	spec interface {
		Name() string
		Unit() string
		Description() string
	}
	kind     string
	required []attribute.Key
	allowed  []attribute.Key // besides
}

var ofPool = []attribute.Key{semconv.DBClientConnectionPoolNameKey}

// registry has all metrics of clients but the number of rows, which nobody knows who does not wrap them.
var registry = []registered{
	{dbconv.ClientOperationDuration{}, "histogram", []attribute.Key{semconv.DBSystemNameKey}, []attribute.Key{
		semconv.DBNamespaceKey, semconv.DBQuerySummaryKey, semconv.DBResponseStatusCodeKey, semconv.ErrorTypeKey, semconv.ServerAddressKey, semconv.ServerPortKey,
		semconv.DBClientConnectionPoolNameKey, // which is not the conventions'
	}},
	{dbconv.ClientConnectionCount{}, "level", append(ofPool, semconv.DBClientConnectionStateKey), nil},
	{dbconv.ClientConnectionIdleMax{}, "level", ofPool, nil},
	{dbconv.ClientConnectionIdleMin{}, "level", ofPool, nil},
	{dbconv.ClientConnectionMax{}, "level", ofPool, nil},
	{dbconv.ClientConnectionPendingRequests{}, "level", ofPool, nil},
	{dbconv.ClientConnectionTimeouts{}, "counter", ofPool, nil},
	{dbconv.ClientConnectionCreateTime{}, "histogram", ofPool, nil},
	{dbconv.ClientConnectionWaitTime{}, "histogram", ofPool, nil},
	{dbconv.ClientConnectionUseTime{}, "histogram", ofPool, nil},
}

// kindOf tells what instrument data comes from, and the attributes of all its points.
func kindOf(t *testing.T, m metricdata.Metrics) (kind string, points []attribute.Set) {
	t.Helper()
	switch data := m.Data.(type) {
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			points = append(points, p.Attributes)
			assert.Equal(t, []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}, p.Bounds, m.Name)
		}
		return "histogram", points
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			points = append(points, p.Attributes)
		}
		if data.IsMonotonic {
			return "counter", points
		}
		return "level", points
	default:
		t.Fatalf("%s is of no kind that the conventions have: %T", m.Name, m.Data)
		return "", nil
	}
}

func TestMetricsAreThoseOfTheSemanticConventions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTracedPool(t, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Pool.MaxIdleConns, c.Pool.MinIdleConns, c.Pool.AcquireTimeout = 3, 2, 1, time.Second
			c.Breaker.On, c.Nested = true, policy.NestedOff // or waiting for itself is a deadlock
		})
		held := p.Hold(t, 3)
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: assert.AnError})
		_, err = held[0].ExecContext(t.Context(), "delete from users")
		require.ErrorIs(t, err, assert.AnError)
		for _, c := range held {
			require.NoError(t, c.Close())
		}

		emitted := p.collect(t)
		for _, want := range registry {
			name := want.spec.Name()
			m, ok := emitted[name]
			if !assert.True(t, ok, "%s is not emitted", name) {
				continue
			}
			delete(emitted, name)
			assert.Equal(t, want.spec.Unit(), m.Unit, name)
			assert.Equal(t, want.spec.Description(), m.Description, name)
			kind, points := kindOf(t, m)
			assert.Equal(t, want.kind, kind, name)
			require.NotEmpty(t, points, name)
			for _, attributes := range points {
				var keys []attribute.Key
				for _, a := range attributes.ToSlice() {
					keys = append(keys, a.Key)
				}
				assert.Subset(t, keys, want.required, name)
				assert.Subset(t, slices.Concat(want.required, want.allowed), keys, name)
			}
		}
		wellFormed := regexp.MustCompile(`^pooled(\.[a-z]+(_[a-z]+)*){2}$`)
		for _, name := range slices.Sorted(maps.Keys(emitted)) {
			assert.Regexp(t, wellFormed, name, "it is neither the registry's nor pooled's")
			assert.NotEmpty(t, emitted[name].Unit, name)
			assert.True(t, strings.HasSuffix(emitted[name].Description, "."), name)
			_, points := kindOf(t, emitted[name])
			for _, attributes := range points {
				assert.True(t, attributes.HasValue(semconv.DBClientConnectionPoolNameKey), name)
			}
		}
	})
}
