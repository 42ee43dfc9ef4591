package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// unusedLeast is how many times as fast as otherwise pooled is at least in a database with what is not proved harmless, and not used.
const unusedLeast = 0.97

// unusedHarm are an operator, a cast, a domain, an aggregate and a view that change the session of whoever uses them.
var unusedHarm = []string{
	"create function leak() returns boolean language plpgsql as $$begin perform set_config('app.leak', '1', false); return true; end$$",
	"create function op(int, int) returns boolean language sql as 'select leak()'",
	"create operator === (leftarg = int, rightarg = int, function = op)",
	"create type pair as (a int)",
	"create function of_pair(pair) returns int language plpgsql as $$begin perform leak(); return 1; end$$",
	"create cast (pair as int) with function of_pair(pair) as implicit",
	"create domain checked as int check (leak())",
	"create function add(int, int) returns int language plpgsql as $$begin perform leak(); return 1; end$$",
	"create aggregate total(int) (sfunc = add, stype = int)",
	"create view leaking as select leak()",
}

// unusedTexts are what the workers send.
var unusedTexts = []string{
	"select $1::int", "select name from numbered where id = $1", "select sum(id) from numbered where id < $1 and name like 'name 1%'", "select max(name) || '!' from numbered where id = $1",
}

// unused compares pooled in two databases that differ in what the workers do not use.
func unused(ctx context.Context, dsn string, e effort) (section, error) {
	l := load{workers: 8, calls: e.calls}
	s := section{
		title: "PostgreSQL: what is not harmless, and not used",
		note: fmt.Sprintf("%s. pooled at its defaults in a database that has an operator, a cast, a domain, an aggregate and a view that change the session, "+
			"and in one that has none of them. The statements use other operators, casts and aggregates.", l),
		header: []string{"", "", "times as fast"},
	}
	without, drop, err := ownDatabase(ctx, dsn, nil)
	defer drop()
	if err != nil {
		return s, err
	}
	with, drop, err := ownDatabase(ctx, dsn, unusedHarm)
	defer drop()
	if err != nil {
		return s, err
	}
	var subjects []subject
	for _, db := range []*sql.DB{without, with} {
		subjects = append(subjects, func(ctx context.Context) (time.Duration, error) { return work(ctx, db, l, anyOf(unusedTexts)) })
	}
	times, err := interleave(ctx, e.rounds, subjects)
	if err != nil {
		return s, err
	}
	speedup := spreadOf(speedups(times[0], times[1]))
	perSecond := func(i int) string {
		return number(float64(l.calls/l.workers*l.workers)/median(times[i]).Seconds()) + "/s"
	}
	s.rows = [][]string{{"without it", perSecond(0), ""}, {"with it", perSecond(1), ratioCell(speedup)}}
	s.requirements = []requirement{{
		what: "PostgreSQL, with what is not harmless and not used: pooled is", want: fmt.Sprintf("at least %g times as fast as without it", unusedLeast),
		got: ratioCell(speedup), verdict: judge(spread{median: -speedup.median, low: -speedup.high}, -unusedLeast),
	}}
	return s, nil
}

// ownDatabase makes a database with a table and what else is given, and opens it through pooled. drop is never nil.
func ownDatabase(ctx context.Context, dsn string, texts []string) (db *sql.DB, drop func(), err error) {
	drop = func() {}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, drop, err
	}
	admin := stdlib.OpenDB(*cfg)
	name := fmt.Sprintf("pooled_bench_%08x", rand.Uint32())
	if _, err := admin.ExecContext(ctx, "create database "+name); err != nil {
		_ = admin.Close()
		return nil, drop, err
	}
	drop = func() {
		if db != nil {
			_ = db.Close()
		}
		_, _ = admin.Exec("drop database " + name + " with (force)")
		_ = admin.Close()
	}
	own := cfg.Copy()
	own.Database = name
	registered := stdlib.RegisterConnConfig(own)
	texts = append([]string{"create table numbered as select i as id, 'name ' || i as name from generate_series(1, 1000) i", "alter table numbered add primary key (id)"}, texts...)
	bare, err := sql.Open("pgx", registered)
	if err != nil {
		return nil, drop, err
	}
	defer bare.Close()
	for _, text := range texts {
		if _, err := bare.ExecContext(ctx, text); err != nil {
			return nil, drop, err
		}
	}
	db, err = openPooled("pgx", registered)
	return db, drop, err
}

// anyOf sends one of the texts with a number.
func anyOf(texts []string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		var value sql.NullString
		return db.QueryRowContext(ctx, texts[rand.IntN(len(texts))], 1+rand.IntN(tableRows)).Scan(&value)
	}
}
