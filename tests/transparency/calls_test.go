package transparency_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"
	"time"

	"github.com/gopooled/pooled/internal/faultdriver"
)

func TestCallsThroughPooledAreLikeCallsOfTheBareDriver(t *testing.T) {
	testBehaviours(t, []behaviour{
		{name: "a query returns its rows", stmts: true, run: func(w *world) {
			w.query(w.ctx, w.db, "select")
			w.query(w.ctx, w.db, "select ?", 1)
		}},
		{name: "an exec returns its result", stmts: true, run: func(w *world) {
			w.exec(w.ctx, w.db, "update")
			w.exec(w.ctx, w.db, "update ?", 1)
		}},
		{name: "the errors of a result are the driver's", run: func(w *world) {
			w.driver.Always(faultdriver.Exec, faultdriver.Outcome{Result: brokenResult{}})
			w.driver.Always(faultdriver.StmtExec, faultdriver.Outcome{Result: brokenResult{}})
			w.exec(w.ctx, w.db, "update")
		}},
		{name: "an exec may have no result", stmts: true, run: func(w *world) {
			w.driver.Always(faultdriver.Exec, faultdriver.Outcome{NoResult: true})
			w.driver.Always(faultdriver.StmtExec, faultdriver.Outcome{NoResult: true})
			_, err := w.db.ExecContext(w.ctx, "-- nothing to do")
			w.err("exec", err)
		}},
		{name: "a query of one row", run: func(w *world) {
			var text, args string
			w.err("row", w.db.QueryRowContext(w.ctx, "select ?", 5).Scan(&text, &args))
			w.note("%s %s", text, args)
			w.returnRows(&faultdriver.Rows{})
			w.err("no row", w.db.QueryRowContext(w.ctx, "select none").Scan(&text))
			w.driver.Always(faultdriver.Query, faultdriver.Outcome{Err: errBoom})
			w.driver.Always(faultdriver.StmtQuery, faultdriver.Outcome{Err: errBoom})
			row := w.db.QueryRowContext(w.ctx, "select none")
			w.err("failed", row.Err())
			w.err("failed", row.Scan(&text))
		}},
		{name: "rows keep their column types and result sets", run: func(w *world) {
			w.returnRows(typedRows())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "rows without optional interfaces stay without", run: func(w *world) {
			rows := typedRows()
			rows.Typed = false
			w.returnRows(rows)
			w.query(w.ctx, w.db, "select")
		}},
		{name: "rows may be closed before they are read", run: func(w *world) {
			rows, err := w.db.QueryContext(w.ctx, "select")
			w.err("query", err)
			w.err("close", rows.Close())
			w.err("close again", rows.Close())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "two results open at once are on two connections", run: func(w *world) {
			first, err := w.db.QueryContext(w.ctx, "select 1")
			w.err("query", err)
			w.query(w.ctx, w.db, "select 2")
			w.read(first, nil)
			w.query(w.ctx, w.db, "select 3")
		}},
		{name: "two results open at once on one connection", run: func(w *world) {
			c := w.conn()
			first, err := c.QueryContext(w.ctx, "select 1")
			w.err("query", err)
			w.query(w.ctx, c, "select 1")
			w.exec(w.ctx, c, "update")
			w.read(first, nil)
			w.err("close", c.Close())
		}},
		{name: "a ping", run: func(w *world) {
			w.err("ping", w.db.PingContext(w.ctx))
			w.err("ping", w.db.PingContext(w.ctx))
			c := w.conn()
			w.err("ping", c.PingContext(w.ctx))
			w.err("close", c.Close())
			w.err("ping", c.PingContext(w.ctx))
		}},
		{name: "the driver answers ErrSkip for a query", stmts: true, run: func(w *world) {
			w.driver.Always(faultdriver.Query, faultdriver.Outcome{Err: driver.ErrSkip})
			w.query(w.ctx, w.db, "select ?", 1)
			w.query(w.ctx, w.db, "select ?", skipped(2))
		}},
		{name: "the driver answers ErrSkip for an exec", stmts: true, run: func(w *world) {
			w.driver.Always(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrSkip})
			w.exec(w.ctx, w.db, "update ?", 1)
			w.exec(w.ctx, w.db, "update ?, ?", doubled(2), removed{})
			w.exec(w.ctx, w.db, "update ?", doubled(2), removed{})
		}},
		{name: "a prepared statement that fails where the driver skips", stmts: true, run: func(w *world) {
			w.driver.Always(faultdriver.Query, faultdriver.Outcome{Err: driver.ErrSkip})
			w.driver.Always(faultdriver.StmtQuery, faultdriver.Outcome{Err: driver.ErrSkip})
			w.driver.Always(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrSkip})
			w.driver.Always(faultdriver.StmtExec, faultdriver.Outcome{Err: driver.ErrSkip})
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
		}},
		{name: "the driver sees the values of the caller's context", run: func(w *world) {
			type key struct{}
			ctx := context.WithValue(w.ctx, key{}, "value")
			for _, op := range []faultdriver.Op{
				faultdriver.Connect, faultdriver.Query, faultdriver.Exec, faultdriver.Prepare, faultdriver.Begin,
				faultdriver.Ping, faultdriver.Reset, faultdriver.StmtQuery, faultdriver.StmtExec,
			} {
				w.driver.Hook(op, func(ctx context.Context, c faultdriver.Call) faultdriver.Outcome {
					w.note("%s %v", op, ctx.Value(key{}))
					return faultdriver.Outcome{}
				})
			}
			w.query(ctx, w.db, "select")
			w.exec(ctx, w.db, "update")
			w.err("ping", w.db.PingContext(ctx))
			tx := w.begin(ctx, nil)
			w.query(ctx, tx, "select in a transaction") // not cached
			w.err("commit", tx.Commit())
		}},
		{name: "Raw of a connection returns what its function returns", run: func(w *world) {
			w.idle(1)
			c := w.conn()
			w.err("raw", c.Raw(func(any) error { return errBoom }))
			w.query(w.ctx, c, "select")
			w.err("close", c.Close())
			w.err("raw", c.Raw(func(any) error { return nil }))
		}},
		{name: "a panic in Raw drops the connection", run: func(w *world) {
			w.idle(2)
			c := w.conn()
			w.query(w.ctx, c, "select")
			w.note("panic %v", panicOf(func() { _ = c.Raw(func(any) error { panic("oh") }) }))
			w.err("close", c.Close())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "a panic of the driver reaches the caller, and the pool stays usable", own: distrusts, run: func(w *world) {
			w.driver.Next(faultdriver.Exec, faultdriver.Outcome{Panic: "oh"})
			w.driver.Next(faultdriver.StmtExec, faultdriver.Outcome{Panic: "oh"})
			w.note("panic %v", panicOf(func() { w.exec(w.ctx, w.db, "update ?", 1) }))
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
		}},
		{name: "connections that last no longer than a while", run: func(w *world) {
			w.idle(3)
			time.Sleep(10 * time.Minute)
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
		}},
	})
}

// returnRows has the next query return these rows, whichever way it is sent.
func (w *world) returnRows(rows *faultdriver.Rows) {
	w.driver.Always(faultdriver.Query, faultdriver.Outcome{Rows: rows})
	w.driver.Always(faultdriver.StmtQuery, faultdriver.Outcome{Rows: rows})
}

func typedRows() *faultdriver.Rows {
	now := time.Date(2020, 2, 29, 12, 0, 0, 1, time.UTC)
	return &faultdriver.Rows{Typed: true, Sets: []faultdriver.Set{
		{Columns: []string{"a", "b", "c"}, Rows: [][]driver.Value{{int64(1), nil, "x"}, {2.5, true, []byte("y")}}},
		{Columns: nil, Rows: nil},
		{Columns: []string{"d"}, Rows: [][]driver.Value{{now}, {"another type than driver.Value has"}}},
	}}
}

type brokenResult struct{}

func (brokenResult) LastInsertId() (int64, error) { return 7, errBoom }
func (brokenResult) RowsAffected() (int64, error) { return 8, errOther }

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}

