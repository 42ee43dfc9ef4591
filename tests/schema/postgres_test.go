package schema_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

var postgresSchemaOwn = []string{
	`select 'settings', pg_catalog.md5(pg_catalog.string_agg(name || '=' || coalesce(setting, ''), ',' order by name)) from pg_catalog.pg_settings where name not like 'plpgsql.%'
	union all select 'setting:' || name, setting from pg_catalog.pg_settings where source = 'session' and name not like 'plpgsql.%'
	union all select 'leak', nullif(pg_catalog.current_setting('app.leak', true), '')
	union all select 'role', current_user || ' ' || session_user
	union all select 'relation:' || relname, relkind::text from pg_catalog.pg_class where relnamespace = pg_catalog.pg_my_temp_schema()
	union all select 'type:' || typname, '' from pg_catalog.pg_type where typnamespace = pg_catalog.pg_my_temp_schema()
	union all select 'function:' || proname, '' from pg_catalog.pg_proc where pronamespace = pg_catalog.pg_my_temp_schema()
	union all select 'lock:' || classid || ':' || objid || ':' || mode, '' from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid() and locktype = 'advisory'
	union all select 'channel:' || c, '' from pg_catalog.pg_listening_channels() c
	union all select 'cursor:' || name, statement from pg_catalog.pg_cursors where is_holdable
	union all select 'prepared:' || name, statement from pg_catalog.pg_prepared_statements where from_sql`,
	`select 'lastval', pg_catalog.lastval()`,
}

const postgresSchemaClear = `drop schema if exists public cascade; drop schema if exists made cascade; create schema public; grant all on schema public to public; create sequence public.numbers`

// postgresSchemaServer makes a database and an ordinary user who owns it.
func postgresSchemaServer(t *testing.T, server func(testing.TB) string, database func(testing.TB) string) *schemaServer {
	t.Helper()
	admin := realtest.Open(t, "pgx", server(t))
	role := fmt.Sprintf("pooled_schema_%x", rand.Uint64())
	_, err := admin.ExecContext(t.Context(), `create role `+role+` login password 'secret'`)
	require.NoError(t, err)
	t.Cleanup(func() { // after the database is dropped
		_, err := realtest.Open(t, "pgx", server(t)).Exec(`drop role ` + role)
		require.NoError(t, err)
	})
	super, err := url.Parse(database(t) + "&statement_timeout=20000")
	require.NoError(t, err)
	_, err = admin.ExecContext(t.Context(), `alter database `+strings.TrimPrefix(super.Path, "/")+` owner to `+role)
	require.NoError(t, err)
	owner := *super
	owner.User = url.UserPassword(role, "secret")
	bare := realtest.Open(t, "pgx", super.String())
	bare.SetMaxIdleConns(0)
	return &schemaServer{
		driver: "pgx", own: postgresSchemaOwn, errors: map[string]int{},
		users: []schemaUser{ // no policy holds for the first
			{"superuser", super.String(), super.String(), true}, {"owner", owner.String(), owner.String(), true}, {"owner", owner.String(), owner.String(), true},
		},
		clear: func(t *testing.T) {
			_, err := bare.ExecContext(t.Context(), "set session_replication_role = replica; "+postgresSchemaClear+"; alter schema public owner to "+role) // and no event trigger runs
			require.NoError(t, err)
		},
		round: func(random *rand.Rand, user schemaUser) []schemaAct {
			ways := []string{"exec", "exec", "query", "query", "prepared", "commit", "commit", "rollback", "several"}
			return randomRound(random, user, ways, &postgresWriter{random: random, super: user.name == "superuser"})
		},
	}
}

func TestPostgresSessionIsCleanWhateverASchemaHides(t *testing.T) {
	t.Parallel()
	t.Run("15", func(t *testing.T) {
		testResetSchemas(t, postgresSchemaServer(t, testserver.Postgres, testserver.PostgresDatabase))
	})
	t.Run("18", func(t *testing.T) {
		testResetSchemas(t, postgresSchemaServer(t, testserver.Postgres18, testserver.Postgres18Database))
	})
}

