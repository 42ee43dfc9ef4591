abort
abort work
abort and chain
alter aggregate myavg(integer) rename to my_average
alter collation "de_DE" refresh version
alter conversion iso_8859_1_to_utf8 owner to joe
alter database test set enable_indexscan to off
alter database test rename to test2
alter default privileges in schema myschema grant select on tables to public
alter domain zipcode add constraint zipchk check (char_length(value) = 5)
alter domain zipcode set default lpad('', 5)
alter event trigger t disable
alter extension hstore update to '2.0'
alter extension hstore add function populate_record(anyelement, hstore)
alter foreign data wrapper dbi options (add foo '1', drop bar)
alter foreign table myschema.distributors options (add opt1 'value')
alter function sqrt(integer) rename to square_root
alter function check_password(text) set search_path = admin, pg_temp
alter group staff add user karl
alter index distributors rename to suppliers
alter index coord_idx alter column 3 set statistics 1000
alter language plsample rename to plsample2
alter large object 1 owner to joe
alter materialized view foo rename to bar
alter operator @@ (text, text) owner to joe
alter operator class c using btree rename to d
alter operator family integer_ops using btree add operator 1 < (int4, int2), function 1 btint42cmp(int4, int2)
alter policy p on t using (a = current_user)
alter procedure insert_data(integer, integer) rename to insert_record
alter publication noinsert set (publish = 'update, delete')
alter publication mypublication add table users (user_id, firstname), departments where (dept > 3)
alter role davide with password 'hu8jmn3'
alter role worker_bee set maintenance_work_mem = 100000
alter role all reset all
alter routine foo(integer) rename to foobar
alter rule notify_all on emp rename to notify_me
alter schema s rename to t
alter sequence serial restart with 105
alter server foo options (set host 'foo')
alter statistics foo set statistics 1000
alter subscription mysub set publication insert_only
alter system set wal_level = replica
alter system reset all
alter table distributors add column address varchar(30)
alter table distributors alter column address type varchar(80) using lower(address), alter column name type varchar(100)
alter table foo alter column foo_timestamp set data type timestamp with time zone using timestamp with time zone 'epoch' + foo_timestamp * interval '1 second'
alter table t add constraint c check (check_it(a)) not valid
alter table t add constraint fk foreign key (address) references addresses (address) match full on delete cascade on update set null
alter table measurement attach partition measurement_y2016m07 for values from ('2016-07-01') to ('2016-08-01')
alter table t set schema pg_temp
alter table if exists only t alter a set default nextval('s'), drop column if exists b cascade
alter table all in tablespace a set tablespace b
alter tablespace index_space rename to fast_raid
alter text search configuration my_config alter mapping replace english with swedish
alter trigger emp_stamp on emp rename to emp_track_chgs
alter type compfoo add attribute f3 int
alter type colors add value 'orange' after 'red'
alter user bob rename to alice
alter user mapping for bob server foo options (set password 'public')
alter view foo rename to bar
alter view v alter column c set default f()
analyze
analyze verbose t (a, b)
analyze (verbose, skip_locked) t
begin
begin work
begin transaction isolation level serializable, read only
call transfer(1, 2)
call s.do_it(set_config('a', 'b', false))
checkpoint
close liahona
close all
cluster employees using employees_ind
cluster
comment on table mytable is 'This is my table.'
comment on function my_function(timestamp) is 'x'
commit
commit work and no chain
commit and chain
commit prepared 'foobar'
copy country to stdout (delimiter '|')
copy country from '/usr1/proj/bray/sql/country_data'
copy (select * from country where country_name like 'A%') to '/usr1/x.copy'
copy country to program 'gzip > /usr1/x.gz'
copy country (a, b) from stdin with csv header
copy country from stdin with delimiter as ',' null as 'x' where f(a) > 1
copy binary s.country from stdin
copy (insert into t values (1) returning a) to stdout
copy (select f(a) from t) to stdout with (format csv)
create access method heptree type index handler heptree_handler
create aggregate avg (float8) (sfunc = float8_accum, stype = float8[], finalfunc = float8_avg, initcond = '{0,0,0}')
create cast (bigint as int4) with function int4(bigint) as assignment
create collation french (locale = 'fr-x-icu')
create conversion myconv for 'UTF8' to 'LATIN1' from myfunc
create database lusiadas
create domain us_postal_code as text check (value ~ '^\d{5}$' or f(value))
create domain pg_temp.d as numeric(5,2)
create event trigger abort_ddl on ddl_command_start execute function abort_any_command()
create extension hstore
create extension if not exists "uuid-ossp" schema addons
create foreign data wrapper dummy
create foreign table films (code char(5) not null, title varchar(40)) server film_server
create function add(a integer, b integer) returns integer language sql immutable return a + b
create function add(integer, integer) returns integer as 'select $1 + $2;' language sql
create or replace function increment(i integer) returns integer as $$ begin return i + 1; end; $$ language plpgsql set search_path = admin, pg_temp
create function dup(int, out f1 int, out f2 text) as $$ select $1, cast($1 as text) || ' is text' $$ language sql
create function pg_temp.f() returns int language sql as 'select 1'
create procedure insert_data(a integer, b integer) language sql begin atomic insert into tbl values (a); insert into tbl values (b); end
create function f() returns int begin atomic select case when a then 1 else 2 end from t; select set_config('a', 'b', false); end; select g()
create group staff
create unique index title_idx on films (title)
create index concurrently on s.films using gin (to_tsvector('english', body), b gin_trgm_ops (x = 1)) include (c) with (fastupdate = off) where lower(c) = 'x'
create index i on films ((lower(title)), a desc nulls last)
create language plsample handler plsample_call_handler
create or replace trusted procedural language plperl
create materialized view mymatview as select * from mytable with no data
create operator === (leftarg = box, rightarg = box, function = area_equal_function)
create operator class gist__int_ops default for type _int4 using gist as operator 3 &&, function 1 g_int_consistent (internal, _int4, smallint, oid, internal)
create operator family f using btree
create policy p on t as permissive for all to public using (f(a)) with check (g(b))
create publication mypublication for table users, departments where (f(active)) with (publish = 'insert')
create role jonathan login password 'x' valid until '2030-01-01'
create rule "_RETURN" as on select to t1 do instead select * from t2
create rule notify_me as on update to mytable do also notify mytable
create rule r as on insert to t where f(new.a) do also (insert into log values (new.a); delete from x using g(1) y where x.a = y; update z set a = h(1))
create schema myschema
create schema hollywood create table films (title text, release date) create view winners as select title from films where f(title)
create schema s create temp table t (a int)
create sequence serial start 101
create temp sequence s increment by 2
create server myserver foreign data wrapper postgres_fdw options (host 'foo')
create statistics s1 (dependencies) on a, b from t1
create statistics s3 on date_trunc('month', a), (date_trunc('day', a)) from t3
create subscription mysub connection 'host=x' publication mypublication
create table films (code char(5) constraint firstkey primary key, title varchar(40) not null, did integer not null, date_prod date, kind varchar(10), len interval hour to minute)
create table if not exists s.t (id bigserial primary key, a numeric(5,2) default f(1), b int generated always as (g(a)) stored, c int generated by default as identity (start with 10), d vector(3), unique (a, b), exclude using gist (a with &&, h(b) with =), foreign key (a) references x (y))
create table t (like u including all) inherits (v) partition by range (logdate, lower(a)) with (fillfactor = 70)
create table p partition of t for values in (1, 2)
create table p2 partition of t (a default f()) for values with (modulus 4, remainder 0)
create temp table x (a int) on commit drop
create temporary table x as select 1
create local temp table x (a int)
create global temporary table x (a int)
create unlogged table x (a int)
create table pg_temp.x (a int)
create table if not exists "pg_temp"."x" as select 1
create table temp (temp int)
create table films_recent as select * from films where date_prod >= '2002-01-01'
create table films2 as table films
create temp table films_recent on commit drop as execute recentfilms('2002-01-01')
create table films_recent as execute recentfilms(f(1))
create table x (a) as values (f(1)) with no data
create tablespace dbspace location '/data/dbs'
create text search configuration my_cfg (copy = english)
create transform for hstore language plpython3u (from sql with function hstore_to_plpython(internal), to sql with function plpython_to_hstore(internal))
create trigger check_update before update of balance on accounts for each row when (old.balance is distinct from f(new.balance)) execute function check_account_update()
create constraint trigger t after insert on a deferrable initially deferred for each row execute procedure p('x')
create type compfoo as (f1 int, f2 text)
create type bug_status as enum ('new', 'open')
create type float8_range as range (subtype = float8, subtype_diff = float8mi)
create type pg_temp.t as (a int)
create user u
create user mapping for bob server foo options (user 'bob', password 'secret')
create view vista as select 'Hello World'
create or replace temp view v (a, b) as select f(1), 2
create recursive view public.nums_1_100 (n) as values (1) union all select n+1 from nums_1_100 where n < 100
create view pg_temp.v as select 1
create temp recursive view v (n) as select 1
deallocate foo
deallocate prepare foo
deallocate all
deallocate prepare all
declare liahona cursor for select * from films
declare c scroll cursor with hold for select f(a) from t
declare c insensitive no scroll cursor without hold for values (1)
delete from films where kind <> 'Musical'
delete from only s.films using producers, f(1) g where producer_id = producers.id returning *
delete from tasks where current of c_tasks
with x as (select 1) delete from t using x
discard all
discard plans
discard sequences
discard temp
discard temporary
do $$ begin perform 1; end $$
do language plpgsql 'begin end'
drop table films, distributors
drop function sqrt(integer)
drop aggregate myavg(integer), myrank(variadic "any" order by variadic "any")
drop owned by joe
drop schema if exists mystuff cascade
end
end work and chain
execute fooplan(1, 'Hunter Valley', 't', 200.00)
execute p
explain select * from foo
explain (analyze) insert into t values (1)
explain (analyze false) delete from t
explain (format json) select f(1)
explain (verbose, buffers off) update t set a = 1
explain analyze verbose delete from t
explain verbose select 1
explain analyze execute query(100, 200)
explain execute p(set_config('a', 'b', false))
explain create table x as select 1
explain analyze create table x as select 1
explain analyze declare c cursor with hold for select 1
explain (select 1) union select f(2)
explain (analyze, wal) (select f(1))
fetch forward 5 from liahona
fetch c
fetch all in c
grant insert on films to public
grant select (a, b), update (c) on t to x with grant option
grant admins to joe
import foreign schema foreign_films limit to (actors, directors) from server film_server into films
insert into films values ('UA502', 'Bananas', 105, '1971-07-13', 'Comedy', '82 minutes')
insert into films (code, title) values ('B6717', 'Tampopo'), (f(1), default) returning *
insert into s.films as x (code) select g(a) from tmp_films on conflict (code) do update set title = excluded.title where x.code = h(1)
insert into t default values
insert into t overriding system value select 1
insert into t (a) with q(b) as (select 1) select b from q
with upd as (update employees set a = 1 where id = 1 returning *) insert into employees_log select *, current_timestamp from upd
insert into t select * from a join b on conflict(a.x) on conflict (id, lower(a) collate "C") where b > 1 do nothing
insert into t values (1) on conflict on constraint c do nothing
listen virtual
load '$libdir/plugins/x'
lock table films in share mode
lock a, only b nowait
merge into customer_account ca using recent_transactions t on t.customer_id = ca.customer_id when matched then update set balance = balance + f(1) when not matched then insert (customer_id, balance) values (t.customer_id, g(1))
merge into only s.wines as w using f(1) s on s.a = w.a when not matched and s.b > h(1) then insert values (s.a) when matched then delete
with x as (select 1) merge into t using x on true when matched then do nothing returning merge_action(), t.*
move backward all in c
notify virtual
notify virtual, 'This is the payload'
prepare fooplan (int, text, bool, numeric(5)) as insert into foo values ($1, $2, $3, $4)
prepare p as select f(1)
prepare transaction 'foobar'
prepare transaction as select 1
reassign owned by doctor to joe
refresh materialized view concurrently order_summary
reindex index my_index
reindex (verbose) table concurrently my_table
release savepoint my_savepoint
release s
reset timezone
reset all
reset role
reset session authorization
reset time zone
reset transaction isolation level
revoke insert on films from public
rollback
rollback work and chain
rollback prepared 'foobar'
rollback to savepoint my_savepoint
rollback work to s
savepoint my_savepoint
security label for selinux on table mytable is 'system_u:object_r:sepgsql_table_t:s0'
select * from films
select all f(1), g.h(2) from a.b where c in (select 1) group by grouping sets ((a), rollup (b), cube (c)) having count(*) > 1 window w as (partition by (a) order by f(b) range between 1 preceding and current row) order by x using < nulls last limit f(1) offset g(2) rows
select distinct on (a) f(b), c from t
select distinct on (a, lower(b)) (f(b)) from t
select into x from y
select * into temp x from y
select * into temporary table x from y
select * into unlogged x from y
select * into pg_temp.x from y
select * into table x from y
select * from t for update
select * from t for no key update of t nowait
select * from (select * from t for share) x
select * from t for key share skip locked
select * from t where exists (select 1 from u for update)
with t as (select random() as x from generate_series(1, 3)) select * from t union all select * from t
with recursive employee_recursive(distance, employee_name) as (select 1, f(2) union all select distance + 1, employee_name from employee_recursive er) search depth first by a, b set c cycle x set y to true default false using z, other(q) as (select g(1)) select h(1) from employee_recursive
with x as materialized (select f(1)), y as not materialized (select 2) select * from x, y
with x as (delete from t returning *) select * from x
with x as (with y as (select 1) insert into t select * from y returning a) select * from x
with ordinality as (select 1) select f(2)
select * from f(1) with ordinality as t(a, b), g(2)
select * from rows from (f(1), g(2) as (a int, b text)) with ordinality
select * from unnest(array[1,2]) as t(a), lateral f(t.a) u(b), json_to_record('{}') as x(a int, b numeric(3))
select * from t tablesample bernoulli (f(10)) repeatable (g(200))
select * from t tablesample system(10), u
select * from t tablesample s.mine(10)
select * from xmltable('/a' passing f(1) columns b int path 'b' default g(1), c for ordinality)
select * from json_table(f(1), '$[*]' passing g(2) as x columns (a int path '$.a', nested path '$.b' columns (c numeric(3) path '$'))) as jt
select * from only (t), s.u as v(a, b) natural join w left join (x cross join y) on true join lateral f(1) on g(2)
select * from a join b using (id) as z full join (select f(1)) q on true
select cast(f(1) as numeric(5,2)), g(2)::varchar(10), h(3)::s.t(4), 'x'::character varying(3), interval '1' day, interval(3) '1', timestamp(3) with time zone '2001-01-01', k(1)
select a operator(pg_catalog.+) f(b), operator(pg_catalog.-) g(1), a operator(s.@@) (h(1))
select f(variadic array[1]), g(a => h(1), b := 2), count(distinct k(a) order by l(b)) filter (where m(c)) over (partition by n(d)), percentile_cont(0.5) within group (order by o(e))
select extract(year from f(1)), overlay('a' placing g(1) from 1 for 2), position(h(1) in 'x'), substring(k(1) from 1 for l(2)), trim(both m(1) from n(2)), substring('a' similar o(1) escape p(1)), overlay(q(1), 'x', 1), substring(r(1), 1)
select coalesce(f(1), 2), greatest(g(1)), least(h(1)), nullif(k(1), 2), grouping(a), row(l(1)), array[m(1)], array(select n(1)), xmlelement(name foo, xmlattributes(o(1) as x), p(1)), xmlforest(q(1)), xmlparse(document r(1)), xmlserialize(content s(1) as text), xmlroot(u(1), version v(1), standalone yes), xmlexists(w(1) passing by ref x(1))
select json_object('a' : f(1), 'b' value g(1) null on null), json_array(h(1)), json_value(k(1), '$' passing l(1) as x returning numeric(3) default m(1) on empty), json_query(n(1), '$' with conditional array wrapper), json_arrayagg(o(1) order by p(1)), json_serialize(q(1) returning text), json_scalar(r(1)), json(s(1))
select json_object('{a,1}'), json_object(array['a'], array['b'])
select case f(1) when g(2) then h(3) else k(4) end, case when l(5) then insert(1) end
select a at time zone f(1), a at local, a like f(1) escape g(1), a not like (h(1)), a ilike (k(1)), a similar to l(1), a between symmetric m(1) and n(1), a is distinct from o(1), a is not null, not p(1), a in (q(1)), a = any (r(1)), (a, b) overlaps (s(1), t(2))
select (a, b) overlaps (f(1), g(2)), left(h(1), 2), right(k(1), 2), a collate "C", collation for (l(1)), current_schema(), current_date, current_time(3), user, normalize(m(1), nfc), x is normalized
select (f(x)).y, (t).g, (t).*, a[f(1)], b[g(1):h(2)].c, t.name, s.t.name, (array[1])[k(1)]
select a.f(1), pg_catalog . "set_config" /* c */ ('a', 'b', false)
select like('a', 'b'), overlaps(a, b, c, d), join(1), tablesample(1)
select 1 fetch first f(1) rows only
select 1 fetch next (g(1)) rows only
select 1 limit (f(1)) offset (g(2))
set search_path to my_schema, public
set session datestyle to postgres, dmy
set local x = 1
set local.x = 1
set local = 1
set local to 1
set session = 1
set transaction.x = 1
set constraints.x to 'a'
set time zone 'PST8PDT'
set local time zone local
set names 'utf8'
set schema 'x'
set xml option document
set x from current
set constraints all deferred
set role none
set role 'paul'
set local role paul
set session role paul
set role to paul
set role.x = 1
set "role" = 'x'
set "ROLE" to x
set session_authorization = 'paul'
set session authorization 'paul'
set session session authorization default
set local session authorization paul
set transaction isolation level serializable
set transaction snapshot '00000003-0000001B-1'
set session characteristics as transaction isolation level serializable
set local session characteristics as transaction read only
set local search_path = pg_temp, public
set local search_path = 'PG_TEMP'
set local schema 'pg_temp'
set x to default
show datestyle
show all
show time zone
show session authorization
show transaction isolation level
start transaction
start transaction read only
table films
table only films order by f(1)
truncate bigtable, fattable
truncate table only s.a, b * restart identity cascade
unlisten virtual
unlisten *
update films set kind = 'Dramatic' where kind = 'Drama'
update only s.weather w set (a, b) = (f(1), default), c[1] = g(2) from h(3) x where w.a = x returning *
update t as x set a = 1 where current of c
with q as (select 1) update t set a = (select * from q)
vacuum
vacuum (verbose, analyze) onek
vacuum full freeze verbose analyze s.t (a, b)
values (1, 'one'), (f(2), 'two')
values (1) union all values (g(1)) order by 1
(select 1) union (select f(2))
((values (1)))
select 1; select 2
select 1;; set x = 1;
select f(1); insert into t values (1); begin; commit
;
select random(), clock_timestamp(), gen_random_uuid(), pg_sleep(1), timeofday()
select set_config('a', 'b', true)
select set_config('a', 'b', false)
select set_config('a', 'b', 'true')
select set_config('a', 'b', is_local => true)
select set_config('search_path', 'pg_temp', true)
select set_config('search_path', 'a', true)
select set_config('a', (select true), true)
select nextval('s'), setval('s', 1), currval('s'), lastval()
select pg_advisory_lock(1), pg_try_advisory_lock_shared(1, 2), pg_advisory_unlock(1), pg_advisory_unlock_all()
select pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(1)
select setseed(0.5), pg_notify('a', 'b'), txid_current(), pg_current_xact_id()
select lo_create(0), lo_unlink(1), pg_terminate_backend(1), pg_cancel_backend(1)
select * from dblink('x', 'select 1') as t(a int)
select dblink_exec('x', 'y'), query_to_xml('select 1', true, true, ''), ts_stat('select 1'), ts_rewrite('a'::tsquery, 'select 1')
select lastval from t
select t.lastval, (1::bigint).pg_advisory_lock from t
explain (analyze) (select set_config('a', 'b', false))
explain (costs off) (values (1)) union select f(1)
explain (values (1)) union (select f(2))
copy t to stdout (format csv)
copy t from stdin (format csv) where a similar to stdout(1) or b is distinct from stdin(2)
select * from stdin(1), t where a similar to stdout (2)
explain analyze (insert_me)
explain (verbose) delete from t
