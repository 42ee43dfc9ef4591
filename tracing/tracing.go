// Package tracing has the names of what pooled tells OpenTelemetry, for programs that filter, rename or drop some of it: in views, samplers and processors.
//
// What is told, and when, is in docs/observability.md; [github.com/gopooled/pooled/policy.Tracing] chooses the providers. Names and attributes that the semantic
// conventions for databases (version 1.43) have are theirs, and not here. Those of pooled's own begin with "pooled.", and stay what they are.
package tracing

import "go.opentelemetry.io/otel/attribute"

// Scope is the name of the instrumentation, of the tracer and of the meter.
const Scope = "github.com/gopooled/pooled"

// Attributes of metrics, and of spans where they belong.
const (
	// ClassKey is one of pool_classes.
	ClassKey attribute.Key = "pooled.class"
	// OverloadReasonKey is why a session was refused a connection: full or shed.
	OverloadReasonKey attribute.Key = "pooled.overload.reason"
	// CloseReasonKey is why a connection was closed, such as lifetime or failed.
	CloseReasonKey attribute.Key = "pooled.close.reason"
	// BreakerStateKey is the state of a breaker: closed, open or half_open.
	BreakerStateKey attribute.Key = "pooled.breaker.state"
	// RouteReasonKey is why a call went to its server, as [github.com/gopooled/pooled/routing.Reason] is written.
	RouteReasonKey attribute.Key = "pooled.route.reason"
	// EndpointRoleKey is the role of a server in its cluster: primary, replica or unknown.
	EndpointRoleKey attribute.Key = "pooled.endpoint.role"
	// ResetOutcomeKey is what became of a session that had left something behind: reset, or why its connection was closed.
	ResetOutcomeKey attribute.Key = "pooled.reset.outcome"
	// SessionEffectKey is something that a session had left behind, such as setting or temp_table.
	SessionEffectKey attribute.Key = "pooled.session.effect"
)

// Attributes of spans alone.
const (
	// AcquireWaitKey is for how many seconds the call waited for permits.
	AcquireWaitKey attribute.Key = "pooled.acquire.wait"
	// AcquireOutcomeKey is what became of a call that waited for a permit or was refused one: admitted, passed_over, timeout, cancelled, full or shed.
	AcquireOutcomeKey attribute.Key = "pooled.acquire.outcome"
	// FailoverWaitKey is for how many seconds the call waited for a server that can be written to.
	FailoverWaitKey attribute.Key = "pooled.failover.wait"
	// RouteDetailKey is what exactly decided where the call went.
	RouteDetailKey attribute.Key = "pooled.route.detail"
	// SessionEffectsKey is what the call's session has left on its connection so far.
	SessionEffectsKey attribute.Key = "pooled.session.effects"
	// RetryErrorKey is the message of the error that an attempt failed with.
	RetryErrorKey attribute.Key = "pooled.retry.error"
)
