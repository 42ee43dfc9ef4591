package pooled_test

import (
	"database/sql"
	"database/sql/driver"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
)

// borrow runs statements on one session and gives it back.
func borrow(t *testing.T, db *sql.DB, texts ...string) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	for _, text := range texts {
		_, err := conn.ExecContext(t.Context(), text)
		require.NoError(t, err, text)
	}
	require.NoError(t, conn.Close())
}

// scalar is what a query of one value returns, as text.
func scalar(t *testing.T, db *sql.DB, query string, args ...any) string {
	t.Helper()
	var s sql.NullString
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&s))
	return s.String
}

func TestInitIsRepeatedWhereAResetUndidIt(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		db, _ := openForReset(t, family{driver: "pgx", dsn: testserver.Postgres(t)}, func(c *pooled.Config) {
			c.Pool.Init = "set app.tenant = 'nobody'; create temp table pets as select 1 as id"
		})
		tenant, pid := `select current_setting('app.tenant')`, `select pg_backend_pid()`
		before := scalar(t, db, pid)
		for _, dirty := range []string{`set app.tenant = '7'`, `set work_mem = '77MB'`, `drop table pets; create temp table beasts ()`, `do 'begin end'`} {
			borrow(t, db, dirty)
			assert.Equal(t, "nobody", scalar(t, db, tenant), dirty)
			assert.Equal(t, "1", scalar(t, db, `select id from pets`), dirty)
		}
		assert.Equal(t, before, scalar(t, db, pid))
		borrow(t, db, `select pg_advisory_lock(7)`) // init has nothing to do with that
		assert.Equal(t, "nobody", scalar(t, db, tenant))
		assert.Zero(t, resets(t, db).AuditFailures)
	})
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		db, _ := openForReset(t, family{driver: "mysql", dsn: s.server(t)}, func(c *pooled.Config) {
			c.Pool.Init = "set @tenant = 'nobody', sql_mode = 'ANSI_QUOTES'"
		})
		before := scalar(t, db, `select connection_id()`)
		borrow(t, db, `set @tenant = 7, @other = 8`, `set sql_mode = ''`)
		assert.Equal(t, "nobody ANSI_QUOTES", scalar(t, db, `select concat(@tenant, coalesce(@other, ' '), @@sql_mode)`))
		assert.Equal(t, before, scalar(t, db, `select connection_id()`))
	})
}

func TestResetModesOnRealServers(t *testing.T) {
	type server struct {
		name string
		family
		dirty, probe string
		begin        []string
		inTx         string
	}
	servers := []server{
		{
			"PostgreSQL", family{driver: "pgx", dsn: testserver.Postgres(t), id: `select pg_backend_pid()`},
			`set work_mem = '77MB'`, `select current_setting('work_mem') = '77MB'`, []string{`begin`, `set local app.marker = 'x'`}, `select coalesce(current_setting('app.marker', true), '') = 'x'`,
		},
	}
	for _, s := range mysqlServers {
		servers = append(servers, server{
			s.name, family{driver: "mysql", dsn: s.server(t), id: `select connection_id()`},
			`set @@wait_timeout = 77`, `select if(@@wait_timeout = 77, 'true', 'false')`, []string{`begin`}, `select if((` + s.inTx + `), 'true', 'false')`,
		})
	}
	for _, s := range servers {
		for _, mode := range []struct {
			policy.ResetMode
			name string
			left string // whether the setting is left
			same bool   // whether the connection is kept
		}{
			{policy.ResetDirty, "dirty", "false", true},
			{policy.ResetAlways, "always", "false", s.driver == "pgx"}, // nothing undoes everything in MySQL
			{policy.ResetDiscard, "discard", "false", false},
			{policy.ResetOff, "off", "true", true},
		} {
			t.Run(s.name+" "+mode.name, func(t *testing.T) {
				db, _ := openForReset(t, s.family, func(c *pooled.Config) { c.Reset.Mode = mode.ResetMode })
				scalar(t, db, "select 1") // the catalogue is read after it
				before := scalar(t, db, s.id)
				borrow(t, db, s.dirty)
				assert.Equal(t, mode.left, scalar(t, db, s.probe))
				assert.Equal(t, mode.same, before == scalar(t, db, s.id))

				before = scalar(t, db, s.id)
				borrow(t, db, s.begin...)
				assert.Equal(t, "false", scalar(t, db, s.inTx), "an open transaction")
				assert.Equal(t, mode.same || mode.ResetMode == policy.ResetDiscard, before == scalar(t, db, s.id))
			})
		}
	}
}

func TestPreparedStatementsSurviveAFullReset(t *testing.T) {
	db, _ := openForReset(t, family{driver: "pgx", dsn: testserver.Postgres(t)}, nil)
	st, err := db.PrepareContext(t.Context(), `select $1::int + 1`)
	require.NoError(t, err)
	defer st.Close()
	var n int
	require.NoError(t, st.QueryRowContext(t.Context(), 1).Scan(&n))
	assert.Equal(t, "x", scalar(t, db, `select $1::text`, "x"))
	prepared := `select string_agg(statement, ', ' order by statement) from pg_prepared_statements where statement like '%$1%'`
	before := scalar(t, db, prepared)
	borrow(t, db, `do 'begin end'`)
	assert.Equal(t, before, scalar(t, db, prepared))
	assert.Positive(t, resets(t, db).ByEffect["unknown"])
	require.NoError(t, st.QueryRowContext(t.Context(), 1).Scan(&n))
	assert.Equal(t, "x", scalar(t, db, `select $1::text`, "x"))
}

