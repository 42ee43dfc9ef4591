// Goose migrates a database with github.com/pressly/goose through pooled: up, status and down, SQL files and a migration in Go, and two programs
// that start at the same moment.
//
//	go run ./examples/goose                                           # on SQLite, in a temporary file
//	go run ./examples/goose 'postgres://user:password@host/database'  # on your own database
//	go run ./examples/goose 'user:password@tcp(host:3306)/database?parseTime=true'
//
// On your database it makes tables whose names begin with goose_, and drops them. For MySQL, goose wants parseTime=true.
package main

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/pressly/goose/v3"

	"github.com/gopooled/pooled/examples/internal/tour"
)

func main() { tour.Main("goose", walk) }

//go:embed migrations broken
var files embed.FS

// walk is what a program does with goose. All that pooled changes is how the *sql.DB was opened.
func walk(ctx context.Context, t *tour.Tour) {
	t.Show("start on an empty database", func() (any, error) { return "ok", clean(ctx, t.DB) })
	defer clean(ctx, t.DB)

	var migrations *goose.Provider
	t.Show("what is there to do?", func() (_ any, err error) {
		if migrations, err = open(t, "migrations"); err != nil {
			return nil, err
		}
		return status(ctx, migrations)
	})
	t.Show("up", func() (any, error) {
		done, err := migrations.Up(ctx)
		return names(done), err
	})
	t.Show("the books have a year", func() (any, error) { return oldest(ctx, t.DB) })
	t.Show("status", func() (any, error) { return status(ctx, migrations) })
	t.Show("up again", func() (any, error) {
		done, err := migrations.Up(ctx)
		return names(done), err
	})

	t.Show("down by one", func() (any, error) {
		done, err := migrations.Down(ctx)
		return names([]*goose.MigrationResult{done}), err
	})
	t.Show("version", func() (any, error) { return migrations.GetDBVersion(ctx) })
	t.Show("up by one", func() (any, error) {
		done, err := migrations.UpByOne(ctx)
		return names([]*goose.MigrationResult{done}), err
	})

	t.Fails("a migration fails, as goose says", new(*goose.PartialError), func() error { return failing(ctx, t) })
	t.Fails("and as the server says", t.ServerError(), func() error { return failing(ctx, t) })
	t.Show("nothing of it is left", func() (any, error) { return books(ctx, t.DB) })

	t.Show("down to nothing", func() (any, error) {
		done, err := migrations.DownTo(ctx, 0)
		return names(done), err
	})
	if t.Family != tour.SQLite { // for which goose has no lock
		t.Show("two programs at once", func() (any, error) { return together(ctx, t) })
	}
	t.Each(func() error { // as a program does when it starts and all is done
		_, err := migrations.HasPending(ctx)
		return err
	})
}

// open finds the migrations of a folder, and the one that is written in Go.
func open(t *tour.Tour, folder string) (*goose.Provider, error) {
	found, err := fs.Sub(files, folder)
	if err != nil {
		return nil, err
	}
	options, err := locked(t.Family)
	if err != nil {
		return nil, err
	}
	options = append(options, goose.WithTableName("goose_example_version"), goose.WithGoMigrations(missingYears))
	return goose.NewProvider(dialects[t.Family], t.DB, found, options...)
}

var dialects = map[string]goose.Dialect{tour.Postgres: goose.DialectPostgres, tour.MySQL: goose.DialectMySQL, tour.SQLite: goose.DialectSQLite3}

// missingYears is a migration in Go: it finds out what SQL alone does not know.
var missingYears = goose.NewGoMigration(3,
	&goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		var title string
		if err := tx.QueryRowContext(ctx, "select title from goose_books where published = 0").Scan(&title); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("update goose_books set published = %d where published = 0", yearOf[title]))
		return err
	}},
	&goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "update goose_books set published = 0 where id = 2")
		return err
	}},
)

var yearOf = map[string]int{"Middlemarch": 1871}

// failing tries a migration whose second statement fails.
func failing(ctx context.Context, t *tour.Tour) error {
	broken, err := open(t, "broken")
	if err != nil {
		return err
	}
	_, err = broken.ApplyVersion(ctx, 4, true)
	return err
}

// together has two programs migrate the same database at the same moment. One waits for the other's lock and finds nothing left to do.
func together(ctx context.Context, t *tour.Tour) (any, error) {
	var (
		running sync.WaitGroup
		done    [2][]*goose.MigrationResult
		errs    [2]error
	)
	for i := range 2 {
		running.Go(func() {
			program, err := open(t, "migrations")
			if err == nil {
				done[i], err = program.Up(ctx)
			}
			errs[i] = err
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return names(append(done[0], done[1]...)), nil
}

// status says of each migration whether it was applied.
func status(ctx context.Context, p *goose.Provider) (any, error) {
	all, err := p.Status(ctx)
	var says []string
	for _, m := range all {
		says = append(says, fmt.Sprintf("%d %s", m.Source.Version, m.State))
	}
	return strings.Join(says, ", "), err
}

// names are those of the migrations that ran.
func names(done []*goose.MigrationResult) string {
	if len(done) == 0 {
		return "nothing to do"
	}
	var each []string
	for _, m := range done {
		if m == nil {
			continue // it did not run; there is an error
		}
		name := path.Base(m.Source.Path)
		if m.Source.Type == goose.TypeGo {
			name = fmt.Sprintf("%05d in Go", m.Source.Version)
		}
		each = append(each, m.Direction+" "+name)
	}
	return strings.Join(each, ", ")
}

func oldest(ctx context.Context, db *sql.DB) (any, error) {
	var year int
	err := db.QueryRowContext(ctx, "select min(published) from goose_books").Scan(&year)
	return year, err
}

func books(ctx context.Context, db *sql.DB) (any, error) {
	var n int
	err := db.QueryRowContext(ctx, "select count(*) from goose_books").Scan(&n)
	return fmt.Sprintf("%d books", n), err
}

// clean drops what an earlier run has left, or this one.
func clean(ctx context.Context, db *sql.DB) error {
	for _, table := range []string{"goose_books", "goose_example_version", "goose_example_lock"} {
		if _, err := db.ExecContext(ctx, "drop table if exists "+table); err != nil {
			return err
		}
	}
	return nil
}
