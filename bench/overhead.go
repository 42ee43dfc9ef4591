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
	sampled  bool // it is made in requests of which few are sampled
}

var nullCalls = []nullCall{
	{name: "query", promised: true, do: func(ctx context.Context, db *sql.DB) error { return drain(db.QueryContext(ctx, "select")) }},
	{name: "query, 2 arguments", promised: true, do: func(ctx context.Context, db *sql.DB) error {
		return drain(db.QueryContext(ctx, "select", 1, "two"))
	}},
	{name: "exec", do: func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "update")
		return err
	}},
	{name: "begin, exec, commit", do: func(ctx context.Context, db *sql.DB) error {
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
	}
	compare := func(call nullCall) ([]overhead, error) { return compareNull(ctx, call, e) }
	err := s.fill(variants, nullCalls, compare, func(call nullCall, overheads []overhead) {
		if call.promised {
			s.requirements = append(s.requirements, overheads[1].atMost("null driver, "+call.name+": pooled adds", mostNanoseconds, mostAllocs))
		}
	})
	return s, err
}

// fill makes a table with a row for each call and a column for each of the variants, and has judge add what is required of a row.
func (s *section) fill(variants []variant, calls []nullCall, compare func(nullCall) ([]overhead, error), judge func(nullCall, []overhead)) error {
	s.header = []string{"call"}
	for _, v := range variants {
		s.header = append(s.header, v.name)
	}
	for _, call := range calls {
		overheads, err := compare(call)
		if err != nil {
			return err
		}
		row := []string{call.name}
		for i, o := range overheads {
			row = append(row, o.cell(i > 0))
		}
		s.rows = append(s.rows, row)
		judge(call, overheads)
	}
	return nil
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

// atMost is the requirement that a wrapper adds no more than that to a call.
func (o overhead) atMost(what string, nanoseconds, allocs float64) requirement {
	verdict := judge(o.nanoseconds, nanoseconds)
	if o.allocs > allocs {
		verdict = broken
	}
	return requirement{
		what:    what,
		want:    fmt.Sprintf("at most %g ns and %s", nanoseconds, plural(int(allocs), "allocation")),
		got:     o.cell(true),
		verdict: verdict,
	}
}

// compareNull runs one call through all variants.
func compareNull(ctx context.Context, call nullCall, e effort) ([]overhead, error) {
	dbs, closeAll, err := openAll(variants, "null", "")
	defer closeAll()
	if err != nil {
		return nil, err
	}
	return measureNull(ctx, dbs, call, e)
}

// measureNull runs one call through all databases, of which the first is what the others are compared with.
func measureNull(ctx context.Context, dbs []*sql.DB, call nullCall, e effort) ([]overhead, error) {
	calls := 10 * e.calls
	var subjects []subject
	var allocs []float64
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
	overheads := make([]overhead, len(dbs))
	for i := range dbs {
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
