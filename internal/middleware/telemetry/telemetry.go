package telemetry

import (
	"context"
	"fmt"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tracing"
)

// Options is what a Telemetry is made of.
type Options struct {
	TracerProvider trace.TracerProvider   // nil: the global one
	MeterProvider  metric.MeterProvider   // nil: the global one
	HideText       bool                   // statements are not shown
	Servers        []*middleware.Endpoint // those of the pool, in the order of the connector
	Classes        []string               // pool_classes; nil: calls are alike
	Summary        func(text string) string
	Mask           func(text string) string
	Code           func(error) string // SQLSTATE, or the server's number for the error; empty: it is none of the server's
}

// Telemetry tells what a pool does. It is safe for concurrent use.
type Telemetry struct {
	Options
	tracer  atomic.Pointer[tracer]
	facts   [2]factCache // of texts that were sent as they were written, and with arguments
	ops     [middleware.Raw + 1]*facts
	servers []serverFacts
	metrics metrics
	// registration ends the reading of the figures; nil: Observe was not called.
	registration metric.Registration
}

// tracer is that of a provider; its Tracer is nil if nobody listens.
type tracer struct {
	provider trace.TracerProvider
	trace.Tracer
}

// New makes a Telemetry. Close ends it.
func New(o Options) (*Telemetry, error) {
	t := &Telemetry{Options: o}
	for _, info := range o.Servers {
		t.servers = append(t.servers, newServerFacts(info))
	}
	for op := range t.ops {
		t.ops[op] = t.newFacts("", operation(middleware.Op(op)), "")
	}
	return t, t.metrics.register(t)
}

// Close ends the observation of the pool.
func (t *Telemetry) Close() error {
	if t.registration == nil {
		return nil
	}
	return t.registration.Unregister()
}

// Middleware returns the wraps. They belong outermost, so that a span covers all that others do.
func (t *Telemetry) Middleware() middleware.Middleware {
	return middleware.Middleware{Name: "tracing", Connect: t.connect, Acquire: t.acquire, Call: t.call, Release: t.release}
}

// listener returns the tracer, or nil if nobody listens.
func (t *Telemetry) listener() trace.Tracer {
	provider := t.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	if known := t.tracer.Load(); known != nil && known.provider == provider {
		return known.Tracer
	}
	found := &tracer{provider: provider}
	if listens(provider) {
		found.Tracer = provider.Tracer(tracing.Scope, trace.WithSchemaURL(semconv.SchemaURL))
	}
	t.tracer.Store(found)
	return found.Tracer
}

// listens reports whether a provider does anything. The one that stands in for the program's until that is set does not; its type has no name for
// others, and setting a provider replaces it.
func listens(provider trace.TracerProvider) bool {
	switch provider.(type) {
	case noop.TracerProvider, *noop.TracerProvider:
		return false
	}
	return fmt.Sprintf("%T", provider) != "*global.tracerProvider"
}

// call makes a span of a call, and measures it.
func (t *Telemetry) call(next middleware.CallFunc) middleware.CallFunc {
	return func(ctx context.Context, c *middleware.Call) error {
		listener := t.listener()
		if listener != nil && dropped(ctx) {
			listener = nil
		}
		measured := t.metrics.duration.Enabled(ctx)
		if listener == nil && !measured || c.Op == middleware.Ping || c.Op == middleware.Raw {
			return next(ctx, c)
		}
		return t.observe(ctx, c, next, listener, measured)
	}
}

// dropped reports whether the caller's span is not sampled. A part of a trace that nobody will see is not worth a span.
func dropped(ctx context.Context) bool {
	span := trace.SpanFromContext(ctx)
	return !span.IsRecording() && span.SpanContext().IsValid() && !span.SpanContext().IsSampled()
}

// server is the index of an endpoint.
func (t *Telemetry) server(info *middleware.Endpoint) int {
	for i := range t.servers {
		if t.servers[i].info == info {
			return i
		}
	}
	return 0
}
