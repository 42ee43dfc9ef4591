package schema_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// mysqlSchemaOwn has a place for the name of the database, as locks are of the whole server.
var mysqlSchemaOwn = []string{
	`select 'variables', @@wait_timeout, @@sql_mode, @@time_zone, @@sql_safe_updates, @@foreign_key_checks, @@group_concat_max_len, @@autocommit, @leak, @t1`,
	`select 'place', database(), last_insert_id(), coalesce(is_used_lock('leak-DB') = connection_id(), 0)`,
	`select 1 from leaked limit 0`,
}

var mysqlSchemaState = []string{
	`show session variables where variable_name not in (` + resettest.MovingVariables + `)`,
	`show create table m1`, `show create table m2`,
}

// mysqlSchemaServer makes a database, an ordinary user who may do everything in it, and one who may not define.
func mysqlSchemaServer(t *testing.T, s realtest.MySQLServer) *schemaServer {
	t.Helper()
	admin, err := mysql.ParseDSN(s.Database(t))
	require.NoError(t, err)
	admin.MultiStatements = true
	bare := realtest.Open(t, "mysql", admin.FormatDSN())
	bare.SetMaxIdleConns(0)
	here := strings.NewReplacer("DB", admin.DBName)
	server := &schemaServer{driver: "mysql", errors: map[string]int{}, state: slices.Clone(mysqlSchemaState)}
	for _, query := range mysqlSchemaOwn {
		server.own = append(server.own, here.Replace(query))
	}
	inTx, userVariables := s.InTx, "select variable_name, variable_value from performance_schema.user_variables_by_thread where thread_id = ps_current_thread_id() and variable_value is not null"
	if s.Name == "MariaDB" {
		userVariables = "select variable_name, variable_value from information_schema.user_variables where variable_value is not null"
		server.own = append(server.own, "select 'sequence', previous value for s1, previous value for s2")
	}
	server.own = append(server.own, userVariables)
	server.state = append(server.state, "select 'transaction', ("+inTx+")")
	several := admin.Clone()
	admin.MultiStatements = false
	server.users = []schemaUser{{"administrator", admin.FormatDSN(), admin.FormatDSN(), true}, {"administrator, several statements in a text", several.FormatDSN(), admin.FormatDSN(), true}}
	for i, rights := range []string{"all", "select, insert, update, delete, drop, index, alter, create, show view, trigger, create temporary tables"} {
		name := fmt.Sprintf("%s%d", admin.DBName[len(admin.DBName)-24:], i)
		for _, text := range []string{"create user '" + name + "' identified by 'secret'", "grant " + rights + " on `" + admin.DBName + "`.* to '" + name + "'"} {
			_, err := bare.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		if s.Name != "MariaDB" {
			_, err := bare.ExecContext(t.Context(), "grant select on performance_schema.* to '"+name+"'")
			require.NoError(t, err)
		}
		t.Cleanup(func() {
			_, err := bare.Exec("drop user '" + name + "'")
			require.NoError(t, err)
		})
		user := admin.Clone()
		user.User, user.Passwd = name, "secret"
		server.users = append(server.users, schemaUser{[]string{"owner", "ordinary user"}[i], user.FormatDSN(), admin.FormatDSN(), i == 0})
	}
	elsewhere := realtest.Open(t, "mysql", s.Server(t)) // which needs no database that was dropped
	server.clear = func(t *testing.T) {
		t.Helper()
		for _, text := range []string{"drop database if exists `DB`", "create database `DB`"} {
			_, err := elsewhere.ExecContext(t.Context(), here.Replace(text))
			require.NoError(t, err)
		}
	}
	server.round = func(random *rand.Rand, user schemaUser) []schemaAct {
		ways := []string{"exec", "exec", "query", "query", "prepared", "commit", "rollback"}
		if strings.HasSuffix(user.name, "text") {
			ways = append(ways, "several", "several")
		}
		return randomRound(random, user, ways, &mysqlWriter{random: random, database: admin.DBName, mariaDB: s.Name == "MariaDB"})
	}
	return server
}

func TestMySQLSessionIsCleanWhateverASchemaHides(t *testing.T) {
	t.Parallel()
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) { testResetSchemas(t, mysqlSchemaServer(t, s)) })
}

