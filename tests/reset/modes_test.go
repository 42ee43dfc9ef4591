package reset_test

import (
	"database/sql/driver"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

func TestInitIsRepeatedWhereAResetUndidIt(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: testserver.Postgres(t)}, func(c *pooled.Config) {
			c.Pool.Init = "set app.tenant = 'nobody'; create temp table pets as select 1 as id"
		})
		tenant, pid := `select current_setting('app.tenant')`, `select pg_backend_pid()`
		before := realtest.Scalar(t, db, pid)
		for _, dirty := range []string{`set app.tenant = '7'`, `set work_mem = '77MB'`, `drop table pets; create temp table beasts ()`, `do 'begin end'`} {
			realtest.Borrow(t, db, dirty)
			assert.Equal(t, "nobody", realtest.Scalar(t, db, tenant), dirty)
			assert.Equal(t, "1", realtest.Scalar(t, db, `select id from pets`), dirty)
		}
		assert.Equal(t, before, realtest.Scalar(t, db, pid))
		realtest.Borrow(t, db, `select pg_advisory_lock(7)`) // init has nothing to do with that
		assert.Equal(t, "nobody", realtest.Scalar(t, db, tenant))
		assert.Zero(t, resettest.Resets(t, db).AuditFailures)
	})
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: s.Server(t)}, func(c *pooled.Config) {
			c.Pool.Init = "set @tenant = 'nobody', sql_mode = 'ANSI_QUOTES'"
		})
		before := realtest.Scalar(t, db, `select connection_id()`)
		realtest.Borrow(t, db, `set @tenant = 7, @other = 8`, `set sql_mode = ''`)
		assert.Equal(t, "nobody ANSI_QUOTES", realtest.Scalar(t, db, `select concat(@tenant, coalesce(@other, ' '), @@sql_mode)`))
		assert.Equal(t, before, realtest.Scalar(t, db, `select connection_id()`))
	})
}

func TestResetModesOnRealServers(t *testing.T) {
	type server struct {
		name string
		resettest.Family
		dirty, probe string
		begin        []string
		inTx         string
	}
	servers := []server{
		{
			"PostgreSQL", resettest.Family{Driver: "pgx", DSN: testserver.Postgres(t), ID: `select pg_backend_pid()`},
			`set work_mem = '77MB'`, `select current_setting('work_mem') = '77MB'`, []string{`begin`, `set local app.marker = 'x'`}, `select coalesce(current_setting('app.marker', true), '') = 'x'`,
		},
	}
	for _, s := range realtest.MySQLServers {
		servers = append(servers, server{
			s.Name, resettest.Family{Driver: "mysql", DSN: s.Server(t), ID: `select connection_id()`},
			`set @@wait_timeout = 77`, `select if(@@wait_timeout = 77, 'true', 'false')`, []string{`begin`}, `select if((` + s.InTx + `), 'true', 'false')`,
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
			{policy.ResetAlways, "always", "false", s.Driver == "pgx"}, // nothing undoes everything in MySQL
			{policy.ResetDiscard, "discard", "false", false},
			{policy.ResetOff, "off", "true", true},
		} {
			t.Run(s.name+" "+mode.name, func(t *testing.T) {
				db, _ := resettest.OpenForReset(t, s.Family, func(c *pooled.Config) { c.Reset.Mode = mode.ResetMode })
				realtest.Scalar(t, db, "select 1") // the catalogue is read after it
				before := realtest.Scalar(t, db, s.ID)
				realtest.Borrow(t, db, s.dirty)
				assert.Equal(t, mode.left, realtest.Scalar(t, db, s.probe))
				assert.Equal(t, mode.same, before == realtest.Scalar(t, db, s.ID))

				before = realtest.Scalar(t, db, s.ID)
				realtest.Borrow(t, db, s.begin...)
				assert.Equal(t, "false", realtest.Scalar(t, db, s.inTx), "an open transaction")
				assert.Equal(t, mode.same || mode.ResetMode == policy.ResetDiscard, before == realtest.Scalar(t, db, s.ID))
			})
		}
	}
}

func TestPreparedStatementsSurviveAFullReset(t *testing.T) {
	db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: testserver.Postgres(t)}, nil)
	st, err := db.PrepareContext(t.Context(), `select $1::int + 1`)
	require.NoError(t, err)
	defer st.Close()
	var n int
	require.NoError(t, st.QueryRowContext(t.Context(), 1).Scan(&n))
	assert.Equal(t, "x", realtest.Scalar(t, db, `select $1::text`, "x"))
	prepared := `select string_agg(statement, ', ' order by statement) from pg_prepared_statements where statement like '%$1%'`
	before := realtest.Scalar(t, db, prepared)
	realtest.Borrow(t, db, `do 'begin end'`)
	assert.Equal(t, before, realtest.Scalar(t, db, prepared))
	assert.Positive(t, resettest.Resets(t, db).ByEffect["unknown"])
	require.NoError(t, st.QueryRowContext(t.Context(), 1).Scan(&n))
	assert.Equal(t, "x", realtest.Scalar(t, db, `select $1::text`, "x"))
}

