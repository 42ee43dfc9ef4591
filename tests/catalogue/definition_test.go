package catalogue_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
)

// harmlessSchema is what the definitions below make harmful.
var harmlessSchema = append(hideaway[:len(hideaway):len(hideaway)],
	"create function f() returns int language sql as 'select 1'", "create view w as select 1 as a", "create domain d as int", "create table of_d (a d)",
	"create table parent (id int primary key)", "create table child (id int references parent on delete cascade)",
)

// harmfulDefinitions have statements change the session that did not before.
var harmfulDefinitions = []struct{ definition, statement string }{
	{"create trigger harmful before insert on t for each row execute function leak_trigger()", "insert into t values (2, 'y')"},
	{"create or replace function f() returns int language plpgsql as $$begin perform leak(); return 1; end$$", "select f()"},
	{"create or replace view w as select leak()::int as a", "select * from w"},
	{"alter table t alter v set default leak()::text", "insert into t (id) values (2)"},
	{"create rule r as on insert to t do also select leak()", "insert into t values (2, 'y')"},
	{"alter domain d add constraint c check (leak()) not valid", "insert into of_d values (1)"},
	{"create trigger harmful before delete on child for each row execute function leak_trigger()", "delete from parent"},
	{"create table part () inherits (t); create trigger harmful before update on part for each row execute function leak_trigger(); insert into part values (1)", "update t set v = 'z'"},
	{"do $$begin create trigger harmful before insert on t for each row execute function leak_trigger(); end$$", "insert into t values (2, 'y')"},
	{"create function op(int, int) returns boolean language sql as 'select leak()'; create operator === (leftarg = int, rightarg = int, function = op)", "select 1 === 2"},
}

// A definition counts for all sessions from when it may have been committed, whether or not its session has been given back.
func TestPostgresSessionIsCleanWhateverAnotherDefinesMeanwhile(t *testing.T) {
	ways := map[string]func(t *testing.T, db *sql.DB, definition string) (end func()){
		"given back": func(t *testing.T, db *sql.DB, definition string) func() {
			_, err := db.ExecContext(t.Context(), definition)
			require.NoError(t, err)
			return func() {}
		},
		"kept": func(t *testing.T, db *sql.DB, definition string) func() {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			_, err = conn.ExecContext(t.Context(), definition)
			require.NoError(t, err)
			return func() { assert.NoError(t, conn.Close()) }
		},
		"committed and kept": func(t *testing.T, db *sql.DB, definition string) func() {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			tx, err := conn.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_, err = tx.ExecContext(t.Context(), definition)
			require.NoError(t, err)
			require.NoError(t, tx.Commit())
			return func() { assert.NoError(t, conn.Close()) }
		},
	}
	for version, database := range realtest.PostgresVersions {
		for way, define := range ways {
			for _, c := range harmfulDefinitions {
				t.Run(version+"/"+way+"/"+c.definition, func(t *testing.T) {
					t.Parallel()
					dsn := database(t)
					realtest.SetUp(t, "pgx", dsn, harmlessSchema)
					db, connector := realtest.OpenAtMost(t, 2, "pgx", dsn)
					resets := func() uint64 { return connector.Stats().Endpoints[0].Reset.Resets }
					for c.statement != "select 1 === 2" { // until it is known to be clean
						before := resets()
						_, err := db.ExecContext(t.Context(), c.statement)
						require.NoError(t, err)
						require.Equal(t, 1, realtest.ScanInt(t, db, "select 1"))
						if resets() == before {
							break
						}
					}
					defer define(t, db, c.definition)()
					for range 3 {
						_, err := db.ExecContext(t.Context(), c.statement)
						require.NoError(t, err)
						for range 3 {
							assert.Equal(t, 0, realtest.ScanInt(t, db, "select count(nullif(current_setting('app.leak', true), '')) from (select 1) one"))
						}
					}
				})
			}
		}
	}
}

// harmlessMySQLSchema is harmlessSchema for MySQL.
var harmlessMySQLSchema = []string{
	"create function leak() returns int deterministic begin set @leak = 1; return 1; end",
	"create table t (id int, v text)", "insert into t values (1, 'x')", "create trigger harmless before update on t for each row set new.id = 1",
	"create table triggered (id int, v text)", "create trigger of_it before insert on triggered for each row set @leak = 1",
	"create function f() returns int deterministic return 1", "create procedure p() begin end",
	"create view below as select 1 as a", "create view w as select * from below", "create view of_f as select f() as a",
}