// mysqlWriter is a [schemaWriter]. All its expressions are integers. Columns whose default or generated value sets a variable, which MariaDB allows, are
// not among them: MariaDB 10.11 crashes when another session writes to such a table.
type mysqlWriter struct {
	random   *rand.Rand
	database string
	mariaDB  bool
	n        int
	defs     []string

	tables, views, functions, procedures, triggers []string
	leaks, harmless                                []string // expressions
	hot                                            []string // tables about which something is hidden
}

func (w *mysqlWriter) chance(n int) bool        { return w.random.IntN(n) == 0 }
func (w *mysqlWriter) pick(of ...string) string { return of[w.random.IntN(len(of))] }
func (w *mysqlWriter) def(format string, args ...any) {
	w.defs = append(w.defs, fmt.Sprintf(format, args...))
}
func (w *mysqlWriter) any(of []string, or string) string {
	if len(of) == 0 {
		return or
	}
	return w.pick(of...)
}

func (w *mysqlWriter) name(kind string) string {
	w.n++
	switch w.random.IntN(30) {
	case 0:
		return fmt.Sprintf("`odd %s%d`", kind, w.n)
	case 1:
		return fmt.Sprintf("`%s%d`", strings.ToUpper(kind), w.n)
	case 2:
		return fmt.Sprintf("ü%s%d", kind, w.n)
	}
	return fmt.Sprintf("%s%d", kind, w.n)
}

func (w *mysqlWriter) schema(again bool) []string {
	old := *w
	*w = mysqlWriter{random: w.random, database: w.database, mariaDB: w.mariaDB}
	if again { // DROP DATABASE would take the database from the session
		for _, t := range slices.Backward(slices.Concat(old.tables, []string{"m1", "m2", "m3"})) { // what refers to others first
			w.def("drop table if exists %s", t)
		}
		for _, v := range slices.Concat(old.views, []string{"m1", "m2", "m3"}) {
			w.def("drop view if exists %s", v)
		}
		for _, f := range old.functions {
			w.def("drop function if exists %s", f)
		}
		for _, p := range old.procedures {
			w.def("drop procedure if exists %s", p)
		}
	}
	if w.mariaDB && !again {
		w.def("create sequence s1")
		w.def("create sequence s2")
	}
	w.def("create table if not exists logged (id int auto_increment primary key)")
	w.harmless = []string{"1", "length('x')", "abs(-1)"}
	for range 2 {
		w.expression(w.random.IntN(3))
	}
	for range 3 + w.random.IntN(3) {
		w.table()
	}
	for range 3 + w.random.IntN(5) {
		w.place(w.pick(w.tables...))
	}
	return w.take()
}

func (w *mysqlWriter) more() []string {
	switch w.random.IntN(8) {
	case 0:
		w.expression(w.random.IntN(3))
	case 1:
		w.table()
	case 2:
		if len(w.triggers) > 0 {
			w.def("drop trigger if exists %s", w.pick(w.triggers...))
		}
	default:
		w.place(w.pick(w.tables...))
	}
	return w.take()
}

func (w *mysqlWriter) take() []string {
	defs := w.defs
	w.defs = nil
	return defs
}

func (w *mysqlWriter) value() string {
	switch {
	case w.chance(3):
		return w.pick(w.harmless...)
	case w.chance(4):
		return w.expression(w.random.IntN(3))
	}
	return w.pick(w.leaks...)
}

// expression makes an expression that leaks, so many levels deep.
func (w *mysqlWriter) expression(depth int) string {
	e := w.pick("get_lock('leak-"+w.database+"', 0)", "last_insert_id(77)", "coalesce(get_lock('leak-"+w.database+"', 0), 1)")
	if w.mariaDB && w.chance(4) {
		e = w.pick("nextval(s1)", "(next value for s2)")
	}
	if w.chance(2) {
		e = w.function(w.action())
	}
	for range depth {
		e = w.wrap(e)
	}
	w.leaks = append(w.leaks, e)
	return e
}

// action is a statement of a stored program that leaks.
func (w *mysqlWriter) action() string {
	actions := []string{
		"set @leak = 1", "set @leak := 2, @t1 = 3", "set session wait_timeout = 77", "set wait_timeout = 78", "set sql_safe_updates = 1", "set time_zone = '+05:00'", "set @@session.group_concat_max_len = 99",
		"select 1 into @leak", "do get_lock('leak-" + w.database + "', 0)", "create temporary table if not exists leaked (a int)", "set local sql_mode = ''", "set foreign_key_checks = 0", "set/**/ @leak = 4", "set names latin1",
		"do last_insert_id(78)", "insert into logged values ()", "do (@leak := 5)",
	}
	if w.mariaDB {
		actions = append(actions, "do nextval(s1)", "do next value for s2", "set statement max_statement_time = 9 for set @leak = 6")
	}
	return w.pick(actions...)
}

