package tracing_test

import (
	"database/sql"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// commentServers are the servers, each with a query that returns its own text as the server has it, and one that tells how many statements were
// prepared on its connection, of the test's at least.
var commentServers = []struct {
	name, self, prepared string
	text                 string // with an argument
	dsn                  func(testing.TB) string
}{
	{
		"PostgreSQL", "select current_query()", `select count(*) from pg_prepared_statements where statement ~ '^select (1 \+ 1 \+ )?\$1'`,
		"select $1::int + 1", testserver.PostgresDatabase,
	},
	{
		"MariaDB", "select info from information_schema.processlist where id = connection_id()",
		"select variable_value from information_schema.session_status where variable_name = 'Com_stmt_prepare'", "select ? + 1", testserver.MariaDBDatabase,
	},
	{
		"MySQL", "select info from information_schema.processlist where id = connection_id()",
		"select count(*) from performance_schema.prepared_statements_instances where owner_thread_id = ps_current_thread_id()", "select ? + 1", testserver.MySQLDatabase,
	},
}

// tracedDB opens a DB on one server connection, with a comment on each statement and a tracer that samples all of them.
func tracedDB(t *testing.T, dsn string, mode policy.SQLCommenterMode) *sql.DB {
	t.Helper()
	return realtest.OpenWith(t, dsn, func(c *pooled.Config) {
		commented(mode)(c)
		c.Tracing.TracerProvider = sdktrace.NewTracerProvider()
	})
}

func scanText(t *testing.T, db *sql.DB, query string, args ...any) (text string) {
	t.Helper()
	require.NoError(t, db.QueryRowContext(t.Context(), query, args...).Scan(&text))
	return text
}

func TestRealServersSeeTheComment(t *testing.T) {
	for _, server := range commentServers {
		t.Run(server.name, func(t *testing.T) {
			db := tracedDB(t, server.dsn(t), policy.SQLCommenterStatic)
			assert.Equal(t, server.self+ofShop, scanText(t, db, server.self))
			assert.Equal(t, server.self+" /* mine */", scanText(t, db, server.self+" /* mine */"))
			st, err := db.PrepareContext(t.Context(), server.self)
			require.NoError(t, err)
			defer st.Close()
			var text string
			require.NoError(t, st.QueryRowContext(t.Context()).Scan(&text))
			assert.Equal(t, server.self+ofShop, text)
		})
	}
}

// interpolating is a DSN of go-sql-driver's with arguments written into the text, if that is not longer than a packet may be.
func interpolating(t *testing.T, dsn string, packet int) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	cfg.InterpolateParams, cfg.MaxAllowedPacket = true, packet
	return cfg.FormatDSN()
}

func TestRealServersSeeTheTraceWhereTextsAreSent(t *testing.T) {
	postgres, mariadb, my := commentServers[0], commentServers[1], commentServers[2]
	const argument = " and 1 = ?"
	for _, tc := range []struct {
		name, dsn, query string
		args             []any
		untraced         string // what the server sees of it; empty: a text with the trace
	}{
		{"pgx", postgres.dsn(t), postgres.self, nil, postgres.self},
		{"pgx by descriptions", postgres.dsn(t) + "&default_query_exec_mode=cache_describe", postgres.self, nil, postgres.self},
		{"pgx by describe_exec", postgres.dsn(t) + "&default_query_exec_mode=describe_exec", postgres.self, nil, ""},
		{"pgx by exec", postgres.dsn(t) + "&default_query_exec_mode=exec", postgres.self, nil, ""},
		{"pgx by simple protocol", postgres.dsn(t) + "&default_query_exec_mode=simple_protocol", postgres.self, nil, ""},
		{"pgx by option", postgres.dsn(t), postgres.self, []any{pgx.QueryExecModeExec}, ""},
		{"MariaDB", mariadb.dsn(t), mariadb.self, nil, ""},
		{"MariaDB with arguments", mariadb.dsn(t), mariadb.self + argument, []any{1}, mariadb.self + argument},
		{"MariaDB with arguments in the text", interpolating(t, mariadb.dsn(t), 1<<20), mariadb.self + argument, []any{1}, ""},
		{"MySQL", my.dsn(t), my.self, nil, ""},
		{"MySQL with arguments", my.dsn(t), my.self + argument, []any{1}, my.self + " and 1 = 1"},
		{"MySQL with arguments in the text", interpolating(t, my.dsn(t), 1<<20), my.self + argument, []any{1}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			db := tracedDB(t, tc.dsn, policy.SQLCommenterTrace)
			first, second := scanText(t, db, tc.query, tc.args...), scanText(t, db, tc.query, tc.args...)
			if tc.untraced == "" {
				assert.Regexp(t, ` /\*application='shop',traceparent='00-[0-9a-f]{32}-[0-9a-f]{16}-01'\*/$`, first)
				assert.NotEqual(t, first, second)
			} else {
				assert.Equal(t, tc.untraced+ofShop, first)
				assert.Equal(t, first, second)
			}
		})
	}
}

