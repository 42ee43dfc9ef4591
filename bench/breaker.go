package main

import (
	"context"

	"github.com/gopooled/pooled"
)

// What pooled promises about a breaker that is closed: what it adds to a call that borrows a connection, over pool_breaker=off.
const (
	mostBreakerNanoseconds = 60
	mostBreakerAllocs      = 0
)

// breakerVariants are what is compared. The first is what the other is compared with.
var breakerVariants = []variant{
	{"pool_breaker=off", openChanged(func(*pooled.Config) {})},
	{"pool_breaker=on, closed", openChanged(func(c *pooled.Config) { c.Breaker.On = true })},
}

// breakers measures what a breaker costs while nothing is wrong.
func breakers(ctx context.Context, _ string, e effort) (section, error) {
	s := section{
		title: "Null driver: what a closed breaker adds to a call",
		note:  "Each call borrows a connection and gives it back. Nanoseconds and allocations; those of the other are what it adds to pool_breaker=off.",
	}
	compare := func(call nullCall) ([]overhead, error) { return compareShort(ctx, breakerVariants, call, e) }
	err := s.fill(breakerVariants, nullCalls[:3], compare, func(call nullCall, overheads []overhead) { // which borrow once
		s.requirements = append(s.requirements,
			overheads[1].atMost("null driver, "+call.name+": a closed breaker adds", mostBreakerNanoseconds, mostBreakerAllocs))
	})
	return s, err
}