func (w *mysqlWriter) wrap(e string) string {
	switch n := w.random.IntN(8); {
	case n < 3:
		return w.function(fmt.Sprintf(w.pick("do %s", "begin declare x int default %s; end", "begin declare x int; set x = %s; end", "begin declare x int; select %s into x; end", "if %s then do 1; end if", "case when %s then do 1; else do 2; end case"), e))
	case n < 4:
		p := w.procedure("do " + e)
		return w.function("call " + p + "()")
	case n < 6:
		return w.view(e)
	}
	return fmt.Sprintf(w.pick("(select %s)", "if(1, %s, 2)", "coalesce(null, %s)", "case when 1 then %s end", "(select max(a) from (select %s as a) x)", "(select sum(%s) from (select 1) y)", "greatest(1, %s)"), e)
}

// function makes a function of a statement, and returns a call.
func (w *mysqlWriter) function(action string) string {
	f := w.name("f")
	w.def("create function %s() returns int %s begin %s %s; return 1; end", f, w.pick("deterministic", "no sql", "reads sql data", "deterministic sql security invoker"), w.pick("", "", "/* nothing */", "declare x int default 1; if x then do 0; end if;"), action)
	w.functions = append(w.functions, f)
	return f + "()"
}

func (w *mysqlWriter) procedure(action string) string {
	p := w.name("p")
	w.def("create procedure %s() begin %s; end", p, action)
	w.procedures = append(w.procedures, p)
	return p
}

func (w *mysqlWriter) view(e string) string {
	v := w.name("v")
	w.def("create %s view %s as %s", w.pick("", "algorithm = merge", "algorithm = temptable", "sql security invoker"), v, fmt.Sprintf(w.pick("select %s as a", "select a from (select %s as a) x", "select 1 as a from logged where %s is not null union all select 2", "select 1 as a having %s"), e))
	w.views = append(w.views, v)
	return "(select max(a) from " + v + ")"
}

func (w *mysqlWriter) table() {
	t, other := w.name("t"), w.any(w.tables, "")
	action := func() string { return w.pick("cascade", "cascade", "set null", "no action") }
	switch n := w.random.IntN(8); {
	case n < 3 && other != "":
		w.def("create table %s (id int primary key, v varchar(40), w int, foreign key (w) references %s (id) on delete %s on update %s)", t, other, action(), action())
	case n == 3:
		w.def("create table %s (id int auto_increment primary key, v varchar(40), w int)", t)
	case n == 4 && w.mariaDB:
		w.def("create table %s (id int %s primary key, v varchar(40), w int %s)", t, w.pick("", "default nextval(s1)", "default (next value for s1)"), w.pick("default nextval(s2)", ""))
	case n == 5:
		w.def("create table %s (id int primary key, v varchar(40) default (concat('a', '(')), w int check (w is null or w > -9), g int as (id + 1) stored)", t)
	default:
		w.def("create table %s (id int primary key, v varchar(40), w int) %s", t, w.pick("", "", "engine = myisam", "partition by hash (id) partitions 2"))
	}
	w.def("insert into %s (id, v, w) values (1, 'a', null), (2, 'b', 1)", t)
	w.tables = append(w.tables, t)
}

// place hides something about a table.
func (w *mysqlWriter) place(t string) {
	switch w.random.IntN(12) {
	case 0, 1:
		v := w.name("v")
		w.def("create view %s as %s", v, fmt.Sprintf(w.pick("select * from %[1]s", "select id, v, %[2]s as w from %[1]s", "select * from %[1]s where %[2]s is not null", "select id, v, w from %[1]s order by %[2]s"), t, w.value()))
		w.views = append(w.views, v)
	case 2:
		if of := w.any(w.views, "sys.statement_analysis"); len(w.views) > 0 || !w.mariaDB {
			v := w.name("v")
			w.def("create view %s as select * from %s", v, of)
			w.views = append(w.views, v)
		}
	case 3:
		if w.mariaDB {
			w.def("alter table %s add column %s int default nextval(s1)", t, w.name("x"))
		} else {
			v := w.name("j")
			w.def("create json duality view %s as select json_duality_object(with (insert, update, delete) '_id': id, 'v': v) from %s", v, t)
			w.views = append(w.views, v)
		}
	default:
		name := w.name("w")
		w.def("create trigger %s %s %s on %s for each row %s", name, w.pick("before", "after"), w.pick("insert", "update", "delete"), t, w.body())
		w.hot = append(w.hot, t)
		w.triggers = append(w.triggers, name)
	}
}