// harmfulMySQLDefinitions are those of one connection, and what others run then.
var harmfulMySQLDefinitions = []struct {
	only        string // one of the families
	definitions []string
	statement   string
}{
	{"", []string{"create trigger harmful before insert on t for each row set @leak = 1"}, "insert into t values (2, 'y')"},
	{"", []string{"create or replace view w as select leak() as a"}, "select * from w"},
	{"", []string{"alter view w as select leak() as a"}, "select * from w"},
	{"", []string{"drop view w", "create view w as select leak() as a"}, "select * from w"},
	{"", []string{"create or replace view below as select leak() as a"}, "select * from w"},
	{"", []string{"drop function f", "create function f() returns int deterministic return leak()"}, "select f()"},
	{"", []string{"drop function f", "create function f() returns int deterministic return leak()"}, "select * from of_f"},
	{"", []string{"drop procedure p", "create procedure p() set @leak = 1"}, "call p()"},
	{"", []string{"rename table t to before_it, triggered to t"}, "insert into t values (2, 'y')"},
	{"", []string{"drop table t", "alter table triggered rename to t"}, "insert into t values (2, 'y')"},
	{"", []string{"drop table t", "alter table triggered rename t"}, "insert into t values (2, 'y')"},
	{"", []string{"drop trigger harmless", "create trigger harmless before update on t for each row set new.v = leak()"}, "update t set v = 'z'"},
	{"MariaDB", []string{"create or replace function f() returns int return leak()"}, "select f()"},
	{"MariaDB", []string{"create or replace trigger harmless before update on t for each row set new.v = leak()"}, "update t set v = 'z'"},
	{"MariaDB", []string{"rename table t to before_it, triggered to t"}, "replace into t values (3, 'z')"},
}

// (MariaDB is not asked for a default that sets a variable: it crashes when several sessions evaluate one.)
//
// On MySQL a definition counts from when it is sent, and is over with its statement.
func TestMySQLSessionIsCleanWhateverAnotherDefinesMeanwhile(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		for _, kept := range []bool{false, true} {
			for _, c := range harmfulMySQLDefinitions {
				if c.only != "" && c.only != s.Name {
					continue
				}
				t.Run(fmt.Sprintf("kept=%t/%s/%s", kept, strings.Join(c.definitions, "; "), c.statement), func(t *testing.T) {
					t.Parallel()
					dsn := s.Database(t)
					realtest.SetUp(t, "mysql", dsn, harmlessMySQLSchema)
					db, connector := realtest.OpenAtMost(t, 2, "mysql", dsn)
					unclean := func() uint64 {
						stats := connector.Stats().Endpoints[0].Reset
						return stats.Resets + stats.Discards.Permanent
					}
					for { // until it is known to be clean
						before := unclean()
						realtest.Borrow(t, db, c.statement)
						require.Equal(t, 1, realtest.ScanInt(t, db, "select 1"))
						if unclean() == before {
							break
						}
					}
					definer, err := db.Conn(t.Context())
					require.NoError(t, err)
					for _, text := range c.definitions {
						_, err := definer.ExecContext(t.Context(), text)
						require.NoError(t, err, text)
					}
					if kept {
						defer func() { assert.NoError(t, definer.Close()) }()
					} else {
						require.NoError(t, definer.Close())
					}
					for range 3 {
						realtest.Borrow(t, db, c.statement)
						for range 3 {
							assert.Equal(t, 0, realtest.ScanInt(t, db, "select count(@leak) from (select 1) one"))
						}
					}
				})
			}
		}
	})
}

