package policy

import (
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Tracing is what is told to OpenTelemetry.
type Tracing struct {
	// On has spans made and metrics recorded, where somebody listens: pool_trace, on by default.
	On bool
	// HideText keeps statements out of spans: pool_trace_text=off. Otherwise one with arguments is shown as it is, without them, and one without
	// arguments with ? in place of its literals.
	HideText bool
	// TracerProvider makes the spans. Nil = the global one, as soon as the program has set it. Only in Go.
	TracerProvider trace.TracerProvider
	// MeterProvider makes the instruments. Nil = the global one. Only in Go.
	MeterProvider metric.MeterProvider
}
