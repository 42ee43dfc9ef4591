// Bun shows that github.com/uptrace/bun works through pooled as it does without:
//
//	go run ./examples/bun                                           # on SQLite, in a temporary file
//	go run ./examples/bun 'postgres://user:password@host/database'  # on your own database, in tables whose names begin with bun_
//	go run ./examples/bun 'user:password@tcp(host:3306)/database'
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"github.com/uptrace/bun/schema"

	"github.com/gopooled/pooled/examples/internal/tour"
)

func main() { tour.Main("bun", walk) }

// open opens bun over the *sql.DB: it is told the dialect, and nothing of the driver.
func open(t *tour.Tour) *bun.DB {
	var dialect schema.Dialect
	switch t.Family {
	case tour.Postgres:
		dialect = pgdialect.New()
	case tour.MySQL:
		dialect = mysqldialect.New()
	default:
		dialect = sqlitedialect.New()
	}
	return bun.NewDB(t.DB, dialect)
}

type author struct {
	bun.BaseModel `bun:"table:bun_author"`

	ID    int64  `bun:",pk,autoincrement"`
	Name  string `bun:",notnull,unique"`
	Books []book `bun:"rel:has-many,join:id=author_id"`
}

type book struct {
	bun.BaseModel `bun:"table:bun_book"`

	ID       int64 `bun:",pk,autoincrement"`
	AuthorID int64
	Title    string
	Author   *author `bun:"rel:belongs-to,join:author_id=id"`
}

// BeforeAppendModel is a hook that bun calls.
func (b *book) BeforeAppendModel(_ context.Context, query bun.Query) error { //nolint:unparam // bun wants to be told of an error
	if _, inserted := query.(*bun.InsertQuery); inserted && b.Title == "" {
		b.Title = "untitled"
	}
	return nil
}

// errOnPurpose ends a transaction.
var errOnPurpose = errors.New("on purpose")

