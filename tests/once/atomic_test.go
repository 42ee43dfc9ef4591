package once_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/postgres"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// atomicCases are texts by whether they are proved to happen as a whole or not at all.
type atomicCases struct{ atomic, not []string }

var postgresAtomicSchema = []string{
	"create extension if not exists citext", "create extension if not exists file_fdw", "create extension if not exists dblink",
	"create table things (id serial primary key, name citext, at timestamptz default now())",
	"create table audited (n int)", "create table stamped (n int, at timestamptz)",
	"create function stamps() returns trigger language plpgsql as $$ begin new.at := clock_timestamp(); return new; end $$",
	"create trigger stamp before insert on stamped for each row execute function stamps()",
	"create function audits() returns trigger language plpgsql as $$ begin perform dblink_exec('', 'select 1'); return new; end $$",
	"create trigger audit before insert on audited for each row execute function audits()",
	"create function twice(n int) returns int language sql as 'select 2 * n'",
	"create function trusted(text) returns text language c stable as '$libdir/dblink', 'dblink_exec'",
	"create function \"Trusted\"(text) returns text language c stable as '$libdir/dblink', 'dblink_exec'",
	"create function over(x text) returns text language sql as 'select trusted(x)'",
	"create function emits() returns text language sql as $$ select pg_logical_emit_message(false, '', '')::text $$",
	"create function emits(int, int) returns text language sql as $$ select pg_logical_emit_message(false, '', '')::text $$",
	"create operator !@! (function = emits, leftarg = int, rightarg = int)", "create function signals() returns text language sql as 'select 1 !@! 2'",
	"create table signalled (n int default length(3 !@! 4), a int)", "create table judged (n int check ((n !@! 1) <> ''))",
	"create view shows as select over('x') as n", "create view plain as select * from things",
	"create table guarded (n text check (trusted(n) = n))",
	"create server files foreign data wrapper file_fdw", "create foreign table elsewhere (a text) server files options (filename '/dev/null')",
	"create procedure does() language plpgsql as $$ begin commit; end $$",
}

var postgresAtomicCases = atomicCases{
	atomic: []string{
		"select 1", "select * from things where name = 'a' for update", "(select 1)", "values (1), (2)", "table things", "select * from plain",
		"with t as (select 1) select * from t", "with t as (delete from things returning id) select * from t",
		"insert into things (name) values ('a') returning id", "insert into stamped (n) values (twice(1))", "update things set name = lower(name), at = now()",
		"delete from things where id = $1", "select nextval('things_id_seq')", "select pg_notify('a', 'b')",
		"merge into stamped s using things t on s.n = t.id when matched then delete", "savepoint a", "release savepoint a", "rollback to savepoint a", "select 1;", "explain analyze select 1",
	},
	not: []string{
		"", ";", "select 1; select 2", "insert into things (name) values ('a'); commit", "call does()", "do $$ begin commit; end $$",
		"begin", "commit", "rollback", "prepare transaction 'a'", "commit prepared 'a'", "execute a", "explain execute a",
		"insert into audited values (1)", "insert into guarded values ('a')", "insert into nowhere values (1)", "insert into elsewhere values ('a')", "select * from elsewhere",
		"select trusted('a')", `select "Trusted"('a')`, "select over('a')", "select n from shows", "insert into things (name) select n from shows",
		"select 1 !@! 2", "select signals()", "insert into signalled (a) values (1)", "insert into judged values (1)",
		"select emits()", "select pg_logical_emit_message(false, 'a', 'b')", "select lo_export(1, '/tmp/a')", "select dblink_exec('', '')",
		"select unheard_of()", "select pg_advisory_lock(1)", "select set_config('a.b', 'c', false)", "select setseed(0.5)",
		"create table more (a int)", "create index concurrently on things (name)", "select 1 into more", "create table more as execute a", "vacuum", "copy things from stdin",
		"lock table things", "set a.b = 'c'", "discard all", "alter system set work_mem = '1MB'",
	},
}