// What is prepared, by the driver, by pooled's cache, for an *sql.Stmt or in advance, is prepared once.
func TestRealCommentsDefeatNoPreparedStatement(t *testing.T) {
	for _, server := range commentServers {
		for name, mode := range map[string]policy.SQLCommenterMode{
			"off": policy.SQLCommenterOff, "static": policy.SQLCommenterStatic, "trace": policy.SQLCommenterTrace,
		} {
			t.Run(server.name+" "+name, func(t *testing.T) {
				cfg, err := pooled.ParseDSN(server.dsn(t))
				require.NoError(t, err)
				cfg.Pool.MaxConns, cfg.Pool.MinIdleConns = 1, 1
				commented(mode)(&cfg)
				cfg.Tracing.TracerProvider = sdktrace.NewTracerProvider()
				connector, err := pooled.NewConnector(cfg)
				require.NoError(t, err)
				db := sql.OpenDB(connector)
				defer db.Close()
				prepared := func() int {
					n, err := strconv.Atoi(scanText(t, db, server.prepared))
					require.NoError(t, err)
					return n
				}
				require.NoError(t, connector.Warm(t.Context()))
				require.NoError(t, connector.Warm(t.Context(), server.text))
				require.Equal(t, 1, prepared(), "what was announced")
				for i := range 5 {
					i++ // 0 is of a kind of its own
					assert.Equal(t, strconv.Itoa(i+1), scanText(t, db, server.text, i))
					st, err := db.PrepareContext(t.Context(), server.text)
					require.NoError(t, err)
					var text string
					require.NoError(t, st.QueryRowContext(t.Context(), i).Scan(&text))
					require.NoError(t, st.Close())
				}
				assert.Equal(t, 1, prepared(), "what was announced is what is sent")

				for i := range 5 {
					i++ // 0 is of a kind of its own
					scanText(t, db, "select 1 + 1 + "+strings.TrimPrefix(server.text, "select "), i)
				}
				assert.Equal(t, 2, prepared(), "what was not is prepared by its first use")

				require.NoError(t, connector.Evict(""))
				for connector.Stats().Endpoints[0].Closed.Retired == 0 { // by the endpoint's goroutine
					require.NoError(t, connector.Warm(t.Context()))
				}
				require.NoError(t, connector.Warm(t.Context()))
				assert.Equal(t, 2, prepared(), "what was used most")
				scanText(t, db, server.text, 1)
				assert.Equal(t, 2, prepared(), "what was used most is what is sent")
			})
		}
	}
}

// Arguments that are too large for go-sql-driver to write them into the text have the statement prepared.
func TestRealTextsWithATraceAreNotPreparedWhereArgumentsAreNotInterpolated(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := tracedDB(t, interpolating(t, s.Database(t), 1<<10), policy.SQLCommenterTrace)
		for range 5 {
			assert.Equal(t, "2000", scanText(t, db, "select length(?)", strings.Repeat("x", 2000)))
		}
		prepares, executes, _ := realtest.Prepared(t, db)
		assert.Equal(t, []int{1, 5}, []int{prepares, executes})
	})
}

// A text that was prepared is found by pgx also where the call would not prepare it.
func TestRealExecFindsThePreparedStatementOfItsText(t *testing.T) {
	db := realtest.OpenWith(t, testserver.PostgresDatabase(t), func(c *pooled.Config) {
		commented(policy.SQLCommenterTrace)(c)
		c.Tracing.TracerProvider = sdktrace.NewTracerProvider()
		c.Pool.MaxConns = 1 // it is prepared on that connection
	})
	_, err := db.ExecContext(t.Context(), "create table t (a text)")
	require.NoError(t, err)
	const ran = "select coalesce(sum(generic_plans + custom_plans), 0) from pg_prepared_statements where statement = $1"
	assert.Equal(t, "0", scanText(t, db, ran, "")) // from now on it is known what that does
	const text = "insert into t values (current_query())"
	st, err := db.PrepareContext(t.Context(), text)
	require.NoError(t, err)
	defer st.Close()
	for range 3 {
		_, err := db.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	assert.Equal(t, "3", scanText(t, db, ran, text+ofShop))
	assert.Equal(t, "3", scanText(t, db, "select count(*) from t where a = $1", text+ofShop))
}

// Reset judges the caller's text, however that reaches the server.
func TestRealCommentsChangeNothingOfWhatIsKnownOfAStatement(t *testing.T) {
	for _, tc := range []struct {
		name, set, show, want string
		dsn                   func(testing.TB) string
	}{
		{"PostgreSQL", "set lock_timeout = 4321", "show lock_timeout", "0", testserver.PostgresDatabase},
		{"MariaDB", "set lock_wait_timeout = 4321", "select @@lock_wait_timeout = @@global.lock_wait_timeout", "1", testserver.MariaDBDatabase},
		{"MySQL", "set lock_wait_timeout = 4321", "select @@lock_wait_timeout = @@global.lock_wait_timeout", "1", testserver.MySQLDatabase},
	} {
		t.Run(tc.name, func(t *testing.T) {
			resets := map[policy.SQLCommenterMode]stats.Reset{}
			for _, mode := range []policy.SQLCommenterMode{policy.SQLCommenterOff, policy.SQLCommenterStatic, policy.SQLCommenterTrace} {
				db := tracedDB(t, tc.dsn(t), mode)
				connector, ok := pooled.From(db)
				require.True(t, ok)
				for range 2 {
					_, err := db.ExecContext(t.Context(), tc.set)
					require.NoError(t, err)
					require.Equal(t, tc.want, scanText(t, db, tc.show))
					st, err := db.PrepareContext(t.Context(), tc.set)
					require.NoError(t, err)
					_, err = st.ExecContext(t.Context())
					require.NoError(t, err)
					require.NoError(t, st.Close())
					require.Equal(t, tc.want, scanText(t, db, tc.show))
				}
				for range 5 { // reads leave nothing
					require.Equal(t, "1", scanText(t, db, "select 1"))
				}
				end := connector.Stats().Endpoints[0]
				require.EqualValues(t, 1, end.Dials)
				resets[mode] = *end.Reset
			}
			assert.GreaterOrEqual(t, resets[policy.SQLCommenterOff].Resets, uint64(4))
			assert.Equal(t, resets[policy.SQLCommenterOff], resets[policy.SQLCommenterStatic])
			assert.Equal(t, resets[policy.SQLCommenterOff], resets[policy.SQLCommenterTrace])
		})
	}
}
