package main

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"
)

// What pooled promises about a query on the null driver, compared with bare.
const (
	mostNanoseconds = 450
	mostAllocs      = 2
)

// nullCall is something that programs do, on a driver that takes no time.
type nullCall struct {
	name string
	// promised says that mostNanoseconds and mostAllocs hold for it.
	promised bool
	do       func(ctx context.Context, db *sql.DB) error
}

var nullCalls = []nullCall{
	{"query", true, func(ctx context.Context, db *sql.DB) error { return drain(db.QueryContext(ctx, "select")) }},
	{"query, 2 arguments", true, func(ctx context.Context, db *sql.DB) error {
		return drain(db.QueryContext(ctx, "select", 1, "two"))
	}},
	{"exec", false, func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "update")
		return err
	}},
	{"begin, exec, commit", false, func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback() // after Commit it does nothing
		if _, err := tx.ExecContext(ctx, "update"); err != nil {
			return err
		}
		return tx.Commit()
	}},
}

func drain(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
	}
	return rows.Err()
}

// nullDriver measures what a wrapper adds to a call.
func nullDriver(ctx context.Context, _ string, e effort) (section, error) {
	s := section{
		title: "Null driver: what a wrapper adds to a call",
		note: "A driver in memory that does nothing. Nanoseconds and allocations for each call; those of the wrappers are what they " +
			"add to bare. otelsql has no OpenTelemetry SDK installed.",
		header: []string{"call"},
	}
	for _, v := range variants {
		s.header = append(s.header, v.name)
	}
	for _, call := range nullCalls {
		overheads, err := measureNull(ctx, call, e)
		if err != nil {
			return s, err
		}
		row := []string{call.name}
		for i, o := range overheads {
			row = append(row, o.cell(i > 0))
		}
		s.rows = append(s.rows, row)
		if call.promised {
			pooled := overheads[1]
			verdict := judge(pooled.nanoseconds, mostNanoseconds)
			if pooled.allocs > mostAllocs {
				verdict = broken
			}
			s.requirements = append(s.requirements, requirement{
				what:    "null driver, " + call.name + ": pooled adds",
				want:    fmt.Sprintf("at most %d ns and %d allocations", mostNanoseconds, mostAllocs),
				got:     pooled.cell(true),
				verdict: verdict,
			})
		}
	}
	return s, nil
}

// overhead is what a call costs or, for a wrapper, costs more than bare.
type overhead struct {
	nanoseconds spread
	allocs      float64
}

func (o overhead) cell(signed bool) string {
	ns, allocs := number(o.nanoseconds.median), plural(int(o.allocs), "alloc")
	if signed && o.nanoseconds.median >= 0 {
		ns = "+" + ns
	}
	if signed && o.allocs >= 0 {
		allocs = "+" + allocs
	}
	return fmt.Sprintf("%s ns (%s–%s), %s", ns, number(o.nanoseconds.q1), number(o.nanoseconds.q3), allocs)
}

// measureNull runs one call through all variants.
func measureNull(ctx context.Context, call nullCall, e effort) ([]overhead, error) {
	calls := 10 * e.calls
	var subjects []subject
	var allocs []float64
	dbs, closeAll, err := openAll("null", "")
	defer closeAll()
	if err != nil {
		return nil, err
	}
	for _, db := range dbs {
		subjects = append(subjects, func(context.Context) (time.Duration, error) {
			// A context that can be cancelled would add a goroutine of database/sql to the call.
			return work(context.Background(), db, load{workers: 1, calls: calls}, call.do)
		})
		n, err := allocations(call, db)
		if err != nil {
			return nil, err
		}
		allocs = append(allocs, n)
	}
	times, err := interleave(ctx, e.rounds, subjects)
	if err != nil {
		return nil, err
	}
	overheads := make([]overhead, len(variants))
	for i := range variants {
		var perCall []float64
		for round, took := range times[i] {
			if i > 0 {
				took -= times[0][round]
			}
			perCall = append(perCall, float64(took.Nanoseconds())/float64(calls))
		}
		overheads[i] = overhead{spreadOf(perCall), allocs[i]}
		if i > 0 {
			overheads[i].allocs -= allocs[0]
		}
	}
	return overheads, nil
}

// allocations counts those of one call, on a connection that is there already.
func allocations(call nullCall, db *sql.DB) (float64, error) {
	var failure error
	n := testing.AllocsPerRun(1000, func() {
		if err := call.do(context.Background(), db); err != nil {
			failure = err
		}
	})
	return n, failure
}
