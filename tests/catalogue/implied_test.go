package catalogue_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// implied is what a database has, what borrowers of a pool run, each by itself, and the last of which leaves something on a bare connection.
type implied struct {
	only      string // the server
	setup     []string
	borrowers []string // "?" before one that may fail
}

// leavesTraces is the body of a function that sets something and takes a lock, and tracesLeft tells how many of these are left: "0" is none.
const leavesTraces = " language plpgsql as $$begin perform set_config('app.leak', '1', false), pg_try_advisory_lock(77); return 1; end$$"
const tracesLeft = "select coalesce(current_setting('app.leak', true), '') || (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())"

var impliedSchema = []string{
	"create function harms() returns int" + leavesTraces,
	"create function marks() returns trigger language plpgsql as $$begin perform harms(); return new; end$$",
	"create function f() returns int language sql as 'select 1'", "create view v as select f() as n",
}

// Types that the server names by itself (_d of d, mymultirange of myrange) when the text names another.
var impliedTypes = map[string]implied{
	"the array of a domain":           {"", nil, []string{"select _d from (select 1 as _d) x", "create domain d as int check (harms() > 0)", "select '{1}'::_d"}},
	"the array of a table's rows":     {"", []string{"create domain d as int check (harms() > 0)"}, []string{"select _t from (select 1 as _t) x", "create table t (a d)", `select '{"(1)"}'::_t`}},
	"the array of a view's rows":      {"", []string{"create domain d as int check (harms() > 0)", "create table t (a d)"}, []string{"select _w from (select 1 as _w) x", "create view w as select a from t", `select '{"(1)"}'::_w`}},
	"the array of a composite":        {"", []string{"create domain d as int check (harms() > 0)"}, []string{"select _c from (select 1 as _c) x", "create type c as (a d)", `select '{"(1)"}'::_c`}},
	"the array, within a function":    {"", []string{"create function h(x text) returns bool language plpgsql as $$begin return x::_d is null; end$$"}, []string{"?select h('{1}')", "create domain d as int check (harms() > 0)", "select h('{1}')"}},
	"the multirange of a range":       {"", []string{"create domain d as int check (harms() > 0)"}, []string{"select mymultirange from (select 1 as mymultirange) x", "create type myrange as range (subtype = d)", "select '{[1,2]}'::mymultirange"}},
	"control: the domain by its name": {"", nil, []string{"select d from (select 1 as d) x", "create domain d as int check (harms() > 0)", "select '{1}'::d[]"}},
}

// SELECT ... INTO defines a table, also in EXPLAIN ANALYZE.
var impliedTables = map[string]implied{
	"its row type":                    {"", []string{"create domain d as int check (harms() > 0)", "create table td (a d)"}, []string{"select made from (select 1 as made) x", "select a into made from td", "select '(1)'::made"}},
	"its row type, by explain":        {"", []string{"create domain d as int check (harms() > 0)", "create table td (a d)"}, []string{"select made from (select 1 as made) x", "explain analyze select a into made from td", "select '(1)'::made"}},
	"in place of a dropped table":     {"", []string{"create domain d as int check (harms() > 0)", "create table td (a d)", "create table it (a int)"}, []string{"insert into it values (1)", "drop table it", "select a into it from td", "insert into it values (1)"}},
	"control: create table as select": {"", []string{"create domain d as int check (harms() > 0)", "create table td (a d)"}, []string{"select made from (select 1 as made) x", "create table made as select a from td", "select '(1)'::made"}},
}

// Foreign keys that the referenced table has without being named.
var impliedKeys = map[string]implied{
	"of a detached partition": {"", []string{"create table pa (n int primary key)", "create table ch (n int references pa on delete cascade) partition by list (n)", "insert into pa values (1), (3)"}, []string{
		"delete from pa where n = 3", "create table cc partition of ch default", "insert into cc values (1)", "alter table ch detach partition cc",
		"create trigger x after delete on cc for each row execute function marks()", "delete from pa where n = 1",
	}},
	"of a detached partition, truncated": {"", []string{"create table pa (n int primary key)", "create table ch (n int references pa) partition by list (n)"}, []string{
		"truncate pa cascade", "create table cc partition of ch default", "alter table ch detach partition cc",
		"create trigger x after truncate on cc for each statement execute function marks()", "truncate pa cascade",
	}},
	"of a detached partition, within a function": {"", []string{
		"create table pa (n int primary key)", "create table ch (n int references pa on delete cascade) partition by list (n)", "insert into pa values (1)", "create table cc (n int)", "insert into cc values (1)",
		"create function h() returns int language plpgsql as 'begin delete from pa where n = 1; return 1; end'", "create function nothing() returns int language plpgsql as 'begin delete from pa where n = 7; return 1; end'",
	}, []string{
		"select nothing()", "alter table ch attach partition cc default", "alter table ch detach partition cc", "create trigger x after delete on cc for each row execute function marks()", "select h()",
	}},
	"that is enforced now": {"18", []string{
		"create table pa (n int primary key)", "create table ch (n int)", "alter table ch add constraint fk foreign key (n) references pa on delete cascade not enforced",
		"create trigger x after delete on ch for each row execute function marks()", "insert into pa values (1), (2)", "insert into ch values (1)",
	}, []string{"delete from pa where n = 2", "alter table ch alter constraint fk enforced", "delete from pa where n = 1"}},
}

