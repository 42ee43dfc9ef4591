package catalogue_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// A function's own settings are as before when it is over, but not in what it calls.
func TestPostgresFunctionsOwnSettingsAreInNobodyElsesPlans(t *testing.T) {
	const first = "create function first_three() returns text language plpgsql as $$begin return (select string_agg(id::text, ',') from (select id from ordered where v > 0 limit 3) x); end$$"
	for _, c := range []struct {
		name     string
		setup    []string
		borrower string
		want     string
		resets   bool
	}{
		{"a scan", []string{"create function f() returns text language plpgsql set enable_seqscan = off as $$begin return first_three(); end$$"}, "select f()", "100,101,102", true},
		{"costs", []string{"create function f() returns text language sql set random_page_cost = 0 set seq_page_cost = 1000000 as 'select first_three()'"}, "select f()", "100,101,102", true},
		{"behind a view", []string{"create function f() returns text language plpgsql set enable_seqscan = off as $$begin return first_three(); end$$", "create view v as select f()"}, "select * from v", "100,101,102", true},
		{"behind a trigger", []string{
			"create function f() returns trigger language plpgsql set enable_seqscan = off as $$begin perform first_three(); return new; end$$",
			"create trigger w before insert on t for each row execute function f()",
		}, "insert into t values (2)", "100,101,102", true},
		{"behind an operator", []string{
			"create function f(int, int) returns boolean language plpgsql set enable_seqscan = off as $$begin perform first_three(); return true; end$$",
			"create operator ==> (leftarg = int, rightarg = int, function = f)",
		}, "select 1 ==> 2", "100,101,102", true},
		{"a function of its own", []string{"create function f() returns bigint language plpgsql set enable_seqscan = off set work_mem = '8MB' as $$begin return (select count(*) from ordered); end$$"}, "select f()", "100,101,102", false},
		{"a search_path, which plans look at", []string{"create schema other", "create table other.ordered (id int, v int)", "create function f() returns text language plpgsql set search_path = other, public as $$begin return first_three(); end$$"}, "select f()", "100,101,102", false},
	} {
		for version, database := range realtest.PostgresVersions {
			t.Run(version+"/"+c.name, func(t *testing.T) {
				dsn := database(t)
				realtest.SetUp(t, "pgx", dsn, append([]string{
					"create table t (id int)", "create table ordered (id int, v int)", "insert into ordered select 99 + n, 1000 - n from generate_series(1, 900) n",
					"create index on ordered (v)", "analyze ordered", first,
				}, c.setup...))
				db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, resettest.Unaudited)
				for range 3 {
					realtest.Borrow(t, db, c.borrower)
					if c.resets || t.Failed() {
						assert.Equal(t, c.want, realtest.Scalar(t, db, "select first_three()"))
					}
				}
				before := resettest.Resets(t, db).Resets
				realtest.Borrow(t, db, c.borrower)
				assert.Equal(t, c.want, realtest.Scalar(t, db, "select first_three()"))
				assert.Equal(t, c.resets, resettest.Resets(t, db).Resets > before)
			})
		}
	}
}

// A dollar ends a quote and not a name.
func TestPostgresSessionIsCleanWhateverStandsNextToADollarQuote(t *testing.T) {
	for _, c := range []struct{ name, setup, borrower string }{
		{"SELECT INTO", "create function f() returns void language sql set search_path = pg_temp as 'select 1 as a, $q$b$q$into made'", "select public.f()"},
		{"SET", "create function f() returns int language plpgsql as $z$begin if 'a' = $q$a$q$then set app.leak = '1'; end if; return 1; end$z$", "select f()"},
		{"a name", "create function f() returns void language sql as 'select $q$b$q$where leak()'", "select f()"},
		{"a name behind a quote", "create function f() returns text language sql as 'select $q$b$q$|| leak()::text'", "select f()"},
	} {
		for version, database := range realtest.PostgresVersions {
			t.Run(version+"/"+c.name, func(t *testing.T) {
				dsn := database(t)
				realtest.SetUp(t, "pgx", dsn, append(hideaway[:len(hideaway):len(hideaway)], c.setup))
				db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, resettest.Unaudited)
				for range 2 {
					realtest.Borrow(t, db, c.borrower)
					assert.Empty(t, realtest.Scalar(t, db, "select coalesce(current_setting('app.leak', true), '')"))
					assert.Equal(t, 0, realtest.ScanInt(t, db, "select count(*) from pg_class where relnamespace = pg_my_temp_schema()"))
				}
			})
		}
	}
}

// What an extension's function changes is not left to the next borrower, whatever the function is called by its version.
func TestPostgresNobodyInheritsTheWeakModeOfNumbers(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			dsn := database(t)
			realtest.SetUp(t, "pgx", dsn, []string{"create extension isn"})
			db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, resettest.Unaudited)
			for range 2 {
				realtest.Borrow(t, db, "select isn_weak(true)")
				assert.Equal(t, "false", realtest.Scalar(t, db, "select isn_weak()::text"))
			}
		})
	}
}
