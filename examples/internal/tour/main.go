package tour

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopooled/pooled"
	_ "github.com/gopooled/pooled/mysql"    // for a MySQL or MariaDB DSN
	_ "github.com/gopooled/pooled/postgres" // for a PostgreSQL DSN
	"github.com/gopooled/pooled/routing"
)

// Main runs a program: it reads the arguments, opens the database, walks and prints, and exits with status 1 on an error.
//
// The argument is a DSN as pooled takes it. Without one, the database is SQLite in a temporary file. With -bare, the same database is opened without
// pooled. With -queries, [Tour.Each] measures, and with -turns as well, whenever it is told to.
func Main(name string, walk func(ctx context.Context, t *Tour)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := Run(ctx, name, os.Args[1:], os.Stdout, walk); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		stop()
		os.Exit(1)
	}
}

// Run is Main for tests: the same with given arguments and output.
func Run(ctx context.Context, name string, args []string, out io.Writer, walk func(ctx context.Context, t *Tour)) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	bare := flags.Bool("bare", false, "open the database with its own driver, without pooled")
	queries := flags.Int("queries", 0, "so many `queries` measure how many run in a second; 0: nothing is measured")
	turns := flags.Bool("turns", false, "measure whenever a line comes on standard input, until it ends")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dsn := flags.Arg(0)
	switch flags.NArg() {
	case 0:
		dir, err := os.MkdirTemp("", "pooled-"+name+"-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		dsn = sqliteIn(dir)
	case 1:
	default:
		return errors.New("at most one argument, a DSN: put it in 'single quotes'")
	}

	t := &Tour{out: out, measured: os.Stderr, queries: *queries}
	if *turns {
		t.turns = os.Stdin
	}
	if err := t.open(ctx, dsn, *bare); err != nil {
		return err
	}
	defer t.DB.Close()
	through := "through pooled"
	if *bare {
		through = "without pooled"
	}
	fmt.Fprintf(out, "%s on %s %s\n", name, databases[t.Family], through)
	walk(ctx, t)
	if t.queries > 0 {
		t.tellReads()
	}
	return t.err
}

// tellReads prints how many calls went to replicas, so that who measures with routing knows that there was some.
func (t *Tour) tellReads() {
	if connector, ok := pooled.From(t.DB); ok {
		if stats := connector.Stats().Routing; stats != nil {
			fmt.Fprintf(t.measured, "%s%d\n", ReplicaReads, stats.Decisions[routing.ReasonRead.String()])
		}
	}
}

// open opens a database, and tells within a few seconds whether there is one.
func (t *Tour) open(ctx context.Context, dsn string, bare bool) error {
	cfg, err := pooled.ParseDSN(dsn)
	if err != nil {
		return err
	}
	if t.Family = families[cfg.DriverName]; t.Family == "" {
		return fmt.Errorf("no tour on databases of driver %s: only on PostgreSQL, MySQL, MariaDB and SQLite", cfg.DriverName)
	}
	t.Driver, t.DSN = "pooled", dsn
	if bare {
		t.Driver, t.DSN = cfg.DriverName, cfg.DSN
	}
	if t.DB, err = sql.Open(t.Driver, t.DSN); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := t.DB.PingContext(ctx); err != nil {
		return errors.Join(err, t.DB.Close())
	}
	return nil
}

// Policies are what tours are tested with: all that may come between a library and its driver, besides routing, which needs replicas.
const Policies = "pool_reset=dirty&pool_leak=1m&pool_breaker=on&pool_min_idle_conns=2"

// With adds parameters to a URL, or to a DSN of MySQL.
func With(dsn, parameters string) string {
	if database := dsn[strings.LastIndexByte(dsn, '/')+1:]; strings.Contains(database, "?") { // passwords may have some, too
		return dsn + "&" + parameters
	}
	return dsn + "?" + parameters
}

// sqliteIn is the DSN of a database in a file. pooled has no DSN form for SQLite, so the name of the real driver comes first.
func sqliteIn(dir string) string {
	return "sqlite:file:" + filepath.ToSlash(filepath.Join(dir, "tour.db")) + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
}

// families are those of the drivers.
var families = map[string]string{"pgx": Postgres, "mysql": MySQL, "sqlite": SQLite}

var databases = map[string]string{Postgres: "PostgreSQL", MySQL: "MySQL or MariaDB", SQLite: "SQLite"}
