package transparency_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
)

func TestRealMySQLThroughPooledIsLikeThroughTheBareDriver(t *testing.T) {
	const types = `select cast(1 as signed) as a, cast(2 as unsigned) as b, 'x' as c, null as d, 1.5e0 as e, cast(1.50 as decimal(10,2)) as f,
		timestamp '2020-02-29 12:00:00.5' as g, date '2020-02-29' as h, time '12:00:00' as i, x'00ff' as j, json_object('a', 1) as k`
	testReal(t, "mysql", []behaviour{
		{name: "values of every type", run: func(w *world) {
			w.query(w.ctx, w.db, types)
			w.query(w.ctx, w.db, types+" where 1 = ?", 1)
		}},
		{name: "columns of a table", run: func(w *world) {
			w.exec(w.ctx, w.db, "create table t (a int unsigned not null, b varchar(7), c decimal(9,3), d datetime(6), e blob, f bit(3), g enum('x','y'))")
			w.exec(w.ctx, w.db, "insert into t values (?, ?, ?, ?, ?, ?, ?)", 1, "b", "1.5", time.Unix(1, 0).UTC(), []byte{0, 255}, 5, "y")
			w.exec(w.ctx, w.db, "insert into t (a) values (2)")
			w.query(w.ctx, w.db, "select * from t order by a")
			w.query(w.ctx, w.db, "select * from t where a > ? order by a", 0)
		}},
		{name: "arguments of every kind", run: func(w *world) {
			for _, arg := range oddArgs {
				w.query(w.ctx, w.db, "select ?", arg)
				w.exec(w.ctx, w.db, "do ?", arg)
			}
			w.query(w.ctx, w.db, "select ?, ?", 1)
			w.query(w.ctx, w.db, "select ?", 1, 2)
			w.query(w.ctx, w.db, "select ?", time.Unix(1, 0).UTC())
		}},
		{name: "several result sets", run: func(w *world) {
			w.query(w.ctx, w.db, "select 1 as a; select 2 as b, 'x' as c; do 1; select 3 as d")
			w.query(w.ctx, w.db, "select 1; select * from nowhere")
			w.exec(w.ctx, w.db, "create table t (id int auto_increment primary key, n int); insert into t (n) values (1), (2)")
			w.query(w.ctx, w.db, "select n from t")
			rows, err := w.db.QueryContext(w.ctx, "select 1; select 2")
			w.err("query", err)
			w.err("close", rows.Close())
			w.query(w.ctx, w.db, "select 3")
		}},
		{name: "results of exec", run: func(w *world) {
			w.exec(w.ctx, w.db, "create table t (id int auto_increment primary key, n int)")
			w.exec(w.ctx, w.db, "insert into t (n) values (?)", 5)
			w.exec(w.ctx, w.db, "insert into t (n) values (6), (7)")
			w.exec(w.ctx, w.db, "update t set n = 7")
			w.exec(w.ctx, w.db, "delete from t")
			w.query(w.ctx, w.db, "insert into t (n) values (8)")
		}},
		{name: "errors of the server", run: func(w *world) {
			w.exec(w.ctx, w.db, "create table t (id int primary key, n int not null)")
			w.codes(w.db, "selec", "select * from nowhere", "insert into t values (1, null)", "signal sqlstate '45000'")
			w.exec(w.ctx, w.db, "insert into t values (1, 1)")
			w.codes(w.db, "insert into t values (1, 1)")
		}},
		{name: "errors in a transaction", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.codes(tx, "select * from nowhere")
			w.query(w.ctx, tx, "select 1")
			w.code("commit", tx.Commit())
		}},
		{name: "prepared statements", run: func(w *world) { w.prepared("select ? * 2, 'x'", 21, []string{"unsupported"}) }},
		{name: "statements that cannot be prepared", run: func(w *world) {
			w.prepare(w.ctx, w.db, "select * from nowhere")
			w.prepare(w.ctx, w.db, "selec")
		}},
		{name: "isolation levels", run: func(w *world) {
			w.exec(w.ctx, w.db, "create table t (id int)")
			w.isolations("select /*M! @@in_transaction */ /*!80000 @@autocommit */", "insert into t values (1)")
			w.query(w.ctx, w.db, "select /*M! @@tx_isolation, @@tx_read_only */ /*!80000 @@transaction_isolation, @@transaction_read_only */")
		}},
		{name: "cancelled contexts", run: func(w *world) {
			w.cancelled("select sleep(100)", "select count(*) from information_schema.processlist where info = '%s'"+
				" and db = database() and state = 'User sleep'")
		}},
		{name: "rows that are not read to the end", run: func(w *world) {
			rows, err := w.db.QueryContext(w.ctx, "with recursive n (i) as (select 1 union all select i + 1 from n where i < 400) select a.i from n a, n b")
			w.err("query", err)
			w.note("next %t", rows.Next())
			w.err("close", rows.Close())
			w.query(w.ctx, w.db, "select 1")
		}},
	})
}

func TestRealMySQLNextCallWorksAfterTheServerHasEndedTheConnection(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn := s.Database(t)
		db, killer := realtest.Open(t, "pooled", dsn), realtest.Open(t, "mysql", dsn)
		first := realtest.ScanInt(t, db, "select connection_id()")
		kill := func(id int) {
			_, err := killer.ExecContext(t.Context(), fmt.Sprintf("kill %d", id))
			require.NoError(t, err)
			for realtest.ScanInt(t, killer, fmt.Sprintf("select count(*) from information_schema.processlist where id = %d", id)) > 0 {
			}
		}
		kill(first)
		second := realtest.ScanInt(t, db, "select connection_id()")
		assert.NotEqual(t, first, second)
		st, err := db.PrepareContext(t.Context(), "select connection_id() + ?")
		require.NoError(t, err)
		defer st.Close()
		kill(second)
		var third int
		require.NoError(t, st.QueryRowContext(t.Context(), 0).Scan(&third))
		assert.NotEqual(t, second, third)
	})
}
