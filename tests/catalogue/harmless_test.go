package catalogue_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// sessionUse is a statement, and what becomes of a session that has run it where some routines are declared to be harmless.
type sessionUse struct {
	text string
	want becomes
}

// logged are the lines of a log that have all of these in them.
func logged(log *pooltest.LogBuffer, parts ...string) (lines []string) {
	for line := range strings.Lines(log.String()) {
		has := true
		for _, part := range parts {
			has = has && strings.Contains(line, part)
		}
		if has {
			lines = append(lines, line)
		}
	}
	return lines
}

// dynamic is a body that shows nothing of what it does.
const dynamic = " language plpgsql as $$begin execute 'select 1'; return 1; end$$"

var harmlessOnPostgres = []string{
	"create schema shop", "create schema other",
	"create function shop.declared(int) returns int" + dynamic, "create function shop.declared(text) returns int" + dynamic,
	`create function shop."Odd, name"() returns int` + dynamic,
	"create function other.elsewhere() returns int" + dynamic,
	"create function shop.twice() returns int" + dynamic, "create function other.twice() returns int" + dynamic,
	"create function shop.judged() returns int" + dynamic,
	"create function shop.proved() returns int language sql as 'select shop.declared(1)'",
	"create function shop.spoilt() returns int language sql as 'select shop.declared(1) + shop.judged()'",
	"create procedure shop.tidy() language plpgsql as $$begin execute 'select 1'; commit; end$$",
	"create procedure shop.untidy() language plpgsql as $$begin execute 'select 1'; end$$",
	"create procedure shop.idle() language plpgsql as $$begin perform 1; end$$",
	"create view shown as select shop.declared(1) as a", "create view spoilt_view as select shop.judged() as a",
	"create function shop.stamp() returns trigger language plpgsql as $$begin execute 'select 1'; return new; end$$",
	"create table stamped (a int)", "create trigger stamp before insert on stamped for each row execute function shop.stamp()",
	"create table written (a int)",
	"create function shop.writes() returns int language plpgsql as $$begin execute 'insert into written values (1)'; return 1; end$$",
	"create function shop.reads() returns bigint stable language plpgsql as $$begin return (select count(*) from written); end$$",
	"create view writing as select shop.writes() as a",
	"create extension tablefunc", // of which nothing is known
}

var harmlessRoutines = []policy.Routine{
	{Schema: "shop", Name: "declared"}, {Schema: "shop", Name: "Odd, name"}, {Schema: "shop", Name: "elsewhere"}, {Schema: "shop", Name: "twice"},
	{Schema: "shop", Name: "tidy"}, {Schema: "shop", Name: "stamp"}, {Schema: "shop", Name: "writes"}, {Schema: "shop", Name: "reads"}, {Schema: "public", Name: "normal_rand"},
}

func TestPostgresSessionsAreCleanAfterWhatIsDeclaredHarmless(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			f := resettest.Family{Driver: "pgx", DSN: database(t), ID: "select pg_backend_pid()"}
			realtest.SetUp(t, "pgx", f.DSN, harmlessOnPostgres)
			db, log := resettest.OpenForReset(t, f, func(c *pooled.Config) { c.Reset.Harmless = harmlessRoutines })
			for _, u := range []sessionUse{
				{"select shop.declared(1)", clean}, {"select shop.declared('x')", clean}, {`select shop."Odd, name"()`, clean},
				{"select other.elsewhere()", reset}, {"select shop.twice()", reset}, {"select shop.judged()", reset},
				{"select shop.proved()", clean}, {"select shop.spoilt()", reset}, {"select * from shown", clean}, {"select * from spoilt_view", reset},
				{"insert into stamped values (1)", clean}, {"call shop.tidy()", clean}, {"call shop.untidy()", reset}, {"call shop.idle()", clean},
				{"select shop.writes()", clean}, {"select * from writing", clean}, {"select * from normal_rand(1, 0, 1)", clean},
			} {
				for range 2 {
					assert.Equal(t, u.want, whatBecomes(t, db, f, []string{u.text}, false), "%s\n%s", u.text, log)
				}
			}
			assert.Zero(t, resettest.Resets(t, db).AuditFailures, log)
			assert.Len(t, logged(log, "pool_harmless names a routine that the server does not have", "routine=shop.elsewhere"), 1, log)
			assert.Len(t, logged(log, "pool_harmless names a routine"), 1, log)
			for why, cure := range map[string]string{
				"function elsewhere has execute in its source": "pool_harmless=other.elsewhere ", "function twice has execute in its source": "pool_harmless=other.twice ",
				"function judged has execute in its source": "pool_harmless=shop.judged ", "function spoilt mentions judged": "pool_harmless=shop.judged ",
				"view spoilt_view mentions judged": "pool_harmless=shop.judged ", "function untidy has execute in its source": "pool_harmless=shop.untidy ",
			} {
				assert.Len(t, logged(log, "level=INFO", "each session that runs it is reset in full", `why="`+why+`"`, cure), 1, "%s\n%s", why, log)
			}
			assert.Len(t, logged(log, "reset in full"), 6, log)
		})
	}
}

