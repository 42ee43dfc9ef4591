package transparency_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"testing"

	"github.com/gopooled/pooled/internal/faultdriver"
)

// fails has the next n calls of each operation fail.
func (w *world) fails(n int, err error, ops ...faultdriver.Op) {
	for _, op := range ops {
		for range n {
			w.driver.Next(op, faultdriver.Outcome{Err: err})
		}
	}
}

// queries and execs are the operations that a query and an exec may reach.
var (
	queries = []faultdriver.Op{faultdriver.Query, faultdriver.StmtQuery}
	execs   = []faultdriver.Op{faultdriver.Exec, faultdriver.StmtExec}
)

func TestErrorsThroughPooledAreTheDriversOwn(t *testing.T) {
	var behaviours []behaviour
	for _, err := range []error{errBoom, wrapped{errOther}, io.EOF, context.Canceled, context.DeadlineExceeded, sql.ErrNoRows} {
		behaviours = append(behaviours, behaviour{name: fmt.Sprintf("%q everywhere", err), stmts: true, share: 3, run: func(w *world) {
			w.fails(1, err, faultdriver.Connect)
			w.query(w.ctx, w.db, "select")
			w.fails(1, err, queries...)
			w.query(w.ctx, w.db, "select")
			w.fails(1, err, execs...)
			w.exec(w.ctx, w.db, "update")
			w.fails(1, err, faultdriver.Prepare)
			w.prepare(w.ctx, w.db, "select ?")
			w.fails(1, err, faultdriver.Begin)
			w.begin(w.ctx, nil)
			w.fails(1, err, faultdriver.Ping)
			w.err("ping", w.db.PingContext(w.ctx))
			tx := w.begin(w.ctx, nil)
			w.fails(1, err, faultdriver.Commit)
			w.err("commit", tx.Commit())
			tx = w.begin(w.ctx, nil)
			w.fails(1, err, faultdriver.Rollback)
			w.err("rollback", tx.Rollback())
			w.query(w.ctx, w.db, "select")
		}})
	}
	behaviours = append(behaviours,
		behaviour{name: "while dialling, on every call", run: func(w *world) {
			w.fails(5, errBoom, faultdriver.Connect)
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
			w.prepare(w.ctx, w.db, "select")
			w.begin(w.ctx, nil)
			w.err("ping", w.db.PingContext(w.ctx))
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "while dialling a connection, but later", own: dialsLate, run: func(w *world) {
			w.fails(1, errBoom, faultdriver.Connect)
			c, err := w.db.Conn(w.ctx)
			if err == nil {
				err = c.PingContext(w.ctx)
				_ = c.Close()
			}
			w.err("conn and ping", err)
		}},
		behaviour{name: "in the middle of rows", stmts: true, run: func(w *world) {
			rows := typedRows()
			rows.Sets[0].Err = errBoom
			w.returnRows(rows)
			w.query(w.ctx, w.db, "select")
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "ErrBadConn in the middle of rows", run: func(w *world) {
			rows := typedRows()
			rows.Sets[0].Err = driver.ErrBadConn
			w.returnRows(rows)
			w.query(w.ctx, w.db, "select")
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "of the next result set", run: func(w *world) {
			rows := typedRows()
			rows.Sets[1].NextErr = errBoom
			w.returnRows(rows)
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "of closing rows", stmts: true, run: func(w *world) {
			w.returnRows(&faultdriver.Rows{CloseErr: errBoom})
			w.query(w.ctx, w.db, "select")
			w.query(w.ctx, w.db, "select")
			var x any
			w.err("row", w.db.QueryRowContext(w.ctx, "select").Scan(&x))
		}},
		behaviour{name: "ErrBadConn of closing rows", run: func(w *world) {
			w.returnRows(&faultdriver.Rows{CloseErr: driver.ErrBadConn})
			w.query(w.ctx, w.db, "select")
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "of closing a statement", own: preparesPerBorrow, run: func(w *world) {
			w.fails(1, errBoom, faultdriver.StmtClose)
			c := w.conn()
			st := w.prepare(w.ctx, c, "select")
			_ = st.Close() // the statement cache decides when it is closed
			w.query(w.ctx, c, "select")
			w.err("close", c.Close())
		}},
		behaviour{name: "of preparing for a transaction", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.fails(1, errBoom, faultdriver.Prepare)
			w.prepare(w.ctx, tx, "select")
			w.query(w.ctx, tx, "select 1")
			w.err("commit", tx.Commit())
		}},
		behaviour{name: "of resetting, which change nothing", run: func(w *world) {
			w.idle(1)
			w.fails(2, errBoom, faultdriver.Reset)
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
			w.query(w.ctx, w.db, "select")
		}},
		behaviour{name: "of calls after which the connection is not valid", run: func(w *world) {
			w.idle(2)
			for _, op := range append(queries, execs...) {
				w.driver.Next(op, faultdriver.Outcome{Err: errBoom, Invalid: true})
			}
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
			w.query(w.ctx, w.db, "select")
		}},
	)
	testBehaviours(t, behaviours)
}

// wrapped is an error of a comparable type that is not a pointer, as some drivers have.
type wrapped struct{ error }

func (w wrapped) Unwrap() error { return w.error }

func TestBadConnThroughPooledIsRetriedAsForTheBareDriver(t *testing.T) {
	calls := []struct {
		name string
		ops  []faultdriver.Op
		call func(w *world)
	}{
		{"a query", queries, func(w *world) { w.query(w.ctx, w.db, "select ?", 1) }},
		{"an exec", execs, func(w *world) { w.exec(w.ctx, w.db, "update ?", 1) }},
		{"a query whose statement is prepared", []faultdriver.Op{faultdriver.Prepare}, func(w *world) {
			w.query(w.ctx, w.db, "select ?", 1)
		}},
		{"a prepare", []faultdriver.Op{faultdriver.Prepare}, func(w *world) {
			if st := w.prepare(w.ctx, w.db, "select ?"); st != nil {
				w.err("close", st.Close())
			}
		}},
		{"a begin", []faultdriver.Op{faultdriver.Begin}, func(w *world) {
			if tx := w.begin(w.ctx, nil); tx != nil {
				w.err("rollback", tx.Rollback())
			}
		}},
		{"a ping", []faultdriver.Op{faultdriver.Ping}, func(w *world) { w.err("ping", w.db.PingContext(w.ctx)) }},
		{"a dial", []faultdriver.Op{faultdriver.Connect}, func(w *world) { w.query(w.ctx, w.db, "select") }},
		{"a reset", []faultdriver.Op{faultdriver.Reset}, func(w *world) { w.query(w.ctx, w.db, "select") }},
	}
	var behaviours []behaviour
	for _, c := range calls {
		for times := 1; times <= 4; times++ {
			for idle := range 4 {
				var differs own
				switch {
				case idle > 2 && times > 1:
					differs = distrusts
				case c.name == "a prepare":
					differs = preparesPerBorrow
				}
				behaviours = append(behaviours, behaviour{
					name: fmt.Sprintf("%s, %d times, with %d idle connections", c.name, times, idle),
					own:  differs, share: 8,
					run: func(w *world) {
						w.idle(idle)
						w.fails(times, driver.ErrBadConn, c.ops...)
						before := w.driver.Calls()
						c.call(w)
						calls := w.driver.Calls()[len(before):]
						for _, op := range c.ops {
							n := count(calls, string(op))
							if op == faultdriver.Reset && differs == distrusts {
								n = min(n, 2) // pooled goes on looking at idle connections where database/sql dials
							}
							w.note("%d times %s", n, op)
						}
						c.call(w)
					},
				})
			}
		}
	}
	testBehaviours(t, behaviours)
}

func TestBadConnThroughPooledDropsTheConnectionAsForTheBareDriver(t *testing.T) {
	bad := driver.ErrBadConn
	testBehaviours(t, []behaviour{
		{name: "of a transaction's query", stmts: true, own: distrusts, run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.fails(1, bad, queries...)
			w.query(w.ctx, tx, "select")
			w.err("rollback", tx.Rollback())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "of a transaction's exec, which is then committed", own: distrusts, run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.fails(1, bad, execs...)
			w.exec(w.ctx, tx, "update")
			w.err("commit", tx.Commit())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "of a commit", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.fails(1, bad, faultdriver.Commit)
			w.err("commit", tx.Commit())
			w.err("commit again", tx.Commit())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "of a rollback", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			st := w.prepare(w.ctx, tx, "select")
			w.stmtQuery(w.ctx, st)
			w.fails(1, bad, faultdriver.Rollback)
			w.err("rollback", tx.Rollback())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "of a query on a connection held", run: func(w *world) {
			c := w.conn()
			w.fails(1, bad, queries...)
			w.query(w.ctx, c, "select")
			w.query(w.ctx, c, "select")
			w.err("close", c.Close())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "of a begin on a connection held", run: func(w *world) {
			c := w.conn()
			w.exec(w.ctx, c, "update")
			w.fails(1, bad, faultdriver.Begin)
			_, err := c.BeginTx(w.ctx, nil)
			w.err("begin", err)
			w.err("close", c.Close())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "of Raw", run: func(w *world) {
			c := w.conn()
			w.exec(w.ctx, c, "update")
			w.err("raw", c.Raw(func(any) error { return bad }))
			w.query(w.ctx, c, "select")
			w.err("close", c.Close())
			w.query(w.ctx, w.db, "select")
		}},
		{name: "when it is wrapped in another error", run: func(w *world) {
			w.idle(1)
			w.fails(1, wrapped{bad}, queries...)
			w.fails(1, wrapped{bad}, execs...)
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
		}},
		{name: "of a prepared statement", stmts: true, own: preparesPerBorrow, run: func(w *world) {
			st := w.prepare(w.ctx, w.db, "do ?")
			w.fails(1, bad, faultdriver.StmtExec)
			w.stmtExec(w.ctx, st, 1)
			w.fails(1, bad, faultdriver.StmtQuery)
			w.stmtQuery(w.ctx, st, 1)
			w.err("close", st.Close())
		}},
		{name: "of preparing a statement again", own: preparesPerBorrow | distrusts, run: func(w *world) {
			st := w.prepare(w.ctx, w.db, "do ?")
			busy := w.conn()
			w.exec(w.ctx, busy, "update")
			w.fails(1, bad, faultdriver.Prepare)
			w.stmtExec(w.ctx, st, 1)
			w.err("close", busy.Close())
			w.err("close", st.Close())
		}},
		{name: "of IsValid, when the connection comes back", run: func(w *world) {
			w.driver.Next(faultdriver.IsValid, faultdriver.Outcome{Invalid: true})
			w.query(w.ctx, w.db, "select")
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
		}},
		{name: "of dials that are not valid from the beginning", run: func(w *world) {
			w.driver.Always(faultdriver.Connect, faultdriver.Outcome{Invalid: true})
			w.query(w.ctx, w.db, "select")
			w.exec(w.ctx, w.db, "update")
		}},
	})
}
