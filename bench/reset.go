package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
)

// What pooled promises about pool_reset=dirty, where a call leaves its session clean: what it adds.
const (
	mostResetNanoseconds = 60
	mostResetAllocs      = 0
)

// resetPermits is pool_max_conns: room for resets beside the connections in use.
const resetPermits = 16

// resetLoads are how the borrowers come, and what pooled promises where they leave a trace: how many times as fast they are done at least as with DISCARD ALL. One
// worker has the reset of his own connection before him. The last load leaves the machine no time to reset anything beside, and permits run out; in the others
// nobody waits.
var resetLoads = []struct {
	load
	least float64
}{
	{load{workers: 1}, 1.15},
	{load{workers: 8, think: time.Millisecond}, 1.5},
	{load{workers: 8}, 1},
}

// resets measures what clean sessions cost: those that are clean already, and those that are not.
func resets(ctx context.Context, dsn string, e effort) ([]section, error) {
	clean, err := cleanSessions(ctx, dsn, e)
	if err != nil {
		return nil, err
	}
	dirty, err := dirtySessions(ctx, dsn, e)
	return []section{clean, dirty}, err
}

// tenants is how many different texts the borrowers send.
const tenants = 100

// cleaner is one way to leave a session clean.
type cleaner struct {
	variant
	inline   string // what the borrower sends before the connection is given back; empty = nothing
	prepares bool   // pgx keeps statements prepared
}

const (
	resetByPooled   = 1 // the index in cleaners
	discardAll      = "discard all"
	nothingPrepared = "default_query_exec_mode=exec"
)

// cleaners are what is compared. The first is what the others are compared with.
var cleaners = []cleaner{
	{variant{"pooled, pool_reset=off, borrower sends DISCARD ALL", openReset(policy.ResetOff)}, discardAll, false},
	{variant{"pooled, pool_reset=dirty", openReset(policy.ResetDirty)}, "", true},
	{variant{"pooled, pool_reset=dirty, nothing prepared", openReset(policy.ResetDirty)}, "", false},
	{variant{"bare, borrower sends DISCARD ALL", openTuned}, discardAll, false},
	{variant{"bare, borrower sends RESET ALL", openTuned}, "reset all", true},
	{variant{"bare, nothing undone", openTuned}, "", true},
}

// openReset opens pooled with a limit that leaves room for resets.
func openReset(mode policy.ResetMode) func(driverName, dsn string) (*sql.DB, error) {
	return openChanged(func(c *pooled.Config) { c.Pool.MaxConns, c.Reset.Mode = resetPermits, mode })
}

// openTuned opens the bare driver so that it never reconnects.
func openTuned(driverName, dsn string) (*sql.DB, error) {
	db, err := sql.Open(driverName, dsn)
	if err == nil {
		db.SetMaxIdleConns(resetPermits)
	}
	return db, err
}

// dirtySessions has every borrower change a setting, and compares the ways to undo it.
func dirtySessions(ctx context.Context, dsn string, e effort) (section, error) {
	s := section{
		title: "PostgreSQL: every borrower changes a setting",
		note: fmt.Sprintf("A borrower asks for a connection, sends `set app.tenant = '...'` and a query by primary key, and gives the connection back. "+
			"The latency lasts from the first to the last of it; the ratio is that of the means. The rate includes the resets that still run when the last "+
			"borrower is done. A wait is a borrower who finds all %d permits taken; bare keeps as many connections idle. %d rounds. "+
			"DISCARD ALL takes along what pgx has prepared, so pgx prepares nothing then (%s).", resetPermits, e.resetRounds(), nothingPrepared),
		header: []string{"", "borrowers", "median latency", "95th percentile", "times as fast", "waits", "connections"},
	}
	srv := postgresServer(dsn)
	table, drop, err := srv.createTable(ctx)
	if err != nil {
		return s, err
	}
	defer drop()
	for _, l := range resetLoads {
		l.calls = e.calls
		results, err := measureCleaners(ctx, srv, srv.byKey(table), l.load, e.resetRounds())
		if err != nil {
			return s, err
		}
		s.rows = append(s.rows, []string{"**" + l.String() + "**", "", "", "", "", "", ""})
		for i, r := range results {
			row := []string{cleaners[i].name, number(r.perSecond(l.load)) + "/s", micros(r.typical), micros(r.slow), "", "", number(float64(r.dialled))}
			if i > 0 {
				row[4] = ratioCell(spreadOf(speedups(results[0].mean, r.mean)))
			}
			if r.pooled {
				row[5] = number(float64(r.waits))
			}
			s.rows = append(s.rows, row)
		}
		s.requirements = append(s.requirements, resetRequirements(l.load, l.least, results)...)
	}
	return s, nil
}

