package tracing_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// tracedPool is a pool whose spans and metrics are kept.
type tracedPool struct {
	pooltest.Pool
	spans    *tracetest.SpanRecorder
	provider *sdktrace.TracerProvider
	reader   *sdkmetric.ManualReader
}

func newTracedPool(t *testing.T, change func(*pooled.Config), options ...sdktrace.TracerProviderOption) *tracedPool {
	t.Helper()
	p := &tracedPool{spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	p.provider = sdktrace.NewTracerProvider(append(options, sdktrace.WithSpanProcessor(p.spans))...)
	p.Pool = pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
		c.Tracing.TracerProvider = p.provider
		c.Tracing.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(p.reader))
		if change != nil {
			change(c)
		}
	})
	return p
}

// told are the attributes of a span.
func told(span sdktrace.ReadOnlySpan) map[attribute.Key]string {
	all := map[attribute.Key]string{}
	for _, a := range span.Attributes() {
		all[a.Key] = a.Value.String()
	}
	return all
}

// collect reads all metrics by name.
func (p *tracedPool) collect(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, p.reader.Collect(t.Context(), &data))
	all := map[string]metricdata.Metrics{}
	for _, scope := range data.ScopeMetrics {
		for _, m := range scope.Metrics {
			all[m.Name] = m
		}
	}
	return all
}

func TestSpansTellWhatWasAskedAndWhatBecameOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTracedPool(t, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Pool.AcquireTimeout, c.Nested = 1, time.Second, policy.NestedOff
		})
		ctx, parent := p.provider.Tracer("test").Start(t.Context(), "request")
		_, err := p.ExecContext(ctx, "delete from users where id = 7 and name = 'ann'")
		require.NoError(t, err)
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: assert.AnError})
		_, err = p.ExecContext(ctx, "update users set name = $1", "ann")
		require.ErrorIs(t, err, assert.AnError)
		tx, err := p.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = p.ExecContext(ctx, "waits")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		require.NoError(t, tx.Rollback())
		cancelled, cancel := context.WithCancel(ctx)
		p.Fault.Hook(faultdriver.Exec, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			cancel()
			return faultdriver.Outcome{Err: context.Canceled}
		})
		_, err = p.ExecContext(cancelled, "gives up")
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, p.PingContext(ctx))

		spans := p.spans.Ended()
		require.Len(t, spans, 6)
		names := []string{}
		for _, s := range spans {
			names = append(names, s.Name())
			assert.Equal(t, oteltrace.SpanKindClient, s.SpanKind())
			assert.Equal(t, parent.SpanContext().TraceID(), s.SpanContext().TraceID())
			assert.Equal(t, parent.SpanContext().SpanID(), s.Parent().SpanID())
		}
		assert.Equal(t, []string{"delete", "update", "BEGIN", "waits", "ROLLBACK", "gives"}, names)

		assert.Equal(t, map[attribute.Key]string{
			"db.system.name": "other_sql", "db.query.summary": "delete", "server.address": "*faultdriver.Driver",
			"db.query.text": "delete from users where id = ? and name = ?",
		}, told(spans[0]))
		assert.Equal(t, codes.Unset, spans[0].Status().Code)
		failed := told(spans[1])
		assert.Equal(t, "update users set name = $1", failed["db.query.text"], "what has arguments is shown as it is, without them")
		assert.Equal(t, "*errors.errorString", failed["error.type"])
		assert.Equal(t, codes.Error, spans[1].Status().Code)
		waited := told(spans[3])
		assert.Equal(t, "acquire_timeout", waited["error.type"])
		assert.Equal(t, "1", waited["pooled.acquire.wait"])
		assert.Equal(t, "timeout", waited["pooled.acquire.outcome"])
		assert.Equal(t, "context.Canceled", told(spans[5])["error.type"])
		assert.Equal(t, codes.Unset, spans[5].Status().Code, "a caller who gave up is no error of the server")
	})
}

func TestSpanEndsWithAPanic(t *testing.T) {
	p := newTracedPool(t, nil)
	p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Panic: "no"})
	assert.PanicsWithValue(t, "no", func() { _, _ = p.ExecContext(t.Context(), "exec") })
	require.Len(t, p.spans.Ended(), 1)
	assert.Equal(t, codes.Error, p.spans.Ended()[0].Status().Code)
}

func TestPreparingWhatWasPreparedBeforeMakesNoSpan(t *testing.T) {
	p := newTracedPool(t, nil)
	for range 3 {
		st, err := p.PrepareContext(t.Context(), "select 1")
		require.NoError(t, err)
		require.NoError(t, st.Close())
	}
	assert.Len(t, p.spans.Ended(), 1)
}

func TestNothingIsTracedThatNobodyWillSee(t *testing.T) {
	p := newTracedPool(t, func(c *pooled.Config) { c.Tracing.HideText = true }, sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.NeverSample())))
	ctx, parent := p.provider.Tracer("test").Start(t.Context(), "request")
	require.False(t, parent.IsRecording())
	_, err := p.ExecContext(ctx, "exec")
	require.NoError(t, err)
	assert.Empty(t, p.spans.Started())

	off := newTracedPool(t, func(c *pooled.Config) { c.Tracing.On = false })
	off.MustExec(t)
	assert.Empty(t, off.spans.Started())
	assert.Empty(t, off.collect(t))
}

