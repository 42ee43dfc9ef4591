package statements_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

func TestMySQLQueryWithArgumentsIsPreparedOnce(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := realtest.OpenWith(t, s.Server(t), nil)
		for i := range 10 {
			i++ // 0 is of a kind of its own
			var n int
			require.NoError(t, db.QueryRow("select ? + 1", i).Scan(&n))
			assert.Equal(t, i+1, n)
		}
		_, err := db.Exec("do ?", 1)
		require.NoError(t, err)
		prepares, executes, closes := realtest.Prepared(t, db)
		assert.Equal(t, []int{2, 11, 0}, []int{prepares, executes, closes})
	})
}

func TestMySQLStatementCacheOffPreparesAsTheBareDriverDoes(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := realtest.OpenWith(t, s.Server(t), func(cfg *pooled.Config) { cfg.Statements.CacheSize = 0 })
		for i := range 3 {
			var n int
			require.NoError(t, db.QueryRow("select ? + 1", i).Scan(&n))
		}
		prepares, executes, closes := realtest.Prepared(t, db)
		assert.Equal(t, []int{3, 3, 3}, []int{prepares, executes, closes})
	})
}

func TestMySQLFullCacheClosesTheStatementUsedLongestAgo(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := realtest.OpenWith(t, s.Server(t), func(cfg *pooled.Config) { cfg.Statements.CacheSize = 2 })
		use := func(text string) {
			var n int
			require.NoError(t, db.QueryRow(text, 1).Scan(&n))
		}
		use("select 1 + ?")
		use("select 2 + ?")
		use("select 1 + ?")
		use("select 3 + ?") // closes 2
		use("select 1 + ?")
		prepares, executes, closes := realtest.Prepared(t, db)
		assert.Equal(t, []int{3, 5, 1}, []int{prepares, executes, closes})
	})
}

func TestStatementIsPreparedOncePerServerConnection(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := realtest.OpenWith(t, s.Server(t), nil)
		db.SetMaxIdleConns(-1) // every call has a new session
		st, err := db.Prepare("select ? + 1")
		require.NoError(t, err)
		defer st.Close()
		for i := range 5 {
			i++ // 0 is of a kind of its own
			var n int
			require.NoError(t, st.QueryRow(i).Scan(&n))
			assert.Equal(t, i+1, n)
		}
		again, err := db.Prepare("select ? + 1")
		require.NoError(t, err)
		require.NoError(t, again.Close())
		prepares, executes, _ := realtest.Prepared(t, db)
		assert.Equal(t, []int{1, 5}, []int{prepares, executes})
	})
}

func TestBadTextFailsAtPrepare(t *testing.T) {
	for name, dsn := range realtest.Servers(t) {
		t.Run(name, func(t *testing.T) {
			db := realtest.OpenWith(t, dsn, nil)
			for range 2 {
				_, err := db.Prepare("selec 1")
				assert.ErrorContains(t, err, "syntax")
			}
		})
	}
}

func TestTooManyPreparedStatementsShrinkTheCacheAndTheCallStillWorks(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn := s.Private(t)
		admin := realtest.Open(t, "mysql", dsn)
		_, err := admin.Exec("set global max_prepared_stmt_count = 10")
		require.NoError(t, err)

		t.Run("on one connection", func(t *testing.T) {
			db := realtest.OpenWith(t, dsn, nil)
			for i := range 100 {
				var n int
				require.NoError(t, db.QueryRow(fmt.Sprintf("select %d + ?", i), 1).Scan(&n))
				assert.Equal(t, i+1, n)
			}
			require.NoError(t, db.Close())
		})
		t.Run("with the statements on idle connections", func(t *testing.T) {
			db := realtest.OpenWith(t, dsn, func(cfg *pooled.Config) {
				cfg.Pool.MaxConns = 2
				cfg.Reset.Mode = policy.ResetOff // what is being reset is not idle
			})
			ctx := t.Context()
			hoarder, err := db.Conn(ctx)
			require.NoError(t, err)
			use := func(q interface {
				QueryRowContext(context.Context, string, ...any) *sql.Row
			}, i int) {
				t.Helper()
				var n int
				require.NoError(t, q.QueryRowContext(ctx, fmt.Sprintf("select %d + ?", i), 1).Scan(&n))
			}
			use(hoarder, 0)
			other, err := db.Conn(ctx)
			require.NoError(t, err)
			require.NoError(t, other.PingContext(ctx)) // a second server connection, with no statement
			for i := range 10 {
				use(hoarder, i)
			}
			require.NoError(t, hoarder.Close()) // idle now, with all the statements that the server allows
			use(other, 11)
			require.NoError(t, other.Close())
		})
	})
}

// stale makes the prepared form of "select * from stale" invalid.
func stale(t *testing.T, db *sql.DB, column string) {
	t.Helper()
	_, err := db.Exec("alter table stale add column " + column + " int default 1")
	require.NoError(t, err)
}

