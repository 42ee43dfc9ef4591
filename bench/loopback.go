package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"
)

// workerCounts are how many workers use a server at once.
var workerCounts = []int{1, 8, 32}

// tableRows is how many rows the table on a server has.
const tableRows = 1000

// server is a real database server on this machine.
type server struct {
	title       string
	driver, dsn string
	placeholder string
	// least is what pooled promises: how many times as fast as bare it is at least, by number of workers.
	least map[int]float64
}

// loopback runs a query by primary key, with an argument, through all variants. Bare gets an idle limit that suits the
// workers, so that it reconnects no more than pooled does.
func loopback(ctx context.Context, srv server, e effort) (section, error) {
	s := section{
		title: srv.title + " on loopback: how many times as fast as bare",
		note: "A row by its primary key, with one argument. Every variant may keep as many idle connections as there are workers. " +
			"Above 1 is faster than bare.",
		header: []string{"workers", "bare"},
	}
	for _, v := range variants[1:] {
		s.header = append(s.header, v.name)
	}
	table, drop, err := srv.createTable(ctx)
	if err != nil {
		return s, err
	}
	defer drop()
	for _, workers := range workerCounts {
		times, err := measureLoopback(ctx, srv, srv.byKey(table), load{workers: workers, calls: e.calls}, e.rounds)
		if err != nil {
			return s, err
		}
		perSecond := float64(e.calls/workers*workers) / median(times[0]).Seconds()
		row := []string{fmt.Sprint(workers), number(perSecond) + "/s"}
		for i := range variants[1:] {
			speedup := spreadOf(speedups(times[0], times[i+1]))
			row = append(row, ratioCell(speedup))
			if least, promised := srv.least[workers]; promised && variants[i+1].name == "pooled" {
				s.requirements = append(s.requirements, atLeast(srv.title, plural(workers, "worker"), least, speedup))
			}
		}
		s.rows = append(s.rows, row)
	}
	return s, nil
}

func measureLoopback(ctx context.Context, srv server, query string, l load, rounds int) ([][]time.Duration, error) {
	var subjects []subject
	dbs, closeAll, err := openAll(variants, srv.driver, srv.dsn)
	defer closeAll()
	if err != nil {
		return nil, err
	}
	for _, db := range dbs {
		db.SetMaxIdleConns(l.workers)
		subjects = append(subjects, func(ctx context.Context) (time.Duration, error) {
			return work(ctx, db, l, selectRow(query))
		})
	}
	return interleave(ctx, rounds, subjects)
}

// selectRow reads a random row by its primary key.
func selectRow(query string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		var name string
		return db.QueryRowContext(ctx, query, 1+rand.IntN(tableRows)).Scan(&name)
	}
}

// byKey is a query of a table that createTable made.
func (srv server) byKey(table string) string {
	return "select name from " + table + " where id = " + srv.placeholder
}

// createTable makes a table of its own on the server, and returns its name and what drops it.
func (srv server) createTable(ctx context.Context) (table string, drop func(), err error) {
	db, err := sql.Open(srv.driver, srv.dsn)
	if err != nil {
		return "", nil, err
	}
	table = fmt.Sprintf("pooled_bench_%08x", rand.Uint32())
	drop = func() {
		_, _ = db.Exec("drop table if exists " + table) // also after ctx is cancelled
		_ = db.Close()
	}
	for _, statement := range []string{
		"create table " + table + " (id int primary key, name varchar(100) not null)",
		"insert into " + table + " with recursive n(i) as (select 1 union all select i + 1 from n where i < " +
			fmt.Sprint(tableRows) + ") select i, concat('name ', i) from n",
	} {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			drop()
			return "", nil, err
		}
	}
	return table, drop, nil
}