func TestSamplersSeeTheAttributes(t *testing.T) {
	seen := &seeingSampler{}
	p := newTracedPool(t, nil, sdktrace.WithSampler(seen))
	_, err := p.ExecContext(t.Context(), "delete from users")
	require.NoError(t, err)
	assert.Equal(t, "delete", seen.attributes["db.query.summary"])
	assert.Contains(t, seen.attributes, attribute.Key("server.address"))
}

type seeingSampler struct{ attributes map[attribute.Key]string }

func (s *seeingSampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	s.attributes = map[attribute.Key]string{}
	for _, a := range p.Attributes {
		s.attributes[a.Key] = a.Value.String()
	}
	return sdktrace.SamplingResult{Decision: sdktrace.Drop}
}

func (*seeingSampler) Description() string { return "seeing" }

func TestErrSkipIsNoError(t *testing.T) {
	p := newTracedPool(t, nil)
	p.Fault.Always(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrSkip})
	_, err := p.ExecContext(t.Context(), "exec")
	require.NoError(t, err)
	for _, s := range p.spans.Ended() {
		assert.Equal(t, codes.Unset, s.Status().Code, s.Name())
		assert.NotContains(t, told(s), attribute.Key("error.type"))
	}
	for _, point := range p.collect(t)["db.client.operation.duration"].Data.(metricdata.Histogram[float64]).DataPoints {
		assert.False(t, point.Attributes.HasValue("error.type"))
	}
}

func TestMetricsTellWhatThePoolDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTracedPool(t, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Pool.AcquireTimeout, c.Nested = 2, 3*time.Second, policy.NestedOff // a timer cannot be seen
		})
		held := p.Hold(t, 2)
		time.AfterFunc(2*time.Second, func() { assert.NoError(t, held[0].Close()) })
		p.MustExec(t) // waits for 2 s
		held = append(held, p.Hold(t, 1)...)
		_, err := p.Exec("exec") // waits in vain for 3 s
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: errors.New("no")})
		_, err = held[1].ExecContext(t.Context(), "exec")
		require.Error(t, err)

		all := p.collect(t)
		state := func(m string, state string) int64 {
			for _, point := range all[m].Data.(metricdata.Sum[int64]).DataPoints {
				if v, ok := point.Attributes.Value("db.client.connection.state"); state == "" || ok && v.AsString() == state {
					return point.Value
				}
			}
			return -1
		}
		assert.EqualValues(t, 2, state("db.client.connection.count", "used"))
		assert.EqualValues(t, 0, state("db.client.connection.count", "idle"))
		assert.EqualValues(t, 2, state("db.client.connection.max", ""))
		assert.EqualValues(t, 0, state("db.client.connection.pending_requests", ""))
		assert.EqualValues(t, 1, state("db.client.connection.timeouts", ""))
		histogram := func(m string) (count uint64, sum float64) {
			for _, point := range all[m].Data.(metricdata.Histogram[float64]).DataPoints {
				count += point.Count
				sum += point.Sum
				assert.Equal(t, []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}, point.Bounds)
			}
			return count, sum
		}
		count, sum := histogram("db.client.connection.wait_time")
		assert.EqualValues(t, 5, count)
		assert.InDelta(t, 5, sum, 0.01)
		count, _ = histogram("db.client.connection.create_time")
		assert.EqualValues(t, 2, count)
		count, sum = histogram("db.client.connection.use_time")
		assert.EqualValues(t, 2, count)
		assert.InDelta(t, 2, sum, 0.01)
		count, sum = histogram("db.client.operation.duration")
		assert.EqualValues(t, 6, count)
		assert.InDelta(t, 5, sum, 0.01)
		for _, c := range held[1:] {
			require.NoError(t, c.Close())
		}
	})
}

// A view that drops one metric, as many do with one that has too many attributes, leaves the others.
func TestMetricsDoNotDependOnEachOther(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	dropped := sdkmetric.NewView(sdkmetric.Instrument{Name: "db.client.operation.duration"}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}})
	p := newTracedPool(t, func(c *pooled.Config) {
		c.Tracing.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader), sdkmetric.WithView(dropped))
	})
	p.reader = reader
	p.MustExec(t)
	all := p.collect(t)
	assert.NotContains(t, all, "db.client.operation.duration")
	for _, name := range []string{"db.client.connection.create_time", "db.client.connection.wait_time", "db.client.connection.use_time"} {
		require.Contains(t, all, name)
		assert.EqualValues(t, 1, all[name].Data.(metricdata.Histogram[float64]).DataPoints[0].Count, name)
	}
}

// cameBy tells how a call came by its permit, or did not.
func cameBy(s sdktrace.ReadOnlySpan) []string {
	all := told(s)
	return []string{s.Name(), all["pooled.acquire.outcome"], all["pooled.class"], all["pooled.acquire.wait"]}
}

