package transparency_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gopooled/pooled/internal/faultdriver"
)

func TestTransactionsThroughPooledAreLikeThoseOfTheBareDriver(t *testing.T) {
	var behaviours []behaviour
	for _, opts := range []*sql.TxOptions{
		nil, {}, {ReadOnly: true}, {Isolation: sql.LevelSerializable}, {Isolation: sql.LevelReadCommitted, ReadOnly: true},
		{Isolation: sql.IsolationLevel(99)},
	} {
		behaviours = append(behaviours, behaviour{name: fmt.Sprintf("with options %+v", opts), run: func(w *world) {
			tx := w.begin(w.ctx, opts)
			if tx == nil {
				return
			}
			w.exec(w.ctx, tx, "update ?", 1)
			w.query(w.ctx, tx, "select")
			w.err("commit", tx.Commit())
			w.err("rollback", tx.Rollback())
			w.query(w.ctx, tx, "select")
		}})
	}
	behaviours = append(behaviours,
		behaviour{name: "rolled back", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.exec(w.ctx, tx, "update")
			w.err("rollback", tx.Rollback())
			w.err("rollback", tx.Rollback())
			w.err("commit", tx.Commit())
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "one after the other on a connection", run: func(w *world) {
			c := w.conn()
			for range 2 {
				tx, err := c.BeginTx(w.ctx, nil)
				w.err("begin", err)
				w.query(w.ctx, tx, "select")
				w.err("commit", tx.Commit())
			}
			w.exec(w.ctx, c, "update")
			w.err("close", c.Close())
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "with rows still open at the end", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			rows, err := tx.QueryContext(w.ctx, "select")
			w.err("query", err)
			w.err("rollback", tx.Rollback())
			synctest.Wait() // the rows are closed by a goroutine
			w.err("rows.Err", rows.Err())
			w.err("rows.Close", rows.Close())
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "left open while its connection is given back", run: func(w *world) {
			c := w.conn()
			tx, err := c.BeginTx(w.ctx, nil)
			w.err("begin", err)
			w.query(w.ctx, tx, "select")
			w.err("rollback", tx.Rollback())
			w.err("close", c.Close())
			w.err("commit", tx.Commit())
		}},
		behaviour{name: "with a commit that failed", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.fails(1, errBoom, faultdriver.Commit)
			w.err("commit", tx.Commit())
			w.err("rollback", tx.Rollback())
			w.query(w.ctx, w.db, "select")
		}},
	)
	testBehaviours(t, behaviours)
}

// cancelDuring cancels the context during a call, which waits for that. Where it has no context, it does what it does without.
func (w *world) cancelDuring(o faultdriver.Outcome, call func(ctx context.Context), ops ...faultdriver.Op) {
	ctx, cancel := context.WithCancel(w.ctx)
	answer := make(chan struct{})
	o.Wait = answer
	for _, op := range ops {
		w.driver.Next(op, o)
	}
	go func() {
		time.Sleep(time.Second)
		cancel()
		close(answer)
	}()
	call(ctx)
	<-answer
	synctest.Wait()
}

// queryAndWait is query for a context that may be cancelled by then: database/sql closes the rows of its own accord.
func (w *world) queryAndWait(ctx context.Context, c caller, text string) {
	rows, err := c.QueryContext(ctx, text)
	synctest.Wait()
	w.read(rows, err)
}

