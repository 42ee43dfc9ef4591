// Command faults breaks database servers while a service works through pooled, and tells what the callers saw:
//
//	make faults                       # everything; installs the servers' software where it is missing
//	go run . -only restart            # the faults whose names contain this
//
// The servers are its own: a PostgreSQL, a MariaDB and a MySQL in temporary directories, on free ports of the loopback interface. Half of the calls write
// to a ledger, which is compared with what was acknowledged when all is over. The tests of this module run the same faults, and require
// what does not depend on the clock.
//
// What it is not: a proof that data survives. The servers are spared what a machine's loss of power would do to them.
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
	"syscall"

	"github.com/gopooled/pooled/internal/markdown"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "faults:", err)
		stop()
		os.Exit(1)
	}
}

// errBroken tells that a promise was broken; the report tells which.
var errBroken = errors.New("a promise was broken")

func command(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("faults", flag.ContinueOnError)
	only := flags.String("only", "", "try the faults whose names contain this")
	output := flags.String("o", "", "also replace the tables in this Markdown file; needs a whole run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen := slices.DeleteFunc(slices.Clone(faults), func(f fault) bool { return !strings.Contains(f.name, *only) })
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("unexpected argument %q: see -help", flags.Arg(0))
	case *output != "" && *only != "":
		return errors.New("-o keeps the tables of a whole run: leave out -only")
	case len(chosen) == 0:
		return fmt.Errorf("-only=%s: there is no such fault", *only)
	}
	var versions []string
	var results []result
	for _, f := range families {
		version, some, err := runAll(ctx, f, chosen)
		if err != nil {
			return err
		}
		versions, results = append(versions, version), append(results, some...)
	}
	requirements := append(steady(results), timed(results)...)
	text := report(versions, results, requirements)
	if *output != "" {
		if err := markdown.Replace(*output, text); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(stdout, text); err != nil {
		return err
	}
	if slices.ContainsFunc(requirements, func(r requirement) bool { return !r.holds }) {
		return errBroken
	}
	return nil
}

// runAll has a server of a family meet faults, one after the other.
func runAll(ctx context.Context, f *family, chosen []fault) (version string, results []result, err error) {
	s, err := newServer(ctx, f)
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.control.QueryRowContext(ctx, f.version).Scan(&version); err != nil {
		return "", nil, err
	}
	for _, chosen := range chosen {
		fmt.Fprintf(os.Stderr, "faults: %s, %s\n", f.name, chosen.name)
		r, err := run(ctx, s, chosen)
		if err != nil {
			return "", nil, err
		}
		results = append(results, r)
	}
	return version, results, nil
}
