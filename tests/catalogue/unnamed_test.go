package catalogue_test

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// unread declares a function of the server's own as one that C code of others could be: it takes an advisory lock, whatever it is called with.
func unread(declaration string) string {
	return "create function " + declaration + " language internal volatile as 'pg_advisory_lock_int8'"
}

// fourOperators are operators each of which is the negator or the commutator of another one. Only the last one changes the session.
var fourOperators = []string{
	"create function is_less(int, int) returns boolean language plpgsql immutable as $$begin return $1 < $2; end$$",
	"create function is_more(int, int) returns boolean language plpgsql immutable as $$begin return $1 > $2; end$$",
	"create function is_at_least(int, int) returns boolean language plpgsql immutable as $$begin return $1 >= $2; end$$",
	"create function is_at_most(int, int) returns boolean language plpgsql immutable as $$begin perform public.leak(); return $1 <= $2; end$$",
	"create operator <| (leftarg = int, rightarg = int, function = is_less, commutator = |>, negator = !<|)",
	"create operator |> (leftarg = int, rightarg = int, function = is_more, commutator = <|, negator = !|>)",
	"create operator !<| (leftarg = int, rightarg = int, function = is_at_least, commutator = !|>, negator = <|, restrict = scalargesel)",
	"create operator !|> (leftarg = int, rightarg = int, function = is_at_most, commutator = !<|, negator = |>)",
	"create table many (id int)", "insert into many select generate_series(1, 100)", "analyze many",
}

// usedByOthers is what the server runs for something that a text names.
var usedByOthers = []hidden{
	{"a negator of a commutator", append(fourOperators[:len(fourOperators):len(fourOperators)], "create view of_many as select id from many where not (5 <| id)"), []string{
		"select id from many where not (5 <| id)", "select * from of_many",
	}},
	{"a negator of one side only", []string{
		"create operator ==> (leftarg = int, rightarg = int, function = int4eq, negator = ==!)", // which makes a shell of the other one
		"create function is_not(int, int) returns boolean language plpgsql immutable as $$begin perform public.leak(); return false; end$$",
		"create operator ==! (leftarg = int, rightarg = int, function = is_not)",
	}, []string{"select not (id ==> 1) from t"}},
	{"an estimate of a restriction", []string{
		unread("estimate(internal, oid, internal, int) returns float8"), "create operator ==> (leftarg = int, rightarg = int, function = int4eq, restrict = estimate)",
	}, []string{"select * from t where id ==> 1"}},
	{"an estimate of the server's own operator", []string{
		unread("estimate(internal, oid, internal, int) returns float8"), "alter operator ~= (point, point) set (restrict = estimate)", "create table of_points (a point)",
	}, []string{"select * from of_points where a ~= '(1,2)'"}},
	{"an estimate of a join", []string{
		unread("estimate(internal, oid, internal, smallint, internal) returns float8"), "create operator ==> (leftarg = int, rightarg = int, function = int4eq, join = estimate)",
	}, []string{"select * from t a join t b on a.id ==> b.id"}},
	{"a planner's support function", []string{
		unread("helps(internal) returns internal"), "create function helped(int) returns int language sql immutable as 'select 1'", "alter function helped(int) support helps",
		"create view of_helped as select * from t where helped(id) = 1",
	}, []string{"select helped(id) from t", "select * from of_helped"}},
	{"a subscript", []string{
		"create type hooked", "create function hooked_in(cstring) returns hooked language internal immutable strict as 'textin'", "create function hooked_out(hooked) returns cstring language internal immutable strict as 'textout'",
		unread("subscripts(internal) returns internal"), "create type hooked (input = hooked_in, output = hooked_out, subscript = subscripts)", "create table of_hooked (a hooked)",
	}, []string{"select a['x'] from of_hooked"}},
	{"a foreign table", []string{
		unread("handles() returns fdw_handler"), "create foreign data wrapper w handler handles", "create server s foreign data wrapper w", "create foreign table far (a int) server s",
	}, []string{"select * from far"}},
	{"a dictionary", []string{
		unread("finds(internal, internal, internal, internal) returns internal"), "create text search template finding (lexize = finds)", "create text search dictionary found (template = finding)",
		"create text search configuration finds (copy = simple)", "alter text search configuration finds alter mapping for asciiword with found",
		"create view of_found as select to_tsvector('finds', v) from t",
	}, []string{"select to_tsvector('finds', 'x')", "select * from of_found"}},
}

func TestPostgresSessionIsCleanWhateverANamedThingLeadsTo(t *testing.T) {
	const left = "select count(*) from pg_catalog.pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and database = (select oid from pg_catalog.pg_database where datname = current_database())"
	use := func(t *testing.T, db *sql.DB, text string) {
		rows, err := db.QueryContext(t.Context(), text)
		if err != nil {
			t.Log(text, err)
			return
		}
		_ = realtest.Drain(rows)
	}
	for version, database := range realtest.PostgresVersions {
		for _, h := range usedByOthers {
			t.Run(version+"/"+h.name, func(t *testing.T) {
				t.Parallel()
				dsn := database(t)
				realtest.SetUp(t, "pgx", dsn, append(hideaway[:len(hideaway):len(hideaway)], h.setup...))
				for _, text := range h.borrower {
					bare := realtest.Open(t, "pgx", dsn)
					bare.SetMaxOpenConns(1)
					use(t, bare, text)
					assert.NotZero(t, realtest.ScanInt(t, bare, left), "the case shows nothing: %s", text)
					require.NoError(t, bare.Close()) // it has the lock
					db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, resettest.Unaudited)
					for range 3 {
						use(t, db, text)
						assert.Zero(t, realtest.ScanInt(t, db, left), text)
					}
					require.NoError(t, db.Close())
				}
			})
		}
	}
}