func TestDeadConnectionIsNotReset(t *testing.T) {
	admin := realtest.Open(t, "pgx", testserver.Postgres(t))
	db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: testserver.Postgres(t)}, nil)
	pid := realtest.Scalar(t, db, `select pg_backend_pid()`)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), `set app.tenant = '7'`)
	require.NoError(t, err)
	_, err = admin.ExecContext(t.Context(), `select pg_terminate_backend($1::int)`, pid)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	assert.NotEqual(t, pid, realtest.Scalar(t, db, `select pg_backend_pid()`))
	assert.EqualValues(t, 1, resettest.Resets(t, db).Discards.Failed)
}

func TestNothingIsSentThroughPgBouncerInTransactionMode(t *testing.T) {
	for _, bouncer := range realtest.PgBouncers {
		t.Run(bouncer.Name, func(t *testing.T) {
			u, err := url.Parse(bouncer.DSN(t))
			require.NoError(t, err)
			query := u.Query()
			query.Set("default_query_exec_mode", "simple_protocol")
			u.RawQuery = query.Encode()
			for _, mode := range []policy.ResetMode{policy.ResetDirty, policy.ResetOff} {
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: u.String()}, func(c *pooled.Config) { c.Reset.Mode = mode })
				for range 3 {
					realtest.Borrow(t, db, `select set_config('app.tenant', '7', true)`, `do 'begin end'`)
				}
				assert.Zero(t, resettest.Resets(t, db).Resets)
				if mode == policy.ResetOff {
					assert.Empty(t, log.String())
				} else {
					assert.Contains(t, log.String(), "pool_reset=off")
				}
				realtest.Borrow(t, db, `begin`)
				assert.Equal(t, "1", realtest.Scalar(t, db, `select 1`))
				assert.EqualValues(t, 1, resettest.Resets(t, db).ByEffect["open_tx"])
			}
		})
	}
}

// PgBouncer's own console answers SHOW and nothing else.
func TestPgBouncersConsoleCanBeUsed(t *testing.T) {
	for _, bouncer := range realtest.PgBouncers {
		t.Run(bouncer.Name, func(t *testing.T) {
			u, err := url.Parse(bouncer.DSN(t))
			require.NoError(t, err)
			u.Path = "/pgbouncer"
			query := u.Query()
			query.Set("default_query_exec_mode", "simple_protocol")
			u.RawQuery = query.Encode()
			db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: u.String()}, func(c *pooled.Config) { c.Reset.Audit = 0 })
			for range 2 {
				rows, err := db.QueryContext(t.Context(), "show version")
				require.NoError(t, err)
				require.NoError(t, realtest.Drain(rows))
			}
			assert.Contains(t, log.String(), "not reset")
		})
	}
}

func TestTransactionLeftOpenThroughRawIsRolledBack(t *testing.T) {
	db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: testserver.Postgres(t)}, func(c *pooled.Config) { c.Reset.Mode = policy.ResetOff })
	pid := realtest.Scalar(t, db, `select pg_backend_pid()`)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
		_, err := real.(*stdlib.Conn).Conn().Exec(t.Context(), "begin; set local app.marker = 'x'")
		return err
	}))
	require.NoError(t, conn.Close())
	assert.Equal(t, "false", realtest.Scalar(t, db, `select coalesce(current_setting('app.marker', true), '') = 'x'`))
	assert.Equal(t, pid, realtest.Scalar(t, db, `select pg_backend_pid()`))
}

// A transaction in which somebody looks at a number that an earlier borrower left goes on.
func TestInheritedNumbersAreUndoneInsideATransaction(t *testing.T) {
	f := postgresFamily(t, testserver.PostgresDatabase(t))
	db, _ := resettest.OpenForReset(t, f, nil)
	realtest.Borrow(t, db, `insert into things (name) values ('x')`)
	assert.Zero(t, resettest.Resets(t, db).Resets)
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
	assert.Equal(t, "SQLSTATE 55000", realtest.Code(tx.QueryRowContext(t.Context(), `select lastval()`).Scan(&last)))
	_, err = tx.ExecContext(t.Context(), `rollback to s`)
	require.NoError(t, err)
	require.NoError(t, tx.Commit())
	assert.Equal(t, "kept as well", realtest.Scalar(t, db, `select max(name) from owners`))
}
