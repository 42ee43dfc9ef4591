package dialects_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/dialecttest"
	"github.com/gopooled/pooled/internal/testserver"
	_ "github.com/gopooled/pooled/postgres"
)

func TestPostgresHoldsWhatEveryDialectMust(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database} {
		t.Run(name, func(t *testing.T) { dialecttest.Run(t, postgres(database(t))) })
	}
}

func postgres(dsn string) dialecttest.Config {
	return dialecttest.Config{
		Driver: "pgx", DSN: dsn, Password: "s3cr3t", BadDSNs: []string{"postgres://app:s3cr3t@localhost:port/db"},
		Setup: []string{
			"create table things (id serial primary key, name text)", "insert into things (name) values ('a'), ('b')",
			"create function hidden() returns int language plpgsql as $$ begin perform set_config('work_mem', '77MB', false); return 1; end $$",
			"create view clean_view as select name from things",
		},
		Look: []string{
			"select name, setting from pg_settings where source = 'session' order by name", "select current_user, session_user, current_setting('role')",
			"select relname from pg_class where relnamespace = pg_my_temp_schema() order by relname", "select name from pg_prepared_statements where from_sql",
			"select channel from pg_listening_channels() channel", "select name from pg_cursors where is_holdable",
			"select mode from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'",
		},
		Data: []string{"select * from things order by id"},
		Init: "set work_mem = '5MB'",
		Traces: []dialecttest.Trace{
			{Name: "setting", SQL: []string{"set statement_timeout = 12345"}, Effects: dialect.Setting},
			{Name: "setting by a function", SQL: []string{"select set_config('lock_timeout', '77', false)"}, Effects: dialect.Setting},
			{Name: "setting of pool_init", SQL: []string{"set work_mem = '6MB'"}, Effects: dialect.Setting},
			{Name: "role", SQL: []string{"set role pg_monitor"}, Effects: dialect.Role},
			{Name: "temporary table", SQL: []string{"create temp table t (a int)"}, Effects: dialect.TempTable, Probes: []string{"select * from t"}},
			{Name: "lock", SQL: []string{"select pg_advisory_lock(7)"}, Effects: dialect.AdvisoryLock},
			{Name: "listen", SQL: []string{"listen c"}, Effects: dialect.Listen},
			{Name: "prepared", SQL: []string{"prepare p as select 1"}, Effects: dialect.SQLPrepare},
			{Name: "number", SQL: []string{"insert into things (name) values ('n')"}, Effects: dialect.Sequence, Probes: []string{"select lastval() > 0"}, Hidden: true},
			{Name: "transaction", SQL: []string{"begin"}, Effects: dialect.OpenTx, Probes: []string{"declare c cursor for select 1"}, Hidden: true},
			{Name: "a function that hides it", SQL: []string{"select hidden()"}, Effects: dialect.UnknownEffect},
		},
		Clean: []string{"show work_mem", "commit"},
		Reads: []string{"select * from things", "select count(*) from clean_view", "select 1", "with a as (select 1) select * from a"},
		Writes: []string{"insert into things (name) values ('w')", "update things set name = 'x' where id = 1", "select * from things for update", "create table made (a int)", "drop table made",
			"select pg_backend_pid()"},
		Unknown:  []string{"do $$ begin end $$", "load 'x'; select hidden()"},
		Secrets:  []string{`select e's3cret\''`, "select $$s3cret$$, $a$ s3cret $a$", `select U&'s3cret'`, "select b's3cret'", "/* /* s3cret */ */ select 1", "alter role a password 's3cret'"},
		Mistakes: []string{"select nothing from nowhere", "insert into things (id) values (1), (1)"},
		Break: func(ctx context.Context, real driver.Conn) error {
			return query(ctx, real, "select pg_terminate_backend(pg_backend_pid())")
		},
	}
}

// query runs one, and returns its error.
func query(ctx context.Context, real driver.Conn, text string) error {
	rows, err := real.(driver.QueryerContext).QueryContext(ctx, text, nil)
	if err != nil {
		return err
	}
	values := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		err = rows.Next(values)
	}
	return errors.Join(err, rows.Close())
}
