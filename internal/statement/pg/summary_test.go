package pg

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/internal/statement/summarytest"
)

// summaries are texts, and the summary of each.
var summaries = []struct{ text, want string }{
	// The examples of the convention.
	{"SELECT *\n FROM   wuser_table\n WHERE  username = ?", "SELECT wuser_table"},
	{"INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders WHERE order_id = $1", "INSERT shipping_details SELECT orders"},
	{"SELECT * FROM songs, artists WHERE songs.artist_id = artists.id", "SELECT songs artists"},
	{"SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.customer_id)", "SELECT SELECT orders customers"},
	{`SELECT * FROM "song list", "artists"`, `SELECT "song list" "artists"`},

	// Tables of a query.
	{"SELECT * FROM users WHERE id = $1", "SELECT users"},
	{`select u.*, o.id from public.users u join "Orders" o on o.user_id = u.id`, `select public.users "Orders"`},
	{"SELECT 1", "SELECT"},
	{"SELECT now(), lower('FROM s3cret') -- from s3cret", "SELECT"},
	{"select a from x left outer join y using (a), only (z) as q(b, c), lateral (select 1 from w) v cross join u", "select x y z select w u"},
	{"select a from (x join (y natural join z) on true) where b in (1, 2)", "select x y z"},
	{`select a from s . "T" /* s3cret */ . u, "a""b"`, `select s."T".u "a""b"`},
	{"select a from t as x (b, c), u join v on x.b = array[u.c, v.d], w where a = b, ignored", "select t u v w"},
	{"select extract(year from d), substring(a from 2), trim(both from b), position('x' in c) from t", "select t"},
	{"select a is distinct from b, a is not distinct from c from t where x is distinct from y", "select t"},
	{"select distinct from t", "select t"},
	{"select a as from, b as select, c as union, d.from from t as join", "select t"},
	{"select * from generate_series(1, 10) g, pg_catalog.unnest(a, b) with ordinality as x(c, d), t", "select t"},
	{"select * from rows from (f(1), g(2)) as x join t on true", "select t"},
	{"select * from xmltable('/r' passing d columns a int path 'a') x, t", "select t"},
	{"select * from t tablesample system (10), u", "select t u"},
	{"select a, count(*) from t group by a, b having x order by a, c limit 1 offset 2", "select t"},
	{"select a from t order by b, c for update of t, u nowait", "select t"},
	{"select a from t for no key update of t, u", "select t"},
	{"select sum(a) over w from t window w as (partition by b, c), v as ()", "select t"},
	{"select a into temp new from old", "select new old"},
	{"select a into s.new from old", "select s.new old"},
	{"select * from a join a b on true, c, a", "select a c"},
	{"select * from größe, \"a\nb\"", `select größe "a_b"`},
	{"table t order by 1", "table t"},
	{"values (1), (2)", "values"},
	{"(select a from t) limit 1", "select t"},

	// Queries in queries.
	{"select * from t where a in (select b from u) and exists (select 1 from v)", "select t select u select v"},
	{"select (select max(a) from u), b from t", "select select u t"},
	{"select * from t where a = any(array(select b from u)) and (table v) = 1", "select t select u table v"},
	{"select a from (values (1), (2)) v(a) join t on true", "select t"},
	{"select a from t union all select b from u", "select t select u"},
	{"select a from t union all select a from t where 1 = 2 union select a from t", "select t"},
	{"(select a from t) except (select a from t) intersect (select b from u)", "select t select u"},
	{"select a from ((select 1 from x) union all (select 1 from x)) q", "select select x"},
	{"select 1 union all select 2 union all select 3", "select"},
	{"select * from (select * from (select * from users) a) b", "select select select users"},

	// Common table expressions.
	{"WITH x AS (SELECT a FROM a) SELECT b FROM x JOIN b ON true", "SELECT a SELECT b"},
	{"with x (a, b) as materialized (select 1 from a), y as not materialized (select 1 from x, b) select * from x, y", "select a select b select"},
	{"with orders as (select * from orders where a) select * from orders join t on true", "select orders select t"},
	{`with recursive t(n) as (values (1) union all select n + 1 from T) search depth first by n, m set o select * from "t", u`, "select select u"},
	{"with d as (delete from a where b returning *), u as (update c set d = 1 returning *) insert into e select * from d", "delete a update c insert e select"},
	{"select * from (with x as (select 1 from a) select * from x) y, x", "select select a select x"},
	{"with recursive as (select 1 from a) select * from recursive", "select a select"},
	{"insert into t with x as (select 1 from a) select * from x", "insert t select a select"},

	// Changes of data.
	{"INSERT INTO orders (a) SELECT b FROM carts", "INSERT orders SELECT carts"},
	{`insert into "Users" as u ("a", "b") values ($1, $2) on conflict (a) do update set b = excluded.b, c = 1 returning id`, `insert "Users"`},
	{"insert into t (a) values (1, (select max(b) from u))", "insert t select u"},
	{"insert into t select a from x join y on x.a = y.a on conflict do update set a = 1, b = 2", "insert t select x y"},
	{"insert into t default values", "insert t"},
	{"insert into t (select a from u)", "insert t select u"},
	{"insert into t (a) overriding system value table u", "insert t table u"},
	{"UPDATE t SET a = 1, b = (select max(c) from u) WHERE d = 'x'", "UPDATE t select u"},
	{"update only t as x set a = extract(day from b), c = d is distinct from e from u, v join w on true where z", "update t u v w"},
	{"DELETE FROM t WHERE a", "DELETE t"},
	{"delete from only t using u, v join w using (a) where b", "delete t u v w"},
	{"delete from t using (select 1 from u) v", "delete t select u"},
	{"merge into t using s on t.a = s.a when matched then update set a = 1, b = 2 when not matched then insert (a) values (1)", "merge t s"},
	{"merge into only t x using (select * from u) s on true when matched then delete", "merge t select u"},
	{"truncate t, only u restart identity", "truncate t u"},
	{"truncate only (t), u", "truncate t u"},
	{"truncate table s.t", "truncate table s.t"},
	{"copy t (a, b) from stdin with (format csv)", "copy t"},
	{"copy binary t to stdout", "copy t"},
	{"copy (select a from t, u) to stdout", "copy select t u"},
	{"copy (delete from t returning *) to stdout", "copy delete t"},

	// Definitions.
	{"CREATE TABLE t (a int default 1, update int, constraint c check (b in ('x')), foreign key (a) references u (a))", "CREATE TABLE t"},
	{"create temp table if not exists t as select * from u with no data", "create table t select u"},
	{"create table t as execute p(1)", "create table t execute"},
	{"create table t partition of u for values from (1) to (2)", "create table t"},
	{"create or replace recursive view v (a, b) as with x as (select 1 from t) select * from x with check option", "create view v select t select"},
	{"create materialized view v as (select 1 from t) with no data", "create materialized view v select t"},
	{"refresh materialized view concurrently v", "refresh materialized view v"},
	{"create foreign table t (a int) server s", "create foreign table t"},
	{"create foreign data wrapper w", "create foreign"},
	{"create unique index concurrently if not exists i on only t using btree (a, lower(b)) where c", "create index i t"},
	{"create index on t (a)", "create index t"},
	{"create trigger tr before insert or update of a, b on t for each row execute function f()", "create trigger tr t"},
	{"create event trigger e on ddl_command_start execute function f()", "create event trigger e"},
	{"create policy p on t using (a in (select b from u))", "create policy p t select u"},
	{"create or replace function s.f(a int, b text default 's3cret') returns table (c int) language sql as $$ select 1 from u $$; select 1 from t", "create function s.f select t"},
	{"create function f() returns int begin atomic select 1 from u; select 2 from v; end; select 1 from t", "create function f"},
	{"create rule r as on insert to t do instead (delete from u; delete from v)", "create rule r"},
	{`create extension if not exists "uuid-ossp"`, `create extension "uuid-ossp"`},
	{"create schema if not exists s authorization joe", "create schema s"},
	{"create schema authorization joe", "create schema"},
	{"create type t as enum ('s3cret')", "create type t"},
	{"create domain d as text check (value <> 's3cret')", "create domain d"},
	{"create sequence s as bigint", "create sequence s"},
	{"create database d owner joe", "create database d"},
	{"create role joe with password 's3cret'", "create role"},
	{"alter user joe set search_path = a", "alter user"},
	{"create cast (a as b) without function", "create cast"},
	{"alter default privileges in schema s grant select on tables to joe", "alter default"},
	{"ALTER TABLE IF EXISTS ONLY t ADD COLUMN a int, ADD b int", "ALTER TABLE t"},
	{"alter table all in tablespace a set tablespace b", "alter table"},
	{"alter system set a = 's3cret'", "alter system"},
	{"DROP INDEX i", "DROP INDEX i"},
	{"drop table if exists a, s.b cascade", "drop table a s.b"},
	{"drop function f(int), g(text, int)", "drop function f g"},
	{"drop trigger if exists tr on t cascade", "drop trigger tr t"},
	{"drop owned by joe", "drop owned"},
	{"reindex (verbose) table concurrently t", "reindex table t"},
	{"comment on table t is 's3cret'", "comment"},
	{"grant select, insert on t to joe", "grant"},

	// All the others.
	{"BEGIN", "BEGIN"},
	{"begin isolation level serializable; insert into t values (1); commit", "begin insert t commit"},
	{"START TRANSACTION READ ONLY", "START TRANSACTION"},
	{"COMMIT", "COMMIT"},
	{"rollback to savepoint s", "rollback"},
	{"SAVEPOINT sp_42", "SAVEPOINT"},
	{"release savepoint s", "release"},
	{"prepare transaction 's3cret'", "prepare"},
	{"SET search_path = a, b", "SET"},
	{"set local role joe", "set"},
	{"SHOW server_version", "SHOW"},
	{"CALL p(1, (select a from t))", "CALL p select t"},
	{"call s.p()", "call s.p"},
	{"do $$ begin delete from t; end $$", "do"},
	{"EXPLAIN SELECT a FROM t", "EXPLAIN SELECT t"},
	{"explain (analyze, buffers, format json) insert into t select 1 from u", "explain insert t select u"},
	{"explain analyze verbose with x as (select 1 from t) select * from x", "explain select t select"},
	{"explain create table t as select 1 from u", "explain create table t select u"},
	{"explain (select a from t) union select b from u", "explain select t select u"},
	{"prepare p (int, text) as update t set a = $1", "prepare update t"},
	{"execute p(1)", "execute"},
	{"declare c cursor with hold for select a from t", "declare select t"},
	{"fetch all from c", "fetch"},
	{"lock table only a, b in exclusive mode", "lock table a b"},
	{"lock t", "lock t"},
	{"vacuum (full, analyze) t (a, b), u", "vacuum t u"},
	{"vacuum full freeze verbose analyze t", "vacuum t"},
	{"analyze t (a, b), u", "analyze t u"},
	{"analyze", "analyze"},
	{"cluster t using i", "cluster t"},
	{"listen s3; notify s3, 's3cret'", "listen notify"},

	// Several statements, and repetitions of one.
	{"select a from t; update u set b = 1;; delete from v;", "select t update u delete v"},
	{"insert into t values (1); insert into t values (2); insert into t values (3); select 1 from t", "insert t select t"},
	{"insert into t values (1); select 1 from t; insert into t values (3)", "insert t select t insert t"},

	// Comments.
	{"/* s3cret */ select -- from s3cret\n a /* from s3cret */ from /* s3cret */ t /* , s3cret */", "select t"},

	// What cannot be read.
	{"", ""},
	{" ; -- s3cret", ""},
	{"select a from t where b = 's3cret", "select"},
	{`select a from t where b = 'x\' || s3cret and '`, "select"},
	{"(Select a from t where b = $$s3cret", "Select"},
	{"select a from t where b = \xff", "select"},
	{"select a from t where b = \x00", "select"},
	{"\xff", ""},
	{"'s3cret'", ""},
	{`"a b" c`, ""},
	{"42", ""},
	{"foo s3 from t; select a from t", "foo"},
	{"select a from t; foo from u; select b from v", "select t foo"},
	{"select (((a from ] t ) )", "select"},
	{")", ""},
	{"select from", "select"},
	{"select a from (", "select"},
	{"insert into t (a) values ('" + strings.Repeat("s3cret ", 10_000) + "'); select 1 from u", "insert t"},
	{"insert into t (a) values (1" + strings.Repeat(", 2", 10_000) + ")", "insert t"},
	{"select " + strings.Repeat("x", 20_000) + " from t", "select"},
	{strings.Repeat("x", 20_000), ""},
	{"select a from " + strings.Repeat("x", 249), "select"},
	{"select a from " + strings.Repeat("x", 248), "select " + strings.Repeat("x", 248)},
	{strings.Repeat("x", 256), ""},
	{"select a from " + strings.Repeat("x", 200) + ", " + strings.Repeat("y", 200) + ", z", "select " + strings.Repeat("x", 200)},
	{strings.Repeat("(", 5000) + "select a from t", "select t"},
}

