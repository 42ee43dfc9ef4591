package statements_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// statementLanguage is what the programs say. $A and $B stand for the two databases or schemas, ? for arguments.
type statementLanguage struct {
	driver                       string
	reads, writes, settings, ddl []string
	schema                       []string // in each of them; %d is its number
	tables                       []string
	// then is what a program runs after it has set anything. PostgreSQL's prepared statements keep what was set before, with a bare driver too, until
	// something has the server read them anew.
	then string
}

// statementServers have a language, and two databases for each side; of PostgreSQL one, with two schemas.
var statementServers = map[string]struct {
	*statementLanguage
	side func(t *testing.T, driverName string) *statementSide
}{
	"MariaDB":       {statementMySQL, mysqlSide(testserver.MariaDBDatabase)},
	"MySQL":         {statementMySQL, mysqlSide(testserver.MySQLDatabase)},
	"PostgreSQL 15": {statementPostgres, postgresSide(testserver.PostgresDatabase)},
	"PostgreSQL 18": {statementPostgres, postgresSide(testserver.Postgres18Database)},
}

var statementMySQL = &statementLanguage{
	driver: "mysql",
	reads: []string{
		"select ?", "select ? + 0", "select -?", "select concat(?, 'x')", "select json_object('z', ?)", "select coalesce(?, 'abc')", "select coalesce(?, ?)", "select ? <=> 7",
		"select ? in (1, '7', ?)", "select greatest(?, 5)", "select round(?, 1)", "select hex(?)", "select ? union all select 'abcdefghij'", "select date_add(?, interval 1 day)",
		"select cast(? as char), ?", "select count(*) from t where v = ?", "select count(*) from t where i = ? or da >= ?", "select id, v, i, n, d, da, f from t where id % 5 = ? order by id limit 20",
		"select max(v) from t where n > ?", "select coalesce(da, ?) from t order by id limit 3", "select count(*) from u where v = ?", "select \"q\", ?", `select 'a\\b', ?`, "select 'ü', ?", "select 'A' = 'a', ?",
		"select 1 || 0, ?", "select week('2024-01-01'), ?", "select 1/3, ?", "select length(group_concat(v)), ? from t", "select dayname('2024-01-01'), ?", "select count(*) from tmp where a = ?", "select @v, ?", "select * from w where v = ? limit 2",
	},
	writes: []string{
		"insert into t (v) values (?)", "insert into t (i) values (?)", "insert into t (n, f) values (?, ?)", "insert into t (d, da) values (?, ?)", "insert into t (v, i) select ?, 3",
		"insert into t (v) values (concat(?, ''))", "insert into t (v) values (json_object('zip', ?))", "update t set v = ? where id % 7 = ?", "delete from t where id % 31 = ?", "insert into u (v) values (?)",
		"insert into t (v) select coalesce(?, v) from t order by id limit 1", "insert into tmp (a) values (?)", "insert into t (v) values (@v), (?)", "replace into u (id, v) values (1, ?)",
	},
	settings: []string{
		"use $B", "use $A", "use `$B`", "set names latin1", "set names utf8mb4", "set names utf8mb4 collate utf8mb4_bin", "set sql_mode = 'ANSI_QUOTES'", "set sql_mode = ''", "set sql_mode = 'NO_BACKSLASH_ESCAPES'",
		"set sql_mode = 'PIPES_AS_CONCAT'", "set @v = 7", "set @v = '007'", "set @v = 1.5", "set @v = null", "set time_zone = '+05:00'", "set default_week_format = 3", "set div_precision_increment = 8", "set group_concat_max_len = 8",
		"set lc_time_names = 'de_DE'", "set collation_connection = utf8mb4_bin", "set autocommit = 1", "set foreign_key_checks = 0", "set sql_select_limit = 2", "set sql_select_limit = default", "set big_tables = 0",
	},
	ddl: []string{
		"create temporary table tmp (a varchar(20))", "create temporary table tmp (a int)", "drop temporary table if exists tmp", "alter table u modify v varchar(50)", "alter table u modify v int", "alter table u modify v datetime",
		"create or replace view w as select id, v from t", "create or replace view w as select v, id from u", "create temporary table t (id int auto_increment primary key, v int)", "drop temporary table if exists t",
	},
	schema: []string{
		"create table t (id int auto_increment primary key, v varchar(100), i int, n decimal(20,4), f double, d datetime(6), da date)",
		"create table u (id int auto_increment primary key, v int)",
		"create view w as select id, v from t",
		"insert into t (v, i, n, f, d, da) values ('%d', 7, 1.5, 2.5, '2024-01-02 03:04:05', '2024-01-02'), ('abc', 0, 0, 0, null, null)",
		"insert into u (v) values (%d), (7)",
	},
	tables: []string{"t", "u"},
}