// explained tells where a statement goes when the catalogue is known, which is read when sessions that have run it are given back.
func explained(t *testing.T, db *sql.DB, text string) routing.Decision {
	t.Helper()
	for range 100 {
		realtest.Borrow(t, db, text)
		d, ok := routing.Explain(db, text)
		require.True(t, ok)
		if !strings.HasSuffix(d.Detail, "not known yet") {
			return d
		}
	}
	require.Fail(t, "the catalogue is not read", text)
	return routing.Decision{}
}

// What is declared says nothing of what a replica may do.
func TestPostgresRoutingIsAsBeforeForWhatIsDeclaredHarmless(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			f := resettest.Family{Driver: "pgx", DSN: database(t), ID: "select pg_backend_pid()"}
			realtest.SetUp(t, "pgx", f.DSN, harmlessOnPostgres)
			db, _ := resettest.OpenForReset(t, f, func(c *pooled.Config) {
				c.Reset.Harmless = harmlessRoutines
				c.Routing.Mode = policy.RouteSplit
			})
			for text, why := range map[string]string{
				"select shop.writes()": "function writes is volatile", "select * from writing": "view writing mentions writes", "call shop.tidy()": "call",
				"select shop.proved()": "function proved mentions declared", "select * from normal_rand(1, 0, 1)": "function normal_rand is volatile",
				"select shop.reads()": "", "select count(*) from written": "",
			} {
				d := explained(t, db, text)
				if why == "" {
					assert.Equal(t, routing.ReasonFallback, d.Reason, "%s: %s", text, d)
				} else {
					assert.Equal(t, routing.ReasonWrite, d.Reason, "%s: %s", text, d)
					assert.Equal(t, why, d.Detail, text)
				}
			}
		})
	}
}

