package replication_test

import (
	"testing"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/postgres"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// Open dials, and has the dialect learn about the session.

func TestReadOnlySessionsOfPostgresStayReadOnlyWhateverABorrowerDoes(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database} {
		d := &realtest.Dialled{Dialect: postgres.Dialect{}}
		dsn := database(t)
		var err error
		d.Server, err = d.Dialect.Open(dsn)
		require.NoError(t, err)
		cfg, err := pgx.ParseConfig(dsn)
		require.NoError(t, err)
		for way, dial := range d.Ways(t, stdlib.GetConnector(*cfg)) {
			t.Run(name+"/"+way, func(t *testing.T) {
				d.Open(t, dial)
				realtest.Learn(t, d)
				d.Refuses("create table t (a int)")
				for _, dirty := range [][]string{
					{"set default_transaction_read_only = off"},
					{"set session characteristics as transaction read write, isolation level serializable"},
					{"begin read write", "set default_transaction_read_only = off"},
					{"set default_transaction_read_only = off", "create temporary table mine (a int)", "create temporary sequence numbers", "select nextval('numbers')"},
					{"select set_config('default_transaction_read_only', 'off', false)"},
					{"do $$ begin set default_transaction_read_only = off; end $$"},
					{"reset all"},
					{"prepare p as select 1", "declare c cursor with hold for select 1", "select pg_advisory_lock(1)", "set work_mem = '8MB'"},
				} {
					require.NoError(t, d.Used(dirty...), dirty)
					d.Refuses("create table t (a int)", dirty)
					left, err := d.Server.Sessions.Leftovers(t.Context(), d.Conn)
					require.NoError(t, err)
					delete(left, "setting default_transaction_read_only") // of the adopted connector
					assert.Len(t, left, 2, dirty)                         // role and user
				}
			})
		}
	}
}

func TestReadOnlySessionsOfMySQLStayReadOnlyWhateverABorrowerDoes(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		readOnly := map[string]string{"MariaDB": "tx_read_only", "MySQL": "transaction_read_only"}[s.Name]
		d := &realtest.Dialled{Dialect: mysql.Dialect{}}
		dsn := s.Database(t)
		var err error
		d.Server, err = d.Dialect.Open(dsn)
		require.NoError(t, err)
		cfg, err := gomysql.ParseDSN(dsn)
		require.NoError(t, err)
		adopted, err := gomysql.NewConnector(cfg)
		require.NoError(t, err)
		fresh, err := d.Server.Connector.Connect(t.Context()) // as the one of an endpoint that writes
		require.NoError(t, err)
		defer fresh.Close()
		for way, dial := range d.Ways(t, adopted) {
			for _, first := range []string{"read-write", "read-only"} {
				t.Run(way+"/first "+first, func(t *testing.T) {
					d.Open(t, dial)
					realtest.Learn(t, d)
					if first == "read-write" {
						_, err := d.Server.Sessions.Baseline(t.Context(), fresh, false)
						require.NoError(t, err)
					}
					d.Refuses("create table t (a int)")
					before, err := d.Server.Sessions.Leftovers(t.Context(), d.Conn)
					require.NoError(t, err)
					for _, dirty := range [][]string{
						{"set session transaction read write"},
						{"set session transaction isolation level serializable, read write"},
						{"set transaction read write"},
						{"set " + readOnly + " = 0"},
						{"set @@session." + readOnly + " = off, sql_mode = ''"},
						{"set sql_mode = ''", "set @v = 1", "do get_lock('mine', 0)"},
						{"start transaction read write"},
						{"use information_schema"},
						{"prepare p from 'select 1'", "set autocommit = 0"},
					} {
						require.NoError(t, d.Used(dirty...), dirty)
						d.Refuses("create table t (a int)", dirty)
						after, err := d.Server.Sessions.Leftovers(t.Context(), d.Conn)
						require.NoError(t, err)
						assert.Equal(t, before, after, dirty)
					}
					err = d.Used("set session transaction read write", "create temporary table mine (a int)")
					assert.ErrorIs(t, err, dialect.ErrDiscard)
				})
			}
		}
		t.Run("a session that writes goes on writing", func(t *testing.T) {
			reading, err := d.Server.Connector.Connect(dialect.ReadOnly(t.Context()))
			require.NoError(t, err)
			defer reading.Close()
			_, err = d.Server.Sessions.Baseline(t.Context(), reading, false) // as the one of an endpoint that was a replica
			require.NoError(t, err)
			d.T, d.Conn = t, fresh
			for _, dirty := range []string{"set session transaction read only", "set " + readOnly + " = 1", "set transaction isolation level serializable"} {
				require.NoError(t, d.Used(dirty), dirty)
				require.NoError(t, d.Exec("create table if not exists t (a int)"), dirty)
			}
		})
	})
}