var mysqlAtomicSchema = []string{
	"create table things (id int auto_increment primary key, name varchar(20)) engine = InnoDB",
	"create table stamped (n int, at datetime) engine = InnoDB", "create table audited (n int) engine = InnoDB", "create table loose (n int) engine = MyISAM",
	"create trigger stamp before insert on stamped for each row set new.at = now()",
	"create trigger audit before insert on audited for each row insert into loose values (new.n)",
	"create function does() returns int deterministic begin insert into loose values (1); return 1; end",
	"create view shows as select does() as n", "create view plain as select * from things", "create view loosely as select * from loose",
	"create procedure commits() begin commit; end",
}

var mysqlAtomicCases = atomicCases{
	atomic: []string{
		"select 1", "select * from things for update", "(select 1)", "table things", "select * from plain", "select * from loose",
		"with t as (select 1) select * from t", "insert into things (name) values ('a')", "insert into stamped (n) select id from things", "replace into things values (1, 'a')",
		"update things set name = lower(name)", "delete from things where id = ?",
		"savepoint a", "release savepoint a", "rollback to savepoint a", "rollback work to a", "select sleep(0)", "select 1;",
	},
	not: []string{
		"", ";", "select 1; select 2", "insert into things (name) values ('a'); commit", "/*! insert into things (name) values ('a'); */ commit", "call commits()",
		"begin", "start transaction", "commit", "rollback", "xa commit 'a'", "execute a", "prepare a from 'commit'", "set autocommit = 1", "set @a = 1",
		"insert into audited values (1)", "insert into loose values (1)", "update things, loose set loose.n = 1", "insert into loosely values (1)", "insert into nowhere values (1)",
		"select does()", "select n from shows", "insert into things (name) select n from shows", "select get_lock('a', 0)", "select 1 into outfile '/tmp/a'",
		"select 1 into @a", "select @a := 1", "create table more (a int)", "truncate things", "lock tables things write", "do 1", "load data infile '/tmp/a' into table things",
		"explain select 1", "alter table things add a int", "use information_schema", "drop table things", "grant select on things to nobody",
	},
}

func TestWhatIsAtomicIsProvedByTheTextAndTheCatalogue(t *testing.T) {
	for name, server := range map[string]struct {
		driver, dsn string
		dialect     dialect.Dialect
		schema      []string
		cases       atomicCases
	}{
		"PostgreSQL 15": {"pgx", testserver.PostgresDatabase(t), postgres.Dialect{}, postgresAtomicSchema, postgresAtomicCases},
		"MariaDB":       {"mysql", testserver.MariaDBDatabase(t), mysql.Dialect{}, mysqlAtomicSchema, mysqlAtomicCases},
		"MySQL":         {"mysql", testserver.MySQLDatabase(t), mysql.Dialect{}, mysqlAtomicSchema, mysqlAtomicCases},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open(server.driver, server.dsn)
			require.NoError(t, err)
			defer db.Close()
			for _, text := range server.schema {
				_, err := db.Exec(text)
				require.NoError(t, err, text)
			}
			d := &realtest.Dialled{T: t, Dialect: server.dialect}
			d.Server, err = server.dialect.Open(server.dsn)
			require.NoError(t, err)
			d.Conn, err = d.Server.Connector.Connect(t.Context())
			require.NoError(t, err)
			defer d.Conn.Close()
			assert.False(t, d.Server.Sessions.Statement("insert into things (name) values ('a')").Atomic, "before the catalogue is known")
			realtest.Learn(t, d, append(server.cases.atomic, server.cases.not...)...)
			for _, text := range server.cases.atomic {
				s := d.Server.Sessions.Statement(text)
				assert.True(t, s.Atomic, "%s: %s, %s", text, s.Class, s.Why)
			}
			for _, text := range server.cases.not {
				assert.False(t, d.Server.Sessions.Statement(text).Atomic, text)
			}
		})
	}
}
