package reset_test

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
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
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

var postgresTraces = []resettest.Trace{
	{Name: "nothing", Sql: []string{`select 1`, `select * from things`, `select lower(name) from things where id = 1`}},
	{Name: "setting", Sql: []string{`set app.tenant = '7'`}},
	{Name: "settings", Sql: []string{`set work_mem = '77MB'`, `set search_path = pg_catalog`, `set time zone 'Asia/Tokyo'`, `set datestyle to german`}},
	{Name: "set_config", Sql: []string{`select set_config('work_mem', '77MB', false)`}},
	{Name: "set_config of the role", Sql: []string{`select set_config('role', 'pooled_tenant', false)`}},
	{Name: "set_config in a CTE", Sql: []string{`with x as (select set_config('app.tenant', '7', false)) select * from x`}},
	{Name: "set_config quoted and qualified", Sql: []string{`select pg_catalog . "set_config"('app.tenant', '7', false)`}},
	{Name: "update of pg_settings", Sql: []string{`update pg_settings set setting = '77MB' where name = 'work_mem'`}},
	{Name: "set_config in DML", Sql: []string{`update things set name = set_config('app.tenant', '7', false)`}},
	{Name: "session characteristics", Sql: []string{`set session characteristics as transaction isolation level serializable, read only`}},
	{Name: "role", Sql: []string{`set role pooled_tenant`}},
	{Name: "session authorization", Sql: []string{`set session authorization pooled_tenant`}},
	{Name: "role and settings of another user", Sql: []string{`set work_mem = '77MB'`, `set session authorization pooled_tenant`, `set role pooled_tenant`}},
	{Name: "SQL-level prepare", Sql: []string{`prepare "odd ""name" as select 1`}, Probes: []string{`execute "odd ""name"`}},
	{Name: "cursor with hold", Sql: []string{`declare c cursor with hold for select 1`}, Probes: []string{`fetch c`}},
	{Name: "listen", Sql: []string{`listen "odd channel"`}},
	{Name: "advisory lock", Sql: []string{`select pg_advisory_lock(7)`, `select pg_try_advisory_lock_shared(1, 2)`}},
	{Name: "temporary table", Sql: []string{`create temp table pets (id serial)`}, Probes: []string{`select * from pets`}},
	{Name: "temporary table by CTAS", Sql: []string{`create local temporary table pets as select 1 as id`}, Probes: []string{`select * from pets`}},
	{Name: "temporary table by select into", Sql: []string{`select 1 as id into temporary pets`}, Probes: []string{`select * from pets`}},
	{Name: "temporary view", Sql: []string{`create or replace temp view pets as select 1 as id`}, Probes: []string{`select * from pets`}},
	{Name: "temporary recursive view", Sql: []string{`create temp recursive view pets (n) as select 1`}, Probes: []string{`select * from pets`}},
	{Name: "temporary sequence", Sql: []string{`create temp sequence pets`}, Probes: []string{`select nextval('pets')`}},
	{Name: "temporary type", Sql: []string{`create type pg_temp.pet as (a int)`}, Probes: []string{`select to_regtype('pg_temp.pet')`}},
	{Name: "temporary function", Sql: []string{`create function pg_temp.pet() returns int language sql as 'select 1'`}, Probes: []string{`select to_regprocedure('pg_temp.pet()')`}},
	{Name: "temporary table shadows another", Sql: []string{`create temp table things (name text)`}, Probes: []string{`select count(*) from things`}},
	{Name: "nextval", Sql: []string{`select nextval('numbers')`}},
	{Name: "insert with a sequence", Sql: []string{`insert into things (name) values ('x')`}},
	{Name: "insert with an identity", Sql: []string{`insert into owners (name) values ('x')`}},
	{Name: "insert into a partition with a sequence", Sql: []string{`insert into parted (day) values (1)`}},
	{Name: "update with a trigger that sets", Hides: true, Sql: []string{`update watched set name = 'x'`}},
	{Name: "delete that cascades to a trigger that sets", Hides: true, Sql: []string{`insert into owners values (default, 'y', 100)`, `insert into watched values ('z', 100)`, `delete from owners where code = 100`}},
	{Name: "view that sets", Hides: true, Sql: []string{`select * from setting_view`}},
	{Name: "function that sets", Hides: true, Sql: []string{`select hidden_set()`}},
	{Name: "function that calls one that sets", Hides: true, Sql: []string{`select outer_set()`}},
	{Name: "function in attribute notation", Hides: true, Sql: []string{`select things.attribute_set from things`}},
	{Name: "operator that sets", Sql: []string{`select 1 ^^^ 2`}, Alone: true, Spoils: true},
	{Name: "function replaced in the session", Sql: []string{`select plain()`, `create or replace function plain() returns text language sql as $$ select set_config('app.tenant', '7', false) $$`, `select plain()`}},
	{Name: "function replaced and rolled back", Sql: []string{`begin`, `create or replace function plain2() returns text language sql as $$ select set_config('app.tenant', '7', false), pg_advisory_lock(7)::text; select 'x'::text $$`, `select plain2()`, `rollback`}, Alone: true},
	{Name: "view over a quoted function", Sql: []string{`select * from "Odd View"`}, Hides: true},
	{Name: "materialized view that sets", Sql: []string{`refresh materialized view setting_matview`}, Hides: true},
	{Name: "default of an argument that sets", Sql: []string{`select defaulted()`}, Hides: true},
	{Name: "notification", Sql: []string{`listen x`, `notify x, 'secret'`}},
	{Name: "DO", Hides: true, Sql: []string{`do $$ begin perform set_config('app.tenant', '7', false); end $$`}},
	{Name: "procedure", Hides: true, Sql: []string{`call setting_procedure()`}},
	{Name: "SQL-level execute", Hides: true, Sql: []string{`prepare p as select set_config('app.tenant', '7', false)`, `execute p`}},
	{Name: "explain analyze", Sql: []string{`explain analyze select set_config('app.tenant', '7', false)`}},
	{Name: "query_to_xml", Hides: true, Sql: []string{`select query_to_xml('select set_config(''app.tenant'', ''7'', false)', false, false, '')`}},
	{Name: "policy that sets", Hides: true, Sql: []string{`set role pooled_tenant`, `select * from guarded`}},
	{Name: "open transaction", Sql: []string{`begin`}, Alone: true},
	{Name: "open transaction with everything in it", Sql: []string{
		`begin`, `set app.tenant = '7'`, `create temp table pets (id serial)`, `insert into pets values (default)`, `select pg_advisory_lock(7)`, `listen x`,
	}, Alone: true},
	{Name: "commit and chain", Sql: []string{`begin`, `commit and chain`}, Alone: true},
	{Name: "setseed", Sql: []string{`select setseed(0.5)`}, Permanent: true, Shown: true},
	{Name: "LOAD", Sql: []string{`load 'auto_explain'`}, Permanent: true, Shown: true},
	{Name: "several statements in a text", Sql: []string{`select 1; set app.tenant = '7'; select ';set'`}, Alone: true},
	{Name: "reset", Sql: []string{`reset all`}},
	{Name: "discard", Sql: []string{`discard temp`}},
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

func postgresFamily(t *testing.T, dsn string) resettest.Family {
	t.Helper()
	admin := realtest.Open(t, "pgx", dsn)
	for _, text := range []string{
		`do $$ begin create role pooled_tenant; exception when duplicate_object or unique_violation then null; end $$`,
		postgresSchema,
		`create function hide(text) returns void language plpgsql as 'begin execute $1; end'`,
	} {
		_, err := admin.Exec(text)
		require.NoError(t, err)
	}
	ways := resettest.SharedWays()
	ways["in one text"] = func(ctx context.Context, conn *sql.Conn, t resettest.Trace) error {
		if t.Alone {
			return resettest.ErrNotThisWay
		}
		_, err := conn.ExecContext(ctx, "select 1; "+strings.Join(t.Sql, "; "))
		return err
	}
	ways["in a DO block"] = func(ctx context.Context, conn *sql.Conn, t resettest.Trace) error {
		if t.Alone || strings.HasPrefix(t.Name, "cursor") || strings.HasPrefix(t.Name, "SQL-level") {
			return resettest.ErrNotThisWay
		}
		if t.Shown || strings.Contains(t.Name, "select into") {
			return resettest.ErrNotThisWay
		}
		_, err := conn.ExecContext(ctx, "do $do$ begin execute $text$"+strings.Join(t.Sql, "; ")+"$text$; end $do$")
		return err
	}
	ways["in a function"] = func(ctx context.Context, conn *sql.Conn, t resettest.Trace) error {
		if t.Alone || strings.HasPrefix(t.Name, "cursor") || strings.HasPrefix(t.Name, "SQL-level") || t.Name == "session authorization" {
			return resettest.ErrNotThisWay
		}
		if t.Shown || strings.Contains(t.Name, "select into") {
			return resettest.ErrNotThisWay
		}
		_, err := conn.ExecContext(ctx, "select hide($1)", strings.Join(t.Sql, "; "))
		return err
	}
	ways["by Raw"] = func(ctx context.Context, conn *sql.Conn, t resettest.Trace) error {
		if t.Shown {
			return resettest.ErrNotThisWay
		}
		return pooled.Raw(ctx, conn, func(real driver.Conn) error {
			for _, text := range t.Sql {
				if _, err := real.(*stdlib.Conn).Conn().Exec(ctx, text); err != nil {
					return fmt.Errorf("%s: %w", text, err)
				}
			}
			return nil
		})
	}
	return resettest.Family{
		Driver: "pgx", DSN: dsn, State: postgresState, ID: "select pg_backend_pid()", Sleep: "select pg_sleep(10)", Ways: ways,
	}
}

func TestPostgresBorrowerFindsACleanSession(t *testing.T) {
	for version, dsn := range map[string]string{"15": testserver.PostgresDatabase(t), "18": testserver.Postgres18Database(t)} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := postgresFamily(t, dsn)
			admin := realtest.Open(t, "pgx", dsn)
			var hidden, others []resettest.Trace
			for _, tr := range postgresTraces {
				if tr.Spoils {
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
