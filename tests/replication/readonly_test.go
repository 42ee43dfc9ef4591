package pooled_test

import (
	"context"
	"database/sql/driver"
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
)

// dialled is a real connection with what the dialect knows about its sessions.
type dialled struct {
	t       *testing.T
	dialect dialect.Dialect
	server  dialect.Server
	conn    driver.Conn
}

func (d *dialled) exec(query string) error {
	d.t.Helper()
	_, err := d.conn.(driver.ExecerContext).ExecContext(d.t.Context(), query, nil)
	return err
}

// used runs statements as a borrower would, and makes the session clean again.
func (d *dialled) used(queries ...string) error {
	d.t.Helper()
	var changes dialect.Changes
	for _, query := range queries {
		require.NoError(d.t, d.exec(query), query)
		changes.Add(d.server.Sessions.Statement(query), query, 0)
	}
	pending := changes.TakePending()
	require.NoError(d.t, d.server.Sessions.Learn(d.t.Context(), d.conn, pending.Texts, false))
	changes.Settle(d.server.Sessions, pending, dialect.Undone{})
	return d.server.Sessions.Reset(d.t.Context(), d.conn, &changes, "")
}

// refuses asserts that a write is refused as such.
func (d *dialled) refuses(query string, messages ...any) {
	d.t.Helper()
	class := d.dialect.Classify(d.exec(query))
	assert.True(d.t, class.Has(dialect.WriteRefused|dialect.Application), append(messages, class)...)
	assert.False(d.t, class.Has(dialect.Dead))
}

// ways lists the ways to dial a server.
func (d *dialled) ways(t *testing.T, adopted driver.Connector) map[string]func(context.Context) driver.Conn {
	t.Helper()
	connect := func(server dialect.Server) func(context.Context) driver.Conn {
		return func(ctx context.Context) driver.Conn {
			conn, err := server.Connector.Connect(ctx)
			require.NoError(t, err)
			return conn
		}
	}
	return map[string]func(context.Context) driver.Conn{
		"connector": connect(d.server),
		"adopted":   connect(d.dialect.Adopt(adopted)),
		"socket": func(ctx context.Context) driver.Conn {
			conn, socket, err := d.server.Dial(ctx)
			require.NoError(t, err)
			require.NotNil(t, socket)
			return conn
		},
	}
}

func (d *dialled) open(t *testing.T, dial func(context.Context) driver.Conn) {
	t.Helper()
	d.t = t
	d.conn = dial(dialect.ReadOnly(t.Context()))
	t.Cleanup(func() { assert.NoError(t, d.conn.Close()) })
}

func TestReadOnlySessionsOfPostgresStayReadOnlyWhateverABorrowerDoes(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database} {
		d := &dialled{dialect: postgres.Dialect{}}
		dsn := database(t)
		var err error
		d.server, err = d.dialect.Open(dsn)
		require.NoError(t, err)
		cfg, err := pgx.ParseConfig(dsn)
		require.NoError(t, err)
		for way, dial := range d.ways(t, stdlib.GetConnector(*cfg)) {
			t.Run(name+"/"+way, func(t *testing.T) {
				d.open(t, dial)
				learn(t, d)
				d.refuses("create table t (a int)")
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
					require.NoError(t, d.used(dirty...), dirty)
					d.refuses("create table t (a int)", dirty)
					left, err := d.server.Sessions.Leftovers(t.Context(), d.conn)
					require.NoError(t, err)
					delete(left, "setting default_transaction_read_only") // of the adopted connector
					assert.Len(t, left, 2, dirty)                         // role and user
				}
			})
		}
	}
}

// learn has the catalogue read that some texts are judged by.
func learn(t *testing.T, d *dialled, texts ...string) {
	t.Helper()
	_, err := d.server.Sessions.Fresh(t.Context(), d.conn, false)
	require.NoError(t, err)
	require.NoError(t, d.server.Sessions.Learn(t.Context(), d.conn, texts, false))
}

func TestReadOnlySessionsOfMySQLStayReadOnlyWhateverABorrowerDoes(t *testing.T) {
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		readOnly := map[string]string{"MariaDB": "tx_read_only", "MySQL": "transaction_read_only"}[s.name]
		d := &dialled{dialect: mysql.Dialect{}}
		dsn := s.database(t)
		var err error
		d.server, err = d.dialect.Open(dsn)
		require.NoError(t, err)
		cfg, err := gomysql.ParseDSN(dsn)
		require.NoError(t, err)
		adopted, err := gomysql.NewConnector(cfg)
		require.NoError(t, err)
		fresh, err := d.server.Connector.Connect(t.Context()) // as the one of an endpoint that writes
		require.NoError(t, err)
		defer fresh.Close()
		for way, dial := range d.ways(t, adopted) {
			for _, first := range []string{"read-write", "read-only"} {
				t.Run(way+"/first "+first, func(t *testing.T) {
					d.open(t, dial)
					learn(t, d)
					if first == "read-write" {
						_, err := d.server.Sessions.Fresh(t.Context(), fresh, false)
						require.NoError(t, err)
					}
					d.refuses("create table t (a int)")
					before, err := d.server.Sessions.Leftovers(t.Context(), d.conn)
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
						require.NoError(t, d.used(dirty...), dirty)
						d.refuses("create table t (a int)", dirty)
						after, err := d.server.Sessions.Leftovers(t.Context(), d.conn)
						require.NoError(t, err)
						assert.Equal(t, before, after, dirty)
					}
					err = d.used("set session transaction read write", "create temporary table mine (a int)")
					assert.ErrorIs(t, err, dialect.ErrDiscard)
				})
			}
		}
		t.Run("a session that writes goes on writing", func(t *testing.T) {
			reading, err := d.server.Connector.Connect(dialect.ReadOnly(t.Context()))
			require.NoError(t, err)
			defer reading.Close()
			_, err = d.server.Sessions.Fresh(t.Context(), reading, false) // as the one of an endpoint that was a replica
			require.NoError(t, err)
			d.t, d.conn = t, fresh
			for _, dirty := range []string{"set session transaction read only", "set " + readOnly + " = 1", "set transaction isolation level serializable"} {
				require.NoError(t, d.used(dirty), dirty)
				require.NoError(t, d.exec("create table if not exists t (a int)"), dirty)
			}
		})
	})
}
