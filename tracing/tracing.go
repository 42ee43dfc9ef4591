package tracing

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/gopooled/pooled/middleware"
)

// scope is the name of the instrumentation.
const scope = "github.com/gopooled/pooled"

// Options is what a Tracing is made of.
type Options struct {
	TracerProvider trace.TracerProvider   // nil: the global one
	MeterProvider  metric.MeterProvider   // nil: the global one
	HideText       bool                   // statements are not shown
	Servers        []*middleware.Endpoint // those of the pool, in the order of the connector
	Summary        func(text string) string
	Mask           func(text string) string
	Code           func(error) string // SQLSTATE, or the server's number for the error; empty: it is none of the server's
}

// Tracing tells what a pool does. It is safe for concurrent use.
type Tracing struct {
	Options
	tracer  atomic.Pointer[tracer]
	facts   [2]factCache // of texts that were sent as they were written, and with arguments
	ops     [middleware.Raw + 1]*facts
	servers []serverFacts
	metrics metrics
	// registration ends the reading of the figures; nil: Observe was not called.
	registration metric.Registration
	// measured says that somebody listened to the metrics at the last call. It is cheaper to look at than to ask, and every acquisition is
	// part of a call.
	measured atomic.Bool
}

// tracer is that of a provider; its Tracer is nil if nobody listens.
type tracer struct {
	provider trace.TracerProvider
	trace.Tracer
}

// New makes a Tracing. Close ends it.
func New(o Options) (*Tracing, error) {
	t := &Tracing{Options: o}
	for _, info := range o.Servers {
		t.servers = append(t.servers, newServerFacts(info))
	}
	for op := range t.ops {
		t.ops[op] = t.newFacts("", operation(middleware.Op(op)), "")
	}
	return t, t.metrics.register(t)
}

// Close ends the observation of the pool.
func (t *Tracing) Close() error {
	if t.registration == nil {
		return nil
	}
	return t.registration.Unregister()
}

// Middleware returns the wraps. They belong outermost, so that a span covers all that others do.
func (t *Tracing) Middleware() middleware.Middleware {
	return middleware.Middleware{Name: "tracing", Connect: t.connect, Acquire: t.acquire, Call: t.call, Release: t.release}
}

// listener returns the tracer, or nil if nobody listens.
func (t *Tracing) listener() trace.Tracer {
	provider := t.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	if known := t.tracer.Load(); known != nil && known.provider == provider {
		return known.Tracer
	}
	found := &tracer{provider: provider}
	if listens(provider) {
		found.Tracer = provider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
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
func (t *Tracing) call(next middleware.CallFunc) middleware.CallFunc {
	return func(ctx context.Context, c *middleware.Call) error {
		listener := t.listener()
		if listener != nil && dropped(ctx) {
			listener = nil
		}
		measured := t.metrics.duration.Enabled(ctx)
		if measured != t.measured.Load() {
			t.measured.Store(measured)
		}
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

// observe runs a call that somebody wants to know of.
func (t *Tracing) observe(ctx context.Context, c *middleware.Call, next middleware.CallFunc, listener trace.Tracer, measured bool) error {
	f := t.factsOf(c)
	began := time.Now()
	var span trace.Span
	if listener != nil && c.Op != middleware.Prepare {
		ctx, span = listener.Start(ctx, f.name, f.start...)
	}
	returned := false
	defer func() {
		if !returned && span != nil { // something panicked
			span.SetStatus(codes.Error, "panic")
			span.End()
		}
	}()
	err := next(ctx, c)
	returned = true
	sent := c.Session.Conn() != nil || err != nil
	if listener != nil && span == nil && sent { // where a text was prepared before, nothing is sent
		_, span = listener.Start(ctx, f.name, append(f.start[:len(f.start):len(f.start)], trace.WithTimestamp(began))...)
	}
	server := t.server(c.Session.Endpoint())
	if measured && sent {
		t.metrics.observe(ctx, t, f, server, time.Since(began), err)
	}
	if span != nil {
		t.finish(span, c, server, err)
	}
	return err
}

// finish tells what has become of a call.
func (t *Tracing) finish(span trace.Span, c *middleware.Call, server int, err error) {
	defer span.End()
	if !span.IsRecording() {
		return
	}
	var own [8]attribute.KeyValue
	attributes := own[:0]
	if len(t.servers) > 1 { // which one was not known before
		attributes = append(attributes, t.servers[server].attributes...)
	}
	if c.Waited > 0 {
		attributes = append(attributes, attribute.Float64("pooled.acquire.wait", c.Waited.Seconds()))
	}
	if c.Route.Reason != "" {
		attributes = append(attributes, attribute.String("pooled.route.reason", c.Route.Reason))
		if c.Route.Detail != "" {
			attributes = append(attributes, attribute.String("pooled.route.detail", c.Route.Detail))
		}
	}
	if kind, code := t.classify(err); kind != "" {
		attributes = append(attributes, semconv.ErrorTypeKey.String(kind))
		if code != "" {
			attributes = append(attributes, semconv.DBResponseStatusCode(code))
		}
		if !errors.Is(err, context.Canceled) {
			span.SetStatus(codes.Error, err.Error())
		}
	}
	span.SetAttributes(attributes...)
}

// classify returns the error.type of an error, and the server's code if it is the server's; empty: it is none.
func (t *Tracing) classify(err error) (kind, code string) {
	if err == nil || err == driver.ErrSkip {
		return "", ""
	}
	if code = t.Code(err); code != "" {
		return code, code
	}
	for _, known := range refusals {
		if errors.Is(err, known.err) {
			return known.kind, ""
		}
	}
	return fmt.Sprintf("%T", err), ""
}

// refusals are the errors that have a name of their own as error.type.
var refusals = []struct {
	err  error
	kind string
}{
	{middleware.ErrAcquireTimeout, "acquire_timeout"},
	{middleware.ErrConnectTimeout, "connect_timeout"},
	{middleware.ErrBreakerOpen, "breaker_open"},
	{middleware.ErrDraining, "draining"},
	{middleware.ErrReclaimed, "reclaimed"},
	{middleware.ErrNoPrimary, "no_primary"},
	{middleware.ErrNoReplica, "no_replica"},
	{context.Canceled, "context.Canceled"},
	{context.DeadlineExceeded, "context.DeadlineExceeded"},
	{driver.ErrBadConn, "driver.ErrBadConn"},
}

// server is the index of an endpoint.
func (t *Tracing) server(info *middleware.Endpoint) int {
	for i := range t.servers {
		if t.servers[i].info == info {
			return i
		}
	}
	return 0
}

// serverFacts are the attributes of a server.
type serverFacts struct {
	info       *middleware.Endpoint
	attributes []attribute.KeyValue
}

// The ports that go without saying.
var defaultPorts = map[string]int{"postgres": 5432, "mysql": 3306}

func newServerFacts(info *middleware.Endpoint) serverFacts {
	s := serverFacts{info: info}
	host, port, err := net.SplitHostPort(info.Name)
	if err != nil { // a socket, or a name that says nothing
		s.attributes = append(s.attributes, semconv.ServerAddress(info.Name))
		return s
	}
	s.attributes = append(s.attributes, semconv.ServerAddress(host))
	if n, err := strconv.Atoi(port); err == nil && n != defaultPorts[info.Dialect] {
		s.attributes = append(s.attributes, semconv.ServerPort(n))
	}
	return s
}
