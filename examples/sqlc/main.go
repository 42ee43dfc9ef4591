// Sqlc runs queries that github.com/sqlc-dev/sqlc has made Go of through pooled: as they are, prepared, and in transactions.
//
//	go run ./examples/sqlc                                           # on SQLite, in a temporary file
//	go run ./examples/sqlc 'postgres://user:password@host/database'  # on your own database
//	go run ./examples/sqlc 'user:password@tcp(host:3306)/database'
//
// On your database it makes the table sqlc_books, and drops it. The folders in internal are generated from queries.sql and schema.sql.
package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/gopooled/pooled/examples/internal/tour"
	"github.com/gopooled/pooled/examples/sqlc/internal/mysql"
	"github.com/gopooled/pooled/examples/sqlc/internal/postgres"
	"github.com/gopooled/pooled/examples/sqlc/internal/sqlite"
)

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1 generate

//go:embed schema.sql
var schema string

func main() { tour.Main("sqlc", walk) }

// walk chooses what was generated for the database's SQL. A program for one database has one such package, and calls it directly.
func walk(ctx context.Context, t *tour.Tour) {
	switch t.Family {
	case tour.Postgres:
		tourOf(ctx, t, postgres.New(t.DB), func() (*postgres.Queries, error) { return postgres.Prepare(ctx, t.DB) })
	case tour.MySQL:
		tourOf(ctx, t, mysql.New(t.DB), func() (*mysql.Queries, error) { return mysql.Prepare(ctx, t.DB) })
	case tour.SQLite:
		tourOf(ctx, t, sqlite.New(t.DB), func() (*sqlite.Queries, error) { return sqlite.Prepare(ctx, t.DB) })
	}
}

// generated is what sqlc has made of queries.sql, for each kind of SQL.
type generated[Q any] interface {
	comparable
	AddBook(ctx context.Context, isbn int64, title string, published int64) error
	Title(ctx context.Context, isbn int64) (string, error)
	Titles(ctx context.Context, before int64) ([]string, error)
	Publish(ctx context.Context, published, isbn int64) (int64, error)
	WithTx(tx *sql.Tx) Q
	Close() error
}

// tourOf is what a program does with sqlc. All that pooled changes is how the *sql.DB was opened.
func tourOf[Q generated[Q]](ctx context.Context, t *tour.Tour, queries Q, prepare func() (Q, error)) {
	t.Show("start with a table", func() (any, error) {
		_, err := t.DB.ExecContext(ctx, "drop table if exists sqlc_books")
		if err == nil {
			_, err = t.DB.ExecContext(ctx, schema)
		}
		return "ok", err
	})
	defer t.DB.ExecContext(ctx, "drop table if exists sqlc_books")
	useOf(ctx, t, "as it is", queries, 0)

	var prepared, none Q
	t.Show("prepare all queries", func() (_ any, err error) {
		prepared, err = prepare()
		return "ok", err
	})
	if prepared == none {
		return // the tour has ended
	}
	defer prepared.Close()
	useOf(ctx, t, "prepared", prepared, 1000)
	t.Each(func() error {
		_, err := prepared.Title(ctx, 1)
		return err
	})
}

// useOf runs all queries, which are sent as they are or are prepared, on books with numbers above first.
func useOf[Q generated[Q]](ctx context.Context, t *tour.Tour, how string, queries Q, first int64) {
	t.Show(how+": add a book", func() (any, error) { return "ok", queries.AddBook(ctx, first+1, "Persuasion", 1817) })
	t.Show(how+": one row", func() (any, error) { return queries.Title(ctx, first+1) })
	t.FailsWith(how+": no row", sql.ErrNoRows, func() error {
		_, err := queries.Title(ctx, first+99)
		return err
	})
	t.Fails(how+": the same book again", t.ServerError(), func() error { return queries.AddBook(ctx, first+1, "Emma", 1815) })

	t.Show(how+": a transaction", func() (any, error) {
		err := inTransaction(ctx, t.DB, queries, func(queries Q) error {
			return queries.AddBook(ctx, first+2, "Middlemarch", 1871)
		})
		return "committed", err
	})
	t.FailsWith(how+": one undone", errSecondThoughts, func() error {
		return inTransaction(ctx, t.DB, queries, func(queries Q) error {
			if err := queries.AddBook(ctx, first+3, "Villette", 1853); err != nil {
				return err
			}
			return errSecondThoughts
		})
	})
	t.Show(how+": many rows", func() (any, error) {
		titles, err := queries.Titles(ctx, 1900)
		return strings.Join(titles, ", "), err
	})
	t.Show(how+": rows that changed", func() (any, error) {
		n, err := queries.Publish(ctx, 1872, first+2)
		return fmt.Sprintf("%d row", n), err
	})
}

var errSecondThoughts = errors.New("second thoughts")

// inTransaction commits what do does with queries of the transaction, or undoes it.
func inTransaction[Q generated[Q]](ctx context.Context, db *sql.DB, queries Q, do func(Q) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := do(queries.WithTx(tx)); err != nil {
		return err
	}
	return tx.Commit()
}
