package routing_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/routing"
)

// writer is one way to set register 0 to 1. It calls hold just before that is committed: from then on the replicas apply nothing, and have everything
// from before. What it opens stays open until it has been looked whether others see what is written.
type writer struct {
	name  string
	write func(w *writing)
}

// writing is a writer at work. Its methods fail the test.
type writing struct {
	*testing.T
	*pool
	hold func()
	last func() // closes what was opened
}

const (
	increment = "update register set n = n + 1 where id = 0"
	asks      = "select n from register where id = 0"
)

func (w *writing) exec(q querier, texts ...string) {
	w.Helper()
	for _, text := range texts {
		_, err := q.ExecContext(w.Context(), text)
		require.NoError(w, err, text)
	}
}

// conn opens an *sql.Conn, and has it run texts.
func (w *writing) conn(texts ...string) *sql.Conn {
	w.Helper()
	conn, err := w.pool.Conn(w.Context())
	require.NoError(w, err)
	w.last = func() { assert.NoError(w, conn.Close()) }
	w.exec(conn, texts...)
	return conn
}

// tx begins an *sql.Tx, and has it run texts.
func (w *writing) tx(texts ...string) *sql.Tx {
	w.Helper()
	tx, err := w.BeginTx(w.Context(), nil)
	require.NoError(w, err)
	w.last = func() { _ = tx.Rollback() } // some texts have ended it
	w.exec(tx, texts...)
	return tx
}

// once writes by one call.
func once(text string) func(w *writing) {
	return func(w *writing) {
		w.hold()
		w.exec(w.pool, text)
	}
}

// byText writes in an *sql.Conn, where the last text commits.
func byText(texts ...string) func(w *writing) {
	return func(w *writing) {
		last := len(texts) - 1
		conn := w.conn(texts[:last]...)
		w.hold()
		w.exec(conn, texts[last])
	}
}

// inTxByText writes in an *sql.Tx, where the last text commits.
func inTxByText(texts ...string) func(w *writing) {
	return func(w *writing) {
		last := len(texts) - 1
		tx := w.tx(texts[:last]...)
		w.hold()
		w.exec(tx, texts[last])
	}
}

// writers are those of all families.
var writers = []writer{
	{"a statement", once(increment)},
	{"a prepared statement", func(w *writing) {
		st, err := w.PrepareContext(w.Context(), increment)
		require.NoError(w, err)
		w.last = func() { assert.NoError(w, st.Close()) }
		w.hold()
		_, err = st.ExecContext(w.Context())
		require.NoError(w, err)
	}},
	{"a statement with arguments", func(w *writing) {
		w.hold()
		_, err := w.ExecContext(w.Context(), "update register set n = n + 1 where id = "+w.family.argument, 0)
		require.NoError(w, err)
	}},
	{"a kept connection", byText(increment)},
	{"a transaction", func(w *writing) {
		tx := w.tx(increment)
		w.hold()
		require.NoError(w, tx.Commit())
	}},
	{"a prepared statement of a transaction", func(w *writing) {
		tx := w.tx()
		st, err := tx.PrepareContext(w.Context(), increment)
		require.NoError(w, err)
		_, err = st.ExecContext(w.Context())
		require.NoError(w, err)
		w.hold()
		require.NoError(w, tx.Commit())
	}},
	{"a transaction with savepoints", func(w *writing) {
		tx := w.tx("savepoint a", increment, "release savepoint a", "savepoint b", increment, "rollback to savepoint b")
		w.hold()
		require.NoError(w, tx.Commit())
	}},
	{"begin and commit by text", byText("begin", increment, "commit")},
	{"commit by text in a transaction", inTxByText(increment, "commit")},
	{"commit and chain by text in a transaction", inTxByText(increment, "commit and chain")},
	{"a statement after a commit by text in a transaction", inTxByText("commit", increment)},
	{"a procedure that commits", once("call bumps()")},
	{"a procedure that commits, in a text of a connection", byText("select 1", "call bumps()")},
	{"a function", func(w *writing) {
		w.hold()
		require.NoError(w, w.QueryRowContext(w.Context(), "select bump()").Scan(new(int)))
	}},
	{"several statements", once("begin; " + increment + "; commit")},
	{"several statements in a transaction", inTxByText("select 1", increment+"; commit; begin")},
	{"pooled.Raw", func(w *writing) {
		conn := w.conn()
		require.NoError(w, pooled.Raw(w.Context(), conn, func(real driver.Conn) error {
			w.hold()
			_, err := real.(driver.ExecerContext).ExecContext(w.Context(), increment, nil)
			return err
		}))
	}},
	{"sql.Conn.Raw", func(w *writing) {
		conn := w.conn()
		require.NoError(w, conn.Raw(func(dc any) error {
			real := dc.(interface{ Raw() driver.Conn }).Raw()
			w.hold()
			_, err := real.(driver.ExecerContext).ExecContext(w.Context(), increment, nil)
			return err
		}))
	}},
}

