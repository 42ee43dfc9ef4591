package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/XSAM/otelsql"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/gopooled/pooled"
)

// What pooled promises about tracing: what it adds to a call when nobody listens, over pool_trace=off.
const (
	mostTracingNanoseconds = 25
	mostTracingAllocs      = 0
	mostOfOtelsql          = 0.5 // of what otelsql adds, when every span is recorded
	mostOfOtelsqlSampled   = 0.1 // the same, when one request in a hundred is
)

// tracedCalls are made outside of a request, so that each has a trace of its own, and in requests of which one in a hundred is sampled.
var tracedCalls = append(nullCalls[:3:3], inRequests(nullCalls[0]), inRequests(nullCalls[2]))

// inRequests has a call made for one request after the other.
func inRequests(call nullCall) nullCall {
	var requests [100]context.Context
	for i := range requests {
		parent := trace.SpanContextConfig{TraceID: trace.TraceID{byte(i + 1)}, SpanID: trace.SpanID{1}}
		if i == 0 {
			parent.TraceFlags = trace.FlagsSampled
		}
		requests[i] = trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(parent))
	}
	next := 0
	return nullCall{name: call.name + ", 1 % sampled", sampled: true, do: func(_ context.Context, db *sql.DB) error {
		next++
		return call.do(requests[next%len(requests)], db)
	}}
}

// tracingVariants are what is compared. The first is what the others are compared with; the last has an SDK that records every span, and exports none.
var tracingVariants = []variant{
	{"pool_trace=off", openChanged(func(c *pooled.Config) { c.Tracing.On = false })},
	{"nobody listens", openChanged(func(*pooled.Config) {})},
	{"an SDK", openChanged(func(c *pooled.Config) { c.Tracing.TracerProvider = sdktrace.NewTracerProvider() })},
}

// otelsqlVariants are the same for otelsql, over the bare driver.
var otelsqlVariants = []variant{
	{"bare", sql.Open},
	{"otelsql, nobody listens", openOtelsql},
	{"otelsql, an SDK", func(driverName, dsn string) (*sql.DB, error) {
		return otelsql.Open(driverName, dsn, otelsql.WithTracerProvider(sdktrace.NewTracerProvider()))
	}},
}

// traces measures what spans cost, made and not.
func traces(ctx context.Context, _ string, e effort) ([]section, error) {
	ours := section{
		title: "Null driver: what tracing adds to a call",
		note:  "Nanoseconds and allocations; those of the others are what they add to pool_trace=off.",
	}
	recorded := map[string]overhead{} // by call
	compare := func(call nullCall) ([]overhead, error) { return compareShort(ctx, tracingVariants, call, e) }
	err := ours.fill(tracingVariants, tracedCalls, compare, func(call nullCall, overheads []overhead) {
		recorded[call.name] = overheads[2]
		ours.requirements = append(ours.requirements,
			overheads[1].atMost("null driver, "+call.name+": tracing that nobody listens to adds", mostTracingNanoseconds, mostTracingAllocs))
	})
	if err != nil {
		return nil, err
	}
	theirs := section{
		title: "Null driver: what otelsql's tracing adds to a call",
		note:  "The same for otelsql, over the bare driver.",
	}
	compare = func(call nullCall) ([]overhead, error) { return compareShort(ctx, otelsqlVariants, call, e) }
	err = theirs.fill(otelsqlVariants, tracedCalls, compare, func(call nullCall, overheads []overhead) {
		theirs.requirements = append(theirs.requirements, recorded[call.name].atMostPart(call, overheads[2]))
	})
	return []section{ours, theirs}, err
}

// atMostPart is the requirement that recording spans adds so much of what it adds with otelsql.
func (o overhead) atMostPart(call nullCall, theirs overhead) requirement {
	most := mostOfOtelsql
	if call.sampled {
		most = mostOfOtelsqlSampled
	}
	part := o.nanoseconds.median / theirs.nanoseconds.median
	verdict := holds
	if part > most || o.allocs > most*theirs.allocs {
		verdict = broken
	}
	return requirement{
		what:    "null driver, " + call.name + ": recording spans adds, of the time and the allocations that otelsql adds",
		want:    fmt.Sprintf("at most %g", most),
		got:     fmt.Sprintf("%.2f and %.2f", part, o.allocs/theirs.allocs),
		verdict: verdict,
	}
}
