package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
)

var postgresState = []string{
	// plpgsql brings settings when it is used first. A placeholder reads as empty, instead of not at all, once it has been set: see Limits in the README.
	`select name, setting from pg_settings where name not like 'plpgsql.%' order by 1`,
	`select 'role', current_user, session_user, current_setting('role')`,
	`select relname, relkind from pg_class where relnamespace = pg_my_temp_schema() order by 1`,
	`select typname, 1 from pg_type where typnamespace = pg_my_temp_schema() order by 1`,
	`select proname, 1 from pg_proc where pronamespace = pg_my_temp_schema() order by 1`,
	`select 'lock', locktype, classid, objid, mode from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' order by 4`,
	`select 'listen', * from pg_listening_channels()`,
	`select name, statement from pg_cursors where is_holdable order by 1`,
	`select name, statement from pg_prepared_statements where from_sql order by 1`,
	`select 'lastval', lastval()`,
	`select 'currval', currval('numbers')`,
	`select 'transaction', txid_current_if_assigned() is null, now() = statement_timestamp()`,
	`select 'tenant', coalesce(nullif(current_setting('app.tenant', true), ''), 'none')`,
}

var postgresTraces = []trace{
	{name: "nothing", sql: []string{`select 1`, `select * from things`, `select lower(name) from things where id = 1`}},
	{name: "setting", sql: []string{`set app.tenant = '7'`}},
	{name: "settings", sql: []string{`set work_mem = '77MB'`, `set search_path = pg_catalog`, `set time zone 'Asia/Tokyo'`, `set datestyle to german`}},
	{name: "set_config", sql: []string{`select set_config('work_mem', '77MB', false)`}},
	{name: "set_config of the role", sql: []string{`select set_config('role', 'pooled_tenant', false)`}},
	{name: "set_config in a CTE", sql: []string{`with x as (select set_config('app.tenant', '7', false)) select * from x`}},
	{name: "set_config quoted and qualified", sql: []string{`select pg_catalog . "set_config"('app.tenant', '7', false)`}},
	{name: "update of pg_settings", sql: []string{`update pg_settings set setting = '77MB' where name = 'work_mem'`}},
	{name: "set_config in DML", sql: []string{`update things set name = set_config('app.tenant', '7', false)`}},
	{name: "session characteristics", sql: []string{`set session characteristics as transaction isolation level serializable, read only`}},
	{name: "role", sql: []string{`set role pooled_tenant`}},
	{name: "session authorization", sql: []string{`set session authorization pooled_tenant`}},
	{name: "role and settings of another user", sql: []string{`set work_mem = '77MB'`, `set session authorization pooled_tenant`, `set role pooled_tenant`}},
	{name: "SQL-level prepare", sql: []string{`prepare "odd ""name" as select 1`}, probes: []string{`execute "odd ""name"`}},
	{name: "cursor with hold", sql: []string{`declare c cursor with hold for select 1`}, probes: []string{`fetch c`}},
	{name: "listen", sql: []string{`listen "odd channel"`}},
	{name: "advisory lock", sql: []string{`select pg_advisory_lock(7)`, `select pg_try_advisory_lock_shared(1, 2)`}},
	{name: "temporary table", sql: []string{`create temp table pets (id serial)`}, probes: []string{`select * from pets`}},
	{name: "temporary table by CTAS", sql: []string{`create local temporary table pets as select 1 as id`}, probes: []string{`select * from pets`}},
	{name: "temporary table by select into", sql: []string{`select 1 as id into temporary pets`}, probes: []string{`select * from pets`}},
	{name: "temporary view", sql: []string{`create or replace temp view pets as select 1 as id`}, probes: []string{`select * from pets`}},
	{name: "temporary recursive view", sql: []string{`create temp recursive view pets (n) as select 1`}, probes: []string{`select * from pets`}},
	{name: "temporary sequence", sql: []string{`create temp sequence pets`}, probes: []string{`select nextval('pets')`}},
	{name: "temporary type", sql: []string{`create type pg_temp.pet as (a int)`}, probes: []string{`select to_regtype('pg_temp.pet')`}},
	{name: "temporary function", sql: []string{`create function pg_temp.pet() returns int language sql as 'select 1'`}, probes: []string{`select to_regprocedure('pg_temp.pet()')`}},
	{name: "temporary table shadows another", sql: []string{`create temp table things (name text)`}, probes: []string{`select count(*) from things`}},
	{name: "nextval", sql: []string{`select nextval('numbers')`}},
	{name: "insert with a sequence", sql: []string{`insert into things (name) values ('x')`}},
	{name: "insert with an identity", sql: []string{`insert into owners (name) values ('x')`}},
	{name: "insert into a partition with a sequence", sql: []string{`insert into parted (day) values (1)`}},
	{name: "update with a trigger that sets", hides: true, sql: []string{`update watched set name = 'x'`}},
	{name: "delete that cascades to a trigger that sets", hides: true, sql: []string{`insert into owners values (default, 'y', 100)`, `insert into watched values ('z', 100)`, `delete from owners where code = 100`}},
	{name: "view that sets", hides: true, sql: []string{`select * from setting_view`}},
	{name: "function that sets", hides: true, sql: []string{`select hidden_set()`}},
	{name: "function that calls one that sets", hides: true, sql: []string{`select outer_set()`}},
	{name: "function in attribute notation", hides: true, sql: []string{`select things.attribute_set from things`}},
	{name: "operator that sets", sql: []string{`select 1 ^^^ 2`}, alone: true, spoils: true},
	{name: "function replaced in the session", sql: []string{`select plain()`, `create or replace function plain() returns text language sql as $$ select set_config('app.tenant', '7', false) $$`, `select plain()`}},
	{name: "function replaced and rolled back", sql: []string{`begin`, `create or replace function plain2() returns text language sql as $$ select set_config('app.tenant', '7', false), pg_advisory_lock(7)::text; select 'x'::text $$`, `select plain2()`, `rollback`}, alone: true},
	{name: "view over a quoted function", sql: []string{`select * from "Odd View"`}, hides: true},
	{name: "materialized view that sets", sql: []string{`refresh materialized view setting_matview`}, hides: true},
	{name: "default of an argument that sets", sql: []string{`select defaulted()`}, hides: true},
	{name: "notification", sql: []string{`listen x`, `notify x, 'secret'`}},
	{name: "DO", hides: true, sql: []string{`do $$ begin perform set_config('app.tenant', '7', false); end $$`}},
	{name: "procedure", hides: true, sql: []string{`call setting_procedure()`}},
	{name: "SQL-level execute", hides: true, sql: []string{`prepare p as select set_config('app.tenant', '7', false)`, `execute p`}},
	{name: "explain analyze", sql: []string{`explain analyze select set_config('app.tenant', '7', false)`}},
	{name: "query_to_xml", hides: true, sql: []string{`select query_to_xml('select set_config(''app.tenant'', ''7'', false)', false, false, '')`}},
	{name: "policy that sets", hides: true, sql: []string{`set role pooled_tenant`, `select * from guarded`}},
	{name: "open transaction", sql: []string{`begin`}, alone: true},
	{name: "open transaction with everything in it", sql: []string{
		`begin`, `set app.tenant = '7'`, `create temp table pets (id serial)`, `insert into pets values (default)`, `select pg_advisory_lock(7)`, `listen x`,
	}, alone: true},
	{name: "commit and chain", sql: []string{`begin`, `commit and chain`}, alone: true},
	{name: "setseed", sql: []string{`select setseed(0.5)`}, permanent: true, shown: true},
	{name: "LOAD", sql: []string{`load 'auto_explain'`}, permanent: true, shown: true},
	{name: "several statements in a text", sql: []string{`select 1; set app.tenant = '7'; select ';set'`}, alone: true},
	{name: "reset", sql: []string{`reset all`}},
	{name: "discard", sql: []string{`discard temp`}},
}

