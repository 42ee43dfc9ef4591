package sqlite_test

import (
	"context"
	"database/sql/driver"
	"path/filepath"
	"testing"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/dialecttest"
	_ "github.com/gopooled/pooled/examples/sqlite"
)

// look tells what a session of SQLite is, as far as it can be asked. That temporary tables were made once shows in pragma database_list for good, and
// total_changes() counts for as long as the connection lasts: see TestWhatOutlastsAReset.
var look = []string{
	"pragma analysis_limit", "pragma automatic_index", "pragma busy_timeout", "pragma cache_size", "pragma cache_spill", "pragma cell_size_check",
	"pragma checkpoint_fullfsync", "pragma count_changes", "pragma defer_foreign_keys", "pragma empty_result_callbacks", "pragma foreign_keys",
	"pragma full_column_names", "pragma fullfsync", "pragma ignore_check_constraints", "pragma journal_size_limit", "pragma legacy_alter_table",
	"pragma locking_mode", "pragma max_page_count", "pragma mmap_size", "pragma query_only", "pragma read_uncommitted", "pragma recursive_triggers",
	"pragma reverse_unordered_selects", "pragma secure_delete", "pragma short_column_names", "pragma synchronous", "pragma temp_store", "pragma threads",
	"pragma trusted_schema", "pragma wal_autocheckpoint", "pragma writable_schema",
	"select name, file from pragma_database_list where name <> 'temp'",
	"select type, name, sql from sqlite_temp_schema order by name",
	"select last_insert_rowid(), changes()",
	"select 'a' like 'A'",
	"select * from numbers_seen",
}

