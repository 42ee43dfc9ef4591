package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/gopooled/pooled"
)

// warmMost is what pooled promises: the slow ones of a warm pool's first requests take at most so many times as long as its slow ones later.
const warmMost = 1.2

const (
	warmWorkers = 16  // and connections
	warmFirst   = 100 // requests that count as the first
)

// starter is one way in which a service starts.
type starter struct {
	variant
	promised bool                                        // warmMost holds for it
	start    func(ctx context.Context, db *sql.DB) error // what the service does before its first request
}

// starters are what is compared.
func starters(query string) []starter {
	cold := func(context.Context, *sql.DB) error { return nil }
	open := openChanged(func(c *pooled.Config) { c.Pool.MaxConns, c.Pool.MinIdleConns = warmWorkers, warmWorkers })
	return []starter{
		{variant{"bare, cold", openLimited}, false, cold},
		{variant{"pooled, cold", openChanged(func(c *pooled.Config) { c.Pool.MaxConns = warmWorkers })}, false, cold},
		{variant{fmt.Sprintf("pooled, pool_min_idle_conns=%d, after Warm", warmWorkers), open}, false, awaitWarm()},
		{variant{"pooled, the same, after Warm with the query", open}, true, awaitWarm(query)},
	}
}

// openLimited gives the bare driver as many connections as pooled has.
func openLimited(driverName, dsn string) (*sql.DB, error) {
	db, err := sql.Open(driverName, dsn)
	if err == nil {
		db.SetMaxOpenConns(warmWorkers)
		db.SetMaxIdleConns(warmWorkers)
	}
	return db, err
}

// awaitWarm waits until the connections are ready, and have the statements prepared.
func awaitWarm(texts ...string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		connector, ok := pooled.From(db)
		if !ok {
			return errors.New("only pooled can be warm")
		}
		return connector.Warm(ctx, texts...)
	}
}

// warm compares the first requests of a new pool with later ones, over TLS.
func warm(ctx context.Context, dsn string, e effort) (section, error) {
	later := 5 * e.calls
	s := section{
		title: fmt.Sprintf("PostgreSQL over TLS: the first %d requests of a new pool", warmFirst),
		note: fmt.Sprintf("%s, %d connections, a query with 2 arguments. The first requests are compared with %s later ones of the same pool. The last "+
			"column compares %d requests at the end with those: what the ratio is when nothing is cold. After Warm the connections are there, but each "+
			"still has to prepare and plan the statement at its first request, unless Warm knows it. The pools are new, the process is not. %s.",
			plural(warmWorkers, "worker"), warmWorkers, number(float64(later)), warmFirst, plural(e.warmRounds(), "round")),
		header: []string{"", "first: median", "first: 99th percentile", "later: 99th percentile", "first / later", "last / later"},
	}
	table, drop, err := postgresServer(dsn).createTable(ctx)
	if err != nil {
		return s, err
	}
	defer drop()
	srv, err := warmServer(dsn, table)
	if err != nil {
		return s, err
	}
	compared := starters(warmQuery(table))
	results := make([][]started, len(compared))
	var subjects []subject
	for i, c := range compared {
		subjects = append(subjects, func(ctx context.Context) (time.Duration, error) {
			r, err := c.measure(ctx, srv, warmQuery(table), later)
			if err == nil {
				err = awaitGone(ctx, dsn, table)
			}
			results[i] = append(results[i], r)
			return r.slow, err
		})
	}
	if _, err := interleave(ctx, e.warmRounds(), subjects); err != nil {
		return s, err
	}
	for i, c := range compared {
		r := results[i][1:] // without the turn that warms up
		ratio := eachStart(r, func(r started) float64 { return r.slow.Seconds() / r.slowLater.Seconds() })
		s.rows = append(s.rows, []string{
			c.name,
			microsCell(eachStart(r, func(r started) float64 { return r.typical.Seconds() })),
			microsCell(eachStart(r, func(r started) float64 { return r.slow.Seconds() })),
			microsCell(eachStart(r, func(r started) float64 { return r.slowLater.Seconds() })),
			ratioCell(ratio),
			ratioCell(eachStart(r, func(r started) float64 { return r.slowLast.Seconds() / r.slowLater.Seconds() })),
		})
		if c.promised {
			s.requirements = append(s.requirements, requirement{
				what:    fmt.Sprintf("PostgreSQL over TLS, the first %d requests after Warm: their 99th percentile is", warmFirst),
				want:    fmt.Sprintf("at most %g times that of later ones", warmMost),
				got:     ratioCell(ratio),
				verdict: judge(ratio, warmMost),
			})
		}
	}
	return s, nil
}

// warmQuery reads a page of a list.
func warmQuery(table string) string {
	return "select id, name, length(name) from " + table + " where id between $1 and $2 order by id"
}

// page reads ten rows.
func page(query string) func(context.Context, *sql.DB) error {
	return func(ctx context.Context, db *sql.DB) error {
		first := 1 + rand.IntN(tableRows)
		return drain(db.QueryContext(ctx, query, first, first+9))
	}
}

// warmServer is the server over TLS. The connections have a name that awaitGone finds them by.
func warmServer(dsn, name string) (server, error) {
	address, err := url.Parse(dsn)
	if err != nil || address.Scheme == "" {
		return server{}, errors.New("the DSN of the server is not a URL") // the error would show the password
	}
	parameters := address.Query()
	parameters.Set("sslmode", "require")
	parameters.Set("application_name", name)
	address.RawQuery = parameters.Encode()
	return postgresServer(address.String()), nil
}

// awaitGone waits until the server has ended the connections of that name, which takes time from whoever comes next.
func awaitGone(ctx context.Context, dsn, name string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	for left := 1; left > 0; {
		query := "select count(*) from pg_stat_activity where application_name = $1"
		if err := db.QueryRowContext(ctx, query, name).Scan(&left); err != nil {
			return err
		}
	}
	return nil
}

// started is how long the requests of one new pool took: the first, those after them, and as many as the first at the end.
type started struct{ typical, slow, slowLater, slowLast time.Duration }

// measure opens a pool, starts the service, and sends the requests.
func (c starter) measure(ctx context.Context, srv server, query string, later int) (started, error) {
	db, err := c.open(srv.driver, srv.dsn)
	if err != nil {
		return started{}, err
	}
	defer db.Close()
	if err := c.start(ctx, db); err != nil {
		return started{}, err
	}
	var latencies [4][]time.Duration
	for i, n := range []int{warmFirst, later / 5, later, warmFirst} { // the second lot lies between cold and steady
		if latencies[i], err = request(ctx, db, warmWorkers, n, page(query)); err != nil {
			return started{}, err
		}
	}
	return started{
		typical: latencies[0][warmFirst/2], slow: percentile(latencies[0], 99),
		slowLater: percentile(latencies[2], 99), slowLast: percentile(latencies[3], 99),
	}, nil
}

func eachStart(results []started, figure func(started) float64) spread {
	var figures []float64
	for _, r := range results {
		figures = append(figures, figure(r))
	}
	return spreadOf(figures)
}

func microsCell(s spread) string {
	return fmt.Sprintf("%s µs (%s–%s)", number(s.median*1e6), number(s.q1*1e6), number(s.q3*1e6))
}
