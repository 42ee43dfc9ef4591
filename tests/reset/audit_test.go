package reset_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// auditedWork leaves and undoes a bit of everything. The same texts go to each server.
var auditedWork = [][]string{
	{`select 1`},
	{`select 1`, `select count(*) from audited`},
	{`insert into audited (name) values ('a')`, `update audited set name = 'b'`},
	{`create temporary table scratch (id int)`, `insert into scratch values (1)`},
	{`begin`, `insert into audited (name) values ('c')`},
	{`begin`, `insert into audited (name) values ('d')`, `commit`},
	{`prepare p from 'select 1'`},
	{`set @tenant = 7`},
	{`set time_zone = '+09:00'`, `set names latin1`},
	{`set time zone 'Asia/Tokyo'`},
	{`select get_lock('audited', 0)`},
	{`select pg_advisory_lock(7)`},
	{`prepare p as select 1`, `listen audited`},
	{`do 0`},
}

func auditedServers(t *testing.T) map[string]resettest.Family {
	return map[string]resettest.Family{
		"PostgreSQL 15": {Driver: "pgx", DSN: testserver.PostgresDatabase(t)},
		"PostgreSQL 18": {Driver: "pgx", DSN: testserver.Postgres18Database(t)},
		"MariaDB":       {Driver: "mysql", DSN: testserver.MariaDBDatabase(t)},
		"MySQL":         {Driver: "mysql", DSN: testserver.MySQLDatabase(t)},
	}
}

// An audit compares a session with another one, dialled earlier, on a server that is in use.
func TestAuditTellsNoFalseAlarm(t *testing.T) {
	t.Parallel()
	for name, f := range auditedServers(t) {
		t.Run(name, func(t *testing.T) {
			bare := realtest.Open(t, f.Driver, f.DSN)
			_, err := bare.ExecContext(t.Context(), `create table audited (id serial, name varchar(100))`)
			require.NoError(t, err)
			db, log := resettest.OpenForReset(t, f, func(c *pooled.Config) { c.Pool.MaxConns = 3 })
			var work sync.WaitGroup
			for range 3 {
				work.Go(func() {
					for range 3 {
						for _, texts := range auditedWork {
							conn, err := db.Conn(t.Context())
							if !assert.NoError(t, err) {
								return
							}
							for _, text := range texts {
								_, _ = conn.ExecContext(t.Context(), text) // what the server does not know is no work
							}
							assert.NoError(t, conn.Close())
						}
					}
				})
			}
			work.Wait()
			require.NoError(t, db.Close()) // waits for the resets
			assert.Positive(t, resettest.Resets(t, db).Resets)
			assert.Positive(t, resettest.Resets(t, db).Clean)
			assert.Zero(t, resettest.Resets(t, db).AuditFailures, log)
		})
	}
}

func TestAuditTellsOfATransactionThatIsOpen(t *testing.T) {
	for name, dsn := range map[string]string{"MariaDB": testserver.MariaDB(t), "MySQL": testserver.MySQL(t)} {
		t.Run(name, func(t *testing.T) {
			server, err := mysql.Dialect{}.Open(dsn)
			require.NoError(t, err)
			conn, err := server.Connector.Connect(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			before, err := server.Sessions.Leftovers(t.Context(), conn)
			require.NoError(t, err)
			_, err = conn.(driver.ExecerContext).ExecContext(t.Context(), "start transaction with consistent snapshot", nil)
			require.NoError(t, err)
			after, err := server.Sessions.Leftovers(t.Context(), conn)
			require.NoError(t, err)
			assert.NotEmpty(t, resettest.Differences(before, after))
		})
	}
}

// secretly are changes of a session that neither its statements nor the catalogue show, as far as the pool has read it. A setting of the program's own
// would be none for PostgreSQL, which lists only those that it knows.
var secretly = map[string]struct {
	sql      string
	leftover string   // what the audit calls it
	trigger  []string // does the same
}{
	"pgx": {
		`select set_config('application_name', 'Bob', false)`, "setting application_name", []string{
			`create function set_name() returns trigger language plpgsql as $$ begin perform set_config('application_name', 'Bob', false); return new; end $$`,
			`create trigger audited before insert on audited for each row execute function set_name()`,
		},
	},
	"mysql": {`set @tenant = 'Bob'`, "user variable tenant", []string{`create trigger audited before insert on audited for each row set @tenant = 'Bob'`}},
}

// settledResets is what was counted when nothing is in the background any more. The DB has one permit.
func settledResets(t *testing.T, db *sql.DB) stats.Reset {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.PingContext(t.Context()))
	return resettest.Resets(t, db)
}

// requireReported has borrowers run these statements, and fails unless the audit has found out each time.
func requireReported(t *testing.T, db *sql.DB, log *pooltest.LogBuffer, leftover string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		_, err := db.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	found := settledResets(t, db)
	assert.EqualValues(t, len(texts), found.AuditFailures, log)
	assert.EqualValues(t, len(texts), found.Discards.Unclean)
	assert.Contains(t, log.String(), "judged clean")
	assert.Contains(t, log.String(), `leftovers="[`+leftover+`]"`)
	assert.NotContains(t, log.String(), "Bob")
}

func TestAuditTellsOfAMiddlewareThatChangesSessionsUnseen(t *testing.T) {
	for name, f := range auditedServers(t) {
		t.Run(name, func(t *testing.T) {
			secret := secretly[f.Driver]
			db, log := resettest.OpenForReset(t, f, nil, pooled.Middleware{Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
				return func(ctx context.Context, a *middleware.Acquisition) error {
					if err := next(ctx, a); err != nil {
						return err
					}
					_, err := a.Conn.Real().(driver.ExecerContext).ExecContext(ctx, secret.sql, nil)
					return err
				}
			}})
			requireReported(t, db, log, secret.leftover, "select 1", "select 2")
		})
	}
}

func TestAuditTellsOfATriggerThatTheCatalogueDidNotHave(t *testing.T) {
	for name, f := range auditedServers(t) {
		t.Run(name, func(t *testing.T) {
			secret := secretly[f.Driver]
			other := realtest.Open(t, f.Driver, f.DSN)
			_, err := other.ExecContext(t.Context(), `create table audited (id serial, name varchar(100))`)
			require.NoError(t, err)
			db, log := resettest.OpenForReset(t, f, nil)
			const insert = `insert into audited (name) values ('a')`
			for range 3 { // the catalogue is known then
				_, err := db.ExecContext(t.Context(), insert)
				require.NoError(t, err)
			}
			require.Zero(t, settledResets(t, db).AuditFailures, log)
			for _, text := range secret.trigger {
				_, err := other.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			requireReported(t, db, log, secret.leftover, insert, insert)
		})
	}
}
