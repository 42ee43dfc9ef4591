// Ent runs entgo.io/ent through pooled: a schema that ent makes and changes, edges, constraints, upserts, transactions, and variables of the session.
//
//	go run ./examples/ent                                           # on SQLite, in a temporary file
//	go run ./examples/ent 'postgres://user:password@host/database'  # on your own database
//	go run ./examples/ent 'user:password@tcp(host:3306)/database?parseTime=true'
//
// On your database it makes tables whose names begin with ent_, and drops them. What is in internal/ent is generated from internal/ent/schema.
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/gopooled/pooled/examples/ent/internal/ent"
	"github.com/gopooled/pooled/examples/ent/internal/ent/author"
	"github.com/gopooled/pooled/examples/ent/internal/ent/book"
	"github.com/gopooled/pooled/examples/internal/tour"
)

//go:generate go run entgo.io/ent/cmd/ent@v0.14.5 generate --feature sql/upsert ./internal/ent/schema

func main() { tour.Main("ent", walk) }

// walk is what a program does with ent. All that pooled changes is how the *sql.DB was opened.
func walk(ctx context.Context, t *tour.Tour) {
	driver := entsql.OpenDB(dialects[t.Family], t.DB)
	client := ent.NewClient(ent.Driver(driver))

	t.Show("start on an empty database", func() (any, error) { return "ok", clean(ctx, t.DB) })
	defer clean(ctx, t.DB)
	t.Show("make the tables", func() (any, error) { return "ok", client.Schema.Create(ctx) })
	t.Show("make them again", func() (any, error) { return "nothing to do", client.Schema.Create(ctx) })

	t.Show("an author and her books", func() (any, error) {
		austen, err := client.Author.Create().SetName("Jane Austen").Save(ctx)
		if err != nil {
			return nil, err
		}
		books, err := client.Book.CreateBulk(
			client.Book.Create().SetTitle("Persuasion").SetPublished(1817).SetAuthor(austen),
			client.Book.Create().SetTitle("Emma").SetPublished(1815).SetAuthor(austen),
		).Save(ctx)
		return fmt.Sprintf("%d books", len(books)), err
	})
	t.Show("a transaction", func() (any, error) { return "committed", inTransaction(ctx, client, eliot) })
	t.FailsWith("one undone", errSecondThoughts, func() error {
		return inTransaction(ctx, client, func(ctx context.Context, tx *ent.Tx) error {
			if _, err := tx.Book.Delete().Exec(ctx); err != nil {
				return err
			}
			return errSecondThoughts
		})
	})
	t.Show("along an edge", func() (any, error) { return library(ctx, client) })
	t.Show("by what is at its end", func() (any, error) {
		found, err := client.Book.Query().Where(book.HasAuthorWith(author.Name("George Eliot"))).Only(ctx)
		if err != nil {
			return nil, err
		}
		return found.Title, nil
	})
	t.Show("the first year", func() (any, error) {
		return client.Book.Query().Aggregate(ent.Min(book.FieldPublished)).Int(ctx)
	})

	again := func() error { return client.Author.Create().SetName("Jane Austen").Exec(ctx) }
	t.Fails("the same author, as ent says", new(*ent.ConstraintError), again)
	t.Fails("and as the server says", t.ServerError(), again)
	t.Fails("no such book, as ent says", new(*ent.NotFoundError), func() error {
		_, err := client.Book.Query().Where(book.Title("Villette")).Only(ctx)
		return err
	})
	t.Show("an upsert", func() (any, error) {
		eliot, err := client.Author.Query().Where(author.Name("George Eliot")).Only(ctx)
		if err != nil {
			return nil, err
		}
		err = client.Book.Create().SetTitle("Middlemarch").SetPublished(1871).SetAuthor(eliot).
			OnConflict(entsql.ConflictColumns(book.FieldTitle)).UpdateNewValues().Exec(ctx)
		if err != nil {
			return nil, err
		}
		return library(ctx, client)
	})

	if v, ok := variables[t.Family]; ok {
		t.Show("with a variable of the session", func() (any, error) {
			return v.seen(entsql.WithVar(ctx, v.name, "north"), driver)
		})
		t.Show("which nobody else sees", func() (any, error) { return v.seen(ctx, driver) })
	}
	t.Each(func() error {
		_, err := client.Book.Query().Where(book.Title("Emma")).Only(ctx)
		return err
	})
}

var dialects = map[string]string{tour.Postgres: dialect.Postgres, tour.MySQL: dialect.MySQL, tour.SQLite: dialect.SQLite}

// eliot writes an author and her book, both or none.
func eliot(ctx context.Context, tx *ent.Tx) error {
	eliot, err := tx.Author.Create().SetName("George Eliot").Save(ctx)
	if err != nil {
		return err
	}
	return tx.Book.Create().SetTitle("Middlemarch").SetPublished(1872).SetAuthor(eliot).Exec(ctx)
}

var errSecondThoughts = errors.New("second thoughts")

// inTransaction commits what do does, or undoes it.
func inTransaction(ctx context.Context, client *ent.Client, do func(context.Context, *ent.Tx) error) error {
	tx, err := client.Tx(ctx)
	if err != nil {
		return err
	}
	if err := do(ctx, tx); err != nil {
		if undone := tx.Rollback(); undone != nil {
			return undone
		}
		return err
	}
	return tx.Commit()
}

// library lists the authors with their books, which ent reads in a second query.
func library(ctx context.Context, client *ent.Client) (any, error) {
	authors, err := client.Author.Query().Order(author.ByName()).
		WithBooks(func(q *ent.BookQuery) { q.Order(book.ByPublished()) }).All(ctx)
	var all []string
	for _, a := range authors {
		for _, b := range a.Edges.Books {
			all = append(all, fmt.Sprintf("%s (%s, %d)", b.Title, a.Name, b.Published))
		}
	}
	return strings.Join(all, ", "), err
}

// clean drops what an earlier run has left, or this one.
func clean(ctx context.Context, db *sql.DB) error {
	for _, table := range []string{"ent_books", "ent_authors"} {
		if _, err := db.ExecContext(ctx, "drop table if exists "+table); err != nil {
			return err
		}
	}
	return nil
}