// postgresWriter is a [schemaWriter]. All its expressions are integers.
type postgresWriter struct {
	random *rand.Rand
	super  bool
	rare   bool // operators, casts, domains and aggregates hide something as well: then nothing is proved clean
	kind   int  // which of them
	n      int
	defs   []string

	tables, partitioned, views, matviews, types, domains, functions, constraints, indexes []string
	leaks, harmless                                                                       []string // expressions
	decoy                                                                                 bool     // what is made next hides nothing
	hot                                                                                   []string // tables about which something is hidden
}

func (w *postgresWriter) chance(n int) bool        { return w.random.IntN(n) == 0 }
func (w *postgresWriter) pick(of ...string) string { return of[w.random.IntN(len(of))] }
func (w *postgresWriter) def(format string, args ...any) {
	w.defs = append(w.defs, fmt.Sprintf(format, args...))
}
func (w *postgresWriter) any(of []string, or string) string {
	if len(of) == 0 {
		return or
	}
	return w.pick(of...)
}

// name makes a name, which is the same in each schema.
func (w *postgresWriter) name(kind string) string {
	w.n++
	switch n := w.random.IntN(400); {
	case n == 0: // if it hides something, nothing is proved clean
		return fmt.Sprintf(`"Odd %s%d"`, kind, w.n)
	case n < 20:
		return fmt.Sprintf(`"%s%d"`, strings.ToUpper(kind), w.n)
	case n < 30:
		return fmt.Sprintf(`ü%s%d`, kind, w.n)
	}
	return fmt.Sprintf(`%s%d`, kind, w.n)
}

func (w *postgresWriter) schema(again bool) []string {
	*w = postgresWriter{random: w.random, super: w.super, rare: w.chance(6), kind: w.random.IntN(7)}
	if again {
		w.defs = strings.Split(postgresSchemaClear, "; ")
	}
	w.harmless = []string{"1", "length('x')", "abs(-1)"}
	w.decoy = true
	w.harmless = append(w.harmless, w.function("1"))
	w.decoy = false
	for range 2 {
		w.expression(w.random.IntN(4))
	}
	for range 3 + w.random.IntN(3) {
		w.table()
	}
	for range 2 + w.random.IntN(4) {
		w.place(w.pick(w.tables...))
	}
	return w.take()
}

func (w *postgresWriter) more() []string {
	switch w.random.IntN(8) {
	case 0:
		w.expression(w.random.IntN(3))
	case 1:
		w.table()
	case 2: // what was harmless is so no more, or the other way round
		if f := w.any(w.functions, ""); f != "" {
			w.def("create or replace function %s() returns int language plpgsql as $$begin return %s; end$$", f, w.value())
		}
	default:
		w.place(w.pick(w.tables...))
	}
	return w.take()
}

func (w *postgresWriter) take() []string {
	defs := w.defs
	w.defs = nil
	return defs
}

// value is an expression that was made before: most of them leak.
func (w *postgresWriter) value() string {
	if w.decoy = w.chance(3); w.decoy || len(w.leaks) == 0 {
		return w.pick(w.harmless...)
	}
	if w.chance(4) {
		return w.expression(w.random.IntN(3))
	}
	return w.pick(w.leaks...)
}

// expression makes an expression that leaks, so many levels deep.
func (w *postgresWriter) expression(depth int) string {
	w.decoy = false
	e := w.leaf()
	for range depth {
		e = w.wrap(e)
	}
	w.leaks = append(w.leaks, e)
	return e
}

func (w *postgresWriter) leaf() string {
	if w.chance(3) {
		return w.command()
	}
	return w.pick(
		`length(set_config('app.leak', '1', false))`, `length(pg_catalog.set_config('work_mem', '77MB', false))`, `length(set_config('app.' || 'leak', '2', false))`,
		`pg_try_advisory_lock(77)::int`, `pg_try_advisory_lock_shared(7, 8)::int`, `nextval('numbers')::int`, `length(set_config('DateStyle', 'German', false))`,
	)
}