// A drop takes more away than it names, and others meet what it drops until it is committed.
func TestPostgresSessionIsCleanWhateverIsDroppedMeanwhile(t *testing.T) {
	cascades := []string{"create trigger harmful before delete on child for each row execute function leak_trigger()", "insert into parent values (1)", "insert into child values (1)"}
	for _, c := range []struct {
		setup     []string
		use, drop string
		inTx      bool // the drop is committed after the use
	}{
		{[]string{"create index i on t ((leak()))"}, "insert into t values (1, 'x')", "drop index i", false},
		{[]string{"create statistics s on (leak()), id from t"}, "select * from t where id = 1", "drop statistics s", false},
		{cascades, "delete from parent", "drop table child", false},
		{cascades, "delete from parent", "alter table child drop constraint child_id_fkey", false},
		{[]string{"create function h() returns int language plpgsql as $$begin perform leak(); return 1; end$$"}, "select h()", "drop function h()", true},
		{[]string{"create domain dropped as int check (leak())"}, "select 1::dropped", "drop domain dropped", true},
	} {
		for version, database := range realtest.PostgresVersions {
			t.Run(version+"/"+c.drop, func(t *testing.T) {
				t.Parallel()
				dsn := database(t)
				realtest.SetUp(t, "pgx", dsn, append(harmlessSchema[:len(harmlessSchema):len(harmlessSchema)], c.setup...))
				db, _ := realtest.OpenAtMost(t, 2, "pgx", dsn)
				one, err := db.Conn(t.Context())
				require.NoError(t, err)
				other, err := db.Conn(t.Context())
				require.NoError(t, err)
				use := func() {
					_, err := one.ExecContext(t.Context(), c.use)
					require.NoError(t, err)
				}
				tx, err := other.BeginTx(t.Context(), nil)
				require.NoError(t, err)
				if !c.inTx {
					use()
				}
				_, err = tx.ExecContext(t.Context(), c.drop)
				require.NoError(t, err)
				if c.inTx {
					use()
				}
				require.NoError(t, tx.Commit())
				require.NoError(t, other.Close())
				require.NoError(t, one.Close())
				for range 2 {
					conn, err := db.Conn(t.Context())
					require.NoError(t, err)
					defer conn.Close()
					var left int
					require.NoError(t, conn.QueryRowContext(t.Context(), "select count(nullif(current_setting('app.leak', true), '')) from (select 1) one").Scan(&left))
					assert.Zero(t, left)
				}
			})
		}
	}
}

// A text that defines something may go on to use it.
func TestSessionIsCleanThoughOneTextDefinesAndUses(t *testing.T) {
	onPostgres := []string{
		"create or replace function f() returns int language plpgsql as $$begin perform leak(); return 1; end$$; select f()",
		"create trigger harmful before insert on t for each row execute function leak_trigger(); insert into t values (2, 'y')",
		"create or replace view w as select leak()::int as a; select * from w",
		"drop view w; create view w as select leak()::int as a; select * from w",
		"alter table t alter v set default leak()::text; insert into t (id) values (2)",
		"alter function g() rename to f_before; alter function f_before() rename to g2; create function g() returns int language plpgsql as $$begin perform leak(); return 1; end$$; select g()",
		"insert into triggered values (2, 'y'); drop trigger of_it on triggered",
		"insert into triggered values (2, 'y'); drop table triggered",
	}
	onMySQL := []string{
		"create trigger harmful before insert on t for each row set @leak = 1; insert into t values (2, 'y')",
		"create or replace view w as select leak() as a; select * from w",
		"drop view w; create view w as select leak() as a; select * from w",
		"rename table t to before_it, triggered to t; insert into t values (2, 'y')",
		"drop table t; alter table triggered rename to t; insert into t values (2, 'y')",
		"drop function f; create function f() returns int deterministic return leak(); select f()",
		"drop procedure p; create procedure p() set @leak = 1; call p()",
		"insert into triggered values (2, 'y'); drop trigger of_it",
		"insert into triggered values (2, 'y'); drop table triggered",
	}
	for _, s := range realtest.TxServers {
		texts, setup, leaks := onMySQL, harmlessMySQLSchema, "select count(@leak) from (select 1) one"
		if s.Driver == "pgx" {
			texts, setup, leaks = onPostgres, append(harmlessSchema[:len(harmlessSchema):len(harmlessSchema)], "create function g() returns int language sql as 'select 1'", "create table triggered (id int, v text)",
				"create trigger of_it before insert on triggered for each row execute function leak_trigger()"),
				"select count(nullif(current_setting('app.leak', true), '')) from (select 1) one"
		}
		for _, text := range texts {
			for _, known := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/known=%t/%s", s.Name, known, text), func(t *testing.T) {
					t.Parallel()
					dsn := s.DSN(t)
					realtest.SetUp(t, s.Driver, dsn, setup)
					db, _ := realtest.OpenAtMost(t, 1, s.Driver, dsn)
					if known {
						realtest.Borrow(t, db, "select count(*) from t", "select * from w", "select f()", "delete from t", "explain select * from t where id = 7")
						require.NoError(t, db.PingContext(t.Context()))
					}
					realtest.Borrow(t, db, text)
					assert.Equal(t, 0, realtest.ScanInt(t, db, leaks))
				})
			}
		}
	}
}

