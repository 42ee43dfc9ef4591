package reset_test

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
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// A session may have been set up when it was dialled: whatever a borrower does to it, the next one has that again.

// loginTrigger sets up a tenant, and keeps sessions from writing.
const loginTrigger = `
	create function set_up() returns event_trigger language plpgsql as $$ begin
		perform set_config('app.tenant', 'home', false);
		perform set_config('default_transaction_read_only', 'on', false);
	end $$;
	create event trigger set_up on login execute function set_up()`

// setUpAgain are what borrowers do to a session.
var setUpAgain = [][]string{
	{`set work_mem = '8MB'`},
	{`set app.tenant = '7'`, `set default_transaction_read_only = off`},
	{`reset all`},
	{`set role none`},
	{`set session characteristics as transaction read write`},
	{`select set_config('app.tenant', '7', false)`},
	{`do $$ begin perform 1; end $$`},
	{`listen x`, `begin`},
	{`discard all`},
}

func TestWhatALoginTriggerSetsBelongsToAFreshSession(t *testing.T) {
	for name, early := range map[string]bool{"there from the start": true, "created while the pool is used": false} {
		t.Run(name, func(t *testing.T) {
			dsn := testserver.Postgres18Database(t)
			admin, err := realtest.Open(t, "pgx", dsn).Conn(t.Context())
			require.NoError(t, err)
			defer admin.Close()
			run := func(text string) {
				_, err := admin.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			run(`create table things (id int)`)
			if early {
				run(loginTrigger)
			}
			db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, func(c *pooled.Config) { c.Reset.Audit = 0 })
			realtest.Borrow(t, db, `select 1`)
			if !early {
				run(loginTrigger)
				c, ok := pooled.From(db)
				require.True(t, ok)
				require.NoError(t, c.Evict(""))
			}
			for _, texts := range setUpAgain {
				realtest.Borrow(t, db, texts...)
				assert.Equal(t, "home", realtest.Scalar(t, db, `select current_setting('app.tenant', true)`), texts)
				_, err := db.ExecContext(t.Context(), `insert into things values (1)`)
				assert.Equal(t, "SQLSTATE 25006", realtest.Code(err), texts)
			}
			pid := realtest.Scalar(t, db, `select pg_backend_pid()`)
			realtest.Borrow(t, db, `select 1`)
			realtest.Borrow(t, db, `begin`)
			assert.Equal(t, pid, realtest.Scalar(t, db, `select pg_backend_pid()`), "what leaves nothing costs nothing")
			assert.Contains(t, log.String(), "only another login sets up")

			run(`drop event trigger set_up`)
			db2, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, nil)
			pid = realtest.Scalar(t, db2, `select pg_backend_pid()`)
			realtest.Borrow(t, db2, `set app.tenant = '7'`)
			assert.Equal(t, pid, realtest.Scalar(t, db2, `select pg_backend_pid()`), "without a trigger, sessions are reset")
		})
	}
}

func TestWhatTheProgramSetsOnANewConnectionBelongsToAFreshSession(t *testing.T) {
	dsn := testserver.PostgresDatabase(t)
	admin := realtest.Open(t, "pgx", dsn)
	for _, text := range []string{
		`do $$ begin create role pooled_tenant; exception when duplicate_object or unique_violation then null; end $$`,
		`create schema home`,
	} {
		_, err := admin.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	for name, hook := range map[string]string{"setting": `set search_path = home`, "role": `set role pooled_tenant`} {
		state := `select current_schema() || ' ' || current_user`
		t.Run(name+" by the driver's hook", func(t *testing.T) {
			cfg, err := pgx.ParseConfig(dsn)
			require.NoError(t, err)
			db, _ := resettest.OpenForReset(t, resettest.Family{}, func(c *pooled.Config) {
				c.DriverName, c.DSN = "", ""
				c.Connector = stdlib.GetConnector(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
					_, err := c.Exec(ctx, hook)
					return err
				}))
				c.Reset.Audit = 0
			})
			testSetUpAgain(t, db, state)
		})
		t.Run(name+" by a middleware", func(t *testing.T) {
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = "pgx", dsn, 1
			connector, err := pooled.NewConnector(cfg, pooled.Middleware{Name: "hook", Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
				return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
					real, err := next(ctx, dial)
					if err != nil {
						return nil, err
					}
					_, err = real.(driver.ExecerContext).ExecContext(ctx, hook, nil)
					return real, err
				}
			}})
			require.NoError(t, err)
			db := sql.OpenDB(connector)
			defer db.Close()
			testSetUpAgain(t, db, state)
		})
	}
}