// command makes a function that leaks by a command.
func (w *postgresWriter) command() string {
	f := w.name("f")
	if w.chance(2) {
		w.def("create function %s() returns int language plpgsql as $$begin %s; return 1; end$$", f, w.pick(
			"execute 'listen leaked'", "listen leaked", "create temp table if not exists leaked (a int)", "execute 'prepare leaked as select 1'", "set app.leak = '3'",
			"set session work_mem = '78MB'", "create or replace temp view leaked as select 1 as a", "update pg_settings set setting = '79MB' where name = 'work_mem'",
			"execute 'create or replace function pg_temp.leaked() returns int language sql as ''select 1'''", "perform query_to_xml('select set_config(''app.leak'', ''4'', false)', true, true, '')",
			"set enable_hashjoin = off", "comment on sequence numbers is 'x'", "execute 'set constraints all immediate; listen leaked'",
		))
	} else {
		w.def("create function %s() returns int language sql %s as $$%s; select 1$$", f, w.pick("", "", "set search_path = pg_temp, public", "set work_mem = '8MB'"), w.pick(
			"listen leaked", "create temp table if not exists leaked (a int)", "select 1 as a into temp leaked", "select 1 as a into leaked", "set app.leak = '5'", "select set_config('app.leak', '6', false)",
			"with x as (select pg_try_advisory_lock(79)) select * from x", "create table if not exists leaked (a int)", "select 1 as a into made_by_sql", "comment on sequence numbers is 'y'",
		))
	}
	return f + "()"
}

// wrap hides an expression in another one.
func (w *postgresWriter) wrap(e string) string {
	switch n := w.random.IntN(24); {
	case n < 10:
		return w.function(e)
	case n < 14:
		return w.view(e)
	case n < 15:
		return fmt.Sprintf("length(query_to_xml('select %s', true, true, '')::text)", strings.ReplaceAll(e, "'", "''"))
	case n < 16 && len(w.tables) > 0: // a policy, or what else the table has for readers
		return fmt.Sprintf("(select count(*)::int from %s)", w.pick(w.tables...))
	case w.rare && n < 22:
		return w.typed(e)
	}
	return fmt.Sprintf(w.pick(
		"(select %s)", "case when true then %s end", "coalesce(null, %s)", "(array[%s])[1]", "(with x as (select %s as a) select a from x)", "(select sum(%s)::int from (values (1)) x)",
		"(select a from (values (1)) y, lateral (select %s as a) x)", "greatest(1, %s)", "(select max(a) from unnest(array[%s]) a)",
	), e)
}

// function makes a function of an expression, and returns a call.
func (w *postgresWriter) function(e string) string {
	f := w.name("f")
	volatility := w.pick("immutable", "stable", "volatile", "volatile", "immutable parallel safe", "security definer", "strict")
	switch w.random.IntN(12) {
	case 0:
		w.def("create function %s() returns int language sql %s as $$select %s$$", f, volatility, e)
	case 1:
		w.def("create function %s() returns int language sql %s return %s", f, volatility, e)
	case 2:
		w.def("create function %s() returns int language sql %s begin atomic select 1; select %s; end", f, volatility, e)
	case 3:
		w.def("create function %s(a int default %s) returns int language sql %s as 'select $1'", f, e, volatility)
	case 4:
		w.def("create function %s() returns setof int language sql %s as $$select %s from generate_series(1, 2)$$", f, volatility, e)
		return "(select max(x) from " + f + "() x)"
	case 5:
		w.def("create function %s() returns table (a int, b text) language plpgsql %s as $$begin return query select %s, 'x'; end$$", f, volatility, e)
		return "(select a from " + f + "())"
	case 6:
		if w.chance(2) {
			f = w.pick("lower", "length", "now", "max")
		}
		w.def("create function %s(int, int) returns int language plpgsql %s as $$begin perform %s; return $1; end$$", f, volatility, e)
		return f + "(1, 2)"
	case 7:
		w.def("create function %s(variadic a int[]) returns int language plpgsql %s as $$begin return %s + a[1]; end$$", f, volatility, e)
		return f + "(1, 2, 3)"
	case 8:
		w.def("create function %s() returns int language plpgsql %s set work_mem = '8MB' set search_path = public as $$begin return %s; end$$", f, volatility, e)
	default:
		w.def("create function %s() returns int language plpgsql %s as $$%s$$", f, volatility, fmt.Sprintf(w.pick(
			"begin return %s; end", "begin perform %s; return 1; end", "declare x int := %s; begin return x; end", "begin if %s is null then return 0; end if; return 1; end",
			"begin for i in 1..2 loop perform %s; end loop; return 1; end", "declare x int; begin select %s into x; return x; end", "begin return (select %s); exception when others then return 0; end",
			"begin execute $x$select %s$x$; return 1; end", "begin case when %s > 0 then return 1; else return 2; end case; end", "begin assert %s is not null; return 1; end",
			"declare c cursor for select %s; x int; begin open c; fetch c into x; close c; return x; end", "declare r record; begin for r in select %s as a loop return r.a; end loop; end",
			"begin /* nothing */ return %s; -- end\nend", "begin raise debug '%%', %s; return 1; end",
		), e))
		if w.decoy || w.chance(2) {
			w.functions = append(w.functions, f)
		}
	}
	return f + "()"
}