const postgresSchema = `
	create table things (id serial, name text);
	insert into things (name) values ('a');
	create table owners (id int generated always as identity, name text, code int unique);
	create sequence numbers;
	create table parted (id serial, day int) partition by list (day);
	create table parted_1 partition of parted for values in (1);
	create function set_trigger() returns trigger language plpgsql as $$ begin perform set_config('app.tenant', '7', false); return null; end $$;
	create table watched (name text, code int references owners (code) on delete cascade);
	insert into watched (name) values ('a');
	create trigger w after update or delete on watched for each row execute function set_trigger();
	create function hidden_set() returns text language plpgsql as $$ begin return set_config('app.tenant', '7', false); end $$;
	create function outer_set() returns text stable language sql as 'select hidden_set()';
	create function attribute_set(things) returns text language sql as $$ select set_config('app.tenant', '7', false) $$;
	create view setting_view as select set_config('app.tenant', '7', false);
	create function plain() returns text language sql as $$ select 'x'::text $$;
	create function plain2() returns text language sql as $$ select 'x'::text $$;
	create function "SetTenant"() returns text language plpgsql as $$ begin return set_config('app.tenant', '7', false); end $$;
	create view "Odd View" as select "SetTenant"();
	create materialized view setting_matview as select set_config('app.tenant', '7', false) with no data;
	create function defaulted(a text default set_config('app.tenant', '7', false)) returns text language sql as 'select $1';
	create procedure setting_procedure() language plpgsql as $$ begin perform set_config('app.tenant', '7', false); end $$;
	create table guarded (id int);
	insert into guarded values (1);
	alter table guarded enable row level security;
	create policy p on guarded using (set_config('app.tenant', '7', false) is not null);
	grant all on all tables in schema public to pooled_tenant`