func TestSpansOfCallsThatWaitedOrWereRefusedTellTheirClassAndWhatBecameOfThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTracedPool(t, func(c *pooled.Config) {
			pooltest.WithClasses(1)(c)
			c.Queue.MaxWaiters = 1
		})
		held := p.Hold(t, 1)
		call := func(ctx context.Context, text string) {
			_, _ = p.ExecContext(ctx, text)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		go call(cancelled, "cancelled")
		synctest.Wait()
		time.Sleep(time.Second)
		cancel()
		synctest.Wait()
		go call(t.Context(), "admitted /* pool:class=batch */")
		synctest.Wait()
		call(t.Context(), "full /* pool:class=batch */")
		time.Sleep(time.Second)
		require.NoError(t, held[0].Close())
		synctest.Wait()
		call(t.Context(), "at once")

		var all [][]string
		for _, s := range p.spans.Ended() {
			all = append(all, cameBy(s))
		}
		assert.Equal(t, [][]string{
			{"hold", "", "", ""}, {"cancelled", "cancelled", "web", "1"}, {"full", "full", "batch", ""}, {"admitted", "admitted", "batch", "1"}, {"at", "", "", ""},
		}, all)
	})
}

// pointsOf are the values of a metric, or the counts of a histogram, by the values of some attributes.
func pointsOf(t *testing.T, m metricdata.Metrics, keys ...attribute.Key) map[string]int64 {
	t.Helper()
	all := map[string]int64{}
	note := func(attributes attribute.Set, n int64) {
		var values []string
		for _, key := range keys {
			v, _ := attributes.Value(key)
			values = append(values, v.AsString())
		}
		all[strings.Join(values, " ")] += n
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		for _, p := range data.DataPoints {
			note(p.Attributes, p.Value)
		}
	case metricdata.Histogram[float64]:
		for _, p := range data.DataPoints {
			note(p.Attributes, int64(p.Count))
		}
	default:
		t.Fatalf("%s is of no kind that is read here: %T", m.Name, m.Data)
	}
	return all
}

func TestMetricsTellTheClassesApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTracedPool(t, func(c *pooled.Config) {
			pooltest.WithClasses(1)(c)
			c.Queue.MaxWaiters, c.Pool.AcquireTimeout = 1, time.Second
		})
		held := p.Hold(t, 1)
		waiting := make(chan error, 1)
		go func() {
			_, err := p.ExecContext(t.Context(), "wait /* pool:class=batch */")
			waiting <- err
		}()
		synctest.Wait()
		_, err := p.ExecContext(t.Context(), "refused /* pool:class=batch */")
		require.ErrorIs(t, err, pooled.ErrOverloaded)

		const class, reason attribute.Key = "pooled.class", "pooled.overload.reason"
		all := p.collect(t)
		assert.Equal(t, map[string]int64{"web": 0, "batch": 1}, pointsOf(t, all["db.client.connection.pending_requests"], class))
		assert.Equal(t, map[string]int64{"web full": 0, "web shed": 0, "batch full": 1, "batch shed": 0}, pointsOf(t, all["pooled.connection.overloads"], class, reason))
		assert.Equal(t, map[string]int64{"web": 0, "batch": 0}, pointsOf(t, all["pooled.connection.passed_over"], class))
		require.ErrorIs(t, <-waiting, pooled.ErrAcquireTimeout)
		require.NoError(t, held[0].Close())
		all = p.collect(t)
		assert.Equal(t, map[string]int64{"web": 1, "batch": 2}, pointsOf(t, all["db.client.connection.wait_time"], class))
		assert.Equal(t, map[string]int64{"batch": 1}, pointsOf(t, all["db.client.connection.timeouts"], class))
		assert.Equal(t, map[string]int64{"": 1}, pointsOf(t, all["db.client.connection.use_time"], class))
	})
}

func TestWithoutClassesNoMetricHasOne(t *testing.T) {
	p := newTracedPool(t, func(c *pooled.Config) {
		pooltest.WithClasses(1)(c)
		c.Queue.Classes = c.Queue.Classes[:1]
	})
	p.MustExec(t)
	for name, m := range p.collect(t) {
		_, points := kindOf(t, m)
		for _, attributes := range points {
			assert.False(t, attributes.HasValue("pooled.class"), name)
		}
	}
	assert.Equal(t, map[string]int64{"full": 0, "shed": 0}, pointsOf(t, p.collect(t)["pooled.connection.overloads"], "pooled.overload.reason"))
}

func TestMetricsAreReadAgainWhenAConnectorBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newTracedPool(t, nil)
		other := p.Beside(t)
		p.MustExec(t)
		require.NoError(t, p.Close())
		assert.NotContains(t, p.collect(t), "db.client.connection.count")
		_, err := other.Exec("exec")
		require.NoError(t, err)
		assert.Contains(t, p.collect(t), "db.client.connection.count")
		p.Finish(t, other)
	})
}