// body is that of a trigger.
func (w *mysqlWriter) body() string {
	if w.chance(3) { // it leaves nothing
		return w.pick("set new.v = concat(new.v, 'x')", "begin set new.v = '(', new.w = 1; end", "begin if new.w is null then set new.w = 0; end if; end", "begin declare x int default 1; end", "begin end",
			"begin if new.v = 'set' then set new.v = 'x'; end if; end")
	}
	action, other := w.action(), w.pick(w.tables...)
	if w.chance(3) {
		action = "do " + w.value()
	}
	return strings.NewReplacer("$A", action, "$E", w.value(), "$T", other).Replace(w.pick(
		"$A", "begin $A; end", "set new.v = '(', wait_timeout = 77", "set new.v = ')', new.w = 1, sql_safe_updates = 1", "set new.w = (1), wait_timeout = 77", "begin if new.v <> 'set new.v = 1' then $A; end if; end", "begin /* set new.v = 1 */ $A; end",
		"begin -- set new.v = 1\n$A; end", "set new.w = $E", "begin if $E then set new.v = 'z'; end if; end", "begin declare x int default $E; end", "begin declare x int; set x = $E; end", "begin insert into $T (id) values (70); end",
		"begin update $T set v = 't'; end", "begin delete from $T where id = 2; end", "begin declare x int; select max(id) into x from $T; end", "begin case when $E then do 1; else begin end; end case; end", "begin set new.v = 'a'; $A; end",
		"begin declare continue handler for sqlexception $A; signal sqlstate '45000'; end", "begin declare c cursor for select $E; open c; close c; end", "begin while new.w < 1 do set new.w = 2; end while; $A; end", "set new.v = 'a', @leak = 1",
		"begin set new . v = 'a' ; set `new`.`v` = \"set\" , time_zone = '+01:00'; end", "begin l: loop leave l; end loop; $A; end",
		"begin if (select 1 as `set new.v = 1`) then $A; end if; end",
	))
}

func (w *mysqlWriter) written(name string) string {
	switch w.random.IntN(8) {
	case 0:
		return "`" + w.database + "`." + name
	case 1:
		if !strings.HasPrefix(name, "`") {
			return "`" + name + "`"
		}
	}
	return name
}

func (w *mysqlWriter) statements() []string {
	number := fmt.Sprint(w.random.IntN(30))
	made := w.pick("m1", "m2", "m3")
	target := w.pick(w.tables...)
	if !w.chance(4) {
		target = w.any(w.hot, target)
	}
	switch {
	case len(w.views) > 0 && w.chance(5):
		target = w.pick(w.views...)
	case w.chance(12):
		target = made
	}
	relation := w.pick(slices.Concat(w.tables, w.views)...)
	texts := mysqlReads
	switch n := w.random.IntN(10); {
	case n < 4:
		texts = mysqlWrites
	case n < 6:
		texts = mysqlDDL
	}
	e := w.pick(w.harmless...)
	if w.chance(4) {
		e = w.pick(w.leaks...)
	}
	text := w.pick(texts...)
	if !w.mariaDB && strings.Contains(text, " -- MariaDB") || w.mariaDB && strings.Contains(text, " -- MySQL") {
		text = "select 1"
	}
	text, _, _ = strings.Cut(text, " -- ")
	text = strings.NewReplacer("$T", w.written(target), "$O", w.written(w.pick(w.tables...)), "$R", w.written(relation), "$E", e, "$N", number, "$M", made, "$F", w.any(w.functions, "abs"), "$P", w.any(w.procedures, "nothing")).Replace(text)
	return strings.Split(text, ";; ")
}

