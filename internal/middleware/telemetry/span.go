package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tracing"
)

// observe runs a call that somebody wants to know of.
func (t *Telemetry) observe(caller context.Context, c *middleware.Call, next middleware.CallFunc, listener trace.Tracer, measured bool) error {
	f := t.factsOf(c)
	began := time.Now()
	ctx := caller
	var span trace.Span
	if listener != nil && c.Op != middleware.Prepare {
		ctx, span = listener.Start(caller, f.name, f.start...)
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
		_, span = listener.Start(caller, f.name, append(f.start[:len(f.start):len(f.start)], trace.WithTimestamp(began))...)
	}
	server, failed := t.server(c.Session.Endpoint()), t.failureOf(err)
	if measured && sent {
		t.metrics.observe(caller, f, &t.servers[server], server, time.Since(began), failed)
	}
	if span != nil {
		if span.IsRecording() {
			t.tell(span, c, server, err, failed)
			t.remember(caller, c, span)
		}
		span.End()
	}
	return err
}

// tell tells what has become of a call. Of most there is nothing to tell that was not known before.
func (t *Telemetry) tell(span trace.Span, c *middleware.Call, server int, err error, failed failure) {
	if attributes := t.outcome(c, server, err, failed); len(attributes) > 0 {
		span.SetAttributes(attributes...)
	}
	for _, r := range c.Retries {
		t.tellRetry(span, r)
	}
	if failed.kind != "" && !errors.Is(err, context.Canceled) {
		span.SetStatus(codes.Error, err.Error())
	}
}

// outcome lists what is known of a call when it is over.
func (t *Telemetry) outcome(c *middleware.Call, server int, err error, failed failure) []attribute.KeyValue {
	var all []attribute.KeyValue
	if len(t.servers) > 1 { // which one was not known before
		all = make([]attribute.KeyValue, 0, 8)
		all = append(all, t.servers[server].attributes...)
	}
	all = waitOf(all, c, err)
	if c.Failover > 0 {
		all = append(all, tracing.FailoverWaitKey.Float64(c.Failover.Seconds()))
	}
	if c.Route.Reason != "" {
		all = append(all, tracing.EndpointRoleKey.String(c.Route.Role.String()), tracing.RouteReasonKey.String(c.Route.Reason))
		if c.Route.Detail != "" {
			all = append(all, tracing.RouteDetailKey.String(c.Route.Detail))
		}
	}
	if conn := c.Session.Conn(); conn != nil && conn.Changes().Effects != 0 {
		all = append(all, effects(conn.Changes()))
	}
	if failed.kind != "" {
		all = failed.add(all)
		var open *middleware.BreakerOpenError
		if errors.As(err, &open) {
			all = append(all, tracing.BreakerStateKey.String(BreakerStates[open.State]))
		}
	}
	return all
}

// waitOf adds how a call came by its permit, or did not, if there is anything to tell: it waited, or was refused.
func waitOf(to []attribute.KeyValue, c *middleware.Call, err error) []attribute.KeyValue {
	var overloaded *middleware.OverloadedError
	refused := errors.As(err, &overloaded)
	if c.Waited == 0 && !refused {
		return to
	}
	if c.Waited > 0 {
		to = append(to, tracing.AcquireWaitKey.Float64(c.Waited.Seconds()))
	}
	outcome := "admitted"
	switch {
	case refused && overloaded.MaxWaiters != 0:
		outcome = "full"
	case refused:
		outcome = "shed"
	case c.PassedOver:
		outcome = "passed_over"
	case c.Session.Conn() == nil && errors.Is(err, middleware.ErrAcquireTimeout):
		outcome = "timeout"
	case c.Session.Conn() == nil && errors.Is(err, context.Canceled):
		outcome = "cancelled"
	}
	to = append(to, tracing.AcquireOutcomeKey.String(outcome))
	if c.Class != "" {
		to = append(to, tracing.ClassKey.String(c.Class))
	}
	return to
}

// tellRetry tells of an attempt that failed and was not the end of the call.
func (t *Telemetry) tellRetry(span trace.Span, r middleware.Retry) {
	attributes := t.failureOf(r.Err).add(t.servers[t.server(r.Endpoint)].attributes)
	attributes = append(attributes, tracing.RetryErrorKey.String(r.Err.Error()))
	span.AddEvent("pooled.retry", trace.WithTimestamp(r.At), trace.WithAttributes(attributes...))
}

// effects are what a session has left on its connection.
func effects(c *dialect.Changes) attribute.KeyValue {
	return tracing.SessionEffectsKey.StringSlice(c.Effects.Names())
}

// remember leaves with the traces of a session what they are traced as a consequence of: the caller's span, or the call's if the caller has none.
func (t *Telemetry) remember(caller context.Context, c *middleware.Call, span trace.Span) {
	conn := c.Session.Conn()
	if conn == nil || conn.Changes().Clean() || conn.Changes().Cause != nil {
		return
	}
	cause := trace.SpanContextFromContext(caller)
	if !cause.IsValid() {
		cause = span.SpanContext()
	}
	conn.Changes().Cause = trace.ContextWithSpanContext(context.Background(), cause)
}

// Reset makes a span of a session's being made clean, beside the calls that left something on it.
func (t *Telemetry) Reset(cause context.Context, conn middleware.ServerConn) (end func(outcome string)) {
	listener := t.listener()
	if listener == nil {
		return func(string) {}
	}
	s := &t.servers[t.server(conn.Endpoint())]
	attributes := append([]attribute.KeyValue{semconv.DBSystemNameKey.String(systemName(s.info.Dialect))}, s.attributes...)
	if changes := conn.Changes(); changes.Effects != 0 {
		attributes = append(attributes, effects(changes))
	}
	_, span := listener.Start(cause, "pooled reset", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return func(outcome string) {
		span.SetAttributes(tracing.ResetOutcomeKey.String(outcome))
		span.End()
	}
}