const postgresOperator = `
	create function operator_set(int, int) returns text language sql as $$ select set_config('app.tenant', '7', false) $$;
	create operator ^^^ (leftarg = int, rightarg = int, function = operator_set)`

func postgresFamily(t *testing.T, dsn string) family {
	t.Helper()
	admin := openReal(t, "pgx", dsn)
	for _, text := range []string{
		`do $$ begin create role pooled_tenant; exception when duplicate_object or unique_violation then null; end $$`,
		postgresSchema,
		`create function hide(text) returns void language plpgsql as 'begin execute $1; end'`,
	} {
		_, err := admin.Exec(text)
		require.NoError(t, err)
	}
	ways := sharedWays()
	ways["in one text"] = func(ctx context.Context, conn *sql.Conn, t trace) error {
		if t.alone {
			return errNotThisWay
		}
		_, err := conn.ExecContext(ctx, "select 1; "+strings.Join(t.sql, "; "))
		return err
	}
	ways["in a DO block"] = func(ctx context.Context, conn *sql.Conn, t trace) error {
		if t.alone || strings.HasPrefix(t.name, "cursor") || strings.HasPrefix(t.name, "SQL-level") {
			return errNotThisWay
		}
		if t.shown || strings.Contains(t.name, "select into") {
			return errNotThisWay
		}
		_, err := conn.ExecContext(ctx, "do $do$ begin execute $text$"+strings.Join(t.sql, "; ")+"$text$; end $do$")
		return err
	}
	ways["in a function"] = func(ctx context.Context, conn *sql.Conn, t trace) error {
		if t.alone || strings.HasPrefix(t.name, "cursor") || strings.HasPrefix(t.name, "SQL-level") || t.name == "session authorization" {
			return errNotThisWay
		}
		if t.shown || strings.Contains(t.name, "select into") {
			return errNotThisWay
		}
		_, err := conn.ExecContext(ctx, "select hide($1)", strings.Join(t.sql, "; "))
		return err
	}
	ways["by Raw"] = func(ctx context.Context, conn *sql.Conn, t trace) error {
		if t.shown {
			return errNotThisWay
		}
		return pooled.Raw(ctx, conn, func(real driver.Conn) error {
			for _, text := range t.sql {
				if _, err := real.(*stdlib.Conn).Conn().Exec(ctx, text); err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
			}
			return nil
		})
	}
	return family{
		driver: "pgx", dsn: dsn, state: postgresState, id: "select pg_backend_pid()", sleep: "select pg_sleep(10)", ways: ways,
	}
}

func TestPostgresBorrowerFindsACleanSession(t *testing.T) {
	for version, dsn := range map[string]string{"15": testserver.PostgresDatabase(t), "18": testserver.Postgres18Database(t)} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := postgresFamily(t, dsn)
			admin := openReal(t, "pgx", dsn)
			var hidden, others []trace
			for _, tr := range postgresTraces {
				if tr.spoils {
					hidden = append(hidden, tr)
				} else {
					others = append(others, tr)
				}
			}
			testResetMatrix(t, f, others)
			// An operator like this one spoils the proofs of all others, so it comes last.
			_, err := admin.Exec(postgresOperator)
			require.NoError(t, err)
			testResetMatrix(t, f, hidden)
		})
	}
}