// What a statement met that nobody knew may be gone when it could be looked for.
func TestSessionIsCleanThoughWhatItMetIsDropped(t *testing.T) {
	onPostgres := append(hideaway[:len(hideaway):len(hideaway)], "create trigger harmful before insert on t for each row execute function leak_trigger()")
	onMySQL := []string{"create table t (id int, v text)", "create trigger harmful before insert on t for each row set @leak = 1"}
	for _, s := range realtest.TxServers {
		setup, drop, leaks := onMySQL, "drop trigger harmful", "select count(@leak) from (select 1) one"
		if s.Driver == "pgx" {
			setup, drop, leaks = onPostgres, "drop trigger harmful on t", "select count(nullif(current_setting('app.leak', true), '')) from (select 1) one"
		}
		for _, byAnother := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/by another=%t", s.Name, byAnother), func(t *testing.T) {
				dsn := s.DSN(t)
				realtest.SetUp(t, s.Driver, dsn, setup)
				db, _ := realtest.OpenAtMost(t, 2, s.Driver, dsn)
				one, err := db.Conn(t.Context())
				require.NoError(t, err)
				other, err := db.Conn(t.Context())
				require.NoError(t, err)
				_, err = one.ExecContext(t.Context(), "insert into t values (1, 'x')")
				require.NoError(t, err)
				dropper := one
				if byAnother {
					dropper = other
				}
				_, err = dropper.ExecContext(t.Context(), drop)
				require.NoError(t, err)
				require.NoError(t, other.Close())
				require.NoError(t, one.Close())
				for range 2 {
					conn, err := db.Conn(t.Context())
					require.NoError(t, err)
					defer conn.Close()
					var left int
					require.NoError(t, conn.QueryRowContext(t.Context(), leaks).Scan(&left))
					assert.Zero(t, left)
				}
			})
		}
	}
}

// What is harmful and not used costs nothing.
func TestPostgresUnusedHarmCostsNothing(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			dsn := database(t)
			bare := realtest.Open(t, "pgx", dsn)
			for _, text := range append(hideaway[:len(hideaway):len(hideaway)],
				"create function op(int, int) returns boolean language sql as 'select leak()'",
				"create operator === (leftarg = int, rightarg = int, function = op)", "create operator @#@ (leftarg = text, rightarg = text, function = texteq)",
				"create type c as (a int)", "create function of_c(c) returns int language plpgsql as $$begin perform leak(); return 1; end$$",
				"create cast (c as int) with function of_c(c) as implicit",
				"create function of_bool(boolean) returns bytea language plpgsql as $$begin perform leak(); return ''; end$$", "create cast (boolean as bytea) with function of_bool(boolean)",
				"create domain d as int check (leak())", "create table of_d (a d)", "create view of_view as select leak()",
				"create function acc(int, int) returns int language plpgsql as $$begin perform leak(); return 1; end$$", "create aggregate total(int) (sfunc = acc, stype = int)",
				"create function set_setting(text, text, boolean) returns text language internal as 'set_config_by_name'",
				"create event trigger e on login execute function leak_event()",
			) {
				if _, err := bare.ExecContext(t.Context(), text); version == "18" || text[:12] != "create event" {
					require.NoError(t, err, text)
				}
			}
			if version == "18" { // it makes each session another
				_, err := bare.ExecContext(t.Context(), "alter event trigger e disable")
				require.NoError(t, err)
			}
			db, connector := realtest.OpenAtMost(t, 1, "pgx", dsn)
			texts := []string{"select $1::int", "select v || 'x' from t where id = $1", "select sum(id), count(*) from t where id = $1 and v like 'x%'", "insert into t values ($1, 'y')", "select * from v, m where v.id = $1"}
			work := func() {
				for _, text := range texts {
					_, err := db.ExecContext(t.Context(), text, 1)
					require.NoError(t, err)
				}
			}
			work()
			before := connector.Stats().Endpoints[0].Reset
			for range 10 {
				work()
			}
			require.NoError(t, db.PingContext(t.Context())) // and the last session was given back
			after := connector.Stats().Endpoints[0].Reset
			assert.Equal(t, before.Resets, after.Resets)
			assert.GreaterOrEqual(t, after.Clean-before.Clean, uint64(10*len(texts)))
		})
	}
}