func TestPreparedStatementsThroughPooledAreLikeThoseOfTheBareDriver(t *testing.T) {
	both := func(w *world, st *sql.Stmt) {
		w.stmtQuery(w.ctx, st, 1)
		w.stmtExec(w.ctx, st, 2)
	}
	testBehaviours(t, []behaviour{
		{name: "of a DB", stmts: true, own: preparesPerBorrow, run: func(w *world) {
			st := w.prepare(w.ctx, w.db, "do ?")
			both(w, st)
			both(w, st)
			w.err("close", st.Close())
			both(w, st)
		}},
		{name: "of a DB, on several connections", own: preparesPerBorrow, run: func(w *world) {
			st := w.prepare(w.ctx, w.db, "do ?")
			rows, err := st.QueryContext(w.ctx, 1)
			w.err("query", err)
			both(w, st)
			w.read(rows, nil)
			both(w, st)
			w.err("close", st.Close())
		}},
		{name: "of a connection", stmts: true, run: func(w *world) {
			c := w.conn()
			st := w.prepare(w.ctx, c, "do ?")
			both(w, st)
			both(w, st)
			w.err("close", st.Close())
			w.err("give back", c.Close())
			both(w, st)
		}},
		{name: "of a connection, not closed before it", own: preparesPerBorrow, run: func(w *world) {
			c := w.conn()
			st := w.prepare(w.ctx, c, "do ?")
			both(w, st)
			w.err("give back", c.Close())
			both(w, st)
			w.exec(w.ctx, w.db, "do ?", 1)
		}},
		{name: "of a transaction", stmts: true, run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			st := w.prepare(w.ctx, tx, "do ?")
			both(w, st)
			both(w, st)
			w.err("commit", tx.Commit())
			both(w, st)
		}},
		{name: "of a DB, in a transaction", stmts: true, own: preparesPerBorrow, run: func(w *world) {
			st := w.prepare(w.ctx, w.db, "do ?")
			tx := w.begin(w.ctx, nil)
			both(w, tx.StmtContext(w.ctx, st))
			both(w, tx.StmtContext(w.ctx, st))
			w.err("rollback", tx.Rollback())
			both(w, st)
			w.err("close", st.Close())
		}},
		{name: "of a connection, in a transaction on it", own: preparesPerBorrow, run: func(w *world) {
			c := w.conn()
			st := w.prepare(w.ctx, c, "do ?")
			tx, err := c.BeginTx(w.ctx, nil)
			w.err("begin", err)
			both(w, tx.StmtContext(w.ctx, st))
			w.err("commit", tx.Commit())
			both(w, st)
			w.err("close", st.Close())
			w.err("give back", c.Close())
		}},
		{name: "the same text twice on one connection", stmts: true, run: func(w *world) {
			c := w.conn()
			first, second := w.prepare(w.ctx, c, "do ?"), w.prepare(w.ctx, c, "do ?")
			rows, err := first.QueryContext(w.ctx, 1)
			w.err("query", err)
			both(w, second)
			w.err("close", second.Close())
			w.read(rows, nil)
			both(w, first)
			w.err("close", first.Close())
			w.err("give back", c.Close())
		}},
		{name: "with results open at once", run: func(w *world) {
			c := w.conn()
			st := w.prepare(w.ctx, c, "do ?")
			first, err := st.QueryContext(w.ctx, 1)
			w.err("query", err)
			both(w, st)
			w.read(first, nil)
			w.err("close", st.Close())
			w.err("give back", c.Close())
		}},
		{name: "with rows of many kinds", own: preparesPerBorrow, run: func(w *world) {
			w.returnRows(typedRows())
			st := w.prepare(w.ctx, w.db, "do ?")
			w.stmtQuery(w.ctx, st, 1)
			w.err("close", st.Close())
		}},
	})
}
