package main

import (
	"context"

	"github.com/gopooled/pooled"
)

// What pooled promises about watching for leaks: what it adds to a call that borrows a connection, over pool_leak=off, with the stack of
// one borrow in sixteen, and of each, which is the default where it costs little.
const (
	mostLeakNanoseconds   = 30
	mostSampleNanoseconds = 1500
	mostLeakAllocs        = 0
)

// leakVariants are what is compared. The first is what the others are compared with.
var leakVariants = []variant{
	{"pool_leak=off", openChanged(func(c *pooled.Config) { c.Leak.Threshold = 0 })},
	{"pool_leak_sample=16", openChanged(func(c *pooled.Config) { c.Leak.Sample = 16 })},
	{"pool_leak_sample=1, the default", openChanged(func(c *pooled.Config) { c.Leak.Sample = 1 })},
}

// leaks measures what it costs to know who holds the connections.
func leaks(ctx context.Context, _ string, e effort) (section, error) {
	s := section{
		title: "Null driver: what watching for leaks adds to a call",
		note:  "Each call borrows a connection and gives it back. Nanoseconds and allocations; those of the others are what they add to pool_leak=off.",
	}
	compare := func(call nullCall) ([]overhead, error) { return compareShort(ctx, leakVariants, call, e) }
	err := s.fill(leakVariants, nullCalls[:3], compare, func(call nullCall, overheads []overhead) { // which borrow once
		s.requirements = append(s.requirements,
			overheads[1].atMost("null driver, "+call.name+": watching for leaks adds", mostLeakNanoseconds, mostLeakAllocs),
			overheads[2].atMost("null driver, "+call.name+": watching for leaks, with every stack, adds", mostSampleNanoseconds, mostLeakAllocs))
	})
	return s, err
}

// compareShort runs one call through variants that differ by a few nanoseconds.
func compareShort(ctx context.Context, variants []variant, call nullCall, e effort) ([]overhead, error) {
	dbs, closeAll, err := openAll(variants, "null", "")
	defer closeAll()
	if err != nil {
		return nil, err
	}
	// As with resets: short turns, and many of them.
	return measureNull(ctx, dbs, call, effort{rounds: 5 * e.rounds, calls: max(1, e.calls/5)})
}
