// Matrix runs the examples of libraries (all that are tours) on PostgreSQL, on MariaDB and on MySQL, each with a replica, through pooled with its policies on, and
// without pooled. It prints what worked, and how the two compare:
//
//	go run ./examples/matrix
//	go run ./examples/matrix -only sqlx,gorm -rounds 20
//
// The servers are its own, in a temporary directory, on free ports of the loopback interface. Where they are not installed:
//
//	scripts/test-servers.sh install pg15 mariadb mysql
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
)

// effort is how much is measured, and what is expected.
type effort struct {
	rounds  int      // of each library on each database: so often are its programs started
	turns   int      // in each round, without pooled and through it
	queries int      // in each turn
	ratio   float64  // of queries per second, through pooled to bare, at least
	only    []string // names of libraries; none: all
	apart   bool     // servers and programs have a processor each
}

func main() {
	var e effort
	flag.IntVar(&e.rounds, "rounds", 15, "how many `times` each library is started on each database, without pooled and through it")
	flag.IntVar(&e.turns, "turns", 9, "how many `turns` of queries are measured each time")
	flag.IntVar(&e.queries, "queries", 300, "how many `queries` are measured in each turn")
	flag.Float64Var(&e.ratio, "ratio", 0.97, "what part of the bare driver's queries per second is expected at least")
	flag.BoolVar(&e.apart, "apart", true, "keep servers and programs on a processor each, if there is taskset: their speed varies less")
	only := flag.String("only", "", "the `names` of libraries, separated by commas; none: all")
	flag.Parse()
	if *only != "" {
		e.only = strings.Split(*only, ",")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, e, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
		stop()
		os.Exit(1)
	}
}

// run prints both tables, and returns an error if anything in them is not as it should be.
func run(ctx context.Context, e effort, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "pooled-matrix-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	libraries, err := find(ctx, e.only)
	if err != nil {
		return err
	}
	if err := build(ctx, dir, libraries); err != nil {
		return err
	}
	var programs []string
	if e.apart {
		programs = setApart(ctx)
	}
	servers, err := startServers()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, servers.stop()) }()

	var trials []*trial
	for _, l := range libraries {
		for _, d := range servers.databases {
			if t := newTrial(l, d, programs); t != nil {
				trials = append(trials, t)
			}
		}
	}
	for range e.rounds { // each library in each round, as the machine's weather changes
		for _, t := range trials {
			t.round(ctx, e)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	writeFeatures(out, trials, servers.databases)
	writeComparison(out, trials, e.ratio)
	return failures(trials, e.ratio)
}

// failures is nil if all is as it should be.
func failures(trials []*trial, ratio float64) error {
	var all []error
	for _, t := range trials {
		name := t.library.name + " on " + t.database.title
		if err := errors.Join(t.errs...); err != nil {
			all = append(all, fmt.Errorf("%s: %w", name, err))
		}
		for _, feature := range t.want {
			if !slices.Contains(t.pooled.lines, feature) {
				all = append(all, fmt.Errorf("%s through pooled: %s: %q is missing", name, feature.name, feature.result))
			}
			if !slices.Contains(t.bare.lines, feature) {
				all = append(all, fmt.Errorf("%s without pooled: %s: %q is missing", name, feature.name, feature.result))
			}
		}
		if t.tooSlow(ratio) {
			all = append(all, fmt.Errorf("%s: %.3f times as many queries per second through pooled as without, less than %.2f", name, t.ratio(), ratio))
		}
	}
	return errors.Join(all...)
}