func TestSummariesNameOperationsAndTargets(t *testing.T) {
	for _, c := range summaries {
		assert.Equal(t, c.want, Summary(c.text), "%.100q", c.text)
	}
}

// What is read by the classifier has a summary that begins with its first word.
func TestSummariesBeginWithTheFirstOperation(t *testing.T) {
	for _, r := range rows(t) {
		got, _, _ := strings.Cut(Summary(r.text), " ")
		first := lexer{text: r.text}
		first.run()
		want := ""
		for _, tok := range first.tokens {
			if tok.kind == word {
				want = tok.text
				break
			}
		}
		if want == "with" || want == "values" {
			continue
		}
		assert.Equal(t, want, strings.ToLower(got), "%q", r.text)
	}
}

// s3cret stands only in literals and comments of these; what may be a target is among them.
var summaryPieces = append([]string{
	" from ", " join ", " insert into ", " update ", " delete from ", " set ", " using ", " with x as (", " create table ", " drop table ", " as ",
	" union all ", " values ", " truncate ", " explain ", " lock ", " call ", " copy ", " merge into ", " on ", " x ", " where ", " into ", " create index ",
	" prepare ", " begin;", " declare ", " for ", " only ", " execute ", " with recursive ", " lateral ", " create function ", " refresh materialized view ",
}, maskPieces...)

func FuzzSummary(f *testing.F) {
	var texts []string
	for _, c := range summaries {
		texts = append(texts, c.text)
	}
	summarytest.Fuzz(f, texts, summaryPieces, Summary, func(t *testing.T, shown string) {
		summary := lexer{text: shown}
		assert.Equal(t, lexDone, summary.run(), "%q is cut", shown)
		for _, tok := range summary.tokens {
			assert.True(t, tok.isName() || tok.isPunct('.'), "%q shows %q", shown, tok.text)
		}
	})
}

// The text has about 300 bytes.
func BenchmarkSummary(b *testing.B) {
	b.ReportAllocs()
	const text = "select o.id, o.name, o.created_at, c.name, count(i.id) from orders o join customers c on c.id = o.customer_id left join " +
		"items i on i.order_id = o.id and i.deleted_at is null where o.state = $1 and o.total > $2 and c.country in ($3, $4, $5) " +
		"group by o.id, c.id order by o.created_at desc limit 100"
	for b.Loop() {
		Summary(text)
	}
}
