package telemetry

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"

	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tracing"
)

// buckets are those of the semantic conventions for durations in seconds.
var buckets = metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)

// metrics are the instruments that measure events.
type metrics struct {
	duration, create, wait, use metric.Float64Histogram
	timeouts                    metric.Int64Counter
	pools                       []poolFacts // of each server
}

// poolFacts are the attributes of a pool, by the class of a call, which is empty for what belongs to none.
type poolFacts struct {
	record map[string][]metric.RecordOption
	add    map[string][]metric.AddOption
}

func newPoolFacts(info *middleware.Endpoint, classes []string) poolFacts {
	f := poolFacts{map[string][]metric.RecordOption{}, map[string][]metric.AddOption{}}
	for _, class := range append([]string{""}, classes...) {
		set := metric.WithAttributeSet(attributesOf(info, class))
		f.record[class], f.add[class] = []metric.RecordOption{set}, []metric.AddOption{set}
	}
	return f
}

// attributesOf are the attributes of a pool and a class, and others.
func attributesOf(info *middleware.Endpoint, class string, others ...attribute.KeyValue) attribute.Set {
	all := slices.Concat(others, []attribute.KeyValue{semconv.DBClientConnectionPoolName(info.Pool)})
	if class != "" {
		all = append(all, tracing.ClassKey.String(class))
	}
	return attribute.NewSet(all...)
}

// meter returns the meter of the provider.
func (t *Telemetry) meter() metric.Meter {
	provider := t.MeterProvider
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	return provider.Meter(tracing.Scope, metric.WithSchemaURL(semconv.SchemaURL))
}

// register makes the instruments.
func (m *metrics) register(t *Telemetry) error {
	meter := t.meter()
	duration, err1 := dbconv.NewClientOperationDuration(meter, buckets)
	create, err2 := dbconv.NewClientConnectionCreateTime(meter, buckets)
	wait, err3 := dbconv.NewClientConnectionWaitTime(meter, buckets)
	use, err4 := dbconv.NewClientConnectionUseTime(meter, buckets)
	timeouts, err5 := dbconv.NewClientConnectionTimeouts(meter)
	m.duration, m.create, m.wait, m.use, m.timeouts = duration.Inst(), create.Inst(), wait.Inst(), use.Inst(), timeouts.Inst()
	for _, s := range t.servers {
		m.pools = append(m.pools, newPoolFacts(s.info, t.Classes))
	}
	return errors.Join(err1, err2, err3, err4, err5)
}

// observe notes how long a call has taken.
func (m *metrics) observe(ctx context.Context, f *facts, s *serverFacts, server int, took time.Duration, failed failure) {
	if failed.kind == "" {
		m.duration.Record(ctx, took.Seconds(), f.succeeded[server]...)
		return
	}
	m.duration.Record(ctx, took.Seconds(), metric.WithAttributes(failed.add(slices.Concat(f.common, s.measured))...))
}

// connect measures dials.
func (t *Telemetry) connect(next middleware.ConnectFunc) middleware.ConnectFunc {
	return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
		if !t.metrics.create.Enabled(ctx) {
			return next(ctx, dial)
		}
		began := time.Now()
		conn, err := next(ctx, dial)
		if err == nil {
			t.metrics.create.Record(ctx, time.Since(began).Seconds(), t.metrics.pools[t.server(dial.Endpoint)].record[""]...)
		}
		return conn, err
	}
}

// acquire measures how long it takes to get a connection, the wait for a permit and a dial included, and counts the timeouts.
func (t *Telemetry) acquire(next middleware.AcquireFunc) middleware.AcquireFunc {
	return func(ctx context.Context, a *middleware.Acquisition) error {
		measured := t.metrics.wait.Enabled(ctx)
		var began time.Time
		if measured {
			began = time.Now()
		}
		err := next(ctx, a)
		if measured {
			t.metrics.wait.Record(ctx, time.Since(began).Seconds(), t.metrics.pools[t.server(a.Endpoint)].record[a.Class]...)
		}
		if err != nil && errors.Is(err, middleware.ErrAcquireTimeout) {
			t.metrics.timeouts.Add(ctx, 1, t.metrics.pools[t.server(a.Endpoint)].add[a.Class]...)
		}
		return err
	}
}

// release measures for how long a connection was held.
func (t *Telemetry) release(next middleware.ReleaseFunc) middleware.ReleaseFunc {
	return func(event *middleware.Release) {
		if ctx := context.Background(); t.metrics.use.Enabled(ctx) {
			t.metrics.use.Record(ctx, event.Held.Seconds(), t.metrics.pools[t.server(event.Conn.Endpoint())].record[""]...)
		}
		next(event)
	}
}