func (w *postgresWriter) view(e string) string {
	v := w.name("v")
	w.def("create %s %s as %s", w.pick("view", "view", "view", "recursive view"), v+" (a)", fmt.Sprintf(w.pick("select %s", "select a from (select %s as a) x", "select 1 where %s is not null", "with x as (select %s as a) select a from x", "values (%s)", "select 1 union all select %s"), e))
	w.views = append(w.views, v)
	return "(select max(a) from " + v + ")"
}

// typed hides an expression behind an operator, a cast or a type.
func (w *postgresWriter) typed(e string) string {
	n, f := w.name("o"), w.name("f")
	body := fmt.Sprintf("language plpgsql immutable as $$begin perform %s; return 1; end$$", e)
	switch w.kind { // one of them, as what one spoils hides what the others do
	case 0:
		w.def("create domain %s as int check (%s is not null)", n, e)
		w.domains = append(w.domains, n)
		return "1::" + n
	case 1:
		op := w.pick("===", "##", "<->", "+!")
		w.def("create function %s(int, int) returns int %s", f, body)
		w.def("create operator %s (leftarg = int, rightarg = int, function = %s)", op, f)
		return fmt.Sprintf("(1 %s 2)", op)
	case 2:
		w.def("create function %s(int) returns int %s", f, body)
		w.def("create operator !!! (rightarg = int, function = %s)", f)
		return "(!!! 1)"
	case 3:
		w.def("create type %s as (a int)", n)
		w.def("create function %s(%s) returns int %s", f, n, body)
		w.def("create cast (%s as int) with function %s %s", n, f, w.pick("", "as assignment", "as implicit"))
		return fmt.Sprintf("row(1)::%s::int", n)
	case 4:
		w.def("create function %s(int, int) returns int %s", f, body)
		w.def("create aggregate %s(int) (sfunc = %s, stype = int)", n, f)
		return fmt.Sprintf("(select %s(x) from (values (1), (2)) y (x))", n)
	case 5:
		w.def("create function %s(int) returns int %s", f, body)
		w.def("create aggregate %s(int) (sfunc = int4pl, stype = int, initcond = '0', finalfunc = %s)", n, f)
		return fmt.Sprintf("(select %s(x) from (values (1), (2)) y (x))", n)
	default:
		w.def("create domain %s as int default %s", n, e)
		w.domains = append(w.domains, n)
		return e
	}
}

// unchanging makes a function of an integer that may stand where only immutable ones may, and returns its name.
func (w *postgresWriter) unchanging(e string) string {
	f := w.name("f")
	w.def("create function %s(int) returns int language plpgsql immutable as $$begin perform %s; return $1; end$$", f, e)
	return f
}

