package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
)

// What pooled promises about reads on replicas.
const (
	scaleLeast = 2.8 // times as many reads from three servers as from one
	slowMost   = 1.0 // times the 99th percentile of taking turns, where one replica is slow
)

const (
	replicaPermits = 4                     // pool_max_conns, of each server
	replicaWorkers = 6 * replicaPermits    // so that no server waits for callers
	serverTime     = 10 * time.Millisecond // that a read takes
	slowTime       = 50 * time.Millisecond // that it takes on the slow replica
)

// replicas measures what replicas bring, on a cluster of its own: a primary with two standbys.
func replicas(ctx context.Context, _ string, e effort) (sections []section, err error) {
	var host testserver.Program
	defer func() { err = errors.Join(err, host.End()) }()
	failure := host.Attempt(func() {
		sections, err = onCluster(ctx, testserver.PostgresCluster(&host, 2), e)
	})
	return sections, errors.Join(err, failure)
}

func onCluster(ctx context.Context, c *testserver.Cluster, e effort) ([]section, error) {
	scaled, err := scaling(ctx, c, e)
	if err != nil {
		return nil, err
	}
	balanced, err := balancing(ctx, c, e)
	return []section{scaled, balanced}, err
}

// openCluster opens a pool over servers of a cluster. The first begins as the primary.
func openCluster(change func(*pooled.Config), nodes ...*testserver.Node) (*sql.DB, error) {
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = "pgx", nodes[0].DSN()
	cfg.Pool.MaxConns, cfg.Pool.MinIdleConns = replicaPermits, replicaPermits
	for _, node := range nodes[1:] {
		cfg.Routing.Replicas = append(cfg.Routing.Replicas, pooled.Replica{Address: node.Address()})
	}
	if change != nil {
		change(&cfg)
	}
	connector, err := pooled.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// untilReadable waits until so many servers may be read from as replicas.
func untilReadable(ctx context.Context, db *sql.DB, n int) error {
	connector, _ := pooled.From(db)
	if err := connector.Warm(ctx); err != nil {
		return err
	}
	for {
		readable := 0
		for _, s := range connector.Stats().Routing.Servers {
			if s.Readable {
				readable++
			}
		}
		if readable >= n {
			return ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		runtime.Gosched()
	}
}

func closeAll(dbs []*sql.DB) {
	for _, db := range dbs {
		db.Close()
	}
}

// scaling compares one server with three that share the reads.
func scaling(ctx context.Context, c *testserver.Cluster, e effort) (section, error) {
	calls := 3 * e.calls / 5
	s := section{
		title: "PostgreSQL: reads on three servers",
		note: fmt.Sprintf("%s, %d permits for each server, %s reads that take the server %s. With PrimaryWeight, the primary answers reads too. %s.",
			plural(replicaWorkers, "worker"), replicaPermits, number(float64(calls)), serverTime, plural(e.clusterRounds(), "round")),
		header: []string{"", "time", "times as fast as one server"},
	}
	query := fmt.Sprintf("select pg_sleep(%g)", serverTime.Seconds())
	read := func(ctx context.Context, db *sql.DB) error { return drain(db.QueryContext(ctx, query)) }
	compared := []struct {
		name     string
		change   func(*pooled.Config)
		nodes    []*testserver.Node
		promised bool
	}{
		{"one server", nil, c.Nodes[:1], false},
		{"a primary and two replicas", nil, c.Nodes, false},
		{"the same, PrimaryWeight=1", func(c *pooled.Config) { c.Routing.PrimaryWeight = 1 }, c.Nodes, true},
	}
	var subjects []subject
	var opened []*sql.DB
	defer func() { closeAll(opened) }()
	for _, v := range compared {
		db, err := openCluster(v.change, v.nodes...)
		if err != nil {
			return s, err
		}
		opened = append(opened, db)
		if len(v.nodes) > 1 {
			if err := untilReadable(ctx, db, len(v.nodes)-1); err != nil {
				return s, err
			}
		}
		subjects = append(subjects, func(ctx context.Context) (time.Duration, error) {
			return work(ctx, db, load{workers: replicaWorkers, calls: calls}, read)
		})
	}
	times, err := interleave(ctx, e.clusterRounds(), subjects)
	if err != nil {
		return s, err
	}
	for i, v := range compared {
		speedup := spreadOf(speedups(times[0], times[i]))
		row := []string{v.name, fmt.Sprintf("%d ms", median(times[i]).Milliseconds()), ""}
		if i > 0 {
			row[2] = ratioCell(speedup)
		}
		s.rows = append(s.rows, row)
		if v.promised {
			s.requirements = append(s.requirements, requirement{
				what: "PostgreSQL, reads from three servers are", want: fmt.Sprintf("at least %g times as fast as from one", scaleLeast),
				got: ratioCell(speedup), verdict: judge(spread{median: -speedup.median, low: -speedup.high}, -scaleLeast),
			})
		}
	}
	return s, nil
}

// balancing compares the choice of the less busy of two replicas with taking turns, where one of them is slow.
func balancing(ctx context.Context, c *testserver.Cluster, e effort) (section, error) {
	calls := e.calls
	workers := 2 * replicaPermits
	s := section{
		title: "PostgreSQL: two replicas, one of them slow",
		note: fmt.Sprintf("%s, %d permits for each server, %s reads that take a server %s, the slow one %s. %s.",
			plural(workers, "worker"), replicaPermits, number(float64(calls)), serverTime, slowTime, plural(e.clusterRounds(), "round")),
		header: []string{"", "median", "99th percentile", "99th percentile, compared"},
	}
	var slowPort string
	if _, err := fmt.Sscanf(c.Nodes[2].Address(), "127.0.0.1:%s", &slowPort); err != nil {
		return s, err
	}
	query := fmt.Sprintf("select pg_sleep(case when inet_server_port() = %s then %g else %g end)", slowPort, slowTime.Seconds(), serverTime.Seconds())
	routed, err := openCluster(nil, c.Nodes...)
	if err != nil {
		return s, err
	}
	defer routed.Close()
	if err := untilReadable(ctx, routed, 2); err != nil {
		return s, err
	}
	var each [2]*sql.DB
	for i := range each {
		if each[i], err = openCluster(nil, c.Nodes[i+1]); err != nil { // which fails for bad settings only
			return s, err
		}
	}
	defer closeAll(each[:])
	var turn atomic.Int64
	ways := []struct {
		name string
		call func(context.Context, *sql.DB) error
	}{
		{"taking turns", func(ctx context.Context, _ *sql.DB) error {
			return drain(each[turn.Add(1)%2].QueryContext(ctx, query))
		}},
		{"the less busy of two", func(ctx context.Context, db *sql.DB) error { return drain(db.QueryContext(ctx, query)) }},
	}
	slow, typical := make([][]float64, len(ways)), make([][]float64, len(ways))
	var subjects []subject
	for i, way := range ways {
		subjects = append(subjects, func(ctx context.Context) (time.Duration, error) {
			latencies, err := request(ctx, routed, workers, calls, way.call)
			if err != nil {
				return 0, err
			}
			slow[i] = append(slow[i], percentile(latencies, 99).Seconds())
			typical[i] = append(typical[i], latencies[len(latencies)/2].Seconds())
			return percentile(latencies, 99), nil
		})
	}
	times, err := interleave(ctx, e.clusterRounds(), subjects)
	if err != nil {
		return s, err
	}
	for i, way := range ways {
		ratio := spreadOf(speedups(times[i], times[0]))
		row := []string{way.name, microsCell(spreadOf(typical[i][1:])), microsCell(spreadOf(slow[i][1:])), ""}
		if i > 0 {
			row[3] = ratioCell(ratio)
			s.requirements = append(s.requirements, requirement{
				what: "PostgreSQL, one of two replicas slow: the 99th percentile is", want: fmt.Sprintf("at most %g times that of taking turns", slowMost),
				got: ratioCell(ratio), verdict: judge(ratio, slowMost),
			})
		}
		s.rows = append(s.rows, row)
	}
	return s, nil
}
