// Sqlx shows that github.com/jmoiron/sqlx works through pooled as it does without:
//
//	go run ./examples/sqlx                                           # on SQLite, in a temporary file
//	go run ./examples/sqlx 'postgres://user:password@host/database'  # on your own database, in a table sqlx_book
//	go run ./examples/sqlx 'user:password@tcp(host:3306)/database'
package main

import (
	"context"
	"database/sql"

	"github.com/jmoiron/sqlx"

	"github.com/gopooled/pooled/examples/internal/tour"
)

func main() { tour.Main("sqlx", walk) }

// sqlx chooses placeholders by the driver's name. "pooled" takes the DSN of any database, so it has names for this: sqlx is told once what they mean.
func init() {
	sqlx.BindDriver("pooled-pgx", sqlx.DOLLAR)
	sqlx.BindDriver("pooled-mysql", sqlx.QUESTION)
}

// driverName returns the name for a DSN: all that differs between a program without pooled and this one.
func driverName(t *tour.Tour) string {
	switch {
	case t.Driver != "pooled":
		return t.Driver // "pgx", "mysql" or "sqlite"
	case t.Family == tour.Postgres:
		return "pooled-pgx"
	case t.Family == tour.MySQL:
		return "pooled-mysql"
	default:
		return "pooled" // sqlx leaves the ? of names that it does not know
	}
}

type book struct {
	ID     int
	Title  string
	Author string
}

func walk(ctx context.Context, t *tour.Tour) {
	db := sqlx.NewDb(t.DB, driverName(t))
	t.Show("Exec", func() (any, error) {
		if _, err := db.ExecContext(ctx, "drop table if exists sqlx_book"); err != nil {
			return nil, err
		}
		_, err := db.ExecContext(ctx, "create table sqlx_book (id int primary key, title varchar(40) not null, author varchar(40) not null)")
		return "a table is made", err
	})
	defer db.ExecContext(ctx, "drop table if exists sqlx_book")

	t.Show("Rebind", func() (any, error) {
		return db.Rebind("select title from sqlx_book where id = ? and author = ?"), nil
	})
	t.Show("NamedExec with a slice", func() (any, error) {
		result, err := db.NamedExecContext(ctx, "insert into sqlx_book (id, title, author) values (:id, :title, :author)",
			[]book{{1, "Notes", "Ada"}, {2, "Letters", "Ada"}, {3, "Compilers", "Grace"}})
		return tour.Affected(result, err)
	})
	t.Show("Get", func() (any, error) {
		var one book
		err := db.GetContext(ctx, &one, db.Rebind("select * from sqlx_book where id = ?"), 2)
		return one, err
	})
	t.Show("Select", func() (any, error) {
		var all []book
		err := db.SelectContext(ctx, &all, "select * from sqlx_book order by title")
		return all, err
	})
	t.Show("In", func() (any, error) {
		query, args, err := sqlx.In("select title from sqlx_book where id in (?) and author in (?) order by id", []int{1, 2, 3}, []string{"Grace", "Ada"})
		if err != nil {
			return nil, err
		}
		var titles []string
		err = db.SelectContext(ctx, &titles, db.Rebind(query), args...)
		return titles, err
	})
	t.Show("NamedQuery with a map", func() (any, error) {
		rows, err := db.NamedQueryContext(ctx, "select * from sqlx_book where author = :author order by id", map[string]any{"author": "Ada"})
		if err != nil {
			return nil, err
		}
		return scanned(rows)
	})
	t.Show("Queryx", func() (any, error) {
		rows, err := db.QueryxContext(ctx, db.Rebind("select * from sqlx_book where id > ? order by id"), 1)
		if err != nil {
			return nil, err
		}
		return scanned(rows)
	})
	t.Show("Preparex", func() (any, error) {
		stmt, err := db.PreparexContext(ctx, db.Rebind("select title from sqlx_book where id = ?"))
		if err != nil {
			return nil, err
		}
		defer stmt.Close()
		titles := make([]string, 3)
		for i := range titles {
			if err := stmt.GetContext(ctx, &titles[i], i+1); err != nil {
				return nil, err
			}
		}
		return titles, nil
	})
	t.Show("PrepareNamed", func() (any, error) {
		stmt, err := db.PrepareNamedContext(ctx, "update sqlx_book set author = :author where id = :id")
		if err != nil {
			return nil, err
		}
		defer stmt.Close()
		return tour.Affected(stmt.ExecContext(ctx, book{ID: 3, Author: "Grace Hopper"}))
	})
	t.Show("Beginx, Rollback", func() (any, error) { return renamed(ctx, db, (*sqlx.Tx).Rollback) })
	t.Show("Beginx, Commit", func() (any, error) { return renamed(ctx, db, (*sqlx.Tx).Commit) })
	t.FailsWith("Get of no row", sql.ErrNoRows, func() error {
		return db.GetContext(ctx, &book{}, "select * from sqlx_book where id = 4")
	})
	t.Fails("a key that is taken", t.ServerError(), func() error {
		_, err := db.NamedExecContext(ctx, "insert into sqlx_book (id, title, author) values (:id, :title, :author)", book{ID: 1})
		return err
	})
	t.Show("Connect", func() (any, error) {
		own, err := sqlx.ConnectContext(ctx, driverName(t), t.DSN)
		if err != nil {
			return nil, err
		}
		defer own.Close()
		var sum int
		err = own.GetContext(ctx, &sum, own.Rebind("select ? + 1"), 41)
		return sum, err
	})

	query := db.Rebind("select * from sqlx_book where id = ?")
	t.Each(func() error { return db.GetContext(ctx, &book{}, query, 2) })
}

// renamed changes a row in a transaction, and returns what others see after its end.
func renamed(ctx context.Context, db *sqlx.DB, end func(*sqlx.Tx) error) (any, error) {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback() // after Commit it does nothing
	var one book
	if err := tx.GetContext(ctx, &one, "select * from sqlx_book where id = 1"); err != nil {
		return nil, err
	}
	one.Title += ", revised"
	if _, err := tx.NamedExecContext(ctx, "update sqlx_book set title = :title where id = :id", one); err != nil {
		return nil, err
	}
	if err := end(tx); err != nil {
		return nil, err
	}
	err = db.GetContext(ctx, &one, "select * from sqlx_book where id = 1")
	return one.Title, err
}

func scanned(rows *sqlx.Rows) (any, error) {
	defer rows.Close()
	var all []book
	for rows.Next() {
		var one book
		if err := rows.StructScan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