// table makes a table, often one that depends on another.
func (w *postgresWriter) table() {
	t := w.name("t")
	other := w.any(w.tables, "")
	action := func() string { return w.pick("cascade", "cascade", "set null", "set default", "no action") }
	switch n := w.random.IntN(12); {
	case n < 4 && other != "":
		w.def("create table %s (id int primary key, v text, w int references %s (id) on delete %s on update %s %s)", t, other, action(), action(), w.pick("", "deferrable initially deferred"))
	case n == 4:
		key := w.pick("id", "id", "(%s(id))", "(%s(1) + id)")
		if strings.Contains(key, "%s") {
			key = "(" + fmt.Sprintf(key, w.unchanging(w.value())) + ")"
		}
		w.def("create table %s (id int, v text, w int) partition by list (%s)", t, key)
		for i, values := range []string{"for values in (1, 2)", "default"} {
			part := fmt.Sprintf("p%d%c", w.n, 'a'+i)
			w.def("create table %s partition of %s %s", part, t, values)
			w.tables = append(w.tables, part)
		}
		w.partitioned = append(w.partitioned, t)
	case n == 5 && other != "":
		w.def("create table %s (%s) inherits (%s)", t, w.pick("", fmt.Sprintf("check (%s(1) > 0)", w.unchanging(w.value()))), other)
	case n == 6:
		c := w.name("c")
		w.def("create type %s as (id int, v text, w int)", c)
		w.def("create table %s of %s", t, c)
		w.types = append(w.types, c)
	case n == 7:
		w.def("create table %s (id %s, v text, w int)", t, w.pick("serial", "int generated by default as identity"))
	case n == 8:
		w.def("create unlogged table %s (id int primary key, v text, w int)", t)
	default:
		w.def("create table %s (id int primary key, v text, w int)", t)
	}
	w.def("insert into %s (id, v, w) values (1, 'a', null), (2, 'b', 1)", t)
	w.tables = append(w.tables, t)
}

// place hides an expression somewhere about a table.
func (w *postgresWriter) place(t string) {
	e := w.value()
	if !w.decoy {
		w.hot = append(w.hot, t)
	}
	switch w.random.IntN(22) {
	case 0:
		w.def("alter table %s alter w set default %s", t, e)
	case 1:
		w.def("alter table %s add column %s int default %s", t, w.name("x"), e)
	case 2:
		w.def("alter table %s add column %s int generated always as (%s(%s)) stored", t, w.name("g"), w.unchanging(e), w.pick("id", "1"))
	case 3:
		k := w.name("k")
		w.def("alter table %s add constraint %s check (%s is not null) %s", t, k, w.pick(e, w.unchanging(e)+w.pick("(id)", "(1)")), w.pick("", "not valid"))
		w.constraints = append(w.constraints, fmt.Sprintf("alter table %s validate constraint %s", t, k))
	case 4, 5, 6, 7, 8:
		w.trigger(t, e)
	case 9:
		event := w.pick("insert", "update", "delete")
		w.def("create rule %s as on %s to %s do %s select %s", w.name("r"), event, t, w.pick("also", "instead"), e)
	case 10, 11:
		w.def("alter table %s enable row level security", t)
		w.def("alter table %s force row level security", t)
		w.def("create policy %s on %s %s %s", w.name("y"), t, w.pick("", "for select", "for insert", "for all"), fmt.Sprintf(w.pick("using (%s is not null)", "with check (%s is not null)", "using (true) with check (%s > 0)"), e))
	case 12, 13:
		f := w.unchanging(e)
		i := w.name("i")
		w.def("create %s %s on %s", w.pick("index", "unique index"), i, t+fmt.Sprintf(w.pick(" (%s(id))", " ((%s(1)))", " (id) where %s(id) > 0", " (id) where %s(1) > 0", " using hash (%s(id))", " (id, (%s(w)))"), f))
		w.indexes = append(w.indexes, i)
	case 14:
		w.def("alter table %s add exclude using btree (%s(id) with =)", t, w.unchanging(e))
	case 15:
		w.def("create statistics %s on %s, id from %s", w.name("s"), fmt.Sprintf(w.pick("(%s(id))", "(%s(1))"), w.unchanging(e)), t)
		w.def("analyze %s", t)
	case 16:
		if len(w.domains) > 0 {
			w.def("alter table %s add column %s %s", t, w.name("x"), w.pick(w.domains...))
		}
	case 17:
		w.eventTrigger(e)
	case 18:
		m := w.name("m")
		w.def("create materialized view %s as select id, %s as a from %s %s", m, e, t, w.pick("", "with no data"))
		if w.chance(2) {
			w.def("create unique index on %s (%s(id))", m, w.unchanging(e))
		}
		w.matviews = append(w.matviews, m)
	case 19:
		v := w.name("v")
		w.def("create view %s as %s", v, fmt.Sprintf(w.pick("select * from %[1]s", "select id, v, %[2]s as w from %[1]s", "select * from %[1]s where %[2]s is not null", "select * from %[1]s order by (select %[2]s)"), t, e))
		w.views = append(w.views, v)
		if w.chance(2) {
			f := w.triggerFunction(e)
			w.def("create trigger %s instead of insert or update or delete on %s for each row execute function %s()", w.name("w"), v, f)
		}
	case 20:
		f := w.name("f")
		w.def("create function %s(%s) returns int language %s", f, t, fmt.Sprintf(w.pick("sql as $$select %s$$", "plpgsql as $$begin return %s; end$$"), e))
		w.leaks = append(w.leaks, fmt.Sprintf("(select r.%s from %s r limit 1)", f, t))
	default:
		f := w.name("f")
		w.def("create function %s() returns int language %s", f, fmt.Sprintf(w.pick(
			"sql as $$select count(*)::int from %[1]s$$", "sql as $$insert into %[1]s (id) values (40) returning id$$", "plpgsql as $$begin update %[1]s set v = 'f'; return 1; end$$",
			"sql stable as $$select max(id) from %[1]s where %[2]s is not null$$"), t, e))
		w.leaks = append(w.leaks, f+"()")
	}
}