func TestDefinitionsCountForTypesThatTheServerNames(t *testing.T) {
	testImpliedOnPostgres(t, impliedTypes)
}
func TestDefinitionsCountForSelectInto(t *testing.T)  { testImpliedOnPostgres(t, impliedTables) }
func TestDefinitionsCountForForeignKeys(t *testing.T) { testImpliedOnPostgres(t, impliedKeys) }

func testImpliedOnPostgres(t *testing.T, cases map[string]implied) {
	for name, c := range cases {
		for version, database := range realtest.PostgresVersions {
			if c.only != "" && c.only != version {
				continue
			}
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()
				for _, pool := range []bool{false, true} {
					dsn := database(t)
					realtest.SetUp(t, "pgx", dsn, append(append([]string{}, impliedSchema...), c.setup...))
					testImplied(t, pool, resettest.Family{Driver: "pgx", DSN: dsn}, c.borrowers, tracesLeft, "11", "0")
				}
			})
		}
	}
}

// To MySQL and MariaDB the names of routines are the same with other accents.
func TestDefinitionsCountForAccents(t *testing.T) {
	testImpliedOnMySQL(t, map[string]implied{
		"a function is replaced":           {"MariaDB", []string{"create function $e() returns int deterministic return 1"}, []string{"select $e()", "create or replace function $é() returns int deterministic begin set @leak = 1; return 1; end", "select $e()"}},
		"a function is made anew":          {"", []string{"create function $e() returns int deterministic return 1"}, []string{"select $e()", "drop function $e", "create function $é() returns int deterministic begin set @leak = 1; return 1; end", "select $e()"}},
		"a procedure is made anew":         {"", []string{"create procedure $e() select 1"}, []string{"call $e()", "drop procedure $e", "create procedure $é() set @leak = 1", "call $e()"}},
		"a function behind a view":         {"", []string{"create function $s() returns int deterministic return 1", "create view $v as select $s() as n"}, []string{"select * from $v", "drop function $s", "create function $ß() returns int deterministic begin set @leak = 1; return 1; end", "select * from $v"}},
		"a function of a trigger":          {"", []string{"create function $e() returns int deterministic return 1", "create table $t (n int)", "create trigger $x before insert on $t for each row set new.n = $e()"}, []string{"insert into $t values (1)", "drop function $e", "create function $É() returns int deterministic begin set @leak = 1; return 1; end", "insert into $t values (1)"}},
		"control: the name as it was made": {"", []string{"create function $e() returns int deterministic return 1"}, []string{"select $e()", "drop function $e", "create function $e() returns int deterministic begin set @leak = 1; return 1; end", "select $e()"}},
	})
}

func testImpliedOnMySQL(t *testing.T, cases map[string]implied) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		i := 0
		for name, c := range cases {
			if c.only != "" && c.only != s.Name {
				continue
			}
			t.Run(name, func(t *testing.T) {
				for _, pool := range []bool{false, true} {
					cfg, err := mysql.ParseDSN(s.Database(t))
					require.NoError(t, err)
					cfg.MultiStatements = true
					i++
					own := strings.NewReplacer("DB.", cfg.DBName+".", "$", fmt.Sprintf("%.12s%d", cfg.DBName[len(cfg.DBName)-12:], i))
					var setup, borrowers []string
					for _, text := range c.setup {
						setup = append(setup, own.Replace(text))
					}
					for _, text := range c.borrowers {
						borrowers = append(borrowers, own.Replace(text))
					}
					realtest.SetUp(t, "mysql", cfg.FormatDSN(), setup)
					testImplied(t, pool, resettest.Family{Driver: "mysql", DSN: cfg.FormatDSN()}, borrowers, "select @leak", "1", "")
				}
			})
		}
	})
}

// testImplied has borrowers run their texts, and looks at what the next one finds: dirty on the one connection of a bare pool, clean in a pool.
func testImplied(t *testing.T, pool bool, f resettest.Family, borrowers []string, left, dirty, clean string) {
	t.Helper()
	var db *sql.DB
	log, want := &pooltest.LogBuffer{}, dirty
	if pool {
		db, log = resettest.OpenForReset(t, f, resettest.Unaudited)
		want = clean
	} else {
		db = realtest.Open(t, f.Driver, f.DSN)
		db.SetMaxOpenConns(1)
	}
	for _, text := range borrowers {
		if text[0] == '?' {
			_, _ = db.ExecContext(t.Context(), text[1:])
			continue
		}
		realtest.Borrow(t, db, text)
		if text == borrowers[0] && pool {
			realtest.Borrow(t, db, "select 1") // what it names is learnt
		}
	}
	got := realtest.Scalar(t, db, left)
	if !pool {
		require.Equal(t, want, got, "no hole: a bare connection is clean, too")
	}
	assert.Equal(t, want, got, log)
}
