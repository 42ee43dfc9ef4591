package routing_test

import "github.com/gopooled/pooled/dialect"

// routingCase is one row of the matrix: a statement, and where it has to go. It needs the schema of its family, runs by QueryContext
// outside a transaction, and needs no arguments.
type routingCase struct {
	text string
	// why is the reason why no replica may answer it, exactly; empty: a replica may.
	why string
	// noRun says why it cannot be run on the servers of the tests; empty: it can.
	noRun string
	// since is the first major version of PostgreSQL that knows it; 0: all do.
	since int
	// only names the one of MariaDB and MySQL whose schema it needs; empty: both have it.
	only string
}

// where returns the part in the cluster that has to answer it.
func (c *routingCase) where() dialect.ServerRole {
	if c.why == "" {
		return dialect.RoleReplica
	}
	return dialect.RolePrimary
}

// Reasons for not being run that several rows have.
const (
	onlyInTx      = "only in a transaction"
	onlyMySQL     = "only MySQL knows it"
	onlyMariaDB   = "only MariaDB knows it"
	onlyPostgres  = "needs an extension or a file that the servers of the tests do not have"
	notByQuery    = "not by QueryContext"
	forOtherUsers = "would disturb other tests on the same server"
	notThere      = "what it names is not there"
	isRefused     = "the server refuses it"
)

const postgresRoutingSchema = `
	create table users (id serial primary key, name text, email text unique, age int, active boolean default true, tenant int,
		deleted_at timestamptz, created_at timestamptz default now());
	insert into users (name, email, age) values ('ann', 'a@example.com', 30), ('bob', 'b@example.com', 40);
	create table orders (id bigint generated always as identity primary key, user_id int references users, total numeric,
		state text default 'open', data jsonb default '{}', tags text[] default '{}', created_at timestamptz default now());
	insert into orders (user_id, total) values (1, 10), (2, 20);
	create table log (id serial, line text);
	create table river_job (id bigserial primary key, state text, queue text, priority int, attempt int default 0, scheduled_at timestamptz default now());
	insert into river_job (state, queue, priority) values ('available', 'default', 1);
	create table schema_migrations (version bigint primary key, dirty boolean not null);
	create table goose_db_version (id serial primary key, version_id bigint not null, is_applied boolean not null, tstamp timestamp default now());
	create unlogged table pages (id int, body text);
	create table measures (day date, v int) partition by range (day);
	create table measures_2024 partition of measures for values from ('2024-01-01') to ('2025-01-01');
	create table hits (n int) partition by list (n);
	create unlogged table hits_1 partition of hits for values in (1);
	create sequence numbers;
	create type mood as enum ('sad', 'happy');

	create function add_one(n int) returns int immutable language sql as 'select n + 1';
	create function full_name(u users) returns text stable language sql as $$ select u.name || ' ' || u.email $$;
	create function roll() returns int volatile language plpgsql as $$ begin return 1 + floor(random() * 6); end $$;
	create function count_orders(who int) returns bigint stable language plpgsql as $$
		declare n bigint; begin select count(*) into n from orders o where o.user_id = who; return n; end $$;
	create function list_users() returns setof users volatile language sql as 'select * from users';
	create function write_log(l text) returns int volatile language plpgsql as $$ begin insert into log (line) values (l); return 1; end $$;
	create function call_writer() returns int stable language sql as $$ select 1 from (select write_log('x')) x $$;
	create function run_text(t text) returns void language plpgsql as 'begin execute t; end';
	create function make_table() returns void language sql as 'select 1 as a into made';
	create function count_pages() returns bigint stable language sql as 'select count(*) from pages';
	create function share_rows() returns int volatile language plpgsql as $$ begin perform 1 from users for share; return 1; end $$;
	create function take_lock() returns void volatile language sql as 'select pg_advisory_lock(7)';
	create function tell_others() returns void volatile language sql as $$ select pg_notify('a', 'b') $$;
	create function set_tenant(t text) returns text volatile language sql as $$ select set_config('app.tenant', t, false) $$;
	create function next_number() returns bigint volatile language sql as $$ select nextval('numbers') $$;
	create function wal_position() returns pg_lsn volatile language sql as 'select pg_current_wal_lsn()';
	create function whose() returns text stable language sql as $$ select current_setting('app.tenant', true) $$;
	create procedure tidy() language sql as 'delete from log';

	create view active_users as select id, name from users where active and deleted_at is null;
	create view user_totals as select u.id, sum(o.total) as total from users u join orders o on o.user_id = u.id group by u.id;
	create view page_count as select count(*) as n from pages;
	create view page_counts as select n from page_count;
	create view busy as select pid, state from pg_stat_activity;
	create view locked_users as select * from users for update;
	create view numbered as select nextval('numbers') as n, id from users;
	create view logging as select write_log(name) from users;
	create materialized view totals as select user_id, sum(total) as total from orders group by user_id;
	create view writable as select id, line from log;
	create rule no_update as on update to writable do instead nothing;
	create table documents (id int, tenant text);
	alter table documents enable row level security;
	create policy own on documents using (tenant = current_setting('app.tenant', true));
	create table guarded (id int);
	alter table guarded enable row level security;
	create policy by_pages on guarded using (exists (select 1 from pages p where p.id = guarded.id));
	create foreign data wrapper nothing;
	create server nowhere foreign data wrapper nothing;
	create foreign table remote (id int) server nowhere`

