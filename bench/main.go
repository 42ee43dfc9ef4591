// Command bench compares a bare driver with the same driver wrapped by pooled, XSAM/otelsql and ngrok/sqlmw, in one process, and
// what clean sessions cost with pooled and without it, and how fast new pools are, and prints the ratios as Markdown tables:
//
//	make bench                      # everything, with servers started for it
//	go run ./bench -only null       # what needs no server
//	go run ./bench -only reset      # one part; its server is given by POOLED_TEST_POSTGRES
//
// What is compared takes turns in random order, many short rounds long, so that what disturbs the machine disturbs all of them. Each
// figure is the median of what the rounds say, with its quartiles; absolute times are given for orientation only.
//
// What it is not: a load test of a database. See bench_test.go for the same work as Go benchmarks.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// effort is how much is measured.
type effort struct {
	rounds int
	calls  int // per round, by all workers together
}

// burstRounds is fewer, because a round of the burst takes seconds.
func (e effort) burstRounds() int { return max(1, e.rounds/20) }

// resetRounds is fewer, because a round of resets takes one second.
func (e effort) resetRounds() int { return max(1, e.rounds/4) }

// warmRounds is fewer, because a round of new pools takes half a second.
func (e effort) warmRounds() int { return max(1, 3*e.rounds/20) }

// clusterRounds is fewer, because a round on a cluster takes two seconds.
func (e effort) clusterRounds() int { return max(1, e.rounds/20) }

// scenario is one part of the comparison.
type scenario struct {
	name string
	env  string // the variable with the server's DSN; empty = needs none
	run  func(ctx context.Context, dsn string, e effort) ([]section, error)
}

var scenarios = []scenario{
	{"null", "", one(nullDriver)},
	{"postgres", "POOLED_TEST_POSTGRES", one(postgres)},
	{"mariadb", "POOLED_TEST_MARIADB", one(mariadb)},
	{"mysql", "POOLED_TEST_MYSQL", one(oracle)},
	{"burst", "POOLED_TEST_POSTGRES", one(burst)},
	{"reset", "POOLED_TEST_POSTGRES", resets},
	{"unused", "POOLED_TEST_POSTGRES", one(unused)},
	{"overload", "POOLED_TEST_POSTGRES", one(overloadOn("PostgreSQL", "pgx", "select pg_sleep(0.01)"))},
	{"overload-mariadb", "POOLED_TEST_MARIADB", one(overloadOn("MariaDB", "mysql", "do sleep(0.01)"))},
	{"warm", "POOLED_TEST_POSTGRES", one(warm)},
	{"routing", "POOLED_TEST_POSTGRES", replicas},
	{"leak", "", one(leaks)},
	{"breaker", "", one(breakers)},
	{"tracing", "", traces},
}

// one is for a scenario with one table.
func one(run func(context.Context, string, effort) (section, error)) func(context.Context, string, effort) ([]section, error) {
	return func(ctx context.Context, dsn string, e effort) ([]section, error) {
		s, err := run(ctx, dsn, e)
		return []section{s}, err
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", "", "run one scenario: "+names())
	quick := flags.Bool("quick", false, "measure less: for a look, not for a decision")
	rounds := flags.Int("rounds", 200, "how many rounds; the burst, whose rounds are long, takes a twentieth of them, resets on a server a quarter, and new pools three twentieths")
	output := flags.String("o", "", "also replace the tables in this Markdown file; needs a whole run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	e := effort{rounds: *rounds, calls: 500}
	if *quick {
		e = effort{rounds: min(e.rounds, 20), calls: 250}
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: see -help", flags.Arg(0))
	case *rounds < 1:
		return fmt.Errorf("-rounds=%d: at least 1", *rounds)
	case *output != "" && (*only != "" || *quick):
		return errors.New("-o keeps the tables of a whole run: leave out -only and -quick")
	}
	chosen, err := choose(*only)
	if err != nil {
		return err
	}

	var sections []section
	for _, s := range chosen {
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
		result, err := s.run(ctx, os.Getenv(s.env), e)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		sections = append(sections, result...)
	}
	report := write(sections, e)
	if *output != "" {
		if err := replaceTables(*output, report); err != nil {
			return err
		}
	}
	_, err = io.WriteString(stdout, report)
	return err
}

// choose returns the scenarios to run, all of them if only is empty, after a look whether their servers are given.
func choose(only string) ([]scenario, error) {
	var chosen []scenario
	for _, s := range scenarios {
		if only != "" && only != s.name {
			continue
		}
		if s.env != "" && os.Getenv(s.env) == "" {
			return nil, fmt.Errorf("%s needs a server, and %s is not set: run `make bench`, which starts servers for it, "+
				"or `go run ./bench -only null`, which needs none", s.name, s.env)
		}
		chosen = append(chosen, s)
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("-only=%s: there is %s", only, names())
	}
	return chosen, nil
}

func names() string {
	var list []string
	for _, s := range scenarios {
		list = append(list, s.name)
	}
	return strings.Join(list, ", ")
}
