// Golang-migrate migrates a database with github.com/golang-migrate/migrate through pooled: up, version and down, a migration that fails, and two
// programs that start at the same moment.
//
//	go run ./examples/golang-migrate                                           # on SQLite, in a temporary file
//	go run ./examples/golang-migrate 'postgres://user:password@host/database'  # on your own database
//	go run ./examples/golang-migrate 'user:password@tcp(host:3306)/database'
//
// On your database it makes tables whose names begin with migrate_, and drops them.
package main

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"sync"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"

	"github.com/gopooled/pooled/examples/internal/tour"
)

func main() { tour.Main("golang-migrate", walk) }

//go:embed migrations
var files embed.FS

// walk is what a program does with golang-migrate. All that pooled changes is how the *sql.DB was opened.
func walk(ctx context.Context, t *tour.Tour) {
	t.Show("start on an empty database", func() (any, error) { return "ok", clean(ctx, t.DB) })
	defer clean(ctx, t.DB)

	var m *migrate.Migrate
	var db *sql.DB // the one of m
	t.Show("before the first migration", func() (_ any, err error) {
		if m, db, err = open(t); err != nil {
			return nil, err
		}
		_, _, err = m.Version()
		if errors.Is(err, migrate.ErrNilVersion) {
			return err, nil
		}
		return "a version?", err
	})
	if m == nil {
		return // the tour has ended
	}
	defer m.Close()

	t.Show("up by two", func() (any, error) { return version(m, m.Steps(2)) })
	t.Show("the books have a year", func() (any, error) {
		// Not by t.DB: with replicas, a *sql.DB is sure to see what was written through it. For what others write there is routing.WithPrimary.
		var year int
		err := db.QueryRowContext(ctx, "select min(published) from migrate_books").Scan(&year)
		return year, err
	})
	t.Show("down by one", func() (any, error) { return version(m, m.Steps(-1)) })
	t.Show("to version 2", func() (any, error) { return version(m, m.Migrate(2)) })
	t.FailsWith("to version 2 again", migrate.ErrNoChange, func() error { return m.Migrate(2) })

	t.Fails("a migration fails", t.ServerError(), func() error { return cause(m.Up()) })
	t.Fails("nothing runs until that is put right", new(migrate.ErrDirty), m.Up)
	t.Show("put right", func() (any, error) { return version(m, m.Force(2)) })

	t.Show("down to nothing", func() (any, error) { return "ok", m.Down() })
	if t.Family != tour.SQLite { // for which golang-migrate has no lock that other programs see
		t.Show("two programs at once", func() (any, error) { return together(t) })
	}
	t.Each(func() error { // as a program does when it starts and all is done
		if err := m.Migrate(2); !errors.Is(err, migrate.ErrNoChange) {
			return err
		}
		return nil
	})
}

// together has two programs migrate the same database at the same moment. One waits for the other's lock and finds nothing left to do.
func together(t *tour.Tour) (any, error) {
	var (
		running sync.WaitGroup
		errs    [2]error
	)
	for i := range 2 {
		running.Go(func() {
			program, _, err := open(t)
			if err != nil {
				errs[i] = err
				return
			}
			defer program.Close()
			errs[i] = program.Migrate(2)
		})
	}
	running.Wait()
	migrated, waited := 0, 0
	for _, err := range errs {
		switch {
		case err == nil:
			migrated++
		case errors.Is(err, migrate.ErrNoChange):
			waited++
		default:
			return nil, err
		}
	}
	return fmt.Sprintf("%d migrated, %d had nothing to do", migrated, waited), nil
}

// version is the one that the database has after a migration.
func version(m *migrate.Migrate, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	v, _, err := m.Version()
	return fmt.Sprintf("version %d", v), err
}

// cause is the error of the server, which golang-migrate keeps in one of its own that cannot be unwrapped.
func cause(err error) error {
	if failed, ok := errors.AsType[*database.Error](err); ok { // by SQLite
		return failed.OrigErr
	}
	if failed, ok := errors.AsType[database.Error](err); ok {
		return failed.OrigErr
	}
	return err
}

// clean drops what an earlier run has left, or this one.
func clean(ctx context.Context, db *sql.DB) error {
	for _, table := range []string{"migrate_books", "migrate_version"} {
		if _, err := db.ExecContext(ctx, "drop table if exists "+table); err != nil {
			return err
		}
	}
	return nil
}