var postgresRoutingCases = []routingCase{
	// Reads.
	{text: `select 1`},
	{text: `SELECT * FROM users`},
	{text: `select * from users where id = 1;`},
	{text: `/* by the report */ select count(*) from orders`},
	{text: `select u.name, o.total from users u left join orders o on o.user_id = u.id order by o.total desc nulls last limit 10 offset 5`},
	{text: `select distinct on (user_id) user_id, total from orders order by user_id, created_at desc`},
	{text: `select user_id, sum(total) filter (where state = 'open') from orders group by rollup (user_id) having count(*) > 0`},
	{text: `select id, row_number() over (partition by user_id order by created_at) from orders`},
	{text: `with recursive n (i) as (select 1 union all select i + 1 from n where i < 5) select * from n`},
	{text: `with open as materialized (select * from orders where state = 'open') select * from open`},
	{text: `select * from users where id in (select user_id from orders) and exists (select 1 from orders)`},
	{text: `select * from users u, lateral (select max(total) from orders o where o.user_id = u.id) x`},
	{text: `(select id from users) union all (select id from orders) except select 5`},
	{text: `values (1, 'a'), (2, 'b')`},
	{text: `table users`},
	{text: `select name::varchar(10), cast(age as numeric(5, 2)), age::text || 'x' from users`},
	{text: `select data->>'a', data @> '{"b": 1}', tags[1], tags && array['a'], 'x' = any (tags) from orders`},
	{text: `select jsonb_build_object('a', 1), jsonb_agg(id), array_agg(id order by id), string_agg(state, ',') from orders`},
	{text: `select to_tsvector('english', name) @@ plainto_tsquery('english', 'ann') from users`},
	{text: `select coalesce(name, ''), nullif(age, 0), greatest(1, 2), case when active then 1 else 2 end from users`},
	{text: `select substring(name from 1 for 3), position('a' in name), trim(both 'x' from name), overlay(name placing 'x' from 1) from users`},
	{text: `select generate_series(1, 3), unnest(array[1, 2])`},
	{text: `select * from users tablesample bernoulli (50)`},
	{text: `select now(), current_timestamp, current_date, localtime, date_trunc('day', now()), extract(epoch from now()), age(now())`},
	{text: `select clock_timestamp(), timeofday(), statement_timestamp()`},
	{text: `select random(), gen_random_uuid()`},
	{text: `select random_normal()`, since: 16},
	{text: `select uuidv7()`, since: 18},
	{text: `select pg_sleep(0)`},
	{text: `select current_user, session_user, current_database(), current_schema(), version()`},
	{text: `select pg_is_in_recovery()`},
	{text: `select pg_last_wal_replay_lsn(), pg_last_xact_replay_timestamp()`},
	{text: `select inet_server_addr(), inet_server_port()`},
	{text: `select pg_relation_size('users'), pg_total_relation_size('users'), pg_size_pretty(pg_database_size(current_database()))`},
	{text: `select pg_current_snapshot(), txid_current_snapshot()`},
	{text: `select md5('a'), sha256('a'), encode('a', 'base64'), digest from (select 1 as digest) x`},
	{text: `select 'insert into users; for update', $$ nextval('numbers') $$, "name" as "for update" from users`},
	{text: `select 1 -- for update`},
	{text: `select xmin, ctid, tableoid::regclass from users`},
	{text: `select name as update, age as "insert" from users`},
	{text: `select * from measures where day > '2024-01-01'`},
	{text: `select add_one(age), full_name(u), u.full_name from users u`},
	{text: `select roll()`},
	{text: `select count_orders(1)`},
	{text: `select * from list_users() where id = 1`},
	{text: `select whose()`},
	{text: `select * from active_users`},
	{text: `select * from user_totals where total > 5`},
	{text: `select * from totals`},
	{text: `select * from documents`},
	{text: `select * from documents where tenant = current_setting('app.tenant', true)`},
	{text: `explain select * from users`},
	{text: `explain (format json, verbose) select * from users where id = 1`},
	{text: `explain analyze select * from users`},
	{text: `explain (analyze, buffers) select count(*) from orders`},
	{text: `explain insert into users (name) values ('x')`, why: `explains a write`},
	{text: `explain update users set name = 'x'`, why: `explains a write`},
	{text: `explain (costs off) create table x as select 1`, why: `explains a write`},
	{text: `select 1; select 2`, noRun: notByQuery},
	{text: `copy users to stdout`, noRun: notByQuery},
	{text: `copy (select * from users) to stdout with (format csv)`, noRun: notByQuery},

	// The catalogue, as tools ask it.
	{text: `select relname, relkind from pg_class where relname = 'users'`},
	{text: `select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a where a.attrelid = 'users'::regclass and a.attnum > 0`},
	{text: `select * from pg_indexes where tablename = 'users'`},
	{text: `select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'orders'::regclass`},
	{text: `select table_name from information_schema.tables where table_schema = current_schema()`},
	{text: `select n_distinct from pg_stats where tablename = 'users'`},
	{text: `select rolname from pg_roles`},
	{text: `select to_regclass('public.users'), has_table_privilege('users', 'select'), obj_description('users'::regclass)`},

	// GORM.
	{text: `SELECT * FROM "users" WHERE "users"."deleted_at" IS NULL ORDER BY "users"."id" LIMIT 1`},
	{text: `SELECT count(*) FROM "users" WHERE name = 'ann' AND "users"."deleted_at" IS NULL`},
	{text: `SELECT * FROM "users" WHERE id = 1 ORDER BY "users"."id" LIMIT 1 FOR UPDATE`, why: `locks rows (FOR UPDATE)`},
	{text: `SELECT CURRENT_DATABASE()`},
	{text: `SELECT count(*) FROM information_schema.tables WHERE table_schema = CURRENT_SCHEMA() AND table_name = 'users' AND table_type = 'BASE TABLE'`},
	{text: `SELECT c.column_name, c.is_nullable = 'YES', c.udt_name, c.character_maximum_length, c.numeric_precision, c.column_default,
		pg_catalog.col_description('users'::regclass, c.ordinal_position) FROM information_schema.columns AS c WHERE table_name = 'users'`},
	{text: `SELECT description FROM pg_catalog.pg_description WHERE objsubid = (SELECT ordinal_position FROM information_schema.columns
		WHERE table_name = 'users' AND column_name = 'name') AND objoid = (SELECT oid FROM pg_catalog.pg_class WHERE relname = 'users')`},
	{text: `SELECT count(*) FROM pg_indexes WHERE tablename = 'users' AND indexname = 'idx_users_name' AND schemaname = CURRENT_SCHEMA()`},
	{text: `INSERT INTO "users" ("name","email") VALUES ('cat','c@example.com') ON CONFLICT ("email") DO UPDATE SET "name"="excluded"."name" RETURNING "id"`, why: `insert`},
	{text: `UPDATE "users" SET "name"='ann',"deleted_at"=NULL WHERE "id" = 1`, why: `update`},
	{text: `UPDATE "users" SET "deleted_at"=NULL WHERE id = 1 RETURNING *`, why: `update`},
	{text: `DELETE FROM "log" WHERE id = 100`, why: `delete`},
	{text: `SAVEPOINT sp1`, why: `savepoint`, noRun: onlyInTx},
	{text: `ROLLBACK TO SAVEPOINT sp1`, why: `rollback`, noRun: onlyInTx},
	{text: `CREATE TABLE IF NOT EXISTS "extra" ("id" bigserial, PRIMARY KEY ("id"))`, why: `create`},
	{text: `ALTER TABLE "extra" ADD COLUMN IF NOT EXISTS "name" text`, why: `alter`},
	{text: `CREATE INDEX IF NOT EXISTS "idx_extra_name" ON "extra" ("name")`, why: `create`},
	{text: `DROP TABLE IF EXISTS "extra" CASCADE`, why: `drop`},

	// goose, golang-migrate, sqlx.
	{text: `SELECT pg_advisory_lock(4097083626)`, why: `calls advisory lock function pg_advisory_lock`},
	{text: `SELECT pg_try_advisory_lock(4097083626)`, why: `calls advisory lock function pg_try_advisory_lock`},
	{text: `SELECT pg_advisory_unlock(4097083626)`, why: `calls advisory lock function pg_advisory_unlock`},
	{text: `SELECT EXISTS ( SELECT 1 FROM pg_tables WHERE (current_schema() IS NULL OR schemaname = current_schema()) AND tablename = 'goose_db_version' )`},
	{text: `SELECT version_id, is_applied from goose_db_version ORDER BY id DESC`},
	{text: `INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true)`, why: `insert`},
	{text: `SELECT CURRENT_SCHEMA()`},
	{text: `SELECT COUNT(1) FROM information_schema.tables WHERE table_schema = 'public' AND table_name = 'schema_migrations' LIMIT 1`},
	{text: `SELECT version, dirty FROM "public"."schema_migrations" LIMIT 1`},
	{text: `TRUNCATE "public"."schema_migrations"`, why: `truncate`},
	{text: `select * from users where id in (1, 2, 3)`},

	// River.
	{text: `WITH locked_jobs AS (SELECT * FROM river_job WHERE state = 'available' AND queue = 'default' AND scheduled_at <= now()
		ORDER BY priority ASC, scheduled_at ASC, id ASC LIMIT 10 FOR UPDATE SKIP LOCKED)
		UPDATE river_job SET state = 'running', attempt = river_job.attempt + 1 FROM locked_jobs
		WHERE river_job.id = locked_jobs.id RETURNING river_job.*`, why: `locks rows (FOR UPDATE)`},
	{text: `SELECT * FROM river_job WHERE state = 'available' LIMIT 1 FOR UPDATE SKIP LOCKED`, why: `locks rows (FOR UPDATE)`},
	{text: `SELECT pg_notify('river_insert', '{"queue": "default"}')`, why: `function pg_notify needs the primary`},
	{text: `LISTEN "public.river_insert"`, why: `listen`},
	{text: `SELECT count(*) FROM river_job WHERE state = 'available'`},

	// Locks.
	{text: `select * from users for no key update`, why: `locks rows (FOR NO KEY UPDATE)`},
	{text: `select * from users for share nowait`, why: `locks rows (FOR SHARE)`},
	{text: `select * from users u join orders o on o.user_id = u.id for key share of u`, why: `locks rows (FOR KEY SHARE)`},
	{text: `select * from (select * from users for update) x`, why: `locks rows (FOR UPDATE)`},
	{text: `with x as (select * from users for update) select * from x`, why: `locks rows (FOR UPDATE)`},
	{text: `select pg_advisory_xact_lock(1)`, why: `calls advisory lock function pg_advisory_xact_lock`},
	{text: `lock table users in share mode`, why: `lock`, noRun: onlyInTx},
	{text: `explain analyze select * from users for update`, why: `locks rows (FOR UPDATE)`},
	{text: `explain select * from users for update`},

	// Writes.
	{text: `with x as (insert into log (line) values ('x') returning id) select * from x`, why: `data-modifying CTE`},
	{text: `with gone as (delete from log where id = 100 returning *) select count(*) from gone`, why: `data-modifying CTE`},
	{text: `with x as (select 1 as id) update users set age = 1 from x where users.id = x.id`, why: `data-modifying CTE`},
	{text: `select id, name into copied from users`, why: `select into creates a table`},
	{text: `drop table copied`, why: `drop`},
	{text: `create table copied as select * from users`, why: `create`},
	{text: `drop table if exists copied, made`, why: `drop`},
	{text: `select 1 as a into temporary scratch`, why: `select into creates a table`},
	{text: `create temp table scratch2 (id int)`, why: `create`},
	{text: `select * from pg_temp.nothing`, why: `names the schema of temporary objects`, noRun: notThere},
	{text: `merge into users u using orders o on o.user_id = u.id when matched then update set age = 1`, why: `merge`},
	{text: `insert into log (line) select name from users`, why: `insert`},
	{text: `insert into log (line) values ('x') returning id`, why: `insert`},
	{text: `update writable set line = 'x'`, why: `update`},
	{text: `explain analyze update users set age = 1`, why: `update`},
	{text: `explain (analyze) insert into log (line) values ('x')`, why: `insert`},
	{text: `select 1; insert into log (line) values ('x')`, why: `insert`, noRun: notByQuery},
	{text: `copy log from stdin`, why: `copy from`, noRun: notByQuery},
	{text: `copy users to '/tmp/users'`, why: `copy to a file or a program of the server's`, noRun: `writes a file`},
	{text: `truncate log`, why: `truncate`},
	{text: `refresh materialized view totals`, why: `refresh`},
	{text: `vacuum log`, why: `vacuum`},
	{text: `analyze log`, why: `analyze`},
	{text: `reindex table log`, why: `reindex`},
	{text: `comment on table log is 'x'`, why: `comment`},
	{text: `grant select on log to public`, why: `grant`},
	{text: `create or replace view active_users as select id, name from users where active and deleted_at is null`, why: `create`},
	{text: `call tidy()`, why: `call`},
	{text: `do $$ begin perform 1; end $$`, why: `do`},
	{text: `notify a, 'b'`, why: `notify`},
	{text: `checkpoint`, why: `checkpoint`, noRun: forOtherUsers},

	// Functions of the server's.
	{text: `select nextval('numbers')`, why: `function nextval is volatile`},
	{text: `select setval('numbers', 5)`, why: `function setval is volatile`},
	{text: `select pg_catalog.nextval('numbers'::regclass)`, why: `function nextval is volatile`},
	{text: `select currval('numbers')`, why: `function currval depends on the session`, noRun: `needs a nextval before`},
	{text: `select lastval()`, why: `function lastval depends on the session`, noRun: `needs a nextval before`},
	{text: `explain select nextval('numbers')`, why: `function nextval is volatile`},
	{text: `select setseed(0.5)`, why: `function setseed changes the session`},
	{text: `select txid_current()`, why: `function txid_current needs the primary`},
	{text: `select pg_current_xact_id()`, why: `function pg_current_xact_id needs the primary`},
	{text: `select txid_current_if_assigned()`, why: `function txid_current_if_assigned needs the primary`},
	{text: `select pg_current_wal_lsn()`, why: `function pg_current_wal_lsn needs the primary`},
	{text: `select pg_walfile_name('0/1000000')`, why: `function pg_walfile_name needs the primary`},
	{text: `select pg_export_snapshot()`, why: `function pg_export_snapshot needs the primary`},
	{text: `select lo_create(0)`, why: `function lo_create needs the primary`},
	{text: `select set_config('app.tenant', '7', false)`, why: `function set_config changes settings`},
	{text: `select set_config('app.tenant', '7', true)`, why: `function set_config changes settings`},
	{text: `select current_setting('transaction_read_only')`, why: `function current_setting tells of one server or session`},
	{text: `select current_setting(name) from pg_catalog.pg_roles, (values ('work_mem')) x (name)`, why: `function current_setting tells of one server or session`},
	{text: `select pg_backend_pid()`, why: `function pg_backend_pid needs the primary`},
	{text: `select pg_cancel_backend(0)`, why: `function pg_cancel_backend needs the primary`},
	{text: `select pg_stat_get_live_tuples('users'::regclass)`, why: `function pg_stat_get_live_tuples needs the primary`},
	{text: `select pg_postmaster_start_time()`, why: `function pg_postmaster_start_time needs the primary`},
	{text: `select pg_stat_reset_single_table_counters('users'::regclass)`, why: `function pg_stat_reset_single_table_counters is volatile`},
	{text: `select query_to_xml('select 1', true, false, '')`, why: `function query_to_xml may do anything`},
	{text: `select pg_read_file('x')`, why: `function pg_read_file is volatile`, noRun: onlyPostgres},
	{text: `select dblink_exec('x', 'y')`, why: `function dblink_exec may do anything`, noRun: onlyPostgres},
	{text: `select frobnicate(1)`, why: `function frobnicate is not known`, noRun: notThere},

	// What tells of one server or session.
	{text: `select * from pg_stat_activity`, why: `pg_stat_activity tells of one server`},
	{text: `select pg_stat_activity.query from pg_catalog . pg_stat_activity`, why: `pg_stat_activity tells of one server`},
	{text: `select a.pid from "pg_catalog"."pg_stat_activity" as a, users`, why: `pg_stat_activity tells of one server`},
	{text: `select a.pid from PG_CATALOG.PG_STAT_ACTIVITY a`, why: `pg_stat_activity tells of one server`},
	{text: `select a.pid from U&"pg_stat_\0061ctivity" a`, why: `not understood near from`},
	{text: `table pg_stat_activity`, why: `pg_stat_activity tells of one server`},
	{text: `with a as (select pid from /* here */ pg_stat_activity) select * from a`, why: `pg_stat_activity tells of one server`},
	{text: `select (pg_stat_get_activity(null)).pid`, why: `function pg_stat_get_activity needs the primary`},
	{text: `select * from pg_catalog.pg_stat_get_activity(null)`, why: `function pg_stat_get_activity needs the primary`},
	{text: `select * from pg_catalog.pg_stat_user_tables`, why: `pg_stat_user_tables tells of one server`},
	{text: `select * from pg_locks`, why: `pg_locks tells of one server`},
	{text: `select setting from pg_settings where name = 'max_connections'`, why: `pg_settings tells of one server`},
	{text: `select * from pg_stat_replication`, why: `pg_stat_replication tells of one server`},
	{text: `select * from pg_replication_slots`, why: `pg_replication_slots tells of one server`},
	{text: `select * from pg_available_extensions`, why: `pg_available_extensions tells of one server`},
	{text: `select * from pg_sequences`, why: `pg_sequences tells of one server`},
	{text: `select * from pg_cursors`, why: `pg_cursors tells of one server`},
	{text: `explain select * from pg_stat_activity`, why: `pg_stat_activity tells of one server`},
	{text: `show transaction_read_only`, why: `show`},
	{text: `show server_version`, why: `show`},
	{text: `show all`, why: `show`},

	// Functions, views and tables of users.
	{text: `select write_log('x')`, why: `function write_log has insert in its source`},
	{text: `select public.write_log('x') from users`, why: `function write_log has insert in its source`},
	{text: `select call_writer()`, why: `function call_writer mentions write_log`},
	{text: `select run_text('select 1')`, why: `function run_text has execute in its source`},
	{text: `select make_table()`, why: `function make_table has into in its source`},
	{text: `select count_pages()`, why: `function count_pages mentions pages`},
	{text: `select share_rows()`, why: `function share_rows has share in its source`},
	{text: `select take_lock()`, why: `function take_lock mentions pg_advisory_lock`},
	{text: `select tell_others()`, why: `function tell_others mentions pg_notify`},
	{text: `select set_tenant('7')`, why: `function set_tenant mentions set_config`},
	{text: `select next_number()`, why: `function next_number mentions nextval`},
	{text: `select wal_position()`, why: `function wal_position mentions pg_current_wal_lsn`},
	{text: `select * from pages`, why: `pages is an unlogged table`},
	{text: `table pages`, why: `pages is an unlogged table`},
	{text: `select * from users where id in (select id from pages)`, why: `pages is an unlogged table`},
	{text: `explain select * from pages`, why: `pages is an unlogged table`},
	{text: `select * from hits`, why: `hits_1 is a part of hits`},
	{text: `select * from hits_1`, why: `hits_1 is an unlogged table`},
	{text: `select last_value, is_called from numbers`, why: `numbers is a sequence`},
	{text: `select last_value from users_id_seq`, why: `users_id_seq is a sequence`},
	{text: `select * from remote`, why: `remote is a foreign table`, noRun: `its foreign data wrapper has no handler`},
	{text: `select * from page_count`, why: `view page_count mentions pages`},
	{text: `select * from page_counts`, why: `view page_counts mentions page_count`},
	{text: `select * from busy`, why: `view busy mentions pg_stat_activity`},
	{text: `select * from locked_users`, why: `view locked_users has update in its source`},
	{text: `select * from numbered`, why: `view numbered mentions nextval`},
	{text: `select * from logging`, why: `view logging mentions write_log`},
	{text: `select * from guarded`, why: `a policy of guarded mentions pages`},

	// Sessions and transactions.
	{text: `begin`, why: `begin`},
	{text: `start transaction read only`, why: `start`},
	{text: `commit`, why: `commit`},
	{text: `rollback`, why: `rollback`},
	{text: `set app.tenant = '7'`, why: `set`},
	{text: `set local statement_timeout = 1000`, why: `set`},
	{text: `set transaction isolation level serializable`, why: `set`},
	{text: `set session characteristics as transaction read only`, why: `set`},
	{text: `reset all`, why: `reset`},
	{text: `discard temp`, why: `discard`},
	{text: `listen a`, why: `listen`},
	{text: `unlisten a`, why: `unlisten`},
	{text: `prepare p as select 1`, why: `prepare`},
	{text: `execute p`, why: `execute`, noRun: notThere},
	{text: `explain execute p`, why: `execute`, noRun: notThere},
	{text: `deallocate p`, why: `deallocate`, noRun: notThere},
	{text: `declare c cursor with hold for select 1`, why: `declare`},
	{text: `fetch next from c`, why: `fetch`, noRun: notThere},
	{text: `move c`, why: `move`, noRun: notThere},
	{text: `close c`, why: `close`, noRun: notThere},
	{text: `load 'auto_explain'`, why: `load`},
	{text: `prepare transaction 'x'`, why: `prepare`, noRun: onlyInTx},
	{text: `frobnicate`, why: `not understood`, noRun: isRefused},
	{text: `select (1`, why: `parentheses do not match`, noRun: isRefused},

	// Comments that say where.
	{text: `/* pool:primary */ select 1`},
	{text: `select 1 -- pool:replica`},
}