func (w *postgresWriter) triggerFunction(e string) string {
	f := w.name("f")
	w.def("create function %s() returns trigger language plpgsql as $$%s$$", f, fmt.Sprintf(w.pick(
		"begin perform %s; return new; end", "begin if %s is null then return null; end if; return coalesce(new, old); end", "begin new.v := (%s)::text; return new; end",
		"declare x int := %s; begin return coalesce(new, old); end", "begin if tg_op = 'DELETE' then perform %s; return old; end if; return new; end",
	), e))
	return f
}

func (w *postgresWriter) trigger(t, e string) {
	name := w.name("w")
	nothing := "1"
	switch w.random.IntN(7) {
	case 0:
		w.def("create trigger %s %s %s on %s for each row when (%s is not null) execute function %s()", name, w.pick("before", "after"), w.pick("insert", "update", "delete"), t, e, w.triggerFunction(nothing))
	case 1:
		w.def("create constraint trigger %s after %s on %s deferrable initially deferred for each row execute function %s()", name, w.pick("insert", "update", "delete"), t, w.triggerFunction(e))
	case 2:
		w.def("create trigger %s %s truncate on %s for each statement execute function %s()", name, w.pick("before", "after"), t, w.triggerFunction(e))
	case 3:
		w.def("create trigger %s after insert on %s referencing new table as news for each statement execute function %s()", name, t, w.triggerFunction(e))
	case 4: // which writes to another table
		f := w.name("f")
		other := w.pick(w.tables...)
		w.def("create function %s() returns trigger language plpgsql as $$begin if pg_trigger_depth() < 3 then %s; end if; return coalesce(new, old); end$$", f,
			fmt.Sprintf(w.pick("insert into %s (id) values (50) on conflict do nothing", "update %s set v = 't'", "delete from %s where id = 2", "perform count(*) from %s"), other))
		w.def("create trigger %s after insert or update or delete on %s for each %s execute function %s()", name, t, w.pick("row", "statement"), f)
	default:
		w.def("create trigger %s %s %s on %s for each %s execute function %s()", name, w.pick("before", "after"), w.pick("insert", "update", "delete", "insert or update", "update of v", "insert or update or delete"),
			t, w.pick("row", "row", "statement"), w.triggerFunction(e))
	}
}

func (w *postgresWriter) eventTrigger(e string) {
	if !w.super {
		return
	}
	f, name := w.name("f"), w.name("e")
	w.def("create function %s() returns event_trigger language plpgsql as $$begin perform %s; end$$", f, e)
	w.def("create event trigger %s on %s execute function %s()", name, w.pick("ddl_command_start", "ddl_command_end", "sql_drop", "table_rewrite",
		"ddl_command_start when tag in ('CREATE TABLE', 'SELECT INTO', 'REFRESH MATERIALIZED VIEW')", "ddl_command_end when tag in ('COMMENT', 'GRANT', 'CREATE INDEX', 'ALTER TABLE')"), f)
}

// relation is a table or a view, written somehow.
func (w *postgresWriter) relation() string {
	if len(w.hot) > 0 && !w.chance(3) {
		return w.written(w.pick(w.hot...))
	}
	r := w.pick(slices.Concat(w.tables, w.views, w.matviews)...)
	return w.written(r)
}