func TestMySQLSessionsAreCleanAfterWhatIsDeclaredHarmless(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f, other := resettest.MySQLFamily(t, s, func(*mysql.Config) {}), resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		here, err := mysql.ParseDSN(f.DSN)
		require.NoError(t, err)
		there, err := mysql.ParseDSN(other.DSN)
		require.NoError(t, err)
		own := strings.NewReplacer("HERE", here.DBName, "THERE", there.DBName)
		const seeds = " deterministic begin set rand_seed1 = 7; return 1; end" // which nobody can undo
		admin := realtest.Open(t, "mysql", f.DSN)
		for _, text := range []string{
			"create procedure h_dynamic() begin prepare p from 'select 1'; execute p; deallocate prepare p; end",
			"create procedure THERE.h_dynamic() begin prepare p from 'select 1'; execute p; deallocate prepare p; end",
			"create procedure h_numbers() begin insert into things (name) values ('x'); prepare p from 'select 1'; execute p; deallocate prepare p; end",
			"create function h_seeds() returns int" + seeds, "create function h_judged() returns int" + seeds,
			"create function THERE.h_elsewhere() returns int" + seeds,
			"create function h_calls() returns int deterministic return h_seeds()", "create function h_spoilt() returns int deterministic return h_seeds() + h_judged()",
			"create view h_view as select h_seeds() as a", "create view h_spoilt_view as select h_judged() as a",
			"create table h_written (a int)", "create trigger h_trigger before insert on h_written for each row set new.a = h_seeds()",
		} {
			_, err := admin.ExecContext(t.Context(), own.Replace(text))
			require.NoError(t, err, own.Replace(text))
		}
		db, log := resettest.OpenForReset(t, f, func(c *pooled.Config) {
			c.Reset.Harmless = []policy.Routine{
				{Schema: here.DBName, Name: "h_Dynamic"}, {Schema: here.DBName, Name: "h_numbers"}, {Schema: here.DBName, Name: "h_seeds"}, {Schema: here.DBName, Name: "h_elsewhere"},
			}
			c.Routing.Mode = policy.RouteSplit
			c.Routing.Consistency, c.Routing.MaxLag = policy.ConsistencyEventual, 0
		})
		realtest.Borrow(t, db, "set @tenant = 7") // and the catalogue is read
		for _, u := range []sessionUse{
			{"call HERE.h_dynamic()", clean}, {"call THERE.h_dynamic()", lost}, {"call h_dynamic()", lost}, // which may be either
			{"call h_numbers()", clean}, {"select h_seeds()", clean}, {"select h_judged()", lost}, {"select THERE.h_elsewhere()", lost},
			{"select h_calls()", clean}, {"select h_spoilt()", lost}, {"select * from h_view", clean}, {"select * from h_spoilt_view", lost}, {"insert into h_written values (1)", clean},
		} {
			for range 2 {
				assert.Equal(t, u.want, whatBecomes(t, db, f, []string{own.Replace(u.text)}, false), "%s\n%s", u.text, log)
			}
		}
		assert.Equal(t, "0", realtest.Scalar(t, db, "select last_insert_id()"), "of h_numbers")
		assert.Zero(t, resettest.Resets(t, db).AuditFailures, log)
		for _, text := range []string{"select h_seeds()", "select * from h_view", "call HERE.h_dynamic()"} {
			d := explained(t, db, own.Replace(text))
			assert.Equal(t, routing.ReasonWrite, d.Reason, "%s: %s", text, d)
		}
		assert.Len(t, logged(log, "pool_harmless names a routine that the server does not have", own.Replace("routine=HERE.h_elsewhere")), 1, log)
		const told = "the connection of each session that runs it is closed"
		assert.Len(t, logged(log, "level=WARN", told, own.Replace("why=\"procedure `THERE`.`h_dynamic`: "), own.Replace("cure=\"pool_harmless=THERE.h_dynamic ")), 1, log)
		assert.Len(t, logged(log, told, own.Replace("why=\"function `HERE`.`h_judged`: sets rand_seed1\""), own.Replace("cure=\"pool_harmless=HERE.h_judged ")), 1, log)
		assert.Len(t, logged(log, told, own.Replace("pool_harmless=THERE.h_elsewhere ")), 1, log)
		assert.Len(t, logged(log, told), 3, log) // what calls these has the same reasons
	})
}

func TestHarmlessRoutinesOfADriverThatNobodyKnowsAreRefused(t *testing.T) {
	_, err := sql.Open("pooled", "pooled-fault:?pool_harmless=shop.f")
	require.ErrorContains(t, err, "pooled: pool_harmless=shop.f has no effect, because")
	_, err = sql.Open("pooled", "postgres://u:"+realtest.Secret+"@localhost/db?pool_harmless=f")
	require.ErrorContains(t, err, "pooled: pool_harmless=f has a name without its schema, or a schema without a name (allowed: schema.name")
	assert.NotContains(t, err.Error(), realtest.Secret)
}

// What is declared leaves nothing, whatever it calls, but what it calls may look at what others have left.
func TestPostgresWhatADeclaredFunctionCallsDoesNotSeeTheNumbersOfOthers(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			f := resettest.Family{Driver: "pgx", DSN: database(t)}
			realtest.SetUp(t, "pgx", f.DSN, []string{
				"create sequence numbers",
				"create function looks() returns text language plpgsql as $$declare n text; begin execute 'select last' || 'val()' into n; return n; exception when others then return 'none'; end$$",
				"create function asks() returns text language plpgsql as $$begin return looks(); end$$",
				"create function asks(int, int) returns text language plpgsql as $$begin return looks(); end$$",
				"create operator ### (function = asks, leftarg = int, rightarg = int)",
				"create function uses() returns text language sql as 'select 1 ### 2'",
			})
			db, log := resettest.OpenForReset(t, f, func(c *pooled.Config) {
				resettest.Unaudited(c)
				c.Reset.Harmless = []policy.Routine{{Schema: "public", Name: "asks"}}
			})
			for _, text := range []string{"select asks()", "select 1 ### 2", "select uses()"} {
				for range 3 {
					realtest.Borrow(t, db, "select nextval('numbers')")
					assert.Equal(t, "none", realtest.Scalar(t, db, text), "%s\n%s", text, log)
				}
			}
		})
	}
}