const mysqlRoutingSchema = `
	create table users (id int auto_increment primary key, name varchar(100), email varchar(100) unique, age int, deleted_at datetime,
		created_at datetime default current_timestamp);
	insert into users (name, email, age) values ('ann', 'a@example.com', 30), ('bob', 'b@example.com', 40);
	create table orders (id int auto_increment primary key, user_id int, total decimal(10, 2), state varchar(10) default 'open', data json,
		foreign key (user_id) references users (id));
	insert into orders (user_id, total, data) values (1, 10, '{"a": 1}'), (2, 20, '{}');
	create table log (id int auto_increment primary key, line varchar(100));
	create table schema_migrations (version bigint primary key, dirty boolean not null);
	create table goose_db_version (id serial primary key, version_id bigint not null, is_applied boolean not null, tstamp timestamp default now());
	create table sessions_in_memory (id int, token varchar(100)) engine = memory;
	create function add_one(n int) returns int deterministic no sql return n + 1;
	create function count_orders(who int) returns int reads sql data return (select count(*) from orders where user_id = who);
	create function write_log(l varchar(100)) returns int modifies sql data begin insert into log (line) values (l); return 1; end;
	create function lie(l varchar(100)) returns int deterministic no sql begin insert into log (line) values (l); return 1; end;
	create procedure tidy() delete from log;
	create procedure list_users() select * from users;
	create view active_users as select id, name from users where deleted_at is null;
	create view user_totals as select u.id, coalesce(sum(o.total), 0) as total, max(o.state) as state from users u left join orders o on o.user_id = u.id group by u.id;
	create view totals_of_active as select t.* from user_totals t join active_users a on a.id = t.id;
	create view counted_users as select id, count_orders(id) as n from users;
	create view more_counted_users as select * from counted_users;
	create view my_connection as select connection_id() as id;
	create view all_tokens as select token from sessions_in_memory;
	create view locked_users as select * from users lock in share mode;
	create view statements as select info from information_schema.processlist`