func (w *postgresWriter) written(name string) string {
	quoted := strings.HasPrefix(name, `"`)
	switch n := w.random.IntN(100); {
	case n < 10:
		return "public." + name
	case n < 20 && !quoted:
		return `"` + name + `"`
	case n < 30 && !quoted && name[0] < 0x80:
		return strings.ToUpper(name)
	case n < 32 && !quoted:
		return fmt.Sprintf(`U&"\+%06x%s"`, []rune(name)[0], string([]rune(name)[1:]))
	}
	return name
}

func (w *postgresWriter) statements() []string {
	number := fmt.Sprint(w.random.IntN(30))
	made := w.pick("m1", "m2", "m3")
	target := w.pick(w.tables...)
	if !w.chance(4) {
		target = w.any(w.hot, target)
	}
	if len(w.views) > 0 && w.chance(8) {
		target = w.pick(w.views...)
	} else if len(w.partitioned) > 0 && w.chance(6) {
		target = w.pick(w.partitioned...)
	}
	if w.chance(12) {
		target = made
	}
	texts := postgresReads
	switch n := w.random.IntN(10); {
	case n < 4:
		texts = postgresWrites
	case n < 7:
		texts = postgresDDL
	}
	e := w.pick(w.harmless...)
	if w.chance(4) && len(w.leaks) > 0 {
		e = w.pick(w.leaks...)
	}
	text := w.pick(texts...)
	if strings.Contains(text, "program") && !w.super {
		text = "select 1"
	}
	text = strings.NewReplacer(
		"$Q", fmt.Sprint(w.random.IntN(1_000_000)), // pgx 5.12 panics where EXECUTE of one name returns other columns than before
		"$T", w.written(target), "$O", w.written(w.pick(w.tables...)), "$R", w.relation(), "$E", e, "$N", number, "$M", made, "$P", w.any(w.partitioned, "nothing"), "$V", w.any(w.matviews, "nothing"),
		"$C", w.any(w.types, "nothing"), "$D", w.any(w.domains, "int"), "$K", w.any(w.constraints, "select 1"), "$I", w.any(w.indexes, "nothing"), "$F", w.any(w.functions, "nothing"),
	).Replace(text)
	return strings.Split(text, ";; ")
}