func TestDeadConnectionIsNotReset(t *testing.T) {
	admin := openReal(t, "pgx", testserver.Postgres(t))
	db, _ := openForReset(t, family{driver: "pgx", dsn: testserver.Postgres(t)}, nil)
	pid := scalar(t, db, `select pg_backend_pid()`)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), `set app.tenant = '7'`)
	require.NoError(t, err)
	_, err = admin.ExecContext(t.Context(), `select pg_terminate_backend($1::int)`, pid)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	assert.NotEqual(t, pid, scalar(t, db, `select pg_backend_pid()`))
	assert.EqualValues(t, 1, resets(t, db).Discards.Failed)
}

func TestNothingIsSentThroughPgBouncerInTransactionMode(t *testing.T) {
	for _, bouncer := range pgBouncers {
		t.Run(bouncer.name, func(t *testing.T) {
			u, err := url.Parse(bouncer.dsn(t))
			require.NoError(t, err)
			query := u.Query()
			query.Set("default_query_exec_mode", "simple_protocol")
			u.RawQuery = query.Encode()
			for _, mode := range []policy.ResetMode{policy.ResetDirty, policy.ResetOff} {
				db, log := openForReset(t, family{driver: "pgx", dsn: u.String()}, func(c *pooled.Config) { c.Reset.Mode = mode })
				for range 3 {
					borrow(t, db, `select set_config('app.tenant', '7', true)`, `do 'begin end'`)
				}
				assert.Zero(t, resets(t, db).Resets)
				if mode == policy.ResetOff {
					assert.Empty(t, log.String())
				} else {
					assert.Contains(t, log.String(), "pool_reset=off")
				}
				borrow(t, db, `begin`)
				assert.Equal(t, "1", scalar(t, db, `select 1`))
				assert.EqualValues(t, 1, resets(t, db).ByEffect["open_tx"])
			}
		})
	}
}

// PgBouncer's own console answers SHOW and nothing else.
func TestPgBouncersConsoleCanBeUsed(t *testing.T) {
	for _, bouncer := range pgBouncers {
		t.Run(bouncer.name, func(t *testing.T) {
			u, err := url.Parse(bouncer.dsn(t))
			require.NoError(t, err)
			u.Path = "/pgbouncer"
			query := u.Query()
			query.Set("default_query_exec_mode", "simple_protocol")
			u.RawQuery = query.Encode()
			db, log := openForReset(t, family{driver: "pgx", dsn: u.String()}, func(c *pooled.Config) { c.Reset.Audit = 0 })
			for range 2 {
				rows, err := db.QueryContext(t.Context(), "show version")
				require.NoError(t, err)
				require.NoError(t, drain(rows))
			}
			assert.Contains(t, log.String(), "not reset")
		})
	}
}

func TestTransactionLeftOpenThroughRawIsRolledBack(t *testing.T) {
	db, _ := openForReset(t, family{driver: "pgx", dsn: testserver.Postgres(t)}, func(c *pooled.Config) { c.Reset.Mode = policy.ResetOff })
	pid := scalar(t, db, `select pg_backend_pid()`)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
		_, err := real.(*stdlib.Conn).Conn().Exec(t.Context(), "begin; set local app.marker = 'x'")
		return err
	}))
	require.NoError(t, conn.Close())
	assert.Equal(t, "false", scalar(t, db, `select coalesce(current_setting('app.marker', true), '') = 'x'`))
	assert.Equal(t, pid, scalar(t, db, `select pg_backend_pid()`))
}

// A transaction in which somebody looks at a number that an earlier borrower left goes on.
func TestInheritedNumbersAreUndoneInsideATransaction(t *testing.T) {
	f := postgresFamily(t, testserver.PostgresDatabase(t))
	db, _ := openForReset(t, f, nil)
	borrow(t, db, `insert into things (name) values ('x')`)
	assert.Zero(t, resets(t, db).Resets)
	tx, err := db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `update things set name = 'kept'`)
	require.NoError(t, err)
	var n int
	require.NoError(t, tx.QueryRowContext(t.Context(), `insert into things (name) values ('mine') returning id`).Scan(&n))
	var last int
	require.NoError(t, tx.QueryRowContext(t.Context(), `select lastval()`).Scan(&last))
	assert.Equal(t, n, last, "its own")
	require.NoError(t, tx.Commit())

	tx, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `insert into owners (name) values ('kept')`)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	tx, err = db.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `update owners set name = 'kept as well'`)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), `savepoint s`)
	require.NoError(t, err)
	assert.Equal(t, "SQLSTATE 55000", code(tx.QueryRowContext(t.Context(), `select lastval()`).Scan(&last)))
	_, err = tx.ExecContext(t.Context(), `rollback to s`)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	assert.Equal(t, "kept as well", scalar(t, db, `select max(name) from owners`))
}