func walk(ctx context.Context, t *tour.Tour) {
	db := open(t)

	t.Show("CreateTable", func() (any, error) {
		if err := drop(ctx, db); err != nil {
			return nil, err
		}
		for _, model := range []any{(*author)(nil), (*book)(nil)} {
			if _, err := db.NewCreateTable().Model(model).Exec(ctx); err != nil {
				return nil, err
			}
		}
		return "tables are made", nil
	})
	defer drop(ctx, db)

	ada := &author{Name: "Ada"}
	t.Show("Insert", func() (any, error) {
		_, err := db.NewInsert().Model(ada).Exec(ctx)
		return fmt.Sprint("id ", ada.ID), err
	})
	t.Show("Insert in bulk, with a hook", func() (any, error) {
		books := []*book{{AuthorID: ada.ID, Title: "Notes"}, {AuthorID: ada.ID, Title: "Letters"}, {AuthorID: ada.ID}}
		_, err := db.NewInsert().Model(&books).Exec(ctx)
		return books[2].Title, err
	})
	t.Show("Select, In", func() (any, error) {
		var titles []string
		err := db.NewSelect().Model((*book)(nil)).Column("title").Where("id IN (?)", bun.List([]int{1, 2})).Order("title").Scan(ctx, &titles)
		return titles, err
	})
	t.Show("Relation, has many", func() (any, error) {
		var one author
		err := db.NewSelect().Model(&one).Relation("Books", func(q *bun.SelectQuery) *bun.SelectQuery { return q.Order("id") }).
			Where("name = ?", "Ada").Scan(ctx)
		return one.titles(), err
	})
	t.Show("Relation, belongs to", func() (any, error) {
		var one book
		err := db.NewSelect().Model(&one).Relation("Author").Where("title = ?", "Letters").Scan(ctx)
		if err != nil {
			return nil, err
		}
		return one.Title + " by " + one.Author.Name, nil
	})
	t.Show("ScanAndCount", func() (any, error) { // two queries at the same time
		var books []book
		n, err := db.NewSelect().Model(&books).Order("id").Limit(1).ScanAndCount(ctx)
		return fmt.Sprintf("%d of %d", len(books), n), err
	})
	t.Show("Exists", func() (any, error) {
		return db.NewSelect().Model((*book)(nil)).Where("title = ?", "Notes").Exists(ctx)
	})
	t.Show("Update", func() (any, error) {
		return tour.Affected(db.NewUpdate().Model(&book{ID: 1, Title: "Notes, revised"}).Column("title").WherePK().Exec(ctx))
	})
	t.Show("Insert or update", func() (any, error) {
		query := db.NewInsert().Model(&author{ID: ada.ID, Name: "Ada Lovelace"})
		if t.Family == tour.MySQL {
			query = query.On("DUPLICATE KEY UPDATE")
		} else {
			query = query.On("CONFLICT (id) DO UPDATE").Set("name = EXCLUDED.name")
		}
		if _, err := query.Exec(ctx); err != nil {
			return nil, err
		}
		var name string
		err := db.NewSelect().Model((*author)(nil)).Column("name").Scan(ctx, &name)
		return name, err
	})
	t.Show("Delete", func() (any, error) {
		return tour.Affected(db.NewDelete().Model((*book)(nil)).Where("title = ?", "untitled").Exec(ctx))
	})
	t.Show("RunInTx", func() (any, error) {
		err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.NewInsert().Model(&author{Name: "Grace"}).Exec(ctx)
			return err
		})
		return names(ctx, db, err)
	})
	t.Show("RunInTx that fails", func() (any, error) {
		err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.NewInsert().Model(&author{Name: "Eve"}).Exec(ctx); err != nil {
				return err
			}
			return errOnPurpose
		})
		return names(ctx, db, onPurpose(err))
	})
	t.Show("RunInTx in RunInTx, a savepoint", func() (any, error) {
		err := db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if _, err := tx.NewInsert().Model(&author{Name: "Mary"}).Exec(ctx); err != nil {
				return err
			}
			return onPurpose(tx.RunInTx(ctx, nil, func(ctx context.Context, nested bun.Tx) error {
				if _, err := nested.NewInsert().Model(&author{Name: "Eve"}).Exec(ctx); err != nil {
					return err
				}
				return errOnPurpose
			}))
		})
		return names(ctx, db, err)
	})
	t.Show("NewRaw", func() (any, error) {
		var n int
		err := db.NewRaw("select count(*) from ? where ? like ?", bun.Ident("bun_book"), bun.Ident("title"), "%e%").Scan(ctx, &n)
		return n, err
	})
	t.Show("Conn", func() (any, error) { // one connection for several queries
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return conn.NewSelect().Model((*author)(nil)).Count(ctx)
	})
	t.FailsWith("no row", sql.ErrNoRows, func() error {
		return db.NewSelect().Model(&book{}).Where("id = ?", 99).Scan(ctx)
	})
	t.Fails("a name that is taken", t.ServerError(), func() error {
		_, err := db.NewInsert().Model(&author{Name: "Grace"}).Exec(ctx)
		return err
	})

	t.Each(func() error { return db.NewSelect().Model(&book{}).Where("id = ?", 1).Scan(ctx) })
}

func drop(ctx context.Context, db *bun.DB) error {
	for _, model := range []any{(*book)(nil), (*author)(nil)} {
		if _, err := db.NewDropTable().Model(model).IfExists().Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// names returns who is there after a transaction.
func names(ctx context.Context, db *bun.DB, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	var all []string
	err = db.NewSelect().Model((*author)(nil)).Column("name").Order("id").Scan(ctx, &all)
	return all, err
}

// onPurpose is nil for the error that was meant to come, and it alone.
func onPurpose(err error) error {
	if errors.Is(err, errOnPurpose) {
		return nil
	}
	return fmt.Errorf("%w is expected, not: %w", errOnPurpose, err)
}

func (a *author) titles() []string {
	var all []string
	for _, b := range a.Books {
		all = append(all, b.Title)
	}
	return all
}
