package tracing

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
)

// buckets are those of the semantic conventions for durations in seconds.
var buckets = metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)

// metrics are the instruments of a pool.
type metrics struct {
	duration, create, wait, use metric.Float64Histogram
	timeouts                    metric.Int64Counter
	registration                metric.Registration
	pools                       [][]metric.RecordOption // the name of the pool, for each server
	poolAdds                    [][]metric.AddOption
}

// register makes the instruments.
func (m *metrics) register(t *Tracing) error {
	provider := t.MeterProvider
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	meter := provider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	var all errorList
	duration, err := dbconv.NewClientOperationDuration(meter, buckets)
	all.add(err)
	create, err := dbconv.NewClientConnectionCreateTime(meter, buckets)
	all.add(err)
	wait, err := dbconv.NewClientConnectionWaitTime(meter, buckets)
	all.add(err)
	use, err := dbconv.NewClientConnectionUseTime(meter, buckets)
	all.add(err)
	timeouts, err := dbconv.NewClientConnectionTimeouts(meter)
	all.add(err)
	m.duration, m.create, m.wait, m.use, m.timeouts = duration.Inst(), create.Inst(), wait.Inst(), use.Inst(), timeouts.Inst()
	count, err := dbconv.NewClientConnectionCountObservable(meter)
	all.add(err)
	idleMax, err := dbconv.NewClientConnectionIdleMaxObservable(meter)
	all.add(err)
	idleMin, err := dbconv.NewClientConnectionIdleMinObservable(meter)
	all.add(err)
	most, err := dbconv.NewClientConnectionMaxObservable(meter)
	all.add(err)
	pending, err := dbconv.NewClientConnectionPendingRequestsObservable(meter)
	all.add(err)
	if err := errors.Join(all...); err != nil {
		return err
	}
	type observed struct {
		pool, idle, used metric.ObserveOption
		stats            func() Stats
	}
	var servers []observed
	for _, s := range t.Servers {
		pool := semconv.DBClientConnectionPoolName(s.Info.Name)
		set := metric.WithAttributeSet(attribute.NewSet(pool))
		m.pools = append(m.pools, []metric.RecordOption{set})
		m.poolAdds = append(m.poolAdds, []metric.AddOption{set})
		state := func(state attribute.KeyValue) metric.ObserveOption {
			return metric.WithAttributeSet(attribute.NewSet(pool, state))
		}
		servers = append(servers, observed{set, state(semconv.DBClientConnectionStateIdle), state(semconv.DBClientConnectionStateUsed), s.Stats})
	}
	m.registration, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		for _, s := range servers {
			stats := s.stats()
			o.ObserveInt64(count.Inst(), int64(stats.Idle), s.idle)
			o.ObserveInt64(count.Inst(), int64(stats.Used), s.used)
			o.ObserveInt64(pending.Inst(), int64(stats.Waiting), s.pool)
			o.ObserveInt64(idleMin.Inst(), int64(stats.MinIdle), s.pool)
			if stats.MaxIdle >= 0 {
				o.ObserveInt64(idleMax.Inst(), int64(stats.MaxIdle), s.pool)
			}
			if stats.Max >= 0 {
				o.ObserveInt64(most.Inst(), int64(stats.Max), s.pool)
			}
		}
		return nil
	}, count.Inst(), idleMax.Inst(), idleMin.Inst(), most.Inst(), pending.Inst())
	return err
}

type errorList []error

func (l *errorList) add(err error) { *l = append(*l, err) }

func (m *metrics) close() error {
	if m.registration == nil {
		return nil
	}
	return m.registration.Unregister()
}

// observe notes how long a call has taken.
func (m *metrics) observe(ctx context.Context, t *Tracing, f *facts, server int, took time.Duration, err error) {
	kind, code := t.classify(err)
	if kind == "" {
		m.duration.Record(ctx, took.Seconds(), f.succeeded[server]...)
		return
	}
	attributes := slices.Concat(f.summary, t.servers[server].attributes, []attribute.KeyValue{semconv.ErrorTypeKey.String(kind)})
	if code != "" {
		attributes = append(attributes, semconv.DBResponseStatusCode(code))
	}
	m.duration.Record(ctx, took.Seconds(), metric.WithAttributes(attributes...))
}

// connect measures dials.
func (t *Tracing) connect(next middleware.ConnectFunc) middleware.ConnectFunc {
	return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
		if !t.measured.Load() {
			return next(ctx, dial)
		}
		began := time.Now()
		conn, err := next(ctx, dial)
		if err == nil {
			t.metrics.create.Record(ctx, time.Since(began).Seconds(), t.metrics.pools[t.server(dial.Endpoint)]...)
		}
		return conn, err
	}
}

// acquire measures how long sessions wait for a permit, and counts those that wait in vain.
func (t *Tracing) acquire(next middleware.AcquireFunc) middleware.AcquireFunc {
	return func(ctx context.Context, a *middleware.Acquisition) error {
		err := next(ctx, a)
		if t.measured.Load() {
			server := t.server(a.Endpoint)
			t.metrics.wait.Record(ctx, a.Waited.Seconds(), t.metrics.pools[server]...)
			if errors.Is(err, middleware.ErrAcquireTimeout) {
				t.metrics.timeouts.Add(ctx, 1, t.metrics.poolAdds[server]...)
			}
		}
		return err
	}
}

// release measures for how long a connection was held.
func (t *Tracing) release(next middleware.ReleaseFunc) middleware.ReleaseFunc {
	return func(event *middleware.Release) {
		if t.measured.Load() {
			t.metrics.use.Record(context.Background(), event.Held.Seconds(), t.metrics.pools[t.server(event.Conn.Endpoint())]...)
		}
		next(event)
	}
}
