package catalogue_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// A definition changes what the catalogue shows under names that it does not have: those of the tables below the one that it names, and of all that refers to
// what it renames.
func TestPostgresDefinitionsChangeWhatTheyDoNotName(t *testing.T) {
	schema := []string{
		"create function harms() returns int" + leavesTraces, "create function lies(int) returns int immutable" + leavesTraces,
		"create function marks() returns trigger language plpgsql as $$begin perform harms(); return new; end$$",
		"create function f() returns int language sql as 'select 1'", "create view v as select f() as n",
		"create function shown(int) returns int language sql as 'select $1'", "create domain d as int", "create table dated (n d)",
		"create function stamps() returns trigger language plpgsql as $$begin return new; end$$", "create table stamped (n int)",
		"create trigger stamp before insert on stamped for each row execute function stamps()",
		"create table t (n int)", "create view over_t as select * from t", "grant select on t to public",
		"create table parent (n int, m int) partition by list (n)", "create table child partition of parent default",
		"create table divided (n int, m int) partition by list (n)", "create table upper (n int, m int)", "create table lower () inherits (upper)", "create table lowest () inherits (lower)",
	}
	for name, c := range map[string]struct {
		before      string // has the catalogue read
		definitions []string
		use         string
	}{
		"a table that is made like one":   {"select 1", []string{"create unique index on child (n) where lies(1) > 0"}, "create table copied (like child including all)"},
		"a partition of a table":          {"select 1", []string{"create unique index on divided (n) where lies(1) > 0"}, "create table copied partition of divided for values in (7)"},
		"an index of the partitions":      {"select * from child", []string{"create index on parent (n) where lies(1) > 0"}, "create table copied (like child including all)"},
		"a check of the partitions":       {"insert into child values (1)", []string{"alter table parent add check (lies(1) > 0)"}, "insert into child values (1)"},
		"a default of the partitions":     {"insert into child (n) values (1)", []string{"alter table parent alter m set default harms()"}, "insert into child (n) values (1)"},
		"a trigger of the partitions":     {"insert into child values (1)", []string{"create trigger x after insert on parent for each row execute function marks()"}, "insert into child values (1)"},
		"a check of what inherits":        {"insert into lowest values (1)", []string{"alter table upper add check (lies(1) > 0)"}, "insert into lowest values (1)"},
		"a column of what inherits":       {"insert into lowest (n) values (1)", []string{"alter table upper add k int default harms()"}, "insert into lowest (n) values (1)"},
		"a function behind a view":        {"select * from v", []string{"alter function f() rename to g", "create or replace function g() returns int" + leavesTraces}, "select * from v"},
		"a function, in another way":      {"select * from v", []string{"ALTER ROUTINE f()\nRENAME /* it */ TO g", "create or replace function g() returns int" + leavesTraces}, "select * from v"},
		"the type of a column":            {"insert into dated values (1)", []string{"alter domain d rename to e", "alter domain e add check (harms() > 0) not valid"}, "insert into dated values (2)"},
		"the function of a trigger":       {"insert into stamped values (1)", []string{"alter function stamps() rename to signs", "create or replace function signs() returns trigger language plpgsql as $$begin perform harms(); return new; end$$"}, "insert into stamped values (1)"},
		"the table behind a view":         {"select * from over_t", []string{"alter table t rename to u", "alter table u add check (lies(1) > 0) not valid", "create table t (n int)"}, "select * from over_t"},
		"the table behind a view, quoted": {"select * from over_t", []string{`alter table t rename to "A b"`, `alter table "A b" add check (lies(1) > 0) not valid`, "create table t (n int)"}, "select * from over_t"},
	} {
		for version, database := range realtest.PostgresVersions {
			t.Run(version+"/"+name, func(t *testing.T) {
				t.Parallel()
				dsn := database(t)
				realtest.SetUp(t, "pgx", dsn, schema)
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, resettest.Unaudited)
				for range 3 {
					realtest.Borrow(t, db, c.before)
				}
				realtest.Borrow(t, db, "select * from over_t, v, lowest, child")
				for _, text := range c.definitions {
					realtest.Borrow(t, db, text)
				}
				for range 2 {
					realtest.Borrow(t, db, c.use)
					assert.Equal(t, "0", realtest.Scalar(t, db, tracesLeft), log)
					if c.use[0] == 'c' {
						realtest.Borrow(t, db, "drop table copied")
					}
				}
			})
		}
	}
}