// Several statements of one borrower are separated by ";; ".
var (
	postgresReads = []string{
		"select * from $R", "select count(*) from $R where true", "select * from $R where id = 1", "select id, v from $R where w is null or v < 'x' order by 1", "table $R", "select 1 from $R r cross join $O s limit 3",
		"with q as (select * from $R) select count(*) from q", "select exists (select from $R)", "select (select max(id) from $R)", "select * from $O for update", "values ($E)", "select $E", "select ($E) from $R limit 1",
		"explain select * from $R where id = 1", "explain (analyze, costs off) select * from $R", "declare c cursor for select * from $R", "prepare q$Q as select * from $R;; execute q$Q;; deallocate q$Q", "select r from $R r", "select r.* from only $O r",
		"select count(*) from $R union all select id from $O", "select 1 where exists (select from $R where id > 0)", "select * from $R tablesample system (100)", "select $F()", "select public.$F() as x from $R",
		"copy $T to '/dev/null' -- program", "copy (select * from $R) to '/dev/null' -- program", "select lower(v) from $R where id in (select id from $O)", "select '1'::$D", "select pg_input_is_valid('1', '$D')",
		"select json_agg(r) from $R r", "select row_number() over (order by id) from $R", "select * from $R where (id, v) = (1, 'a')", "select max(id) from $R group by v having count(*) > 0",
		"declare h cursor with hold for select * from $R;; close h",
	}
	postgresWrites = []string{
		"insert into $T values ($N, 'x', null)", "insert into $T (id) values ($N)", "insert into $T default values", "insert into $T (id, v) select $N, 'y'", "insert into $T (id, v) select id + $N, v from $R", "insert into $T values ($N, 'x', 1) on conflict do nothing",
		"insert into $T (id, v) values (1, 'x') on conflict (id) do update set v = 'z'", "insert into $T (id) values ($N) returning *", "update $T set v = 'u'", "update $T set id = id where id = 1", "update $T set id = id + 100 where id = 1", "update only $T set v = 'o' where id < 3",
		"update $T set w = default", "update $T set v = r.v from $O r where r.id = 1", "delete from $T where id = 1", "delete from $T", "delete from $T using $O r where r.id > 5", "truncate $T", "truncate $T cascade", "truncate only $T, $O", "truncate $T, $O restart identity cascade",
		"merge into $T using (select 1 as i) s on id = s.i when matched then update set v = 'm' when not matched then insert (id) values (s.i)", "merge into $T using $O s on $T.id = s.id when matched then delete",
		"with q as (insert into $T (id) values ($N) returning id) select * from q", "with q as (delete from $T returning *) select count(*) from q", "with q as (update $T set v = 'q' returning *) insert into $O (id) select id + 60 from q",
		"explain analyze insert into $T (id) values ($N)", "explain insert into $T (id) values ($N)", "explain delete from $T", "copy $T (id) from program 'echo $N'", "lock table $T in share mode", "prepare q$Q as insert into $T (id) values ($N);; execute q$Q;; deallocate q$Q",
		"do $$begin update $T set v = 'd'; end$$", "insert into $T (id, w) values ($N, $E)", "update $T set w = $E where id = 2", "delete from $T where w = $E",
	}
	postgresDDL = []string{
		"alter table $T alter v type varchar(50)", "alter table $T alter w type bigint", "alter table $T add column m$N int default $E", "alter table $T add column m$N $D", "alter table $T alter v set not null", "alter table $T add check (id > 0)",
		"alter table $T add foreign key (w) references $O (id) not valid", "alter table $T add foreign key (w) references $O (id)", "$K", "alter table $T set unlogged", "alter table $T set logged", "alter table $P attach partition $O for values in ($N)",
		"alter table $P detach partition $O", "alter type $C alter attribute w type bigint cascade", "alter type $C add attribute z$N int cascade", "create table $M partition of $P for values in ($N)", "create table $M partition of $T default", "create table $M as select * from $R",
		"create table $M (like $T including all)", "create table $M () inherits ($T)", "create temp table $M (like $T including all);; insert into $M (id) values (1)", "create temp table $M () inherits ($T);; insert into $M (id) values (1)", "create temp table $M as select * from $R",
		"select * into $M from $R", "create index on $T (id)", "create index on $T (v) where id > 0", "create unique index concurrently on $T (v)", "create view $M as select * from $R", "create temp view $M as select * from $R;; select * from $M", "create materialized view $M as select * from $R",
		"refresh materialized view $V", "refresh materialized view concurrently $V", "reindex table $T", "reindex index $I", "analyze $T", "vacuum $T", "vacuum full $T", "cluster $T using $I", "comment on table $T is 'x'", "grant select on $T to public", "revoke insert on $T from public",
		"drop table if exists $M cascade", "drop table if exists $T cascade", "drop view if exists $M", "create schema made", "drop schema if exists made", "create function pg_temp.f() returns int language sql as $$select $E$$;; select pg_temp.f()", "alter table $T disable trigger all", "alter table $T enable trigger all",
		"alter table $T disable row level security", "alter table $T rename to $M", "alter table $T drop column w", "alter table $T alter w drop default", "alter domain $D add check (value < 1000)", "create trigger m before insert on $T for each row execute function $F()", "drop function if exists $F() cascade",
		"create table $M (id int primary key, v text, w int references $O on delete cascade)", "create table $M (id $D, v text, w int)", "alter table $T inherit $O", "alter table $T add column gg int generated always as (id * 2) stored", "create statistics on id, v from $T", "create table $M of $C",
		"alter table $T alter id type bigint", "alter table $T alter v type text using v || 'x'", "alter function $F() rename to renamed", "alter table $T replica identity full", "alter table $T owner to current_user",
		"alter function $F() rename to renamed;; create or replace function renamed() returns int language plpgsql as $$begin return $E; end$$", "alter domain $D rename to moved;; alter domain moved add check ($E is not null) not valid",
		"create index on $P (id) where id > 0", "alter table $P add check ($E is not null) not valid", "alter table $P alter w set default $E", "create trigger n before insert on $P for each row execute function $F()",
	}
)
