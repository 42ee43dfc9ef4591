package pooled_test

import (
	"database/sql/driver"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/mysql"
)

// auditedWork leaves and undoes a bit of everything. The same texts go to each server.
var auditedWork = [][]string{
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

// An audit compares a session with another one, dialled earlier, on a server that is in use.
func TestAuditTellsNoFalseAlarm(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]family{
		"PostgreSQL 15": {driver: "pgx", dsn: testserver.PostgresDatabase(t)},
		"PostgreSQL 18": {driver: "pgx", dsn: testserver.Postgres18Database(t)},
		"MariaDB":       {driver: "mysql", dsn: testserver.MariaDBDatabase(t)},
		"MySQL":         {driver: "mysql", dsn: testserver.MySQLDatabase(t)},
	} {
		t.Run(name, func(t *testing.T) {
			bare := openReal(t, f.driver, f.dsn)
			_, err := bare.ExecContext(t.Context(), `create table audited (id serial, name varchar(100))`)
			require.NoError(t, err)
			db, log := openForReset(t, f, func(c *pooled.Config) { c.Pool.MaxConns = 3 })
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
			assert.Positive(t, resets(t, db).Resets)
			assert.Zero(t, resets(t, db).AuditFailures, log)
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
			assert.NotEmpty(t, differences(before, after))
		})
	}
}
