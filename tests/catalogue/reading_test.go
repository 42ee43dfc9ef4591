package catalogue_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// A function is read when it is first called, in the way that is set then, and never again.
func TestPostgresFunctionsAreReadAsOnAFreshConnection(t *testing.T) {
	const off = "set_config('standard_conforming_strings', 'off', true)"
	operated := slices.Clip([]string{
		"create function f(int, int) returns int language plpgsql set standard_conforming_strings = off as $$begin return escaped(); end$$",
		"create operator ### (function = f, leftarg = int, rightarg = int)",
	})
	for _, c := range []struct {
		name            string
		setup           []string
		borrower, check string
		closed          uint64 // connections
	}{
		{"strings", []string{"create function f() returns int language plpgsql set standard_conforming_strings = off as $$begin return escaped(); end$$"}, "select f()", "select escaped()", 1},
		{"strings in a language of the server's", []string{"create function f() returns int language sql volatile set standard_conforming_strings = off as 'select escaped()'"}, "select f()", "select escaped()", 1},
		{"strings by a call", []string{"create function f() returns int language plpgsql as $$begin perform " + off + "; return escaped(); end$$"}, "select f()", "select escaped()", 1},
		{"strings behind a view", []string{"create function f() returns int language plpgsql set standard_conforming_strings = off as $$begin return escaped(); end$$", "create view v as select f()"}, "select * from v", "select escaped()", 1},
		{"strings of a view", []string{"create view v as select case when " + off + " = 'off' then escaped() end"}, "select * from v", "select escaped()", 1},
		{"strings behind a trigger", []string{
			"create function f() returns trigger language plpgsql set standard_conforming_strings = off as $$begin perform escaped(); return new; end$$",
			"create trigger w before insert on t for each row execute function f()",
		}, "insert into t values (2)", "select escaped()", 1},
		{"strings behind an operator", append(operated, "create function g() returns int language sql as 'select 1 ### 2'"), "select g()", "select escaped()", 1},
		{"strings behind an operator of a default", append(operated, "create table w (a int, b int default 3 ### 4)"), "insert into w (a) values (1)", "select escaped()", 1},
		{"strings of a DO block", nil, "do $$begin perform " + off + ", escaped(); end$$", "select escaped()", 1},
		{"names", []string{"create function f() returns int language plpgsql set plpgsql.variable_conflict = use_variable as $$begin return conflicting(); end$$"}, "select f()", "select escaped()", 1},
		{"names, set and reset in a DO block", nil, "do $$begin set plpgsql.variable_conflict = use_variable; perform conflicting(); reset plpgsql.variable_conflict; end$$", "select escaped()", 1},
		{"names, by a call in a DO block", nil, "do $$begin perform set_config('plpgsql.variable_conflict', 'use_variable', true), conflicting(); end$$", "select escaped()", 1},
		{"names, set and reset in a procedure", []string{"create procedure p() language plpgsql as $$begin set plpgsql.variable_conflict = use_variable; perform conflicting(); reset plpgsql.variable_conflict; end$$"}, "call p()", "select escaped()", 1},
		{"names, set and reset in a function", []string{"create function f() returns int language plpgsql as $$begin set local plpgsql.variable_conflict = use_variable; perform conflicting(); reset plpgsql.variable_conflict; return 1; end$$"}, "select f()", "select escaped()", 1},
		{"names of a function behind another one", []string{
			"create function f() returns int language plpgsql as $$begin return conflicting(); end$$", `alter function f() set "PLPGSQL.Variable_Conflict" = use_variable`,
			"create function g() returns int language sql as 'select f()'",
		}, "select g()", "select escaped()", 1},
		{"a setting that is no matter of reading", []string{"create function f() returns int language plpgsql set timezone = 'Asia/Tokyo' as $$begin return escaped(); end$$"}, "select f()", "select escaped()", 0},
		{"a directive", []string{"create function f() returns int language plpgsql as $$\n#variable_conflict use_variable\nbegin perform set_config('app.leak', '1', false); return escaped(); end$$"}, "select f()", "select escaped()", 0},
	} {
		for version, database := range realtest.PostgresVersions {
			t.Run(version+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				dsn := database(t)
				realtest.SetUp(t, "pgx", dsn, append([]string{
					"create table t (id int)", "insert into t values (1)",
					"create function escaped() returns int language plpgsql as $$begin return length('a\\nb'); end$$",
					"create function conflicting() returns int language plpgsql as $$declare id int := 7; begin return (select max(id) from t); end$$",
				}, c.setup...))
				db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, nil)
				realtest.Borrow(t, db, c.borrower)
				assert.Equal(t, "4", realtest.Scalar(t, db, c.check))
				_, err := db.ExecContext(t.Context(), "select conflicting()")
				assert.ErrorContains(t, err, "ambiguous")
				assert.Equal(t, c.closed, resettest.Resets(t, db).Discards.Permanent)
			})
		}
	}
}

// The settings of a function's own end with it, but the plans of what it has called keep them.
func TestPostgresPlansKeepNothingOfAFunctionsOwnSettings(t *testing.T) {
	const tokyo = " set timezone = 'Asia/Tokyo' as "
	for name, setup := range map[string]string{
		"by its name":                   "create function f() returns int language sql volatile" + tokyo + "'select epoch(1, 2)'",
		"by an operator":                "create function f() returns int language sql volatile" + tokyo + "'select 1 ### 2'",
		"by an operator of its default": "create function g(a int default 1 ### 2) returns int language sql volatile as 'select a'; create function f() returns int language sql volatile" + tokyo + "'select g()'",
	} {
		for version, database := range realtest.PostgresVersions {
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()
				dsn := database(t)
				realtest.SetUp(t, "pgx", dsn, []string{
					"create function epoch(int, int) returns int language plpgsql as $$begin return extract(epoch from '2020-01-01'::timestamptz); end$$",
					"create operator ### (function = epoch, leftarg = int, rightarg = int)",
					setup,
				})
				db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, nil)
				for range 2 {
					realtest.Borrow(t, db, "select f()")
					assert.Equal(t, "1577836800", realtest.Scalar(t, db, "select epoch(1, 2)"))
				}
			})
		}
	}
}
