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
		title:  "Null driver: what a closed breaker adds to a call",
		note:   "Each call borrows a connection and gives it back. Nanoseconds and allocations; those of the other are what it adds to pool_breaker=off.",
		header: []string{"call"},
	}
	for _, v := range breakerVariants {
		s.header = append(s.header, v.name)
	}
	for _, call := range nullCalls[:3] { // which borrow once
		overheads, err := compareShort(ctx, breakerVariants, call, e)
		if err != nil {
			return s, err
		}
		row := []string{call.name}
		for i, o := range overheads {
			row = append(row, o.cell(i > 0))
		}
		s.rows = append(s.rows, row)
		s.requirements = append(s.requirements,
			overheads[1].atMost("null driver, "+call.name+": a closed breaker adds", mostBreakerNanoseconds, mostBreakerAllocs))
	}
	return s, nil
}