func testSetUpAgain(t *testing.T, db *sql.DB, state string) {
	t.Helper()
	want := realtest.Scalar(t, db, state)
	for _, texts := range setUpAgain {
		realtest.Borrow(t, db, texts...)
		assert.Equal(t, want, realtest.Scalar(t, db, state), texts)
	}
}

// What the DSN, the role and the database set comes back without another login.
func TestWhatTheServerKnowsOfALoginComesBackByAReset(t *testing.T) {
	for version, dsn := range map[string]string{"15": testserver.PostgresDatabase(t), "18": testserver.Postgres18Database(t)} {
		t.Run(version, func(t *testing.T) {
			admin := realtest.Open(t, "pgx", dsn)
			name := realtest.Scalar(t, admin, `select current_database()`)
			for _, text := range []string{
				`do $$ begin create role pooled_tenant; exception when duplicate_object or unique_violation then null; end $$`,
				`alter database ` + name + ` set work_mem = '5MB'`, `alter database ` + name + ` set role = pooled_tenant`,
				`alter database ` + name + ` set seed = 0.5`,
			} {
				_, err := admin.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn + "&app.tenant=home&statement_timeout=60000"}, nil)
			state := `select concat_ws(' ', current_setting('work_mem'), current_user, current_setting('app.tenant'), current_setting('statement_timeout'))`
			pid := realtest.Scalar(t, db, `select pg_backend_pid()`)
			for _, texts := range setUpAgain[:len(setUpAgain)-1] {
				realtest.Borrow(t, db, texts...)
				assert.Equal(t, "5MB pooled_tenant home 1min", realtest.Scalar(t, db, state), texts)
			}
			assert.Equal(t, pid, realtest.Scalar(t, db, `select pg_backend_pid()`))
		})
	}
}

// The numbers of random() go on where SET left them, so that the seed outlasts even the end of a transaction.
func TestSeedOfABorrowerIsNotThatOfTheNext(t *testing.T) {
	for version, dsn := range map[string]string{"15": testserver.PostgresDatabase(t), "18": testserver.Postgres18Database(t)} {
		t.Run(version, func(t *testing.T) {
			seeding := []string{`do 'begin perform setseed(0.5); end'`}
			if version == "15" { // later ones do not let functions
				_, err := realtest.Open(t, "pgx", dsn).ExecContext(t.Context(), `create function seeding() returns int language sql set seed = 0.5 as 'select 1'`)
				require.NoError(t, err)
				seeding = []string{`select seeding()`}
			}
			seeded := map[string]bool{}
			for _, texts := range [][]string{
				seeding,
				{`select setseed(0.5)`},
				{`set seed = 0.5`},
				{`set session "Seed" to 0.5`},
				{`begin`, `set local seed = 0.5`, `commit`},
				{`begin`, `set local seed = 0.5`, `rollback`},
				{`select set_config('seed', '0.5', false)`},
				{`select set_config('SEED', '0.5', true)`},
				{`select set_config(lower('SEED'), '0.5', true)`},
			} {
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, nil)
				realtest.Borrow(t, db, `select 1`)
				realtest.Borrow(t, db, texts...)
				number := realtest.Scalar(t, db, `select random()`)
				assert.False(t, seeded[number], "%s: %s\n%s", texts, number, log)
				bare, err := realtest.Open(t, "pgx", dsn).Conn(t.Context())
				require.NoError(t, err)
				for _, text := range texts {
					_, err := bare.ExecContext(t.Context(), text)
					require.NoError(t, err, text)
				}
				var left sql.NullString
				require.NoError(t, bare.QueryRowContext(t.Context(), `select random()`).Scan(&left))
				assert.NotEqual(t, left.String, number, texts)
				seeded[left.String] = true
				assert.NoError(t, bare.Close())
			}
			assert.Len(t, seeded, 1, "each of them sets the same seed")
		})
	}
}