// Types of columns do not change here: the driver of PostgreSQL keeps those of arguments by itself. Nor do tables come and go: whether Prepare tells it or
// the first call, the transaction has failed.
var statementPostgres = &statementLanguage{
	driver: "pgx",
	reads: []string{
		"select ?::text", "select ?::int + 1", "select coalesce(?, 'abc')", "select ?::numeric, '1.10'::numeric", "select '2024-01-02'::timestamptz, ?::text", "select '2024-01-02 03:04'::timestamptz::text, ?::text",
		"select extract(epoch from '2024-01-02'::timestamptz), ?::text", "select '01/02/2024'::date, ?::text", "select ('01/02/2024'::date)::text, ?::text", "select '-1 2:03:04'::interval::text, ?::text", "select '\\x61ff'::bytea::text, ?::text",
		"select (0.1::float8 / 3)::text, ?::text", "select array_to_string('{NULL,x}'::text[], ','), ?::text", "select (a = null) is null, ?::text from (values (1)) x(a)", "select 'a\\b', ?::text", "select '1,5'::text, to_char(1.5, '9D9'), ?::text",
		"select count(*) from t where v = ?", "select count(*) from t where i = ? or da >= '01/02/2024'", "select id, v, i, n, d, da, f from t where id % 5 = ? order by id limit 20", "select max(v) from t where n > ?",
		"select d::text, ?::text from t where d > '2024-01-02' order by id limit 3", "select * from w where v = ? order by id limit 2", "select coalesce(current_setting('app.tenant', true), ''), ?::text", "select current_schema(), ?::text",
	},
	writes: []string{
		"insert into t (v) values (?)", "insert into t (i) values (?)", "insert into t (n, f) values (?, ?)", "insert into t (d, da) values ('2024-01-02 03:04', '01/02/2024')", "insert into t (v, i) select ?, 3", "insert into t (v) values (('2024-01-02'::timestamptz)::text)",
		"update t set v = ? where id % 7 = ?", "delete from t where id % 31 = ?", "insert into t (v) select coalesce(?, v) from t order by id limit 1", "insert into t (iv) values ('-1 2:03:04') returning iv::text", "insert into t (v) values ('a\\b')",
	},
	settings: []string{
		"set search_path = $B", "set search_path = $A", "set timezone = 'Asia/Tokyo'", "set local time zone 'America/New_York'", "set session time zone interval '-08:00' hour to minute", "select set_config('TimeZone', 'Asia/Tokyo', true)", "select set_config('datestyle', 'german', false)",
		"set datestyle = 'DMY'", "set local datestyle = 'german'", "set intervalstyle = 'sql_standard'", "set bytea_output = escape", "set extra_float_digits = -5", "set array_nulls = off", "set local transform_null_equals = on", "set \"TimeZone\" = 'Asia/Tokyo'",
		"set app.tenant = '7'", "set local app.tenant = '8'", "reset timezone", "reset all", "begin", "commit", "do $$ begin set timezone = 'Asia/Tokyo'; end $$", "do $$ begin perform set_config('datestyle', 'german', true); end $$",
	},
	ddl: []string{
		"create or replace view w as select id, v from t", "create or replace view w as select id, v from t where d > '2024-01-02'", "create index if not exists ti on t (d)", "drop index if exists ti", "analyze t",
	},
	schema: []string{
		// Autovacuum would have the server read statements anew at some moment, and so under what is set then.
		"create table t (id int generated always as identity primary key, v text, i int, n numeric, f float8, d timestamptz, da date, iv interval) with (autovacuum_enabled = off)",
		"create view w as select id, v from t",
		"insert into t (v, i, n, f, d, da) values ('%d', 7, 1.5, 2.5, '2024-01-02 03:04:05', '2024-01-02'), ('abc', 0, 0, 0, null, null)",
	},
	tables: []string{"t"}, then: "discard plans",
}

// mysqlSide makes two databases.
func mysqlSide(database func(testing.TB) string) func(*testing.T, string) *statementSide {
	return func(t *testing.T, driverName string) *statementSide {
		side := &statementSide{text: func(text string) string { return text }}
		var dsn string
		for i := range side.places {
			dsn = database(t)
			cfg, err := mysql.ParseDSN(dsn)
			require.NoError(t, err)
			side.places[i] = cfg.DBName
			statementMySQL.lay(t, dsn, i)
			if i == 0 {
				side.db = realtest.Open(t, driverName, dsn)
			}
		}
		return side
	}
}

// postgresSide makes two schemas.
func postgresSide(database func(testing.TB) string) func(*testing.T, string) *statementSide {
	return func(t *testing.T, driverName string) *statementSide {
		dsn := database(t)
		side := &statementSide{places: [2]string{"public", "tenant_b"}, text: numbered}
		for i, schema := range side.places {
			statementPostgres.lay(t, dsn, i, "create schema if not exists "+schema, "set search_path = "+schema)
		}
		side.db = realtest.Open(t, driverName, dsn)
		return side
	}
}

// numbered writes arguments as PostgreSQL does.
func numbered(text string) string {
	for n := 1; strings.Contains(text, "?"); n++ {
		text = strings.Replace(text, "?", fmt.Sprint("$", n), 1)
	}
	return text
}

// lay makes the tables of one database or schema.
func (l *statementLanguage) lay(t *testing.T, dsn string, number int, before ...string) {
	t.Helper()
	conn, err := realtest.Open(t, l.driver, dsn).Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	for _, text := range slices.Concat(before, l.schema) {
		_, err := conn.ExecContext(t.Context(), strings.ReplaceAll(text, "%d", fmt.Sprint(number)))
		require.NoError(t, err, text)
	}
}