var postgresWriters = []writer{
	{"an updated row that is returned", func(w *writing) {
		conn := w.conn()
		w.hold()
		require.NoError(w, conn.QueryRowContext(w.Context(), increment+" returning n").Scan(new(int)))
	}},
	{"rows that are read later", func(w *writing) {
		conn := w.conn()
		w.readLater(conn, "with updated as ("+increment+" returning n) select repeat('x', 1000) from updated, generate_series(1, 30000)")
	}},
	{"rows of a transaction that ends by text", func(w *writing) {
		tx := w.tx()
		require.NoError(w, tx.QueryRowContext(w.Context(), increment+" returning n").Scan(new(int)))
		w.hold()
		w.exec(tx, "end")
	}},
	{"a block that commits", once("do $$ begin perform bump(); commit; end $$")},
	{"a commit that is not waited for", once("begin; set local synchronous_commit = off; " + increment + "; commit")},
	{"a read-only transaction that is not", func(w *writing) {
		tx, err := w.BeginTx(routing.WithPrimary(w.Context()), &sql.TxOptions{ReadOnly: true})
		require.NoError(w, err)
		w.last = func() { _ = tx.Rollback() } // it is over
		w.exec(tx, "set transaction read write", increment)
		w.hold()
		require.NoError(w, tx.Commit())
	}},
	{"merge", once("merge into register r using (values (0)) as v(id) on r.id = v.id when matched then update set n = r.n + 1")},
	{"a data-modifying CTE", once("with updated as (" + increment + " returning n) select * from updated")},
	{"a definition in a transaction that ends by text", inTxByText("create table if not exists other (a int)", increment, "commit")},
	{"dblink in a transaction", func(w *writing) {
		tx := w.tx()
		w.hold()
		w.exec(tx, "select dblink_exec(elsewhere(), '"+increment+"')")
	}},
	{"COPY", func(w *writing) {
		conn := w.conn()
		require.NoError(w, pooled.Raw(w.Context(), conn, func(real driver.Conn) error {
			c := real.(*stdlib.Conn).Conn()
			w.hold()
			_, err := c.CopyFrom(w.Context(), pgx.Identifier{"copied"}, []string{"n"}, pgx.CopyFromRows([][]any{{1}}))
			return err
		}))
	}},
}

