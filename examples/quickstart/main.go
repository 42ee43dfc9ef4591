// Quickstart runs the same bursts of work through a bare driver and through pooled, and shows what differs:
//
//	go run ./examples/quickstart                                           # on SQLite, in a temporary file
//	go run ./examples/quickstart 'postgres://user:password@host/database'  # on your own database
//	go run ./examples/quickstart 'user:password@tcp(host:3306)/database'
//
// On your database it only runs "select 1", in up to 20 connections at a time for each of the two.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/gopooled/pooled"
	_ "github.com/gopooled/pooled/mysql"    // for a MySQL or MariaDB DSN
	_ "github.com/gopooled/pooled/postgres" // for a PostgreSQL DSN
	_ "modernc.org/sqlite"                  // a driver that pooled knows nothing about works as well
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	switch len(args) {
	case 0:
		return onSQLite(ctx, out)
	case 1:
		return compare(ctx, args[0], out)
	default:
		return errors.New("at most one argument, a DSN: put it in 'single quotes'")
	}
}

// onSQLite makes a database in a temporary file, with the tables of a small application, and compares on that.
func onSQLite(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "pooled-quickstart-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := "file:" + filepath.ToSlash(filepath.Join(dir, "shop.db")) + "?_pragma=journal_mode(WAL)&_pragma=busy_timeout(5000)"

	db, err := sql.Open("sqlite", file)
	if err != nil {
		return err
	}
	defer db.Close()
	for i := range 20 {
		if _, err := db.ExecContext(ctx, fmt.Sprintf("create table shop_%d (id integer primary key, name text, price real)", i)); err != nil {
			return err
		}
	}
	// pooled has no DSN form for SQLite, so the name of the real driver comes first.
	return compare(ctx, "sqlite:"+file, out)
}

// compare opens the same database twice, lets the two take turns, and prints what each of them did.
func compare(ctx context.Context, dsn string, out io.Writer) error {
	// All that a program has to change is this word.
	db, err := sql.Open("pooled", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := answers(ctx, db); err != nil {
		return err
	}

	// The same database without pooled. How a program would open it, the DSN tells.
	cfg, err := pooled.ParseDSN(dsn)
	if err != nil {
		return err
	}
	bareDB, connector, err := openCounting(cfg.DriverName, cfg.DSN)
	if err != nil {
		return err
	}
	defer bareDB.Close()
	if err := answers(ctx, bareDB); err != nil {
		return err
	}

	introduce(out)
	bare, wrapped := &side{name: cfg.DriverName, db: bareDB}, &side{name: "pooled", db: db}
	for range bursts {
		for _, s := range []*side{bare, wrapped} {
			if err := s.burst(ctx); err != nil {
				return err
			}
		}
	}
	bare.dials = int(connector.dials.Load())
	if c, ok := pooled.From(db); ok { // pooled counts them itself
		wrapped.dials = int(c.Stats().Endpoints[0].Dials)
	}
	return report(out, bare, wrapped)
}

// answers tells within a few seconds whether there is a database.
func answers(ctx context.Context, db *sql.DB) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return db.PingContext(ctx)
}
