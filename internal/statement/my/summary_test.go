package my

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
	{"INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders WHERE order_id = ?", "INSERT shipping_details SELECT orders"},
	{"SELECT * FROM songs, artists WHERE songs.artist_id = artists.id", "SELECT songs artists"},
	{"SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.customer_id)", "SELECT SELECT orders customers"},
	{"SELECT * FROM `song list`, `artists`", "SELECT `song list` `artists`"},

	// Tables of a query.
	{"SELECT * FROM users WHERE id = ?", "SELECT users"},
	{"select u.*, o.id from shop.users u join `Orders` o on o.user_id = u.id", "select shop.users `Orders`"},
	{"SELECT 1", "SELECT"},
	{"select 1 from dual", "select"},
	{"SELECT NOW(), LOWER('FROM s3cret') -- from s3cret", "SELECT"},
	{"select sql_no_cache distinct a from x left outer join y using (a), z as q straight_join w on true", "select x y z w"},
	{"select a from (x, (y, z)) left join { oj u left outer join v on true } on true where b in (1, 2)", "select x y z u v"},
	{"select a from s . `T` /* s3cret */ . u, `a``b`", "select s.`T`.u `a``b`"},
	{"select extract(year from d), substring(a from 2), trim(both 'x' from b) from t", "select t"},
	{"select a as `from`, b as `select`, t.from, t.union from t", "select t"},
	{"select * from t partition (p0, p1) as x force index (a, b), u use index for join (c), v ignore key for order by (d), w", "select t u v w"},
	{"select * from json_table('[1]', '$[*]' columns (id for ordinality, a int path '$.a')) as j, t", "select t"},
	{"select * from t for system_time as of timestamp '2020-01-01', u", "select t u"},
	{"select a from t group by a, b with rollup having x order by a, c limit 1, 2", "select t"},
	{"select a from t order by b, c for update of t, u nowait", "select t"},
	{"select a from t lock in share mode", "select t"},
	{"select a, b into @x, @y from t", "select t"},
	{"select a, b from t into @x, @y", "select t"},
	{"select a into outfile 's3cret' fields terminated by ',' from t", "select t"},
	{"select a from t into outfile 's3cret'", "select t"},
	{"select @@from, @from, @`s`, :=1 from t", "select t"},
	{"select sum(a) over w from t window w as (partition by b, c), v as ()", "select t"},
	{"select * from a join a as b on true, c, a", "select a c"},
	{"select * from größe, `a\nb`", "select größe `a_b`"},
	{"table t order by 1", "table t"},
	{"values row(1), row(2)", "values"},
	{"(select a from t) limit 1", "select t"},
	{`select a from "s3cret"`, "select"}, // a string, or a name in some sql_mode
	{"select a from 2020_sales, t.1a, u", "select u"},

	// Queries in queries.
	{"select * from t where a in (select b from u) and exists (select 1 from v)", "select t select u select v"},
	{"select (select max(a) from u), b from t", "select select u t"},
	{"select a from (values row(1), row(2)) v(a) join t on true", "select t"},
	{"select * from t, lateral (select a from u) x", "select t select u"},
	{"select a from t union all select b from u", "select t select u"},
	{"select a from t union all select a from t where 1 = 2 union select a from t", "select t"},
	{"(select a from t) except (select a from t) intersect (select b from u)", "select t select u"},
	{"select a from t minus select b from u minus, v", "select t select u v"},
	{"insert into t select 1 union all select 2 union all select 3", "insert t select"},

	// Common table expressions.
	{"WITH x AS (SELECT a FROM a) SELECT b FROM x JOIN b ON true", "SELECT a SELECT b"},
	{"with x (a, b) as (select 1 from a), y as (select 1 from x, b) select * from x, y", "select a select b select"},
	{"with orders as (select * from orders where a) select * from orders join t on true", "select orders select t"},
	{"with recursive t(n) as (select 1 union all select n + 1 from T) cycle n, m restrict select * from `t`, u", "select select u"},
	{"with x as (select 1 from a) update b join x on true set c = 1", "select a update b"},
	{"with x as (select 1 from a) delete from b using b join x on true", "select a delete b"},
	{"insert into t with x as (select 1 from a) select * from x", "insert t select a select"},

	// Changes of data.
	{"INSERT INTO orders (a) SELECT b FROM carts", "INSERT orders SELECT carts"},
	{"insert low_priority ignore `Users` (a, b) values (?, ?) as new on duplicate key update b = new.b, c = 1", "insert `Users`"},
	{"insert into t set a = 1, b = (select max(b) from u)", "insert t select u"},
	{"insert into t partition (p0) select a from x join y on x.a = y.a on duplicate key update a = 1, b = 2", "insert t select x y"},
	{"insert delayed into t values (1) returning a", "insert t"},
	{"insert into t table u", "insert t table u"},
	{"REPLACE INTO t (a) VALUES ('s3cret')", "REPLACE t"},
	{"replace delayed t select * from u", "replace t select u"},
	{"UPDATE t SET a = 1, b = (select max(c) from u) WHERE d = 'x'", "UPDATE t select u"},
	{"update low_priority ignore t, u join v using (a) set t.a = extract(day from b), c = d where z order by x, y limit 1", "update t u v"},
	{"update t for portion of p from a to b set c = 1, d = 2", "update t"},
	{"DELETE FROM t WHERE a", "DELETE t"},
	{"delete quick a, b from t as a join u as b on true where c", "delete t u"},
	{"delete from t, u using t join u using (a) join v where b", "delete t u v"},
	{"delete a.*, b.* from t a, u b", "delete t u"},
	{"truncate t", "truncate t"},
	{"TRUNCATE TABLE s.t", "TRUNCATE TABLE s.t"},
	{"load data local infile 's3cret' replace into table t partition (p) fields terminated by ',' (a, @b) set c = (select 1 from u)", "load data t select u"},
	{"load xml infile 's3cret' into table t", "load xml t"},
	{"call s.p(1, (select a from t), 's3cret')", "call s.p select t"},
	{"do sleep((select a from t))", "do select t"},
	{"handler t open as h", "handler t"},

	// Definitions.
	{"CREATE TABLE t (a int default 1, b int as (a + 1), constraint c check (b in ('x')), foreign key (a) references u (a)) engine = x", "CREATE TABLE t"},
	{"create temporary table if not exists t as select * from u", "create table t select u"},
	{"create or replace table t (a int) ignore select * from u union select * from v", "create table t select u select v"},
	{"create table t (select * from u)", "create table t select u"},
	{"create table t like u", "create table t"},
	{"create algorithm = merge definer = 's3cret'@'h' sql security definer view v (a, b) as select 1 from t with check option", "create view v select t"},
	{"alter view v as select 1 from t", "alter view v select t"},
	{"create unique index i using btree on t (a, b(10))", "create index i t"},
	{"create fulltext index i on t (a)", "create index i t"},
	{"create definer = u@h trigger tr before insert on t for each row begin delete from u; end; select 1 from t", "create trigger tr t"},
	{"create trigger tr after update on t for each row set @a = 1; select 1 from t", "create trigger tr t select t"},
	{"create procedure p(a int) if a then select 1 from t; end if; select 2 from u", "create procedure p"},
	{"create function f(a int) returns int deterministic return (select 1 from t)", "create function f"},
	{"create aggregate function f returns int soname 's3cret'", "create function f"},
	{"create event if not exists e on schedule every 1 day starts now() do delete from t", "create event e"},
	{"create database if not exists d character set utf8mb4", "create database d"},
	{"alter database d collate x", "alter database d"},
	{"create user 's3cret'@'h' identified by 's3cret'", "create user"},
	{"create user joe identified by 's3cret'", "create user"},
	{"create role r", "create role"},
	{"create sequence s start with 1", "create sequence s"},
	{"create server s foreign data wrapper mysql options (password 's3cret')", "create server"},
	{"ALTER TABLE t ADD COLUMN a int, RENAME x AS y, ADD INDEX (b)", "ALTER TABLE t"},
	{"alter online table t drop a", "alter table t"},
	{"DROP INDEX i ON t", "DROP INDEX i t"},
	{"drop temporary table if exists a, s.b", "drop table a s.b"},
	{"drop procedure if exists p", "drop procedure p"},
	{"rename table a to b, c to d", "rename table a c"},
	{"grant select, insert on t to joe identified by 's3cret'", "grant"},
	{"set password for joe = 's3cret'", "set"},

	// All the others.
	{"BEGIN", "BEGIN"},
	{"START TRANSACTION READ ONLY", "START TRANSACTION"},
	{"COMMIT", "COMMIT"},
	{"rollback work to savepoint s", "rollback"},
	{"SAVEPOINT sp_42", "SAVEPOINT"},
	{"xa start 's3cret'", "xa start"},
	{"SET NAMES utf8mb4", "SET"},
	{"set @a = (select max(a) from t), b = 1", "set select t"},
	{"SHOW TABLES FROM d LIKE 's3cret'", "SHOW"},
	{"use d", "use d"},
	{"EXPLAIN SELECT a FROM t", "EXPLAIN SELECT t"},
	{"explain format = json update t set a = 1", "explain update t"},
	{"explain analyze select a from t", "explain select t"},
	{"explain for connection 42", "explain"},
	{"DESC t", "DESC t"},
	{"describe s.t a", "describe s.t"},
	{"analyze format=json select a from t", "analyze select t"},
	{"explain format = json into @j select a from t", "explain select t"},
	{"analyze table t update histogram on a", "analyze table t"},
	{"set statement max_statement_time = 5 for select a from t", "set select t"},
	{"flush local tables t", "flush tables"},
	{"analyze local table t, u", "analyze table t u"},
	{"optimize no_write_to_binlog table t", "optimize table t"},
	{"check table t, u extended", "check table t u"},
	{"lock tables a as x read local, b low_priority write", "lock tables a b"},
	{"lock instance for backup", "lock instance"},
	{"unlock tables", "unlock tables"},
	{"flush privileges", "flush privileges"},
	{"prepare p from 's3cret'", "prepare"},
	{"execute p using @a, @b", "execute"},
	{"deallocate prepare p", "deallocate"},
	{"kill query 42", "kill"},
	{"begin not atomic delete from t; end; select 1 from u", "begin"},
	{"{call p(1)}", "call p"},

	// Several statements, and repetitions of one.
	{"select a from t; update u set b = 1;; delete from v;", "select t update u delete v"},
	{"insert into t values (1); insert into t values (2); insert into t values (3); select 1 from t", "insert t select t"},
	{"begin; insert into t values (1); commit", "begin insert t commit"},

	// Comments, of which some are executed.
	{"/* s3cret */ select # from s3cret\n a /* from s3cret */ from /*+ s3cret */ t -- , s3cret", "select t"},
	{"select /*!40001 sql_no_cache */ * from t /*! , s3cret */", "select t"},
	{"create table /*!32312 if not exists */ t (a int) /*!40100 default charset=utf8 */", "create table t"},
	{"/*!40101 set names s3cret */", ""},

	// What cannot be read.
	{"", ""},
	{" ; -- s3cret", ""},
	{"select a from t where b = 's3cret", "select"},
	{`select a from t where b = 'x\' || s3cret and '`, "select"},
	{"(Select a from t where b = $$s3cret", "Select"},
	{"select a from t where b = \xff", "select"},
	{"select a from t where b = \x00", "select"},
	{"select a from t /*! ' */ s3cret", "select"},
	{"'s3cret'", ""},
	{"`a b` c", ""},
	{"42", ""},
	{"foo s3 from t; select a from t", "foo"},
	{"if a then select 1 from t; end if", "if"},
	{"lbl: begin select 1 from t; end", "lbl"},
	{"insert into t (a) values ('" + strings.Repeat("s3cret ", 10_000) + "'); select 1 from u", "insert t"},
	{"insert into t (a) values (1" + strings.Repeat(", 2", 10_000) + ")", "insert t"},
	{strings.Repeat("insert into t (a) values ('x'); ", 10_000), "insert t"},
	{"select a from " + strings.Repeat("x", 249), "select"},
	{"select a from " + strings.Repeat("x", 200) + ", " + strings.Repeat("y", 200) + ", z", "select " + strings.Repeat("x", 200)},
}