func TestStalePlanIsPreparedAgainOutsideATransaction(t *testing.T) {
	for name, dsn := range map[string]string{
		"PostgreSQL 15": testserver.PostgresDatabase(t),
		"PostgreSQL 18": testserver.Postgres18(t),
	} {
		t.Run(name, func(t *testing.T) {
			db, other := realtest.OpenWith(t, dsn, nil), realtest.Open(t, "pgx", dsn)
			_, err := db.Exec("create table stale (a int); insert into stale values (1)")
			require.NoError(t, err)
			t.Cleanup(func() { db.Exec("drop table stale") })
			st, err := db.Prepare("select * from stale")
			require.NoError(t, err)
			defer st.Close()
			columns := func(rows *sql.Rows, err error) int {
				t.Helper()
				require.NoError(t, err)
				defer rows.Close()
				names, err := rows.Columns()
				require.NoError(t, err)
				return len(names)
			}
			const adHoc = "select stale.* from stale"
			require.Equal(t, 1, columns(st.Query()))
			require.Equal(t, 1, columns(db.Query(adHoc)))
			stale(t, other, "b")
			assert.Equal(t, 2, columns(st.Query()))
			assert.Equal(t, 2, columns(db.Query(adHoc)))

			_, err = db.Exec("deallocate all") // 26000 from here on
			require.NoError(t, err)
			assert.Equal(t, 2, columns(st.Query()))
			assert.Equal(t, 2, columns(db.Query(adHoc)))

			stale(t, other, "c")
			tx, err := db.Begin()
			require.NoError(t, err)
			_, err = tx.Stmt(st).Query()
			var pg *pgconn.PgError
			require.ErrorAs(t, err, &pg, "in a transaction the error is the caller's")
			assert.Equal(t, "0A000", pg.Code)
			require.NoError(t, tx.Rollback())

			tx, err = db.Begin()
			require.NoError(t, err)
			assert.Equal(t, 3, columns(tx.Stmt(st).Query()), "the next transaction finds the statement prepared again")
			require.NoError(t, tx.Commit())
		})
	}
}

// A text of several statements may have executed the first ones when a later one meets a stale plan.
func TestTextOfSeveralStatementsIsNeverRunAgain(t *testing.T) {
	db := realtest.OpenWith(t, testserver.PostgresDatabase(t), nil)
	_, err := db.Exec("create table once (a int)")
	require.NoError(t, err)
	_, err = db.Exec("insert into once values (1); commit; execute nosuch")
	var pg *pgconn.PgError
	require.ErrorAs(t, err, &pg)
	require.Equal(t, "26000", pg.Code)
	var n int
	require.NoError(t, db.QueryRow("select count(*) from once").Scan(&n))
	assert.Equal(t, 1, n)
}

// EXECUTE computes its arguments before it looks at what was prepared.
func TestExecuteOfAStalePlanIsNeverRunAgain(t *testing.T) {
	db := realtest.OpenWith(t, testserver.PostgresDatabase(t), nil)
	_, err := db.Exec("create table aged (a int); create sequence computed")
	require.NoError(t, err)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "prepare old(bigint) as select * from aged where a = $1")
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "alter table aged add column b int")
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "execute old(nextval('computed'))")
	var pg *pgconn.PgError
	require.ErrorAs(t, err, &pg)
	require.Equal(t, "0A000", pg.Code)
	require.Empty(t, pg.Where, "it comes from no function")
	var n int
	require.NoError(t, conn.QueryRowContext(t.Context(), "select last_value from computed").Scan(&n))
	assert.Equal(t, 1, n)
}

// Nobody knows what an error of an unknown driver means: a caller who closes a statement and prepares it again gets a new one.
func TestStatementThatFailedIsNewAfterItIsPreparedAgain(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, nil)
	prepares := func() int { return p.Calls(faultdriver.Prepare) }
	use := func(outcomes ...faultdriver.Outcome) {
		st, err := p.PrepareContext(t.Context(), "update")
		require.NoError(t, err)
		defer st.Close()
		for _, o := range outcomes {
			p.Fault.Next(faultdriver.StmtExec, o)
			_, err = st.ExecContext(t.Context())
			require.Equal(t, o.Err, err)
		}
	}
	stale := faultdriver.Outcome{Err: errors.New("the table has changed")}
	use(faultdriver.Outcome{})
	use(stale, faultdriver.Outcome{}, stale)
	assert.Equal(t, 1, prepares(), "until it is closed, the caller has what the bare driver would give it")
	use(faultdriver.Outcome{})
	assert.Equal(t, 2, prepares())
	use(faultdriver.Outcome{})
	assert.Equal(t, 2, prepares())
}

// MariaDB describes the columns of a prepared statement's rows only once, and Exec of go-sql-driver 1.10 waits for the description
// each time.
func TestMariaDBExecOfStatementsThatReturnRowsCanBeRepeated(t *testing.T) {
	db := realtest.OpenWith(t, testserver.MariaDBDatabase(t), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := db.ExecContext(ctx, "create table things (id int auto_increment primary key, name varchar(10), extra int)")
	require.NoError(t, err)
	returning, err := db.PrepareContext(ctx, "insert into things (name) values (?) returning id, name")
	require.NoError(t, err)
	defer returning.Close()
	for range 3 {
		_, err := returning.ExecContext(ctx, "x")
		require.NoError(t, err)
		rows, err := returning.QueryContext(ctx, "y")
		require.NoError(t, err)
		require.NoError(t, rows.Close())
		_, err = db.ExecContext(ctx, "insert into things (name) values (?) returning id, name, extra", "z")
		require.NoError(t, err)
	}
	var n int
	require.NoError(t, db.QueryRowContext(ctx, "select count(*) from things where id > ?", 0).Scan(&n))
	assert.Equal(t, 9, n)
}