func TestCancelledContextsThroughPooledAreLikeThoseOfTheBareDriver(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	behaviours := []behaviour{
		{name: "before a call", run: func(w *world) {
			w.query(cancelled, w.db, "select")
			w.exec(cancelled, w.db, "update")
			w.prepare(cancelled, w.db, "select")
			w.begin(cancelled, nil)
			w.err("ping", w.db.PingContext(cancelled))
			_, err := w.db.Conn(cancelled)
			w.err("conn", err)
		}},
		{name: "before a call, with idle connections", run: func(w *world) {
			w.idle(1)
			w.query(cancelled, w.db, "select")
			w.begin(cancelled, nil)
		}},
		{name: "before a call on a connection held", stmts: true, run: func(w *world) {
			c := w.conn()
			w.exec(w.ctx, c, "update")
			w.query(cancelled, c, "select ?", 1)
			w.exec(cancelled, c, "update ?", 1)
			w.prepare(cancelled, c, "select")
			_, err := c.BeginTx(cancelled, nil)
			w.err("begin", err)
			w.err("ping", c.PingContext(cancelled))
			w.query(w.ctx, c, "select")
			w.err("close", c.Close())
		}},
		{name: "before a call in a transaction", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.query(cancelled, tx, "select")
			w.exec(cancelled, tx, "update")
			w.err("commit", tx.Commit())
		}},
		{name: "before a call of a prepared statement", stmts: true, own: preparesPerBorrow, run: func(w *world) {
			c := w.conn()
			st := w.prepare(w.ctx, c, "do ?")
			w.stmtQuery(cancelled, st, 1)
			w.stmtExec(cancelled, st, 1)
			w.err("close", st.Close())
			w.err("close", c.Close())
		}},
		{name: "while rows are read", run: func(w *world) {
			ctx, cancel := context.WithCancel(w.ctx)
			rows, err := w.db.QueryContext(ctx, "select")
			w.err("query", err)
			w.note("next %t", rows.Next())
			cancel()
			synctest.Wait()
			w.note("next %t", rows.Next())
			w.err("rows.Err", rows.Err())
			w.err("rows.Close", rows.Close())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "while a connection waits between calls", run: func(w *world) {
			ctx, cancel := context.WithCancel(w.ctx)
			c, err := w.db.Conn(ctx)
			w.err("conn", err)
			w.exec(ctx, c, "update")
			cancel()
			synctest.Wait()
			w.exec(w.ctx, c, "update")
			w.err("close", c.Close())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "in a transaction that is idle", run: func(w *world) {
			w.idle(2)
			ctx, cancel := context.WithCancel(w.ctx)
			tx := w.begin(ctx, nil)
			w.query(w.ctx, tx, "select")
			cancel()
			synctest.Wait()
			w.query(w.ctx, tx, "select")
			w.err("commit", tx.Commit())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "in a transaction whose rollback fails then", run: func(w *world) {
			ctx, cancel := context.WithCancel(w.ctx)
			w.begin(ctx, nil)
			w.fails(1, errBoom, faultdriver.Rollback)
			cancel()
			synctest.Wait()
			w.query(w.ctx, w.db, "select")
		}},
		{name: "in a transaction whose connection is not valid then", run: func(w *world) {
			ctx, cancel := context.WithCancel(w.ctx)
			w.begin(ctx, nil)
			w.driver.Next(faultdriver.Rollback, faultdriver.Outcome{Invalid: true})
			cancel()
			synctest.Wait()
			w.query(w.ctx, w.db, "select")
		}},
		{name: "in a transaction with a statement and rows open", stmts: true, own: preparesPerBorrow, run: func(w *world) {
			ctx, cancel := context.WithCancel(w.ctx)
			tx := w.begin(ctx, nil)
			st := w.prepare(w.ctx, tx, "do ?")
			rows, err := st.QueryContext(w.ctx, 1)
			w.err("query", err)
			cancel()
			synctest.Wait()
			w.note("next %t", rows.Next())
			w.err("rows.Err", rows.Err())
			w.stmtExec(w.ctx, st, 1)
			w.query(w.ctx, w.db, "select")
		}},
		{name: "in a transaction on a connection held", run: func(w *world) {
			c := w.conn()
			ctx, cancel := context.WithCancel(w.ctx)
			_, err := c.BeginTx(ctx, nil)
			w.err("begin", err)
			cancel()
			synctest.Wait()
			_, err = c.ExecContext(w.ctx, "update")
			// database/sql gives the *sql.Conn up by itself, or because a session says that its connection is lost.
			w.note("given up %t", errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn))
			_, err = c.ExecContext(w.ctx, "update")
			w.err("exec", err)
			w.err("close", c.Close())
			w.query(w.ctx, w.db, "select")
		}},
	}
	// Not during a dial, which goes on without its caller: see TestBorrowersWithLessTimeThanADialTakesGetAConnectionInTheEnd.
	for _, c := range []struct {
		name string
		ops  []faultdriver.Op
		call func(w *world, ctx context.Context)
	}{
		{"a query", queries, func(w *world, ctx context.Context) { w.queryAndWait(ctx, w.db, "select") }},
		{"an exec", execs, func(w *world, ctx context.Context) { w.exec(ctx, w.db, "update") }},
		{"a reset", []faultdriver.Op{faultdriver.Reset}, func(w *world, ctx context.Context) {
			w.idle(1)
			w.queryAndWait(ctx, w.db, "select")
		}},
		{"a ping", []faultdriver.Op{faultdriver.Ping}, func(w *world, ctx context.Context) { w.err("ping", w.db.PingContext(ctx)) }},
		{"a prepare", []faultdriver.Op{faultdriver.Prepare}, func(w *world, ctx context.Context) {
			if st := w.prepare(ctx, w.db, "select"); st != nil {
				w.err("close", st.Close())
			}
		}},
		{"a begin", []faultdriver.Op{faultdriver.Begin}, func(w *world, ctx context.Context) { w.begin(ctx, nil) }},
		{"a query in a transaction", queries, func(w *world, ctx context.Context) {
			tx := w.begin(ctx, nil)
			w.queryAndWait(ctx, tx, "select")
		}},
		{"a commit", []faultdriver.Op{faultdriver.Commit}, func(w *world, ctx context.Context) {
			tx := w.begin(ctx, nil)
			w.err("commit", tx.Commit())
		}},
	} {
		for _, end := range []struct {
			name    string
			outcome faultdriver.Outcome
		}{
			{"which tells the context's error", faultdriver.Outcome{}},
			{"which tells an error of its own", faultdriver.Outcome{Err: errBoom}},
			{"after which the connection is not valid", faultdriver.Outcome{Invalid: true}},
		} {
			behaviours = append(behaviours, behaviour{
				name:  fmt.Sprintf("during %s, %s", c.name, end.name),
				share: 3,
				run: func(w *world) {
					w.cancelDuring(end.outcome, func(ctx context.Context) { c.call(w, ctx) }, c.ops...)
					w.query(w.ctx, w.db, "select afterwards")
				},
			})
		}
	}
	testBehaviours(t, behaviours)
}