// resetRequirements are that borrowers are done sooner, and that none waits for a reset while permits are free.
func resetRequirements(l load, least float64, results []cleaned) []requirement {
	r := results[resetByPooled]
	faster := atLeast("PostgreSQL reset", l.String(), least, spreadOf(speedups(results[0].mean, r.mean)))
	faster.want = fmt.Sprintf("at least %g times as fast as DISCARD ALL", least)
	if l.workers > 1 && l.think == 0 {
		return []requirement{faster}
	}
	waited := requirement{
		what:    fmt.Sprintf("PostgreSQL reset, %s, %d permits: waits", l, resetPermits),
		want:    "none",
		got:     number(float64(r.waits)),
		verdict: judge(spreadOf([]float64{float64(r.waits)}), 0),
	}
	return []requirement{faster, waited}
}

// cleaned is what was measured of one cleaner: by round, and of all rounds.
type cleaned struct {
	times               []time.Duration
	mean, typical, slow []time.Duration // the latencies of the borrowers: mean, median, 95th percentile
	pooled              bool
	waits               uint64
	dialled             int
}

func (r cleaned) perSecond(l load) float64 {
	return float64(l.calls/l.workers*l.workers) / median(r.times).Seconds()
}

// measureCleaners runs the load through all cleaners.
func measureCleaners(ctx context.Context, srv server, query string, l load, rounds int) ([]cleaned, error) {
	results := make([]cleaned, len(cleaners))
	var subjects []subject
	var dbs []*sql.DB
	defer func() {
		for _, db := range dbs {
			db.Close()
		}
	}()
	for i, c := range cleaners {
		db, err := c.openOn(srv)
		if err != nil {
			return nil, err
		}
		dbs = append(dbs, db)
		subjects = append(subjects, func(ctx context.Context) (time.Duration, error) {
			took, latencies, err := borrowAll(ctx, db, l, c.borrower(query))
			if err == nil {
				results[i].add(latencies)
			}
			return took, err
		})
	}
	times, err := interleave(ctx, rounds, subjects)
	if err != nil {
		return nil, err
	}
	for i, db := range dbs {
		r := &results[i]
		r.times = times[i]
		r.mean, r.typical, r.slow = r.mean[1:], r.typical[1:], r.slow[1:] // without the turn that warms up
		r.dialled = dialled(db)
		if connector, ok := pooled.From(db); ok {
			r.pooled, r.waits = true, connector.Stats().Endpoints[0].Waits
		}
	}
	return results, nil
}

// add takes the latencies of one round, sorted.
func (r *cleaned) add(latencies []time.Duration) {
	var sum time.Duration
	for _, latency := range latencies {
		sum += latency
	}
	r.mean = append(r.mean, sum/time.Duration(len(latencies)))
	r.typical = append(r.typical, latencies[len(latencies)/2])
	r.slow = append(r.slow, latencies[len(latencies)*95/100])
}

func (c cleaner) openOn(srv server) (*sql.DB, error) {
	dsn := srv.dsn
	if !c.prepares {
		separator := "?"
		if strings.Contains(dsn, "?") {
			separator = "&"
		}
		dsn += separator + nothingPrepared
	}
	return c.open(srv.driver, dsn)
}

// borrower is what a worker does with a connection.
func (c cleaner) borrower(query string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, fmt.Sprintf("set app.tenant = 'tenant %d'", rand.IntN(tenants))); err != nil {
			return err
		}
		var name string
		if err := conn.QueryRowContext(ctx, query, 1+rand.IntN(tableRows)).Scan(&name); err != nil {
			return err
		}
		if c.inline != "" {
			if _, err := conn.ExecContext(ctx, c.inline); err != nil {
				return err
			}
		}
		return conn.Close()
	}
}

// borrowAll is work that ends when every connection is idle again, and that tells how long each borrower took, sorted.
func borrowAll(ctx context.Context, db *sql.DB, l load, borrow func(context.Context, *sql.DB) error) (time.Duration, []time.Duration, error) {
	start := time.Now()
	var mu sync.Mutex
	var latencies []time.Duration
	_, err := work(ctx, db, l, func(ctx context.Context, db *sql.DB) error {
		start := time.Now()
		err := borrow(ctx, db)
		took := time.Since(start)
		mu.Lock()
		defer mu.Unlock()
		latencies = append(latencies, took)
		return err
	})
	if err == nil {
		err = idle(ctx, db)
	}
	took := time.Since(start)
	slices.Sort(latencies)
	return took, latencies, err
}

// idle waits until no server connection is in use or being reset.
func idle(ctx context.Context, db *sql.DB) error {
	connector, ok := pooled.From(db)
	if !ok {
		return nil // what is given back is idle
	}
	for connector.Stats().Endpoints[0].InUse > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		runtime.Gosched() // a sleep would last longer than a reset
	}
	return nil
}

func micros(times []time.Duration) string {
	return number(float64(median(times).Nanoseconds())/1000) + " µs"
}