var mysqlWriters = []writer{
	{"autocommit switched on again", byText("set autocommit = 0", increment, "set autocommit = 1")},
	{"autocommit switched on again, in another spelling", byText("set @@session.autocommit = off", increment, "set session autocommit = on")},
	{"autocommit switched on in a transaction", inTxByText("set autocommit = 0", increment, "set autocommit = 1")},
	{"a transaction that begins", byText("begin", increment, "start transaction")},
	{"an *sql.Tx that begins", func(w *writing) {
		conn := w.conn("set autocommit = 0", increment)
		w.hold()
		tx, err := conn.BeginTx(w.Context(), nil)
		require.NoError(w, err)
		w.last = func() { assert.NoError(w, tx.Rollback()); assert.NoError(w, conn.Close()) }
	}},
	{"a definition in a transaction", inTxByText(increment, "create table if not exists other (a int)")},
	{"a statement after a definition in a transaction", inTxByText("create table if not exists other (a int)", increment)},
	{"a definition in a transaction of texts", byText("begin", increment, "analyze table register")},
	{"tables locked in a transaction", inTxByText(increment, "lock tables many write")},
	{"tables unlocked", byText("set autocommit = 0", "lock tables register write", increment, "unlock tables")},
	{"a distributed transaction", byText("xa start 'x'", increment, "xa end 'x'", "xa prepare 'x'", "xa commit 'x'")},
	{"a distributed transaction in one phase", byText("xa start 'y'", increment, "xa end 'y'", "xa commit 'y' one phase")},
	{"a commit that is prepared", byText("begin", increment, "prepare c from 'commit'", "execute c")},
	{"a table without transactions, in a transaction", func(w *writing) {
		tx := w.tx()
		w.hold()
		w.exec(tx, "update plain set n = n + 1")
	}},
}

// readLater has a query write whose rows are read only when the replicas have everything that was there when the query returned.
func (w *writing) readLater(conn *sql.Conn, text string) {
	w.Helper()
	rows, err := conn.QueryContext(w.Context(), text)
	require.NoError(w, err)
	w.hold()
	for rows.Next() {
	}
	require.NoError(w, rows.Err())
	require.NoError(w, rows.Close())
}

// writersSchema makes what the writers use.
func (f *family) writersSchema(t *testing.T, dsn string) []string {
	t.Helper()
	register := "create table register (id int primary key, n bigint not null)"
	if f.driver == "pgx" {
		return []string{
			register, "create function bump() returns int language sql as $$ " + increment + " returning n::int $$",
			"create procedure bumps() language plpgsql as $$ begin " + increment + "; commit; end $$",
			"create extension dblink", "create function elsewhere() returns text language sql as $$ select " + postgresLink(t, dsn) + " $$",
			"create table copied (n int)", "create table plain (n int)",
		}
	}
	return []string{
		register, "create function bump() returns int deterministic begin " + increment + "; return 1; end",
		"create procedure bumps() begin " + increment + "; commit; end",
		"create table plain (n int) engine = MyISAM", "create table copied (n int)", "create table many (n int)",
	}
}

// Whatever way something is written, what is read afterwards shows it, though the replicas do not have it.
func TestWhateverIsWrittenIsSeen(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			cluster := f.cluster(t, 1)
			cluster.Nodes[0].Exec(f.writersSchema(t, cluster.Nodes[0].DSN())...)
			p := open(t, f, cluster, mysqlMulti)
			all := append(append([]writer(nil), writers...), mysqlWriters...)
			if f.driver == "pgx" {
				all = append(append([]writer(nil), writers...), postgresWriters...)
			}
			for _, one := range all {
				t.Run(one.name, func(t *testing.T) { p.testWriter(t, one) })
			}
		})
	}
}

func (p *pool) testWriter(t *testing.T, one writer) {
	for _, text := range []string{"delete from register", "insert into register values (0, 0)", "delete from plain", "insert into plain values (0)", "delete from copied"} {
		_, err := p.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	p.readable(t, asks)
	w := &writing{T: t, pool: p, last: func() {}}
	held := false
	w.hold = func() {
		p.readable(t, asks)
		p.Nodes[1].Pause()
		held = true
	}
	one.write(w)
	require.True(t, held, "the replica has it")
	sum := func(ctx context.Context) (n int) {
		t.Helper()
		text := "select (select n from register where id = 0) + (select n from plain) + (select count(*) from copied)"
		require.NoError(t, p.QueryRowContext(ctx, text).Scan(&n))
		return n
	}
	assert.Equal(t, 1, sum(t.Context()), "while the writer keeps what it has opened")
	w.last()
	assert.Equal(t, 1, sum(t.Context()), "afterwards")
	p.Nodes[1].Resume()
}