func TestTheDialectHoldsWhatEveryDialectMust(t *testing.T) {
	dir := t.TempDir()
	dialecttest.Run(t, dialecttest.Config{
		Driver:   "sqlite",
		DSN:      "file:" + filepath.Join(dir, "main.db") + "?_pragma=journal_mode(wal)&_pragma=busy_timeout(1000)&_pragma=foreign_keys(1)&key=secret-key",
		Password: "secret-key",
		BadDSNs:  []string{"file:a.db?%zz&key=secret-key"},
		Setup: []string{
			"create table things (id integer primary key, name text)",
			"insert into things (name) values ('a'), ('b')",
			"create view numbers_seen as select last_insert_rowid() as id, changes() as n",
			"create table watched (name text)",
			"create trigger w after insert on watched begin insert into things (name) values (new.name); end",
		},
		Look: look,
		Data: []string{"select * from things", "select * from watched", "select type, name, sql from sqlite_schema", "pragma user_version"},
		Init: "pragma cache_size = 777; pragma recursive_triggers = 1",
		Traces: append(settings(),
			dialecttest.Trace{Name: "temporary table", SQL: []string{"create temp table t (a)", "insert into t values (1)"}, Effects: dialect.TempTable | dialect.Sequence, Probes: []string{"select * from t"}},
			dialecttest.Trace{Name: "temporary table, by schema", SQL: []string{"create table temp.t as select 1 as a"}, Effects: dialect.TempTable, Probes: []string{"select * from t"}},
			dialecttest.Trace{Name: "temporary table, quoted", SQL: []string{`create table "temp".[t u] (a)`}, Effects: dialect.TempTable, Probes: []string{"select * from `t u`"}},
			dialecttest.Trace{Name: "temporary table that hides another", SQL: []string{"create temporary table things (a)"}, Effects: dialect.TempTable, Probes: []string{"select count(*) from things"}},
			dialecttest.Trace{Name: "temporary view", SQL: []string{"create temp view v as select 1"}, Effects: dialect.TempTable, Probes: []string{"select * from v"}},
			dialecttest.Trace{Name: "temporary trigger on a table that stays", SQL: []string{"create temp trigger tr after delete on things begin select 1; end"}, Effects: dialect.TempTable},
			dialecttest.Trace{Name: "temporary index", SQL: []string{"create temp table t (a)", "create index temp.i on t (a)"}, Effects: dialect.TempTable},
			dialecttest.Trace{Name: "temporary virtual table", SQL: []string{"create virtual table temp.ft using fts5 (a)", "insert into ft values ('x')"}, Effects: dialect.TempTable},
			dialecttest.Trace{Name: "attached database", SQL: []string{"attach ':memory:' as other"}, Effects: dialect.Database},
			dialecttest.Trace{Name: "attached file", SQL: []string{"attach '" + filepath.Join(dir, "other.db") + "' as [the other]", "create table if not exists [the other].t (a)", "insert into [the other].t values (1)"}, Effects: dialect.Database},
			dialecttest.Trace{Name: "open transaction", SQL: []string{"begin"}, Effects: dialect.OpenTx, Probes: []string{"begin"}},
			dialecttest.Trace{Name: "open transaction that writes", SQL: []string{"begin immediate", "insert into things (name) values ('never')"}, Effects: dialect.OpenTx | dialect.Sequence, Probes: []string{"select * from things"}},
			dialecttest.Trace{Name: "savepoint", SQL: []string{"savepoint s"}, Effects: dialect.OpenTx, Probes: []string{"begin"}},
			dialecttest.Trace{Name: "read-only transaction", SQL: []string{"begin", "pragma query_only = on"}, Effects: dialect.OpenTx | dialect.Setting, Probes: []string{"begin"}},
			dialecttest.Trace{Name: "pragma defer_foreign_keys", SQL: []string{"begin", "pragma defer_foreign_keys = 1"}, Effects: dialect.OpenTx | dialect.Setting}, // until the commit
			dialecttest.Trace{Name: "numbers", SQL: []string{"insert into things (name) values ('c')"}, Effects: dialect.Sequence},
			dialecttest.Trace{Name: "numbers of a trigger", SQL: []string{"insert into watched values ('c')"}, Effects: dialect.Sequence},
			dialecttest.Trace{Name: "a count", SQL: []string{"update things set name = name"}, Effects: dialect.Sequence},
			dialecttest.Trace{Name: "several in one text", SQL: []string{"begin; create temp table t (a); attach ':memory:' as m; pragma query_only(1)"}, Effects: dialect.OpenTx | dialect.TempTable | dialect.Database | dialect.Setting},
			dialecttest.Trace{Name: "behind EXPLAIN", SQL: []string{"explain pragma cache_size = 5"}, Effects: dialect.Setting},
			dialecttest.Trace{Name: "LIKE", SQL: []string{"pragma case_sensitive_like = 1"}, Effects: dialect.Permanent, Discards: true},
			dialecttest.Trace{Name: "a lock that is kept", SQL: []string{"pragma locking_mode = exclusive"}, Effects: dialect.Permanent, Discards: true},
			dialecttest.Trace{Name: "memory that is mapped", SQL: []string{"pragma mmap_size = 65536"}, Effects: dialect.Permanent, Discards: true},
			dialecttest.Trace{Name: "secure_delete", SQL: []string{"pragma secure_delete = fast"}, Effects: dialect.Permanent, Discards: true},
			dialecttest.Trace{Name: "cache_spill", SQL: []string{"pragma cache_spill = 0"}, Effects: dialect.Permanent, Discards: true},
			dialecttest.Trace{Name: "a pragma of another database", SQL: []string{"pragma temp.cache_size = 7"}, Effects: dialect.Permanent, Discards: true, Hidden: true, Probes: []string{"pragma temp.cache_size"}},
		),
		Clean: []string{"pragma data_version", "pragma cache_size", "explain select 1", "pragma shrink_memory", "pragma main.synchronous", "select changes()", "pragma database_list", ""},
		Reads: []string{
			"select 1", "select * from things", "values (1)", "with recursive n(i) as (select 1 union all select i + 1 from n where i < 3) select * from n",
			"select count(*), max(name) from things where id in (1, 2)", "select * from numbers_seen", "pragma table_info(things)", "select * from pragma_table_info('things')",
			"explain query plan delete from things", "select random()", "select 1; select 2", "/* a */ select 'insert' -- b", `select "id" from [things]`,
			"pragma integrity_check", "pragma user_version", "with a as materialized (select 1) select * from a",
		},
		Writes: []string{
			"insert into things (name) values ('w')", "update things set name = 'x' where id = 1", "delete from things where id = 99", "replace into things values (50, 'r')",
			"with a as (select 1) insert into things (name) select 'v' from a", "create table made (a)", "alter table made add column b", "create index made_b on made (b)",
			"create trigger made_t after insert on made begin select 1; select 2; end", "drop table made", "analyze", "reindex", "vacuum", "pragma user_version = 7", "pragma optimize", "pragma wal_checkpoint",
			"pragma journal_mode = wal", "select changes()", "pragma cache_size", "pragma data_version", "select * from pragma_cache_size", "select * from sqlite_temp_schema", "pragma soft_heap_limit = 0",
			"select 1; insert into things (name) values ('y')",
		},
		Unknown: []string{"select load_extension('x')", "pragma frobnicate = 1", `select "load_extension"('x')`, "insert into things (name) values (load_extension('x'))", "select 1 \\ 2"},
		Secrets: []string{
			`select "s3cret"`, `select "it""s s3cret" from t`, "select x'00', 's3cret'", "insert into t values ('a''b', 's3cret', \"s3cret\")", "pragma key = 's3cret'", "attach 's3cret' as a",
			"select $a('s3cret')", "select `a` || 's3cret'", "select [a] || 's3cret'", "select '\\' || 's3cret'", "select 1 -- it's s3cret\n, 's3cret'", "select /* ' */ 's3cret' /* ' */",
		},
		Mistakes: []string{"select nothing from nowhere", "insert into things values (1, 'twice'), (1, 'twice')", "insert into things values ('text', 1)", "pragma", "drop table things_that_are_not"},
		Break: func(ctx context.Context, real driver.Conn) error {
			if err := real.Close(); err != nil {
				return err
			}
			return real.(driver.SessionResetter).ResetSession(ctx) // a query would be a panic of the driver
		},
	})
}

// settings is a trace for each PRAGMA that can be set back.
func settings() (all []dialecttest.Trace) {
	for name, value := range map[string]string{
		"analysis_limit": "100", "automatic_index": "0", "busy_timeout": "5", "cache_size": "5", "cell_size_check": "1", "checkpoint_fullfsync": "1", "count_changes": "1",
		"empty_result_callbacks": "1", "foreign_keys": "0", "full_column_names": "1", "fullfsync": "1", "ignore_check_constraints": "1", "journal_size_limit": "100000",
		"legacy_alter_table": "1", "max_page_count": "5000", "query_only": "1", "read_uncommitted": "1", "recursive_triggers": "1", "reverse_unordered_selects": "1", "short_column_names": "0",
		"synchronous": "0", "temp_store": "2", "threads": "2", "trusted_schema": "0", "wal_autocheckpoint": "5", "writable_schema": "1",
	} {
		all = append(all, dialecttest.Trace{Name: "pragma " + name, SQL: []string{"pragma " + name + " = " + value}, Effects: dialect.Setting})
	}
	return all
}
