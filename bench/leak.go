package main

import (
	"context"
	"database/sql"

	"github.com/gopooled/pooled"
)

// What pooled promises about watching for leaks: what it adds to a call that borrows a connection, over pool_leak=off, with the stack of
// one borrow in sixteen, which is the default, and of each.
const (
	mostLeakNanoseconds   = 30
	mostSampleNanoseconds = 1500
	mostLeakAllocs        = 0
)

// leakVariants are what is compared. The first is what the others are compared with.
var leakVariants = []variant{
	{"pool_leak=off", openChanged(func(c *pooled.Config) { c.Leak.Threshold = 0 })},
	{"the default", openChanged(func(*pooled.Config) {})},
	{"pool_leak_sample=1", openChanged(func(c *pooled.Config) { c.Leak.Sample = 1 })},
}

func openChanged(change func(*pooled.Config)) func(driverName, dsn string) (*sql.DB, error) {
	return func(driverName, dsn string) (*sql.DB, error) {
		cfg := pooled.NewConfig()
		cfg.DriverName, cfg.DSN = driverName, dsn
		change(&cfg)
		connector, err := pooled.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	}
}

// leaks measures what it costs to know who holds the connections.
func leaks(ctx context.Context, _ string, e effort) (section, error) {
	s := section{
		title:  "Null driver: what watching for leaks adds to a call",
		note:   "Each call borrows a connection and gives it back. Nanoseconds and allocations; those of the others are what they add to pool_leak=off.",
		header: []string{"call"},
	}
	for _, v := range leakVariants {
		s.header = append(s.header, v.name)
	}
	for _, call := range nullCalls[:3] { // which borrow once
		overheads, err := compareShort(ctx, leakVariants, call, e)
		if err != nil {
			return s, err
		}
		row := []string{call.name}
		for i, o := range overheads {
			row = append(row, o.cell(i > 0))
		}
		s.rows = append(s.rows, row)
		s.requirements = append(s.requirements,
			overheads[1].atMost("null driver, "+call.name+": watching for leaks adds", mostLeakNanoseconds, mostLeakAllocs),
			overheads[2].atMost("null driver, "+call.name+": watching for leaks, with every stack, adds", mostSampleNanoseconds, mostLeakAllocs))
	}
	return s, nil
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
