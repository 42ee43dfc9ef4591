package catalogue_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// hidden are changes of the session that no statement's text shows: the server runs code that it keeps somewhere.
type hidden struct {
	name     string
	setup    []string // by somebody else, before
	borrower []string
}

// hideaway is a function that changes the session, and what the cases below need besides.
var hideaway = []string{
	"create function leak() returns boolean language plpgsql immutable as $$begin perform set_config('app.leak', '1', false); perform pg_advisory_lock(77); return true; end$$",
	"create function leak_trigger() returns trigger language plpgsql as $$begin perform public.leak(); return new; end$$",
	"create function leak_event() returns event_trigger language plpgsql as $$begin perform public.leak(); end$$",
	"create function nothing_trigger() returns trigger language plpgsql as $$begin return new; end$$",
	"create function leak_of(int) returns int language plpgsql immutable as $$begin perform public.leak(); return $1; end$$",
	"create table t (id int, v text)", "insert into t values (1, 'x')", "create view v as select * from t", "create materialized view m as select * from t",
}

var hiddenOnPostgres = []hidden{
	{"a trigger's WHEN", []string{"create trigger w before insert on t for each row when (leak()) execute function nothing_trigger()"}, []string{"insert into t values (2, 'y')"}},
	{"an event trigger, COMMENT", []string{"create event trigger e on ddl_command_start execute function leak_event()"}, []string{"comment on table t is 'x'"}},
	{"an event trigger, GRANT", []string{"create event trigger e on ddl_command_start execute function leak_event()"}, []string{"grant select on t to public"}},
	{"an event trigger, REVOKE", []string{"create event trigger e on ddl_command_end execute function leak_event()"}, []string{"revoke select on t from public"}},
	{"an event trigger, SELECT INTO", []string{"create event trigger e on ddl_command_start execute function leak_event()"}, []string{"select 1 as a into made"}},
	{"an event trigger, REFRESH", []string{"create event trigger e on ddl_command_start execute function leak_event()"}, []string{"refresh materialized view m"}},
	{"an event trigger, CREATE TEMP", []string{"create event trigger e on ddl_command_start execute function leak_event()"}, []string{"create temp table made (a int)"}},
	{"an event trigger, SELECT INTO TEMP", []string{"create event trigger e on ddl_command_start execute function leak_event()"}, []string{"select 1 as a into temp made"}},
	{"an event trigger, DROP", []string{"create event trigger e on sql_drop execute function leak_event()"}, []string{"drop table if exists t cascade"}},
	{"an event trigger, REINDEX", []string{"create index i on t (id)", "create event trigger e on ddl_command_start execute function leak_event()"}, []string{"reindex table t"}},
	{"an event trigger, CREATE SCHEMA", []string{"create event trigger e on ddl_command_start execute function leak_event()"}, []string{"create schema made"}},
	{"an event trigger, table_rewrite", []string{"create event trigger e on table_rewrite execute function leak_event()"}, []string{"create table rewritten (id int)", "alter table rewritten alter id type bigint"}},
	{"a long name in a source", []string{
		"create function " + strings.Repeat("l", 63) + "() returns boolean language plpgsql as $$begin perform set_config('app.leak', '1', false); return true; end$$",
		"create function calls() returns boolean language sql as $$select " + strings.Repeat("l", 70) + "()$$",
	}, []string{"select calls()"}},
	{"a long name in a text", []string{
		"create view " + strings.Repeat("l", 63) + " as select leak()",
	}, []string{"select * from " + strings.Repeat("l", 70)}},
	{"a view in pg_temp under a known name", nil, []string{"create temp view t as select leak() as id, ''::text as v", "select * from t"}},
	{"a function in pg_temp under a known name", nil, []string{
		"create function pg_temp.lower(text) returns text language plpgsql as $$begin perform set_config('app.leak', '1', false); return ''; end$$", "select pg_temp.lower('x')",
	}},
	{"an operator in pg_temp", nil, []string{
		"create function pg_temp.f(int, int) returns int language plpgsql as $$begin perform set_config('app.leak', '1', false); return 1; end$$",
		"create operator pg_temp.+ (leftarg = int, rightarg = int, function = pg_temp.f)", "select 1 operator(pg_temp.+) 2",
	}},
	{"a function's SET clause", []string{
		`create function escapes() returns text language plpgsql set standard_conforming_strings = off as $$begin return ''; end$$`,
		`create function quotes() returns text language sql set search_path = pg_temp, public as $$select lower('x')$$`,
	}, []string{"select escapes()", "select quotes()"}},
	{"VALIDATE CONSTRAINT", []string{"alter table t add constraint k check (leak()) not valid"}, []string{"alter table t validate constraint k"}},
	{"REINDEX", []string{"create index i on t ((leak()))"}, []string{"reindex index i"}},
	{"ANALYZE", []string{"create index i on t ((leak()))"}, []string{"analyze t"}},
	{"VACUUM FULL", []string{"create index i on t ((leak()))"}, []string{"vacuum full t"}},
	{"CLUSTER", []string{"create index i on t (id)", "create index j on t ((leak()))"}, []string{"cluster t using i"}},
	{"REFRESH of a materialized view with an index", []string{"create index i on m ((leak()))"}, []string{"refresh materialized view m"}},
	{"REFRESH of a materialized view", []string{"create materialized view n as select leak()"}, []string{"refresh materialized view n"}},
	{"extended statistics", []string{"create statistics s on (leak()), id from t"}, []string{"analyze t"}},
	{"a default", []string{"alter table t add column d boolean default leak()"}, []string{"insert into t values (3, 'z')"}},
	{"a generated column", []string{"alter table t add column d boolean generated always as (leak()) stored"}, []string{"insert into t values (3, 'z')"}},
	{"a domain's check", []string{"create domain d as int check (leak())"}, []string{"select 1::d"}},
	{"a domain's default", []string{"create domain d as boolean default leak()", "alter table t add column d d"}, []string{"insert into t (id) values (3)"}},
	{"a policy", []string{"alter table t enable row level security", "alter table t force row level security", "create policy p on t using (leak())", "grant all on t to public"}, []string{"select * from t"}},
	{"a rule", []string{"create rule r as on insert to t do also select leak()"}, []string{"insert into t values (4, '')"}},
	{"a partition's key", []string{"create table p (id int) partition by list ((leak_of(id)))", "create table p1 partition of p default"}, []string{"insert into p values (1)"}},
	{"an aggregate", []string{"create function acc(int, int) returns int language plpgsql as $$begin perform public.leak(); return 1; end$$", "create aggregate total(int) (sfunc = acc, stype = int)"}, []string{"select total(id) from t"}},
	{"an operator", []string{"create function op(int, int) returns boolean language plpgsql as $$begin perform public.leak(); return true; end$$", "create operator === (leftarg = int, rightarg = int, function = op)"}, []string{"select 1 === 2"}},
	{"a cast", []string{"create type c as (a int)", "create function cast_c(c) returns int language plpgsql as $$begin perform public.leak(); return 1; end$$", "create cast (c as int) with function cast_c(c)"}, []string{"select row(1)::c::int"}},
	{"a foreign key that cascades to a trigger", []string{"create table parent (id int primary key)", "create table child (id int references parent on delete cascade)", "insert into parent values (1)", "insert into child values (1)",
		"create trigger c before delete on child for each row execute function leak_trigger()"}, []string{"delete from parent"}},
	{"an INSTEAD OF trigger", []string{"create trigger i instead of insert on v for each row execute function leak_trigger()"}, []string{"insert into v values (1, '')"}},
	{"a column named like the server's function", []string{"create function lower(t) returns boolean language plpgsql as $$begin return leak(); end$$"}, []string{"select t.lower from t"}},
	{"a procedure", []string{"create procedure p() language plpgsql as $$begin perform public.leak(); end$$"}, []string{"call p()"}},
	{"a view that hides it in a condition", []string{"create view w as select leak() or true as b"}, []string{"select count(*) from w where b"}},
	{"a range type's functions", []string{
		"create function diff(float8, float8) returns float8 language plpgsql immutable as $$begin perform public.leak(); return $1 - $2; end$$",
		"create type fr as range (subtype = float8, subtype_diff = diff)", "create table ranges (r fr)", "create index on ranges using gist (r)",
	}, []string{"insert into ranges select fr(a, a + 1) from generate_series(1, 2000) a"}},
	{"ANALYSE in a function", []string{"create index i on t ((leak()))", "create function analyses() returns void language plpgsql as $$begin analyse t; end$$"}, []string{"select analyses()"}},
	{"an operator class", []string{
		"create function cmp(int, int) returns int language plpgsql immutable as $$begin perform public.leak(); return $1 - $2; end$$",
		"create operator class oc for type int using btree as operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 cmp(int, int)",
		"create index on t (id oc)",
	}, []string{"insert into t values (5, '')", "insert into t values (6, '')"}},
	{"a hash function of a partition", []string{
		"create function hsh(int, int8) returns int8 language plpgsql immutable as $$begin perform public.leak(); return $2; end$$",
		"create operator class hc for type int using hash as operator 1 =, function 2 hsh(int, int8)",
		"create table p (id int) partition by hash (id hc)", "create table p1 partition of p for values with (modulus 1, remainder 0)",
	}, []string{"insert into p values (1)"}},
	{"a search_path with pg_temp", nil, []string{"set search_path = pg_temp, public", "create view t as select leak() as id"}},
	{"a search_path with pg_temp, of the DSN", nil, []string{"create table t (a int)", "create view w as select leak() as id"}},
	{"a temporary table's default", nil, []string{"create temp table made (a boolean default leak())", "insert into made values (default)"}},
	{"a temporary table that hides another", []string{"create table hides (a boolean)"}, []string{"create temp table hides (a boolean default leak())", "insert into hides values (default)"}},
	{"a function called by ALTER", []string{"drop view v", "drop materialized view m"}, []string{"alter table t alter v type boolean using leak()"}},
	{"a default of a new column", []string{"create table u (a int)", "insert into u values (1)", "create domain d as boolean default leak()"}, []string{"alter table u add column b d"}},
	{"a rewritten table's expression", []string{"create table u (a int)", "insert into u values (1)", "create index on u (leak_of(a::int))"}, []string{"alter table u alter a type bigint"}},
	{"a default that LIKE takes over", []string{"create table pure (a boolean)", "create table impure (a boolean default leak())"}, []string{"create temp table pure (like impure including all)", "insert into pure values (default)"}},
	{"a check that is inherited", []string{"create table pure (a boolean)", "create table impure (a boolean check (leak()))"}, []string{"create temp table pure () inherits (impure)", "insert into pure values (true)"}},
	{"a domain in pg_temp", []string{"create domain d as int", "create table of_d (a int)"}, []string{"create domain pg_temp.d as int check (leak())", "select 1::d"}},
}

