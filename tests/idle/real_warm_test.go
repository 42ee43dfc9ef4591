package idle_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// warmServers are the servers with what counts the statements that were prepared for a session of the test's.
var warmServers = []struct {
	name, driver, query, prepared string
	failures                      int // that it counts as well, of one text that cannot be prepared
	dsn                           func(testing.TB) string
}{
	{
		"PostgreSQL", "pgx", "select $1::int + 1", "select count(*) from pg_prepared_statements where statement = 'select $1::int + 1'",
		0, testserver.PostgresDatabase,
	},
	{
		"MariaDB", "mysql", "select ? + 1", "select variable_value from information_schema.session_status where variable_name = 'Com_stmt_prepare'",
		1, testserver.MariaDBDatabase,
	},
	{
		"MySQL", "mysql", "select ? + 1", "select count(*) from performance_schema.prepared_statements_instances where owner_thread_id = ps_current_thread_id()",
		0, testserver.MySQLDatabase,
	},
}

// openWarm opens a pool with an idle connection, on which the statements are prepared.
func openWarm(t *testing.T, driverName, dsn string, maxConns int, statements ...string) (*sql.DB, *pooled.Connector) {
	t.Helper()
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = driverName, dsn
	cfg.Pool.MaxConns, cfg.Pool.MinIdleConns = maxConns, 1
	db, connector := pooltest.Open(t, cfg)
	require.NoError(t, connector.Warm(t.Context(), statements...))
	return db, connector
}

func TestWarmConnectionsHaveTheMostUsedStatementsPrepared(t *testing.T) {
	for _, server := range warmServers {
		t.Run(server.name, func(t *testing.T) {
			db, connector := openWarm(t, server.driver, server.dsn(t), 2)

			// The only idle connection was dialled before anything was known of the statement.
			var got int
			require.NoError(t, db.QueryRowContext(t.Context(), server.query, 41).Scan(&got))
			require.Equal(t, 42, got)

			require.NoError(t, connector.Evict(""))
			for connector.Stats().Endpoints[0].Closed.Retired == 0 { // by the endpoint's goroutine
				require.NoError(t, connector.Warm(t.Context()))
			}
			require.NoError(t, connector.Warm(t.Context()))
			require.NoError(t, db.QueryRowContext(t.Context(), server.prepared).Scan(&got))
			assert.Equal(t, 1, got)
			require.NoError(t, db.QueryRowContext(t.Context(), server.query, 1).Scan(&got))
			assert.Equal(t, 2, got)
		})
	}
}

func TestAnnouncedStatementsArePreparedOnConnectionsThatAreIdleAlready(t *testing.T) {
	for _, server := range warmServers {
		t.Run(server.name, func(t *testing.T) {
			db, connector := openWarm(t, server.driver, server.dsn(t), 1)
			require.NoError(t, connector.Warm(t.Context(), server.query, "select from nowhere whatever"))

			var got int
			require.NoError(t, db.QueryRowContext(t.Context(), server.prepared).Scan(&got))
			assert.Equal(t, 1+server.failures, got)
			assert.EqualValues(t, 1, connector.Stats().Endpoints[0].Dials, "a text that cannot be prepared costs no connection")
		})
	}
}

func TestNothingIsPreparedWhereTheDriverIsToldNotTo(t *testing.T) {
	db, _ := openWarm(t, "pgx", testserver.PostgresDatabase(t)+"&default_query_exec_mode=exec", 1, "select 1")

	var got int
	require.NoError(t, db.QueryRowContext(t.Context(), "select count(*) from pg_prepared_statements").Scan(&got))
	assert.Zero(t, got)
}

func TestPreparedStatementsOfWarmConnectionsArePlannedAndNotRun(t *testing.T) {
	dsn := testserver.PostgresDatabase(t)
	bare := realtest.Open(t, "pgx", dsn)
	_, err := bare.ExecContext(t.Context(), "create table t (id int)")
	require.NoError(t, err)
	db, _ := openWarm(t, "pgx", dsn, 1, "insert into t values ($1) returning id", "select 1", "listen nobody")

	var statements, plans, rows, channels int
	require.NoError(t, db.QueryRowContext(t.Context(),
		"select count(*), sum(custom_plans + generic_plans), (select count(*) from t), (select count(*) from pg_listening_channels()) from pg_prepared_statements where statement ~ '^(insert|select 1|listen)'",
	).Scan(&statements, &plans, &rows, &channels))
	assert.Equal(t, 3, statements)
	assert.Equal(t, 2, plans, "LISTEN is not planned, as it leaves something")
	assert.Zero(t, rows)
	assert.Zero(t, channels)
}
