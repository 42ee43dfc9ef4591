package transparency_test

import (
	"database/sql"
	"database/sql/driver"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

func TestRealPostgresThroughPooledIsLikeThroughBarePgx(t *testing.T) {
	testReal(t, "pgx", []behaviour{
		{name: "values of every type", run: func(w *world) {
			w.query(w.ctx, w.db, `select 1::int2, 2::int4, 3::int8, 'x'::text, 'y'::varchar(7), null::text, true, 1.5::float8,
				1.50::numeric(10,2), timestamptz '2020-02-29 12:00:00.5+00', timestamp '2020-02-29 12:00', date '2020-02-29',
				time '12:00', interval '1 day 2 hours', '\x00ff'::bytea, '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid,
				'{"a": 1}'::json, '{"a": 1}'::jsonb, array[1,2,null], array['a','b'], inet '10.0.0.1', int4range(1,5), 'infinity'::float8`)
		}},
		{name: "no rows and no columns", run: func(w *world) {
			w.query(w.ctx, w.db, "select 1 where false")
			w.query(w.ctx, w.db, "select")
			w.query(w.ctx, w.db, "create temp table if not exists none ()")
			var x int
			w.err("row", w.db.QueryRowContext(w.ctx, "select 1 where false").Scan(&x))
		}},
		{name: "many rows", run: func(w *world) {
			w.query(w.ctx, w.db, "select g, repeat('x', g) from generate_series(1, 500) g")
		}},
		{name: "arguments of every kind", run: func(w *world) {
			for _, arg := range oddArgs {
				w.query(w.ctx, w.db, "select $1::int8", arg)
				w.query(w.ctx, w.db, "select $1::text", arg)
				w.exec(w.ctx, w.db, "select $1::int8", arg)
			}
			w.query(w.ctx, w.db, "select $1::timestamptz, $2::bytea, $3::jsonb", time.Unix(1, 0).UTC(), []byte{0, 255}, map[string]int{"a": 1})
			w.query(w.ctx, w.db, "select $1::int, $2::int", 1)
			w.query(w.ctx, w.db, "select $1::int", 1, 2)
		}},
		{name: "slices as arrays", run: func(w *world) {
			w.query(w.ctx, w.db, "select g from generate_series(1, 9) g where g = any($1)", []int64{2, 3, 99})
			w.query(w.ctx, w.db, "select $1::text[] || 'c'::text", []string{"a", "b"})
			st := w.prepare(w.ctx, w.db, "select g from generate_series(1, 9) g where g = any($1)")
			w.stmtQuery(w.ctx, st, []int64{4, 5})
			w.err("close", st.Close())
		}},
		{name: "a pgx.QueryExecMode as first argument", run: func(w *world) {
			for _, mode := range []pgx.QueryExecMode{
				pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec,
				pgx.QueryExecModeSimpleProtocol,
			} {
				w.query(w.ctx, w.db, "select $1::int8 + 1", mode, 41)
				w.exec(w.ctx, w.db, "select $1::int8 + 1", mode, 41)
			}
			w.exec(w.ctx, w.db, "select 1; select 2", pgx.QueryExecModeSimpleProtocol)
			w.query(w.ctx, w.db, "select 1", pgx.QueryResultFormats{pgx.TextFormatCode})
		}},
		{name: "pgx.NamedArgs", run: func(w *world) {
			w.query(w.ctx, w.db, "select @a::int8, @b::text", pgx.NamedArgs{"a": 1, "b": "x"})
			w.exec(w.ctx, w.db, "select @a::int8", pgx.StrictNamedArgs{"b": "x"})
		}},
		{name: "results of exec", run: func(w *world) {
			w.exec(w.ctx, w.db, "create table t (id serial primary key, name text)")
			w.exec(w.ctx, w.db, "insert into t (name) values ($1), ($2)", "a", "b")
			w.exec(w.ctx, w.db, "update t set name = 'c'")
			w.exec(w.ctx, w.db, "delete from t where id = $1", 1)
			w.query(w.ctx, w.db, "insert into t (name) values ('d') returning id, name")
		}},
		{name: "errors of the server", run: func(w *world) {
			w.exec(w.ctx, w.db, "create table t (id int primary key, n int not null)")
			w.codes(w.db, "selec", "select * from nowhere", "select 1/0", "select 1; select 2", "insert into t values (1, null)",
				"select 1/(g-3) from generate_series(1, 5) g", "select 'x'::int", "do $$ begin raise exception 'x'; end $$")
			w.exec(w.ctx, w.db, "insert into t values (1, 1)")
			w.codes(w.db, "insert into t values (1, 1)")
		}},
		{name: "errors in a transaction", run: func(w *world) {
			tx := w.begin(w.ctx, nil)
			w.codes(tx, "select 1/0", "select 1")
			w.code("commit", tx.Commit())
			w.query(w.ctx, w.db, "select 1")
		}},
		{name: "prepared statements", run: func(w *world) { w.prepared("select $1::int8 * 2, 'x'", 21, "no number") }},
		{name: "statements that cannot be prepared", run: func(w *world) {
			w.prepare(w.ctx, w.db, "select * from nowhere")
			w.prepare(w.ctx, w.db, "select 1; select 2")
		}},
		{name: "isolation levels", run: func(w *world) {
			w.exec(w.ctx, w.db, "create table t (id int)")
			w.isolations("select current_setting('transaction_isolation'), current_setting('transaction_read_only')", "insert into t values (1)")
			w.query(w.ctx, w.db, "show transaction_isolation")
		}},
		{name: "cancelled contexts", run: func(w *world) {
			w.cancelled("select pg_sleep(100)", "select count(*) from pg_stat_activity where state = 'active' and query = '%s'"+
				" and wait_event = 'PgSleep' and datname = current_database()")
		}},
		{name: "rows that are not read to the end", run: func(w *world) {
			rows, err := w.db.QueryContext(w.ctx, "select generate_series(1, 100000)")
			w.err("query", err)
			w.note("next %t", rows.Next())
			w.err("close", rows.Close())
			w.query(w.ctx, w.db, "select 1")
		}},
	})
}

// realPostgres opens an empty database through pooled, with parameters for it.
func realPostgres(t *testing.T, params url.Values) *sql.DB {
	t.Helper()
	u, err := url.Parse(testserver.PostgresDatabase(t))
	require.NoError(t, err)
	query := u.Query()
	for key, values := range params {
		query[key] = values
	}
	u.RawQuery = query.Encode()
	return realtest.Open(t, "pooled", u.String())
}

func TestRealPostgresNextCallWorksAfterTheServerHasEndedTheConnection(t *testing.T) {
	db := realPostgres(t, url.Values{"pool_validate_after": {"0"}})
	killer := realPostgres(t, nil)
	first := realtest.ScanInt(t, db, "select pg_backend_pid()")
	st, err := db.PrepareContext(t.Context(), "select pg_backend_pid()")
	require.NoError(t, err)
	defer st.Close()
	_, err = killer.ExecContext(t.Context(), "select pg_terminate_backend($1, 10000)", first)
	require.NoError(t, err)
	second := realtest.ScanInt(t, db, "select pg_backend_pid()")
	assert.NotEqual(t, first, second)
	_, err = killer.ExecContext(t.Context(), "select pg_terminate_backend($1, 10000)", second)
	require.NoError(t, err)
	var third int
	require.NoError(t, st.QueryRowContext(t.Context()).Scan(&third))
	assert.NotEqual(t, second, third)
}

func TestRealPostgresRawReachesPgx(t *testing.T) {
	db := realPostgres(t, nil)
	ctx := t.Context()
	_, err := db.ExecContext(ctx, "create table t (id int8, name text)")
	require.NoError(t, err)
	conn, err := db.Conn(ctx)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, pooled.Raw(ctx, conn, func(real driver.Conn) error {
		c := real.(*stdlib.Conn).Conn()
		n, err := c.CopyFrom(ctx, pgx.Identifier{"t"}, []string{"id", "name"}, pgx.CopyFromRows([][]any{{1, "a"}, {2, "b"}}))
		assert.EqualValues(t, 2, n)
		return err
	}))
	assert.Equal(t, 3, realtest.ScanInt(t, conn, "select sum(id) from t"))

	_, err = conn.ExecContext(ctx, "listen channel")
	require.NoError(t, err)
	_, err = db.ExecContext(ctx, "notify channel, 'hello'")
	require.NoError(t, err)
	require.NoError(t, pooled.Raw(ctx, conn, func(real driver.Conn) error {
		n, err := real.(*stdlib.Conn).Conn().WaitForNotification(ctx)
		if err == nil {
			assert.Equal(t, "hello", n.Payload)
		}
		return err
	}))
}

// pgx reads its password file at each dial; so a password can change while the program runs.
func TestPostgresPasswordFileIsReadAtEachDial(t *testing.T) {
	u, err := url.Parse(testserver.Postgres(t))
	require.NoError(t, err)
	password, _ := u.User.Password()
	file := filepath.Join(t.TempDir(), "pgpass")
	write := func(password string) {
		escaped := strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(password)
		require.NoError(t, os.WriteFile(file, []byte("*:*:*:*:"+escaped+"\n"), 0o600))
	}
	u.User = url.User(u.User.Username())
	query := u.Query()
	query.Set("passfile", file)
	u.RawQuery = query.Encode()

	write("the old one")
	db := realtest.Open(t, "pooled", u.String())
	var pg *pgconn.PgError
	require.ErrorAs(t, db.Ping(), &pg)
	assert.Equal(t, "28P01", pg.Code)
	write(password)
	require.NoError(t, db.Ping())
}