// Several statements of one borrower are separated by ";; ".
var (
	mysqlReads = []string{
		"select * from $R", "select count(*) from $R where id = 1", "select id, v from $O where w is null or v < 'x' order by 1", "select 1 from $R r join $O s limit 3", "with q as (select * from $R) select count(*) from q", "select exists (select 1 from $R)",
		"select (select max(id) from $R)", "select * from $O for update", "select $E", "do $E", "select ($E) from $O limit 1", "explain select * from $R", "explain analyze select * from $R -- MySQL", "analyze select * from $R -- MariaDB", "describe $R",
		"show columns from $R", "show create view $R", "table $R -- MySQL", "select max(v) from $R group by id having count(*) > 0", "select * from $R union all select * from $R", "select default(w) from $O", "select default(id) from $R",
		"handler $O open;; handler $O read first;; handler $O close", "check table $T", "checksum table $T", "analyze table $T", "optimize table $T", "show table status", "select table_rows from information_schema.tables where table_schema = database()",
		"select * from information_schema.views where table_schema = database()", "select count(*) from sys.processlist", "select * from sys.statement_analysis limit 1", "select * from sys.schema_table_statistics limit 1", "select $F()", "select `$F`() from $O", "select $F ()",
		"values row(1, $N) -- MySQL", "select nextval(s1) -- MariaDB", "select * from s1 -- MariaDB", "prepare q from 'select * from $R';; execute q;; deallocate prepare q", "select * from (select * from $R) x", "select * from $R into @t1", "show warnings",
		"select * from sys.version", "select id from $R procedure analyse() -- MariaDB", "select json_arrayagg(id) from $R", "select row_number() over (order by id) from $R",
	}
	mysqlWrites = []string{
		"insert into $T values ($N, 'x', null)", "insert into $T (id) values ($N)", "insert into $T () values ()", "insert into $T (id, v) select $N, 'y'", "insert into $T (id, v) select id + $N, v from $R", "insert ignore into $T (id, v) values ($N, 'x')",
		"insert into $T (id, v) values (1, 'x') on duplicate key update v = 'z'", "replace into $T (id, v) values (1, 'r')", "insert into $T set id = $N, v = 's'", "update $T set v = 'u'", "update $T set id = id + 100 where id = 1", "update $T set w = default",
		"update $T a, $O b set a.v = 'm' where a.id = b.id", "update $T join $O b using (id) set b.v = 'j'", "delete from $T where id = 1", "delete from $T", "delete a from $O a join $O b using (id)", "delete from a, b using $O a join $O b where a.id = b.id", // of views, MariaDB 10.11 crashes
		"truncate $T", "explain insert into $T (id) values ($N)", "explain analyze delete from $T -- MySQL", "analyze insert into $T (id) values ($N) -- MariaDB", "insert into $T (id) values ($N) returning * -- MariaDB", "insert into $T (id, w) values ($N, $E)",
		"update $T set w = $E where id = 2", "call $P()", "lock tables $T write;; unlock tables", "insert into $T (v) values ('d')", "with q as (select 1 as a) update $T set v = 'q' where id in (select a from q) -- MySQL",
		"prepare q from 'insert into $T (id) values ($N)';; execute q;; deallocate prepare q", "execute immediate 'update $T set v = 5' -- MariaDB", "insert into $T values ('{\"_id\": $N, \"v\": \"x\"}') -- MySQL", "update $T set data = '{\"_id\": 1, \"v\": \"y\"}' -- MySQL",
		"delete from $T where data is not null -- MySQL", "insert into $T (id, w) values ($N, default)", "insert into $T (id, w) values ($N, default(w))",
	}
	mysqlDDL = []string{
		"alter table $T add column x$N int", "alter table $T add column x$N int default nextval(s1) -- MariaDB", "alter table $T modify v varchar(60)", "alter table $T modify w bigint", "alter table $T engine = innodb",
		"create table $M as select * from $R", "create table $M like $T", "create temporary table $M like $T;; insert into $M (id) values ($N)", "create temporary table $M like $T;; insert into $M (v) values ('x')", "create temporary table $M as select * from $R",
		"create temporary table $M (id int default nextval(s1), v int);; insert into $M (v) values (1) -- MariaDB", "create temporary table $M (id int, v varchar(9))", "create view $M as select * from $R", "create view $M as select $E as a", "create index m$N on $T (v)",
		"drop table if exists $M", "drop view if exists $M", "drop table if exists $T", "alter table $T rename to $M", "rename table $T to $M", "create trigger m before insert on $T for each row set new.v = 'm'", "drop trigger if exists m", "create or replace view $M as select id, v from $R",
		"alter table $T add check (id > 0)", "alter table $T add foreign key (w) references $O (id)", "create temporary table $O (id int, v varchar(9), w int);; insert into $O (id) values (1)", "alter table $T alter w set default 5", "create table $M (id int default nextval(s2), v int) -- MariaDB",
	}
)
