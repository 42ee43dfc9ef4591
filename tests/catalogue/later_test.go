package catalogue_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
)

// laterSchema has things of which a statement names some that only a later one runs.
var laterSchema = append(harmlessSchema[:len(harmlessSchema):len(harmlessSchema)],
	"create function later() returns trigger language plpgsql as $$begin return null; end$$", "create table deferred (id int)",
	"create constraint trigger at_the_end after insert on deferred deferrable initially deferred for each row execute function later()",
	"create table parted (id int) partition by list (id)", "create table part partition of parted default",
	"create constraint trigger at_the_end after insert on part deferrable for each row execute function later()",
	"create function i(int) returns int language plpgsql immutable as $$begin return $1; end$$",
	"create table excluded (id int, v text, exclude using btree (i(id) with =) deferrable initially deferred)",
	"create function g() returns int language plpgsql as $$begin return 1; end$$", "create table counted (id int)", "insert into counted select generate_series(1, 3)",
)

// What a statement names may run with a later one, which does not name it: by then it may mean something else.
func TestPostgresSessionIsCleanWhateverIsRedefinedBeforeItRuns(t *testing.T) {
	const (
		harmful        = "create or replace function g() returns int language plpgsql as $$begin perform leak(); return 1; end$$"
		harmfulTrigger = "create or replace function later() returns trigger language plpgsql as $$begin perform leak(); return null; end$$"
		harmfulIndex   = "create or replace function i(int) returns int language plpgsql immutable as $$begin perform leak(); return $1; end$$"
	)
	for _, c := range []struct {
		name       string
		before     []string
		definition string
		after      []string
	}{
		{"a cursor", []string{"begin", "declare c cursor for select g() from counted"}, harmful, []string{"select * from t", "fetch c", "commit"}},
		{"a cursor that is moved", []string{"begin", "declare c scroll cursor for select g() from counted"}, harmful, []string{"select * from t", "move 2 in c", "commit"}},
		{"a cursor that is kept", []string{"begin", "declare c cursor with hold for select g() from counted"}, harmful, []string{"select * from t", "commit", "close c"}},
		{"a cursor of another transaction", []string{"begin", "declare c cursor for select g() from counted", "commit", "begin", "declare c cursor for select g() from counted"}, harmful, []string{"select * from t", "fetch c", "commit"}},
		{"a trigger at the commit", []string{"begin", "insert into deferred values (1)"}, harmfulTrigger, []string{"select * from t", "commit"}},
		{"a trigger at once", []string{"begin", "insert into deferred values (1)"}, harmfulTrigger, []string{"select * from t", "set constraints all immediate", "commit"}},
		{"a trigger of a part", []string{"begin", "set constraints all deferred", "insert into parted values (1)"}, harmfulTrigger, []string{"select * from t", "commit"}},
		{"a constraint at the commit", []string{"delete from excluded", "begin", "insert into excluded values (1, 'a')", "insert into excluded values (1, 'b')", "delete from excluded where v = 'a'"}, harmfulIndex, []string{"select * from t", "commit"}},
		{"a temporary view", []string{"create temp view of_g as select g() as a"}, harmful, []string{"select * from of_g"}},
		{"a view that becomes temporary", []string{"create temp table made (a int)", "create view of_g as select g() as a, (select count(*) from made)"}, harmful, []string{"select * from of_g"}},
		{"a temporary table's default", []string{"create temp table made (a int default g())"}, harmful, []string{"insert into made values (default)"}},
		{"a prepared statement", []string{"prepare p as select g()"}, harmful, []string{"execute p"}},
	} {
		for version, database := range realtest.PostgresVersions {
			for _, bySelf := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/by itself=%t", version, c.name, bySelf), func(t *testing.T) {
					t.Parallel()
					dsn := database(t)
					realtest.SetUp(t, "pgx", dsn, laterSchema)
					db, _ := realtest.OpenAtMost(t, 2, "pgx", dsn)
					for range 3 { // and it is known
						realtest.Borrow(t, db, append(c.before[:len(c.before):len(c.before)], c.after...)...)
						both := []*sql.Conn{heldSession(t, db), heldSession(t, db)} // those are that were given back
						for _, conn := range both {
							require.NoError(t, conn.Close())
						}
					}
					one := heldSession(t, db)
					for _, text := range c.before {
						_, err := one.ExecContext(t.Context(), text)
						require.NoError(t, err, text)
					}
					if bySelf {
						_, err := one.ExecContext(t.Context(), c.definition)
						require.NoError(t, err)
					} else {
						realtest.Borrow(t, db, c.definition)
					}
					for _, text := range c.after {
						_, err := one.ExecContext(t.Context(), text)
						require.NoError(t, err, text)
					}
					var left int
					const leaks = "select count(nullif(current_setting('app.leak', true), '')) from (select 1) one"
					require.NoError(t, one.QueryRowContext(t.Context(), leaks).Scan(&left))
					assert.Equal(t, 1, left, "the case shows nothing")
					require.NoError(t, one.Close())
					for range 2 {
						conn := heldSession(t, db)
						defer conn.Close()
						require.NoError(t, conn.QueryRowContext(t.Context(), leaks).Scan(&left))
						assert.Zero(t, left)
					}
				})
			}
		}
	}
}

// What runs later costs nothing as long as nobody defines anything, or something that it does not name.
func TestPostgresWhatRunsLaterCostsNothingByItself(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			dsn := database(t)
			realtest.SetUp(t, "pgx", dsn, laterSchema)
			db, connector := realtest.OpenAtMost(t, 2, "pgx", dsn)
			other := heldSession(t, db)
			defer other.Close()
			work := func() {
				one := heldSession(t, db)
				for i, text := range []string{
					"begin", "declare c cursor for select g() from counted", "insert into deferred values (1)", "fetch c", "set constraints all immediate", "commit",
				} {
					_, err := one.ExecContext(t.Context(), text)
					require.NoError(t, err, text)
					if i == 2 {
						_, err := other.ExecContext(t.Context(), "create or replace function h() returns int language sql as 'select 1'")
						require.NoError(t, err)
					}
				}
				require.NoError(t, one.Close())
			}
			for range 3 {
				work()
			}
			before := connector.Stats().Endpoints[0].Reset.ByEffect["unknown"]
			for range 5 {
				work()
			}
			require.NoError(t, heldSession(t, db).Close()) // and the last one was given back
			assert.Equal(t, before, connector.Stats().Endpoints[0].Reset.ByEffect["unknown"])
		})
	}
}

// heldSession returns a session.
func heldSession(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	return conn
}