func TestSummariesNameOperationsAndTargets(t *testing.T) {
	for _, c := range summaries {
		assert.Equal(t, c.want, Summary(c.text), "%.100q", c.text)
	}
}

// s3cret stands only in literals and comments of these; what may be a target is among them.
var summaryPieces = append([]string{
	" from ", " join ", " insert into ", " replace ", " update ", " delete from ", " set ", " using ", " with x as (", " create table ", " drop table ",
	" as ", " union all ", " values ", " truncate ", " explain ", " lock tables ", " call ", " load data ", " into table ", " on ", " x ", " where ",
	" into ", " create index ", " prepare ", " begin;", " desc ", " for ", " ignore ", " use ", " with recursive ", " lateral ", " create procedure ", "{ oj",
	" create user ",
}, maskPieces...)

func FuzzSummary(f *testing.F) {
	var texts []string
	for _, c := range summaries {
		texts = append(texts, c.text)
	}
	summarytest.Fuzz(f, texts, summaryPieces, Summary, func(t *testing.T, shown string) {
		summary := lexer{text: shown}
		assert.True(t, summary.lex(reading{}), "%q is cut", shown)
		for _, tok := range summary.tokens {
			assert.True(t, tok.kind == word || tok.kind == backtick || tok.isMark('.'), "%q shows %q", shown, shown[tok.start:tok.end])
		}
	})
}

// The text has about 300 bytes.
func BenchmarkSummary(b *testing.B) {
	b.ReportAllocs()
	const statement = "select o.id, o.name, o.created_at, c.name, count(i.id) from orders o join customers c on c.id = o.customer_id left join " +
		"items i on i.order_id = o.id and i.deleted_at is null where o.state = ? and o.total > ? and c.country in (?, ?, ?) " +
		"group by o.id, c.id order by o.created_at desc limit 100"
	for b.Loop() {
		Summary(statement)
	}
}
