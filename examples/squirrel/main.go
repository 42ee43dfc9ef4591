// Squirrel shows that github.com/Masterminds/squirrel works through pooled as it does without:
//
//	go run ./examples/squirrel                                           # on SQLite, in a temporary file
//	go run ./examples/squirrel 'postgres://user:password@host/database'  # on your own database, in tables whose names begin with squirrel_
//	go run ./examples/squirrel 'user:password@tcp(host:3306)/database'
package main

import (
	"context"
	"database/sql"
	"fmt"

	sq "github.com/Masterminds/squirrel"

	"github.com/gopooled/pooled/examples/internal/tour"
)

func main() { tour.Main("squirrel", walk) }

func walk(ctx context.Context, t *tour.Tour) {
	// squirrel knows nothing of drivers: PostgreSQL's placeholders are asked for, with pooled and without.
	build := sq.StatementBuilder.RunWith(t.DB)
	if t.Family == tour.Postgres {
		build = build.PlaceholderFormat(sq.Dollar)
	}

	t.Show("ExecContextWith", func() (any, error) { return "tables are made", tables(ctx, t.DB) })
	defer drop(ctx, t.DB)

	t.Show("PlaceholderFormat", func() (any, error) {
		query, args, err := build.Select("title").From("squirrel_book").Where(sq.Eq{"author_id": 1}).Where(sq.Gt{"pages": 90}).ToSql()
		return fmt.Sprint(query, " ", args), err
	})
	t.Show("Insert of several rows", func() (any, error) {
		if _, err := build.Insert("squirrel_author").Columns("id", "name").Values(1, "Ada").Values(2, "Grace").ExecContext(ctx); err != nil {
			return nil, err
		}
		return tour.Affected(build.Insert("squirrel_book").Columns("id", "author_id", "title", "pages").
			Values(1, 1, "Notes", 66).Values(2, 1, "Letters", 120).Values(3, 2, "Compilers", 300).ExecContext(ctx))
	})
	t.Show("Select with Eq of a slice", func() (any, error) {
		return titles(build.Select("title").From("squirrel_book").Where(sq.Eq{"id": []int{1, 3}}).OrderBy("id").QueryContext(ctx))
	})
	t.Show("And, Or, Like, Lt", func() (any, error) {
		return titles(build.Select("title").From("squirrel_book").
			Where(sq.Or{sq.Like{"title": "N%"}, sq.And{sq.Lt{"pages": 200}, sq.NotEq{"author_id": 2}}}).OrderBy("title").QueryContext(ctx))
	})
	t.Show("Join, GroupBy, Having", func() (any, error) {
		var name string
		var pages int
		err := build.Select("name", "sum(pages)").From("squirrel_author").Join("squirrel_book on author_id = squirrel_author.id").
			GroupBy("name").Having("count(*) > ?", 1).QueryRowContext(ctx).Scan(&name, &pages)
		return fmt.Sprint(name, " ", pages), err
	})
	t.Show("a Select in a Select", func() (any, error) {
		longest := sq.Select("author_id", "max(pages) as most").From("squirrel_book").GroupBy("author_id").Having("max(pages) < ?", 200)
		return titles(build.Select("title").FromSelect(longest, "longest").
			Join("squirrel_book on squirrel_book.author_id = longest.author_id and pages = most").QueryContext(ctx))
	})
	t.Show("Case", func() (any, error) {
		size := sq.Case().When(sq.Lt{"pages": 100}, sq.Expr("?", "thin")).Else(sq.Expr("?", "thick"))
		return titles(build.Select().Column(sq.ConcatExpr("concat(title, ' is ', ", size, ")")).From("squirrel_book").OrderBy("id").QueryContext(ctx))
	})
	t.Show("Update with Expr", func() (any, error) {
		return tour.Affected(build.Update("squirrel_book").Set("pages", sq.Expr("pages + ?", 1)).Where(sq.Eq{"author_id": 1}).ExecContext(ctx))
	})
	t.Show("Delete", func() (any, error) {
		return tour.Affected(build.Delete("squirrel_book").Where(sq.Eq{"id": 3}).ExecContext(ctx))
	})
	t.Show("RunWith a transaction", func() (any, error) {
		tx, err := t.DB.BeginTx(ctx, nil)
		if err != nil {
			return nil, err
		}
		defer tx.Rollback() // after Commit it does nothing
		in := build.RunWith(tx)
		if _, err := in.Insert("squirrel_book").Columns("id", "author_id", "title", "pages").Values(4, 2, "Ships", 50).ExecContext(ctx); err != nil {
			return nil, err
		}
		var pages int
		if err := in.Select("sum(pages)").From("squirrel_book").QueryRowContext(ctx).Scan(&pages); err != nil {
			return nil, err
		}
		return pages, tx.Commit()
	})
	t.Show("NewStmtCache", func() (any, error) {
		cache := sq.NewStmtCache(t.DB) // keeps an *sql.Stmt of each text
		defer cache.Clear()
		all := make([]string, 3)
		for i, id := range []int{1, 2, 4} {
			err := build.RunWith(cache).Select("title").From("squirrel_book").Where(sq.Eq{"id": id}).QueryRowContext(ctx).Scan(&all[i])
			if err != nil {
				return nil, err
			}
		}
		return all, nil
	})
	t.FailsWith("no row", sql.ErrNoRows, func() error {
		var title string
		return build.Select("title").From("squirrel_book").Where(sq.Eq{"id": 9}).QueryRowContext(ctx).Scan(&title)
	})
	t.Fails("a key that is taken", t.ServerError(), func() error {
		_, err := build.Insert("squirrel_author").Columns("id", "name").Values(1, "Eve").ExecContext(ctx)
		return err
	})

	t.Each(func() error {
		var title string
		return build.Select("title").From("squirrel_book").Where(sq.Eq{"id": 2}).QueryRowContext(ctx).Scan(&title)
	})
}

func tables(ctx context.Context, db *sql.DB) error {
	if err := drop(ctx, db); err != nil {
		return err
	}
	for _, create := range []string{
		"create table squirrel_author (id int primary key, name varchar(40) not null)",
		"create table squirrel_book (id int primary key, author_id int not null, title varchar(40) not null, pages int not null)",
	} {
		if _, err := sq.ExecContextWith(ctx, db, sq.Expr(create)); err != nil {
			return err
		}
	}
	return nil
}

func drop(ctx context.Context, db *sql.DB) error {
	for _, table := range []string{"squirrel_book", "squirrel_author"} {
		if _, err := sq.ExecContextWith(ctx, db, sq.Expr("drop table if exists "+table)); err != nil {
			return err
		}
	}
	return nil
}

func titles(rows *sql.Rows, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var title string
		if err := rows.Scan(&title); err != nil {
			return nil, err
		}
		all = append(all, title)
	}
	return all, rows.Err()
}
