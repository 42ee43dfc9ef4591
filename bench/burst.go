package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/gopooled/pooled"
)

// burstLoad gives a connection back between two queries of a worker, so that most of the 20 are idle at any moment, for a
// millisecond. database/sql keeps 2 of them unless told otherwise, closes the others, and dials again.
var burstLoad = load{workers: 20, calls: 2000, think: time.Millisecond}

// burstLeast is how many times as fast as bare pooled is at least.
const burstLeast = 5

// burst compares the variants with all settings left alone, and with bare as an expert would set it up.
func burst(ctx context.Context, dsn string, e effort) (section, error) {
	l := burstLoad
	l.calls = min(l.calls, 10*e.calls) // fewer in tests only
	s := section{
		title: "PostgreSQL, burst at default settings",
		note: fmt.Sprintf("%s workers, %s queries in all, %s of think time after each, in which the worker holds no connection. "+
			"Each round begins with a new, empty pool.", number(float64(l.workers)), number(float64(l.calls)), l.think),
		header: []string{"", "time", "times as fast as bare", "connections dialled"},
	}
	srv := postgresServer(dsn)
	table, drop, err := srv.createTable(ctx)
	if err != nil {
		return s, err
	}
	defer drop()

	tuned := variant{fmt.Sprintf("bare, SetMaxIdleConns(%d)", l.workers), func(driverName, dsn string) (*sql.DB, error) {
		db, err := sql.Open(driverName, dsn)
		if err == nil {
			db.SetMaxIdleConns(l.workers)
		}
		return db, err
	}}
	compared := slices.Concat(variants, []variant{tuned})
	dials := make([][]float64, len(compared))
	var subjects []subject
	for i, v := range compared {
		subjects = append(subjects, func(ctx context.Context) (time.Duration, error) {
			db, err := v.open(srv.driver, srv.dsn)
			if err != nil {
				return 0, err
			}
			defer db.Close()
			took, err := work(ctx, db, l, selectRow(srv.byKey(table)))
			dials[i] = append(dials[i], float64(dialled(db)))
			return took, err
		})
	}
	times, err := interleave(ctx, e.burstRounds(), subjects)
	if err != nil {
		return s, err
	}
	for i, v := range compared {
		speedup := spreadOf(speedups(times[0], times[i]))
		row := []string{v.name, fmt.Sprintf("%d ms", median(times[i]).Milliseconds()), "", number(spreadOf(dials[i]).median)}
		if i > 0 {
			row[2] = ratioCell(speedup)
		}
		s.rows = append(s.rows, row)
		if v.name == "pooled" {
			s.requirements = append(s.requirements, atLeast("PostgreSQL", "burst", burstLeast, speedup))
		}
	}
	return s, nil
}

// dialled is how many connections to the server a DB has made. pooled counts them. For the others: where nothing fails, a
// connection is either open or was closed by the idle limit.
func dialled(db *sql.DB) int {
	if connector, ok := pooled.From(db); ok {
		return int(connector.Stats().Endpoints[0].Dials)
	}
	stats := db.Stats()
	return stats.OpenConnections + int(stats.MaxIdleClosed)
}
