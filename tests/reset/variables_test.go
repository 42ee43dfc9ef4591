package reset_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// sessionVariable is a variable that a session may set, as the server describes it.
type sessionVariable struct{ name, kind, least, most, values string }

// enough is how many values each variable is set to.
const enough = 4

// candidates are values to set a variable to. The server refuses many of them.
func (v sessionVariable) candidates() []string {
	some := []string{"default"}
	for _, limit := range []string{v.least, v.most} {
		if limit != "" && strings.Trim(limit, "-0123456789") == "" {
			some = append(some, limit)
		}
	}
	for value := range strings.SplitSeq(v.values, ",") {
		if value != "" {
			some = append(some, "'"+value+"'")
		}
	}
	if strings.EqualFold(v.kind, "string") || strings.EqualFold(v.kind, "varchar") || strings.Contains(v.name, "char") || strings.Contains(v.name, "coll") {
		for _, text := range []string{"", "x", "latin1", "binary", "latin1_bin", "utf8mb4_bin", "+05:00", "de_DE", "memory", "automatic", "anonymous", "time_zone"} {
			some = append(some, "'"+text+"'")
		}
		some = append(some, "null")
	}
	return append(some, "0", "1", "2", "3", "4096")
}

// Whatever a borrower sets a variable to, the next one has what a fresh session has, in all variables: one may change with another.
func testEveryVariableIsSetBack(t *testing.T, s realtest.MySQLServer, closed []string) {
	cfg, err := mysql.ParseDSN(s.Database(t))
	require.NoError(t, err)
	cfg.Collation = "utf8mb4_unicode_ci"
	cfg.Params = map[string]string{
		"group_concat_max_len": "2048", "long_query_time": "12.5", "sql_big_selects": "0", "character_set_results": "null", "foreign_key_checks": "0",
		"sql_mode": "'ANSI'", "lc_time_names": "'de_DE'",
	}
	bare := realtest.Open(t, "mysql", cfg.FormatDSN())
	variables := sessionVariables(t, bare, s)
	bare.SetMaxIdleConns(0) // a new connection each time
	want := freshVariables(t, bare)
	db, log := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: cfg.FormatDSN()}, func(c *pooled.Config) { c.Reset.Audit = 0 })
	realtest.Scalar(t, db, "select 1") // the catalogue is read after it
	var costly []string
	changed := 0
	for _, v := range variables {
		accepted := 0
		for _, value := range v.candidates() {
			if accepted == enough {
				break
			}
			before := resettest.Resets(t, db)
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), fmt.Sprintf("set session %s = %s", v.name, value))
			_ = conn.Close()
			if err != nil {
				realtest.Scalar(t, db, "select 1") // when the connection has paid for it
				continue
			}
			accepted++
			changed++
			got := freshVariables(t, db)
			if !assert.Empty(t, resettest.Differences(want, got), "set %s = %s\n%s", v.name, value, log) {
				return
			}
			if after := resettest.Resets(t, db); after.Discards != before.Discards && !slices.Contains(costly, v.name) {
				costly = append(costly, v.name)
			}
		}
	}
	t.Logf("%d of %d variables, %d values", len(variables), len(want), changed)
	slices.Sort(costly)
	assert.Equal(t, closed, costly, "what can only be undone by closing the connection\n%s", log)
}

func freshVariables(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "show session variables where variable_name not in ("+resettest.MovingVariables+")")
	require.NoError(t, err)
	all := map[string]string{}
	for rows.Next() {
		var name, value string
		require.NoError(t, rows.Scan(&name, &value))
		all[name] = value
	}
	require.NoError(t, rows.Err())
	return all
}

// describeVariables lists the variables of sessions, whose values are the last column.
var describeVariables = map[string]string{
	// MySQL 9.7.4 can crash when it is told to set those that cannot be set.
	"MySQL": `select variable_name, data_type, min_value, max_value, '' from performance_schema.variables_metadata where variable_scope in ('SESSION', 'SESSION_ONLY')
		and variable_name not in ('error_count', 'warning_count', 'statement_id') order by 1`,
	// Two of MariaDB's are those of a replica, whatever is said of them.
	"MariaDB": `select variable_name, variable_type, coalesce(numeric_min_value, ''), coalesce(numeric_max_value, ''), coalesce(enum_value_list, '')
		from information_schema.system_variables where variable_scope in ('SESSION', 'SESSION ONLY') and read_only = 'NO'
		and variable_name not in ('max_relay_log_size', 'sql_slave_skip_counter') order by 1`,
}

func sessionVariables(t *testing.T, db *sql.DB, s realtest.MySQLServer) (all []sessionVariable) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), describeVariables[s.Name])
	require.NoError(t, err)
	for rows.Next() {
		var v sessionVariable
		require.NoError(t, rows.Scan(&v.name, &v.kind, &v.least, &v.most, &v.values))
		v.name = strings.ToLower(v.name)
		all = append(all, v)
	}
	require.NoError(t, rows.Err())
	return all
}

func TestEveryVariableIsSetBack(t *testing.T) {
	t.Parallel()
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		closed := []string{
			"character_set_client", // one of those whose characters may hide a quote
			"identity", "insert_id", "last_insert_id", "optimizer_trace", "profiling", "profiling_history_size", "pseudo_thread_id", "rand_seed1", "rand_seed2",
		}
		if s.Name == "MariaDB" {
			closed = append(closed, "system_versioning_asof") // which reads as DEFAULT, and cannot be set to that
		}
		testEveryVariableIsSetBack(t, s, closed)
	})
}