func TestPostgresSessionIsCleanWhateverTheServerRunsByItself(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		for _, h := range slices.Concat(hiddenOnPostgres, usedByGrammar) {
			t.Run(version+"/"+h.name, func(t *testing.T) {
				t.Parallel()
				dsn := database(t)
				realtest.SetUp(t, "pgx", dsn, append(hideaway[:len(hideaway):len(hideaway)], h.setup...)) // it may have the lock
				cfg := pooled.NewConfig()
				cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = "pgx", dsn, 1
				if strings.HasSuffix(h.name, "of the DSN") {
					cfg.DSN += "&search_path=pg_temp,public"
				}
				db, connector := pooltest.Open(t, cfg)
				require.Equal(t, 2, realtest.ScanInt(t, db, "select 1 + count(*) from t where id > 0 or true")) // and the catalogue is read
				require.NoError(t, db.PingContext(t.Context()))
				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				for _, text := range h.borrower {
					if _, err := conn.ExecContext(t.Context(), text); err != nil {
						t.Log(text, err)
					}
				}
				require.NoError(t, conn.Close())
				var setting *string
				var locks, objects int
				require.NoError(t, db.QueryRowContext(t.Context(), `select nullif(current_setting('app.leak', true), ''),
					(select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
					(select count(*) from pg_catalog.pg_class where relnamespace = pg_my_temp_schema()) + (select count(*) from pg_catalog.pg_proc where pronamespace = pg_my_temp_schema())`,
				).Scan(&setting, &locks, &objects))
				assert.Nil(t, setting)
				assert.Zero(t, locks)
				assert.Zero(t, objects)
				t.Logf("%+v", connector.Stats().Endpoints[0].Reset)
			})
		}
	}
}