// mariaDBRoutingSchema is what only MariaDB has.
const mariaDBRoutingSchema = `;
	create sequence numbers;
	create table numbered_rows (id int default nextval(numbers), name varchar(10));
	insert into numbered_rows (name) values ('a');
	create view next_numbers as select nextval(numbers) as n`

// casesOf are those of one of MariaDB and MySQL.
func casesOf(name string) []routingCase {
	var cases []routingCase
	for _, c := range mysqlRoutingCases {
		if c.only != "" && c.only != name {
			continue
		}
		if c.noRun == "only "+name+" knows it" {
			c.noRun = ""
		}
		cases = append(cases, c)
	}
	return cases
}

var mysqlRoutingCases = []routingCase{
	// Reads.
	{text: `select 1`},
	{text: "SELECT * FROM `users`"},
	{text: `select * from users where id = 1;`},
	{text: `/* by the report */ select count(*) from orders # all of them`},
	{text: `select u.name, o.total from users u left join orders o on o.user_id = u.id order by o.total desc limit 5, 10`},
	{text: `select user_id, sum(total), group_concat(state order by id separator ', ') from orders group by user_id with rollup having count(*) > 0`},
	{text: `select id, row_number() over (partition by user_id order by id), lag(total) over (order by id) from orders`},
	{text: `with recursive n (i) as (select 1 union all select i + 1 from n where i < 5) select * from n`},
	{text: `with x as (select * from orders) select * from x`},
	{text: `select * from users where id in (select user_id from orders) and exists (select 1 from orders)`},
	{text: `(select id from users) union all (select id from orders) order by 1 limit 3`},
	{text: `select id from users except select user_id from orders`},
	{text: `values (1, 'a'), (2, 'b')`, noRun: onlyMariaDB},
	{text: `values row(1, 'a'), row(2, 'b')`, noRun: onlyMySQL},
	{text: `table users`, noRun: onlyMySQL},
	{text: `select cast(age as char), convert(name using utf8mb4), cast(age as decimal(5, 2)) from users`},
	{text: `select json_extract(data, '$.a'), json_unquote(json_extract(data, '$.a')), json_length(data), json_valid(data) from orders`},
	{text: "select data->'$.a', data->>'$.a' from orders", noRun: onlyMySQL},
	{text: `select * from json_table('[1, 2]', '$[*]' columns (n int path '$')) as t`},
	{text: `select coalesce(name, ''), ifnull(age, 0), if(age > 1, 'a', 'b'), nullif(1, 2), greatest(1, 2), case when age then 1 else 2 end from users`},
	{text: `select concat(name, 'x'), left(name, 1), substring(name from 1 for 2), replace(name, 'a', 'b'), insert('abc', 1, 1, 'x'), repeat('x', 3), trim(both 'x' from name) from users`},
	{text: `select now(), sysdate(), current_timestamp(6), utc_timestamp(), curdate(), unix_timestamp(), date_add(now(), interval 1 day), date_format(now(), '%Y')`},
	{text: `select uuid(), uuid_short(), rand(), rand(3)`},
	{text: `select sleep(0)`},
	{text: `select benchmark(1, sha2('a', 256))`},
	{text: `select version(), database(), user(), current_user(), schema()`},
	{text: `select sha2('a', 256), hex('a'), crc32('a'), inet_aton('127.0.0.1')`},
	{text: `select md5('a'), sha1('a')`, noRun: onlyMariaDB}, // a component of MySQL's from 9.6 on,
	{text: `select 'insert into users for update', "into outfile", name as "x" from users`},
	{text: `select 1 -- for update`},
	{text: `select 1 # into @a`},
	{text: `select /* into @a */ 1`},
	{text: `select /*! straight_join */ * from users`},
	{text: `select /*+ max_execution_time(1000) */ * from users`},
	{text: `select sql_no_cache distinct high_priority name from users`},
	{text: `select * from users force index (primary) where id = 1`},
	{text: `select name as user, age as share from users`},
	{text: `select * from users where name regexp '^a' or name like 'b%' or name rlike 'c'`},
	{text: `select * from users where match (name) against ('ann' in boolean mode)`, noRun: `needs a full-text index`},
	{text: `select * from users for system_time as of now()`, noRun: `needs a versioned table`},
	{text: `select * from active_users`},
	{text: `select * from user_totals where total > 5`},
	{text: `select * from totals_of_active`},
	{text: `select 1; select 2`, noRun: `needs multiStatements`},
	{text: `set statement max_statement_time = 5 for select * from users`, noRun: onlyMariaDB},
	{text: `help 'select'`},

	// The catalogue, as tools ask it.
	{text: `show tables`},
	{text: `show tables like 'user%'`},
	{text: `show full tables where table_type = 'VIEW'`},
	{text: `show databases`},
	{text: `show columns from users`},
	{text: `show full columns from users`},
	{text: "show index from `users`"},
	{text: `show create table users`},
	{text: `show create view active_users`},
	{text: `show table status`},
	{text: `show triggers`},
	{text: `show procedure status`},
	{text: `show character set`},
	{text: `show collation`},
	{text: `show grants`},
	{text: `describe users`},
	{text: `desc users name`},
	{text: `explain users`},
	{text: `explain select * from users where id = 1`},
	{text: `explain extended select * from users`, noRun: onlyMariaDB},
	{text: `explain format=json select * from users`},
	{text: `analyze select * from users`, noRun: onlyMariaDB},
	{text: `analyze format=json select * from users`, noRun: onlyMariaDB},
	{text: `explain analyze select * from users`, noRun: onlyMySQL},
	{text: `select table_name from information_schema.tables where table_schema = database()`},
	{text: `select * from information_schema.key_column_usage where table_name = 'orders'`},

	// GORM.
	{text: "SELECT * FROM `users` WHERE `users`.`deleted_at` IS NULL ORDER BY `users`.`id` LIMIT 1"},
	{text: "SELECT count(*) FROM `users` WHERE name = 'ann' AND `users`.`deleted_at` IS NULL"},
	{text: "SELECT * FROM `users` WHERE id = 1 ORDER BY `users`.`id` LIMIT 1 FOR UPDATE", why: `locks rows (FOR UPDATE)`},
	{text: `SELECT VERSION()`},
	{text: `SELECT DATABASE()`},
	{text: `SELECT SCHEMA_NAME from Information_schema.SCHEMATA where SCHEMA_NAME LIKE 'x%' ORDER BY SCHEMA_NAME='x' DESC,SCHEMA_NAME limit 1`},
	{text: `SELECT count(*) FROM information_schema.tables WHERE table_schema = 'x' AND table_name = 'users' AND table_type = 'BASE TABLE'`},
	{text: `SELECT column_name, column_default, is_nullable = 'YES', data_type, character_maximum_length, column_type, column_key, extra, column_comment,
		numeric_precision, numeric_scale, datetime_precision FROM information_schema.columns WHERE table_schema = 'x' AND table_name = 'users' ORDER BY ORDINAL_POSITION`},
	{text: `SELECT count(*) FROM information_schema.statistics WHERE table_schema = 'x' AND table_name = 'users' AND index_name = 'idx_users_name'`},
	{text: "INSERT INTO `users` (`name`,`email`) VALUES ('cat','c@example.com') ON DUPLICATE KEY UPDATE `name`=VALUES(`name`)", why: `insert`},
	{text: "UPDATE `users` SET `name`='ann' WHERE `id` = 1", why: `update`},
	{text: "DELETE FROM `log` WHERE id = 100", why: `delete`},
	{text: `SAVEPOINT sp1`, why: `savepoint`},
	{text: `ROLLBACK TO SAVEPOINT sp1`, why: `rollback`, noRun: onlyInTx},
	{text: "CREATE TABLE IF NOT EXISTS `extra` (`id` bigint unsigned AUTO_INCREMENT, PRIMARY KEY (`id`))", why: `create`},
	{text: "ALTER TABLE `extra` ADD `name` longtext", why: `alter`},
	{text: "CREATE INDEX `idx_extra_id` ON `extra`(`id`)", why: `create`},
	{text: "DROP TABLE IF EXISTS `extra` CASCADE", why: `drop`},

	// goose, golang-migrate, sqlx.
	{text: `SELECT GET_LOCK('routing_matrix', 10)`, why: `calls user lock function get_lock`},
	{text: `SELECT RELEASE_LOCK('routing_matrix')`, why: `calls user lock function release_lock`},
	{text: `SELECT version_id, is_applied from goose_db_version ORDER BY id DESC`},
	{text: `INSERT INTO goose_db_version (version_id, is_applied) VALUES (1, true)`, why: `insert`},
	{text: "SELECT version, dirty FROM `schema_migrations` LIMIT 1"},
	{text: `SHOW TABLES LIKE 'schema_migrations'`},
	{text: "TRUNCATE `schema_migrations`", why: `truncate`},
	{text: `select * from users where id in (1, 2, 3)`},

	// Locks.
	{text: `select * from users lock in share mode`, why: `locks rows (LOCK IN SHARE MODE)`},
	{text: `select * from users for share`, why: `locks rows (FOR SHARE)`, noRun: onlyMySQL},
	{text: `select * from users for update skip locked`, why: `locks rows (FOR UPDATE)`},
	{text: `select * from (select * from users for update) x`, why: `locks rows (FOR UPDATE)`},
	{text: `(select * from users) for update`, why: `locks rows (FOR UPDATE)`, noRun: onlyMySQL},
	{text: `with x as (select 1) select * from users for update`, why: `locks rows (FOR UPDATE)`},
	{text: `select is_free_lock('routing_matrix'), is_used_lock('routing_matrix')`, why: `calls user lock function is_free_lock`},
	{text: `select release_all_locks()`, why: `calls user lock function release_all_locks`},
	{text: `do get_lock('routing_matrix', 1)`, why: `do`},
	{text: `lock tables users read`, why: `lock`},
	{text: `unlock tables`, why: `unlock`},
	{text: `flush tables with read lock`, why: `flush`, noRun: forOtherUsers},
	{text: `explain select * from users for update`, why: `locks rows (FOR UPDATE)`},

	// Writes.
	{text: `insert into log (line) select name from users`, why: `insert`},
	{text: `insert into log (line) values ('x') returning id`, why: `insert`, noRun: onlyMariaDB},
	{text: `replace into log (id, line) values (100, 'x')`, why: `replace`},
	{text: `update users u join orders o on o.user_id = u.id set u.age = 1`, why: `update`},
	{text: `delete u from log u where u.id = 100`, why: `delete`},
	{text: `with x as (select 1 as id) delete from log where id in (select id from x)`, why: `delete`, noRun: onlyMySQL},
	{text: `select name from users into outfile '/nowhere/x'`, why: `writes a file of the server's`, noRun: `writes a file`},
	{text: `select name from users limit 1 into dumpfile '/nowhere/x'`, why: `writes a file of the server's`, noRun: `writes a file`},
	{text: `explain update users set age = 1`, why: `update`},
	{text: `explain delete from log`, why: `delete`},
	{text: `analyze update users set age = 1`, why: `update`, noRun: onlyMariaDB},
	{text: `select 1; insert into log (line) values ('x')`, why: `insert`, noRun: `needs multiStatements`},
	{text: `load data infile '/nowhere/x' into table log`, why: `load`, noRun: `reads a file`},
	{text: `truncate table log`, why: `truncate`},
	{text: `analyze table log`, why: `analyze`},
	{text: `check table log`, why: `check`},
	{text: `checksum table log`, why: `checksum`},
	{text: `optimize table log`, why: `optimize`},
	{text: `repair table log`, why: `repair`},
	{text: `create table copied as select * from users`, why: `create`},
	{text: `drop table if exists copied`, why: `drop`},
	{text: `create temporary table scratch (id int)`, why: `create`},
	{text: `rename table log to old_log, old_log to log`, why: `rename`},
	{text: `grant select on users to current_user`, why: `grant`, noRun: forOtherUsers},
	{text: `call tidy()`, why: `call`},
	{text: `call list_users()`, why: `call`},
	{text: `do sleep(0)`, why: `do`},
	{text: `handler users open`, why: `handler`},
	{text: `handler users read first`, why: `handler`, noRun: `needs a handler that is open`},
	{text: `select * from users procedure analyse()`, why: `calls a procedure`, noRun: onlyMariaDB},
	{text: `/*!50000 delete from log */`, why: `delete`},
	{text: `select * from users /*! for update */`, why: `locks rows (FOR UPDATE)`},
	{text: `select 1 /*M!100000 into @a */`, why: `sets a user variable`},
	{text: `set statement max_statement_time = 5 for delete from log`, why: `delete`, noRun: onlyMariaDB},

	// Variables, and what the session did before.
	{text: `select @a := 1`, why: `sets a user variable`},
	{text: `select @a`, why: `reads a variable`},
	{text: `select id, @n := coalesce(@n, 0) + 1 from users`, why: `sets a user variable`},
	{text: `select name into @a from users limit 1`, why: `sets a user variable`},
	{text: `select @@version, @@session.sql_mode`, why: `reads a variable`},
	{text: `select @@read_only`, why: `reads a variable`},
	{text: `select last_insert_id()`, why: `reads last_insert_id`},
	{text: `select last_insert_id(5)`, why: `reads last_insert_id`},
	{text: `select @@identity`, why: `reads a variable`},
	{text: `select id as identity from users`, why: `may read last_insert_id`},
	{text: `select found_rows()`, why: `function found_rows depends on the session`},
	{text: `select row_count()`, why: `function row_count depends on the session`},
	{text: `select sql_calc_found_rows * from users limit 1`, why: `counts rows for found_rows`},
	{text: `select connection_id()`, why: `function connection_id depends on the session`},
	{text: `select nextval(numbers)`, why: `function nextval is volatile`, noRun: onlyMariaDB},
	{text: `select next value for numbers`, why: `takes a value from a sequence`, noRun: onlyMariaDB},
	{text: `select previous value for numbers`, why: `depends on the session's last value of a sequence`, noRun: onlyMariaDB},
	{text: `select lastval(numbers)`, why: `function lastval depends on the session`, noRun: onlyMariaDB},
	{text: `select setval(numbers, 5)`, why: `function setval is volatile`, noRun: onlyMariaDB},
	{text: `select load_file('/nowhere/x')`, why: `function load_file needs the primary`},
	{text: `select master_pos_wait('x', 1, 0)`, why: `function master_pos_wait needs the primary`, noRun: `needs a replica`},

	// What tells of one server or session.
	{text: `show variables like 'read_only'`, why: `shows one server or session`},
	{text: `show global status`, why: `shows one server or session`},
	{text: `show status`, why: `shows one server or session`},
	{text: `show processlist`, why: `shows one server or session`},
	{text: `show full processlist`, why: `shows one server or session`},
	{text: `show warnings`, why: `shows one server or session`},
	{text: `show master status`, why: `shows one server or session`, noRun: onlyMariaDB},
	{text: `show slave status`, why: `shows one server or session`, noRun: onlyMariaDB},
	{text: `show binary logs`, why: `shows one server or session`, noRun: `needs a binary log`},
	{text: `show engines`, why: `shows one server or session`},
	{text: `show engine innodb status`, why: `shows one server or session`},
	{text: `show plugins`, why: `shows one server or session`},
	{text: `show open tables`, why: `shows one server or session`},
	{text: `show events`, why: `shows one server or session`},
	{text: `select * from information_schema.processlist`, why: `processlist tells of one server`},
	{text: `select processlist.info from information_schema.processlist`, why: `processlist tells of one server`},
	{text: "select `processlist`.`INFO` from `Information_Schema`.`processlist`", why: `processlist tells of one server`},
	{text: `select processlist . info from information_schema /* here */ . processlist`, why: `processlist tells of one server`},
	{text: `select processlist.id from users as processlist, information_schema.processlist as p`, why: `processlist tells of one server`},
	{text: `select * from users where id in (select processlist.id from information_schema.processlist)`, why: `processlist tells of one server`},
	{text: `with processlist as (select processlist.* from information_schema.processlist) select id from processlist`, why: `processlist tells of one server`},
	{text: `select innodb_trx.trx_id from information_schema.innodb_trx`, why: `innodb_trx tells of one server`},
	{text: `select threads.processlist_id from performance_schema.threads`, why: `performance_schema tells of one server`},
	{text: `select processlist.id from users as processlist`},
	{text: `select tables.table_name from information_schema.tables`},
	{text: `select * from information_schema.innodb_trx`, why: `innodb_trx tells of one server`},
	{text: `select * from information_schema.global_status`, why: `global_status tells of one server`, noRun: onlyMariaDB},
	{text: `select * from performance_schema.threads`, why: `performance_schema tells of one server`},
	{text: `select user, host from mysql.user`, why: `mysql tells of one server`},
	{text: `explain for connection 1`, why: `shows one server or session`, noRun: `needs another session`},

	// Functions, views and tables of users.
	{text: `select add_one(1)`, why: `function add_one may do anything`},
	{text: `select count_orders(id) from users`, why: `function count_orders may do anything`},
	{text: `select write_log('x')`, why: `function write_log may do anything`},
	{text: `select lie('x')`, why: `function lie may do anything`},
	{text: "select `add_one`(1)", why: `function add_one may do anything`},
	{text: `select count (1)`, why: `function count may do anything`, noRun: `needs IGNORE_SPACE`},
	{text: `select frobnicate(1)`, why: `function frobnicate may do anything`, noRun: notThere},
	{text: `explain select add_one(1)`, why: `function add_one may do anything`},
	{text: `select * from counted_users`, why: `view counted_users calls count_orders`},
	{text: `select * from more_counted_users`, why: `view more_counted_users mentions counted_users`},
	{text: `select * from my_connection`, why: `view my_connection: function connection_id depends on the session`},
	{text: `select * from all_tokens`, why: `view all_tokens mentions sessions_in_memory`},
	{text: `select * from locked_users`, why: `view locked_users mentions lock`, only: "MariaDB"},
	{text: `select * from statements`, why: `view statements: processlist tells of one server`},
	{text: `select * from next_numbers`, why: `view next_numbers mentions nextval`, only: "MariaDB"},
	{text: `select * from sessions_in_memory`, why: `sessions_in_memory is a memory table`},
	{text: `explain select * from sessions_in_memory`, why: `sessions_in_memory is a memory table`},
	{text: `select * from numbers`, why: `numbers is a sequence`, only: "MariaDB"},
	{text: `select name from numbered_rows`, only: "MariaDB"},
	{text: `select default(id) from numbered_rows`, why: `may evaluate a default of numbered_rows`, only: "MariaDB"},
	{text: `select default(state) from orders`},

	// What only MySQL knows.
	{text: `table users`, noRun: onlyMySQL},
	{text: `values row(1, 'a'), row(2, 'b')`, noRun: onlyMySQL},
	{text: `select * from (values row(1, 2)) t`, noRun: onlyMySQL},
	{text: `select /*+ set_var(sort_buffer_size = 16M) */ * from users`},
	{text: `select * from users u, lateral (select count(*) from orders o where o.user_id = u.id) x`, noRun: onlyMySQL},
	{text: `select * from orders where 1 member of ('[1]')`, noRun: onlyMySQL},
	{text: `select uuid_to_bin(uuid()), bin_to_uuid(uuid_to_bin(uuid()))`, noRun: onlyMySQL},
	{text: `select any_value(name), regexp_like(any_value(name), 'a'), format_bytes(1000) from users`, noRun: onlyMySQL},
	{text: `explain format=tree select * from users`, noRun: onlyMySQL},
	{text: `explain format=json into @a select * from users`, why: `explain`, noRun: onlyMySQL},
	{text: `explain analyze delete from log`, why: `delete`, noRun: onlyMySQL},
	{text: `insert into log (line) values ('x') as new on duplicate key update line = new.line`, why: `insert`, noRun: onlyMySQL},
	{text: `select * from users for update of users nowait`, why: `locks rows (FOR UPDATE)`, noRun: onlyMySQL},
	{text: `(select * from users for update) union all select * from users`, why: `locks rows (FOR UPDATE)`, noRun: onlyMySQL},
	{text: `analyze table users update histogram on age`, why: `analyze`, noRun: onlyMySQL},
	{text: `lock instance for backup`, why: `lock`, noRun: onlyMySQL},
	{text: `select * from locked_users`, only: "MySQL"}, // it leaves the lock out of the view
	{text: `show replica status`, why: `shows one server or session`},
	{text: `show binary log status`, why: `shows one server or session`, noRun: onlyMySQL},
	{text: `select * from performance_schema.global_status`, why: `performance_schema tells of one server`, noRun: onlyMySQL},
	{text: `select * from sys.version`, why: `sys tells of one server`},
	{text: `select sys.version_major()`, why: `sys tells of one server`},
	{text: `select ps_current_thread_id()`, why: `function ps_current_thread_id depends on the session`, noRun: onlyMySQL},
	{text: `select wait_for_executed_gtid_set('', 1)`, why: `function wait_for_executed_gtid_set needs the primary`, noRun: onlyMySQL},

	// Sessions and transactions.
	{text: `begin`, why: `begin`},
	{text: `start transaction read only`, why: `start`},
	{text: `commit`, why: `commit`},
	{text: `rollback`, why: `rollback`},
	{text: `set autocommit = 0`, why: `set`},
	{text: `set names utf8mb4`, why: `set`},
	{text: `set @tenant = 7`, why: `set`},
	{text: `set sql_mode = ''`, why: `set`},
	{text: `set session transaction isolation level serializable`, why: `set`},
	{text: `set role none`, why: `set`},
	{text: `use information_schema`, why: `use`},
	{text: `prepare p from 'select 1'`, why: `prepare`},
	{text: `execute p`, why: `execute`, noRun: notThere},
	{text: `execute immediate 'select 1'`, why: `execute`, noRun: onlyMariaDB},
	{text: `deallocate prepare p`, why: `deallocate`, noRun: notThere},
	{text: `xa start 'routing_matrix'`, why: `xa`},
	{text: `begin not atomic select 1; end`, why: `begin`, noRun: onlyMariaDB},
	{text: `kill 0`, why: `kill`, noRun: isRefused},
	{text: `get diagnostics @n = number`, why: `get`},
	{text: `signal sqlstate '45000'`, why: `signal`, noRun: isRefused},
	{text: `frobnicate`, why: `not understood`, noRun: isRefused},
	{text: `select (1`, why: `parentheses do not match`, noRun: isRefused},

	// Comments that say where.
	{text: `/* pool:primary */ select 1`},
	{text: `select 1 -- pool:replica`},
}