// hideawayOnMySQL is what the cases below need. Names that are of the whole server have a place for that of the database in them.
var hideawayOnMySQL = []string{
	"create function leak() returns int deterministic begin set @leak = 1; do get_lock('leak-DB', 0); return 1; end",
	"create table t (id int, v varchar(20))", "insert into t values (1, 'x')", "create table logged (id int auto_increment primary key)",
	"create user 'USER' identified by 'secret'",
}

// grants are the rights of an ordinary program: it does not see what others have made.
var grants = []string{"grant select, insert, update, delete, show view, create temporary tables on `DB`.* to 'USER'"}

var hiddenOnMySQL = []hidden{
	{"a function behind a view", []string{"create view v as select leak() as a"}, []string{"select * from v"}},
	{"a function behind a view of a view", []string{"create view w as select leak() as a", "create view v as select a from w"}, []string{"select * from v"}},
	{"a function behind a trigger", []string{"create trigger w before insert on t for each row set new.v = leak()", "grant trigger on `DB`.* to 'USER'"}, []string{"insert into t values (2, 'y')"}},
	{"a procedure behind a trigger", []string{"create procedure p() begin set @leak = 1; end", "create trigger w before insert on t for each row call p()", "grant trigger on `DB`.* to 'USER'"}, []string{"insert into t values (2, 'y')"}},
	{"a function behind a trigger's condition", []string{"create trigger w before insert on t for each row begin if leak() = 1 then set new.v = 'z'; end if; end", "grant trigger on `DB`.* to 'USER'"}, []string{"insert into t values (2, 'y')"}},
	{"a function that is executed by its grant", []string{"grant execute on `DB`.* to 'USER'"}, []string{"select leak()"}},
	{"a function's body behind a column's name", []string{"create view v as select leak() as id, t.v from t"}, []string{"select count(*) from v where id = 1"}},
	{"a temporary table that hides another", nil, []string{"create temporary table t (id int, v varchar(20))", "insert into t values (1, '')"}},
	{"sql_auto_is_null", nil, []string{"set sql_auto_is_null = 1", "insert into logged values ()", "select * from logged where id is null"}},
	{"sql_auto_is_null, of the DSN", nil, []string{"insert into logged values ()"}},
	{"characters that hide a backslash, of the DSN", nil, []string{"select 'a\\'', '\xbf\\', @leak := 1 -- '"}},
	{"characters that hide a backslash", nil, []string{"set names gbk", "select 'a\\'', '\xbf\\', @leak := 1 -- '"}},
	{"characters that hide a backslash, by a variable", nil, []string{"set @c = 'gbk'", "set character_set_client = @c", "select 'a\\'', '\xbf\\', @leak := 1 -- '"}},
	{"a procedure that is executed by its grant", []string{"create procedure p() set @leak = 1", "grant execute on `DB`.* to 'USER'"}, []string{"call p()"}},
	{"a trigger that is not seen, behind a procedure of the user's", []string{
		"create trigger w before insert on t for each row set @leak = 1", "create definer = 'USER' procedure p() insert into t values (2, 'y')", "grant execute on `DB`.* to 'USER'",
	}, []string{"call p()"}},
	{"a view that is not seen, behind a procedure of the user's", []string{
		"create database `DBx`", "create view `DBx`.v as select `DB`.leak() as a", "create definer = 'USER' procedure p() select * from `DBx`.v",
		"grant execute on `DB`.* to 'USER'", "grant select (a) on `DBx`.v to 'USER'", "grant trigger on `DB`.* to 'USER'",
	}, []string{"call p()"}},
	{"a procedure that is not seen, behind one of the user's", []string{
		"create procedure q() set @leak = 1", "create definer = 'USER' procedure p() call q()", "grant execute on `DB`.* to 'USER'", "grant trigger on `DB`.* to 'USER'",
	}, []string{"call p()"}},
	{"last_insert_id of a procedure", []string{"create definer = 'USER' procedure p() select last_insert_id() into @leak", "grant execute on `DB`.* to 'USER'"}, []string{"insert into logged values ()", "call p()"}},
	{"a view whose name is not ASCII", []string{"create view `Übersicht` as select leak() as a"}, []string{"select * from `Übersicht`"}},
	{"a view whose name is a character of its own", []string{"create view `概` as select leak() as a", "create view `览` as select a from `概`"}, []string{"select * from 览"}},
	{"a view whose name has signs in it", []string{"create view `a_b%c\\d'e` as select leak() as a"}, []string{"select * from `a_b%c\\d'e`"}},
	{"a view whose name has a letter that is ASCII in lower case", []string{"create view `İller` as select leak() as a"}, []string{"select * from `İller`"}},
	{"a function whose name differs by an accent", []string{"create database `DBx`", "create function `DBx`.uber() returns int deterministic return 1", "create function `über`() returns int deterministic return leak()", "grant execute on `DB`.* to 'USER'"}, []string{"select uber()"}},
	{"a function that differs by an accent from one that is built in elsewhere", []string{
		"create function `bìn_to_uuid`(x text) returns int deterministic return leak()", "create function `crc32ç`(x text) returns int deterministic return leak()", "grant execute on `DB`.* to 'USER'",
	}, []string{"select bin_to_uuid('x')", "select crc32c('x')"}},
	{"a view into a database that the user may not see", []string{"create database `DBx`", "create view `DBx`.w as select `DB`.leak() as a", "create view v as select a from `DBx`.w"}, []string{"select * from v"}},
	{"a view of a view into such a database", []string{"create database `DBx`", "create view `DBx`.w as select `DB`.leak() as a", "create view v as select x.a, t.id from t left join (`DBx`.w x join t u) on t.id = 1", "create view v2 as select a from v where a in (select extract(year from v) from t) or true"}, []string{"select * from v2"}},
	{"a trigger behind a view into such a database", []string{"create database `DBx`", "create table `DBx`.w (a int)", "create trigger `DBx`.x before insert on `DBx`.w for each row set @leak = 1", "create view v as select a from `DBx`.w"}, []string{"insert into v values (1)"}},
	{"a view in upper case", []string{"create view OVERVIEW as select leak() as a"}, []string{"select * from OVERVIEW"}},
	{"a trigger of a table whose name is not ASCII", []string{"create table `Käse` (id int)", "create trigger w before insert on `Käse` for each row set @leak = 1", "grant trigger on `DB`.* to 'USER'"}, []string{"insert into `Käse` values (1)"}},
	{"last_insert_id of a view", []string{"create view v as select last_insert_id() as a"}, []string{"insert into logged values ()", "select * from v"}},
}

// helpersOnMySQL are what the server brings along: some of its views set a user variable.
var helpersOnMySQL = []hidden{
	{"a view of sys", nil, []string{"select * from sys.processlist"}},
	{"a view of sys without its name", nil, []string{"use sys", "select * from processlist"}},
	{"a function of sys", nil, []string{"select sys.format_statement('x')"}},
}

func TestMySQLSessionIsCleanAfterViewsOfTheServer(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		for _, h := range helpersOnMySQL {
			t.Run(h.name, func(t *testing.T) {
				db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: s.Database(t)}, nil)
				realtest.Borrow(t, db, "set @other = 7") // and the catalogue is read
				realtest.Borrow(t, db, h.borrower...)
				assert.Empty(t, realtest.Scalar(t, db, "select coalesce(@sys.statement_truncate_len, '')"))
			})
		}
	})
}

var hiddenOnMariaDB = []hidden{
	{"a trigger that may not be read", []string{"create trigger w before insert on t for each row set @leak = 1"}, []string{"insert into t values (2, 'y')"}},
	{"a sequence's default", []string{"create sequence s", "create table d (id int default nextval(s), v int)", "grant select, insert on `DB`.* to 'USER'"}, []string{"insert into d (v) values (1)"}},
}

func TestMySQLSessionIsCleanWhateverTheServerRunsByItself(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		cases := hiddenOnMySQL
		if s.Name == "MariaDB" {
			cases = append(cases[:len(cases):len(cases)], hiddenOnMariaDB...)
		}
		for _, h := range cases {
			t.Run(h.name, func(t *testing.T) {
				dsn, err := mysql.ParseDSN(s.Database(t))
				require.NoError(t, err)
				here := strings.NewReplacer("DB", dsn.DBName, "USER", dsn.DBName[len(dsn.DBName)-24:])
				bare := realtest.Open(t, "mysql", dsn.FormatDSN())
				t.Cleanup(func() {
					_, _ = bare.Exec(here.Replace("drop user 'USER'"))
					_, _ = bare.Exec(here.Replace("drop database if exists `DBx`"))
				})
				for _, texts := range [][]string{hideawayOnMySQL, grants, h.setup} {
					for _, text := range texts {
						_, err := bare.ExecContext(t.Context(), here.Replace(text))
						require.NoError(t, err, text)
					}
				}
				ordinary := dsn.Clone()
				ordinary.User, ordinary.Passwd = here.Replace("USER"), "secret"
				if strings.HasSuffix(h.name, "of the DSN") {
					ordinary.Params = map[string]string{"sql_auto_is_null": "1", "charset": "gbk"}
				}
				cfg := pooled.NewConfig()
				cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = "mysql", ordinary.FormatDSN(), 1
				db, connector := pooltest.Open(t, cfg)
				require.Equal(t, 2, realtest.ScanInt(t, db, "select 1 + count(*) from t where id > 0"))
				require.NoError(t, db.PingContext(t.Context()))
				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				for _, text := range h.borrower {
					if _, err := conn.ExecContext(t.Context(), here.Replace(text)); err != nil {
						t.Log(text, err)
					}
				}
				require.NoError(t, conn.Close())
				var variable, last, nulls int
				require.NoError(t, db.QueryRowContext(t.Context(), here.Replace(`select count(*) from logged where id is null`)).Scan(&nulls))
				require.NoError(t, db.QueryRowContext(t.Context(), here.Replace(`select @leak is not null or coalesce(is_used_lock('leak-DB') = connection_id(), 0), last_insert_id()`)).Scan(&variable, &last))
				assert.Zero(t, variable)
				assert.Zero(t, last)
				assert.Zero(t, nulls)
				t.Logf("%+v", connector.Stats().Endpoints[0].Reset)
			})
		}
	})
}
