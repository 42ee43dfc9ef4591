package catalogue_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// sourceCase is a function or a trigger, by what its source is. P is the beginning of its names, which no other case has.
type sourceCase struct {
	name     string
	setup    []string
	borrower []string
	want     becomes
}

// leaving is what the cases share: what leaves a trace, and tables that do if somebody writes to them.
var leaving = []string{
	"create function leak() returns boolean language plpgsql as $$begin perform set_config('app.leak', '1', false); perform pg_advisory_lock(77); return true; end$$",
	"create function leak_trigger() returns trigger language plpgsql as $$begin perform leak(); return coalesce(new, old); end$$",
	"create table leaky (id int, v text)", "insert into leaky values (1, 'x')",
	"create trigger l before insert or update or delete on leaky for each row execute function leak_trigger()",
	"create table leaky_default (id int, v boolean default leak())", "create table leaky_check (id int check (leak()))",
	"create table leaky_key (id int primary key)", "create table leaky_ref (id int references leaky_key on delete cascade)",
	"create trigger l before delete on leaky_ref for each row execute function leak_trigger()", "insert into leaky_key values (1)", "insert into leaky_ref values (1)",
	"create table ruled (id int)", "create rule r as on insert to ruled do also select leak()", "create view leaky_view as select * from leaky",
	"create table audit (j text)", "create sequence numbers", "create extension moddatetime", "create domain leaky_domain as int check (leak())",
	"create table deferring (id int)", "create constraint trigger d after insert on deferring deferrable initially deferred for each row execute function leak_trigger()",
}

// trigger is a table with a trigger function of this body.
func trigger(body string) []string {
	return []string{
		`create table P_t (id int, "update" int, release text, updated_at timestamp, v text)`, "insert into P_t values (1)",
		"create function P_f() returns trigger language plpgsql as $f$" + body + "$f$", "create trigger P_r before insert or update on P_t for each row execute function P_f()",
	}
}

// routine is a function of this body.
func routine(body string) []string {
	return []string{"create table P_t (id int primary key, v text)", "insert into P_t values (1)", "create function P_f() returns int language plpgsql as $f$" + body + "$f$"}
}

var (
	updates = []string{"update P_t set id = 1"}
	calls   = []string{"select P_f()"}
)

var harmlessSources = []sourceCase{
	{"a comment that has a command's name", trigger("begin\n -- update the timestamp, and Set it to now\n /* insert, /* delete */ execute */ new.updated_at = now(); return new; end"), updates, clean},
	{"a string that is no command", trigger("begin if tg_op = 'INSERT' then new.v = E'it\\'s reset'; end if; return new; end"), updates, clean},
	{"a message", trigger("begin if new.id is null then raise exception 'cannot update a row -- of %', $$grant$$; end if; return new; end"), updates, clean},
	{"columns that are called as commands", trigger(`begin new.release = lower(new.release); new."update" = 1; return new; end`), updates, clean},
	{"a string that is a function's name", routine("begin return length('lastval() leak() set_config'); end"), calls, clean},
	{"the time of a change", []string{"create table P_t (id int, updated_at timestamp)", "insert into P_t values (1)", "create trigger P_r before update on P_t for each row execute function moddatetime(updated_at)"}, updates, clean},
	{"a text search", []string{"create table P_t (id int, v text, ts tsvector)", "insert into P_t values (1)", "create trigger P_r before insert or update on P_t for each row execute function tsvector_update_trigger(ts, 'pg_catalog.english', v)"}, updates, clean},
	{"no change", []string{"create table P_t (id int)", "insert into P_t values (1)", "create trigger P_r before update on P_t for each row execute function suppress_redundant_updates_trigger()"}, updates, clean},
	{"numbers", []string{
		"create function P_f() returns bigint language plpgsql as $$declare n bigint; begin select nextval('numbers') % 1024 into n; return n; end$$",
		"create table P_t (id bigint default P_f(), v int)", "create view P_v as select P_f() as n",
	}, []string{"insert into P_t (v) values (1)", "select P_f()", "select * from P_v"}, clean},
	{"numbers of a trigger", trigger("begin new.id = nextval('numbers'); return new; end"), updates, clean},
	{"numbers of a trigger's table", append([]string{"create table P_a (n serial, j text)"}, trigger("begin insert into P_a (j) values (new.v); return new; end")...), updates, clean},
	{"views", []string{"create table P_t (id int, v text)", "create view P_v as select * from P_t where id > 0 with check option", "create view P_w as select id from P_v"}, []string{
		"insert into P_v values (2, 'x')", "update P_v set v = 'y'", "delete from P_v where id = 7", "insert into P_w values (3)",
	}, clean},
	{"audits", trigger("begin insert into audit values (to_jsonb(new)::text); return new; end"), []string{"update P_t set id = 1", "insert into P_t values (2)"}, clean},
	{"a trigger that writes to its own table", trigger("begin if pg_trigger_depth() = 1 then update P_t set v = 'x' where id = 7; end if; return new; end"), updates, clean},
	{"all that changes rows", routine(`declare r record; begin
		insert into P_t as x (id, v) values (2, 'x') on conflict (id) do update set v = excluded.v;
		insert into P_t values (2) on conflict do nothing;
		update P_t set v = 'y', id = id where id = 2; update only P_t as y set v = 'y' where id = 3; delete from only P_t where id = 4;
		for r in update P_t set v = 'z' returning * loop perform r.id; end loop;
		with x as (insert into audit values ('x') returning j) select j into r from x;
		merge into P_t using (values (9)) q (i) on id = q.i when matched then update set v = 'm' when not matched then insert values (9, 'n');
		perform 1 from P_t for update of P_t skip locked; perform 1 from P_t for no key update;
		return 1; end`), calls, clean},
	{"a function in SQL", []string{"create table P_t (id int)", "create function P_f() returns int language sql as $$insert into P_t values (1); -- set\n select 1$$",
		"create function P_g() returns int begin atomic; insert into P_t values (1); select 1; end"}, []string{"select P_f()", "select P_g()"}, clean},
}

// leavingSources show by their commands, however these are hidden, that they leave something.
var leavingSources = []sourceCase{
	{"a string that is run", routine("begin execute 'select leak()'; return 1; end"), calls, reset},
	{"a string in dollars that is run", routine("begin execute format($q$select %s()$q$, 'leak'); return 1; end"), calls, reset},
	{"a string that is run for a cursor", routine("declare c refcursor; r record; begin open c for execute 'select leak()'; fetch c into r; return 1; end"), calls, reset},
	{"a string that looks like a comment", routine("declare x text = '--'; y text = '/*'; begin perform leak(); return 1; end"), calls, reset},
	{"a comment in a comment", routine("/* /* */ perform 'x */ begin perform leak(); return 1; end"), calls, reset},
	{"a comment that ends with a return", routine("begin -- x\r perform leak(); return 1; end"), calls, reset},
	{"a quote that is escaped", routine(`declare x text = E'\''; begin perform leak(); x = ''; return 1; end`), calls, reset},
	{"a quote that is not escaped", routine(`declare x text = '\'; begin perform leak(); x = ''; return 1; end`), calls, reset},
	{"a name that looks like a comment", routine(`declare "--" int; "/*" int; begin perform leak(); return 1; end`), calls, reset},
	{"a name with a quote", routine(`declare "'" int; begin perform leak(); "'" = 1; return 1; end`), calls, reset},
	{"a name in escapes", routine(`begin perform U&"\006ceak"(); return 1; end`), calls, reset},
	{"an operator that ends with a comment", routine("declare x int; begin x = 1 +-- '\n 1; perform leak(); x = 1 -- '\n; return 1; end"), calls, reset},
	{"dollars in dollars", routine("declare x text = $a$ $b$ '$a$; begin perform leak(); x = $b$'$b$; return 1; end"), calls, reset},
	{"dollars in a name", routine("declare x$a$ int; begin perform leak(); x$a$ = 1; return 1; end"), calls, reset},
	{"a default behind a comment", []string{"create function P_f(a boolean default leak()) returns int language plpgsql as $$begin return 1; end -- x$$"}, calls, reset},
	{"a command at the begin", routine("begin set app.leak = 1; return 1; end"), calls, reset},
	{"a command behind THEN", routine("begin if true then set app.leak = 1; end if; return 1; end"), calls, reset},
	{"a command behind ELSE", routine("begin if false then null; else set app.leak = 1; end if; return 1; end"), calls, reset},
	{"a command in a loop", routine("begin loop set app.leak = 1; exit; end loop; return 1; end"), calls, reset},
	{"a command behind a label", routine("begin <<a>> begin set app.leak = 1; end; return 1; end"), calls, reset},
	{"a command behind an update", routine("begin update P_t set v = 1; set app.leak = 1; return 1; end"), calls, reset},
	{"a command behind a lock", routine("begin perform 1 from P_t for update; set app.leak = 1; return 1; end"), calls, reset},
	{"a table that a query makes", []string{"create function P_f() returns void language sql set search_path = pg_temp as 'select 1 as a, $q$b$q$into made'"}, []string{"select public.P_f()"}, reset},
	{"a temporary table", routine("begin insert into pg_temp.made values (1); return 1; exception when others then perform leak(); return 2; end"), calls, reset},
	{"a table with a trigger", routine("begin insert into leaky values (2); return 1; end"), calls, reset},
	{"a table with a trigger, updated", routine("begin update only leaky as x set v = 'y'; return 1; end"), calls, reset},
	{"a table with a trigger, deleted from", routine("begin delete from leaky; insert into leaky values (1); return 1; end"), calls, reset},
	{"a table with a trigger, merged into", routine("begin merge into leaky x using P_t on x.id = P_t.id when matched then update set v = 'z'; insert into leaky values (1); return 1; end"), calls, reset},
	{"a table with a trigger, in a query", routine("declare n int; begin with x as (insert into leaky values (1) returning id) select id into n from x; return n; end"), calls, reset},
	{"a table with a trigger, of a loop", routine("declare r record; begin for r in update leaky set v = 'x' returning * loop end loop; return 1; end"), calls, reset},
	{"a table with a trigger, of a cursor", routine("declare c refcursor; r record; begin insert into leaky values (1); open c for update leaky set v = 'x' returning *; fetch c into r; return 1; end"), calls, reset},
	{"a table with a trigger, of a trigger", trigger("begin insert into leaky values (1); return new; end"), updates, reset},
	{"a table with a trigger, of a trigger's trigger", append([]string{
		"create table P_u (id int)", "create function P_g() returns trigger language plpgsql as $$begin insert into leaky values (1); return new; end$$",
		"create trigger P_s after insert on P_u for each row execute function P_g()"}, trigger("begin insert into P_u values (1); return new; end")...), updates, reset},
	{"a table with a default", routine("begin insert into leaky_default values (2); return 1; end"), calls, reset},
	{"a table with a check", routine("begin insert into leaky_check values (2); return 1; end"), calls, reset},
	{"a table with a cascade", routine("begin delete from leaky_key; insert into leaky_key values (1); insert into leaky_ref values (1); return 1; end"), calls, reset},
	{"a table with a rule", routine("begin insert into ruled values (2); return 1; end"), calls, reset},
	{"a table behind a view", routine("begin insert into leaky_view values (2); return 1; end"), calls, reset},
	{"a view", nil, []string{"insert into leaky_view values (3)"}, reset},
	{"a view of a view", []string{"create view P_v as select id from leaky_view"}, []string{"update P_v set id = 3"}, reset},
	{"a view with a rule", []string{"create view P_v as select id from audit, leaky where false", "create rule P_r as on insert to P_v do instead select leak()"}, []string{"insert into P_v values (1)"}, reset},
	{"a view with a trigger", []string{"create view P_v as select 1 as id", "create trigger P_r instead of insert on P_v for each row execute function leak_trigger()"}, []string{"insert into P_v values (1)"}, reset},
	{"a view with a default", []string{"create table P_t (v boolean)", "create view P_v as select * from P_t", "alter view P_v alter v set default leak()"}, []string{"insert into P_v default values"}, reset},
	{"a table with a deferred trigger", routine("begin insert into deferring values (2); return 1; end"), calls, reset},
	{"a column's type", append(trigger("begin return new; end"), "alter table P_t add d leaky_domain"), []string{"update P_t set d = 1"}, reset},
	{"numbers and more", routine("begin perform nextval('numbers'); return leak()::int; end"), calls, reset},
}

func TestPostgresFunctionsAreJudgedByTheirCommands(t *testing.T) {
	t.Parallel()
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := resettest.Family{Driver: "pgx", DSN: database(t), ID: "select pg_backend_pid()"}
			realtest.SetUp(t, "pgx", f.DSN, leaving)
			state := []string{"select 'setting', current_setting('app.leak', true)", "select 'lock', count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()", "select lastval()", "select * from pg_temp.made"}
			bare := realtest.Open(t, f.Driver, f.DSN)
			bare.SetMaxIdleConns(0)
			all := append(slices.Clone(harmlessSources), leavingSources...)
			for i := range all {
				own := strings.NewReplacer("P_", fmt.Sprintf("of%dx_", i))
				for _, texts := range []*[]string{&all[i].setup, &all[i].borrower} {
					*texts = slices.Clone(*texts)
					for j := range *texts {
						(*texts)[j] = own.Replace((*texts)[j])
					}
				}
				realtest.SetUp(t, f.Driver, f.DSN, all[i].setup)
			}
			db, log := resettest.OpenForReset(t, f, nil)
			realtest.Borrow(t, db, "set app.other = 7") // and the catalogue is read
			for _, c := range all {
				t.Run(c.name, func(t *testing.T) {
					want, _ := resettest.Look(t.Context(), t, bare, state, f.ID)
					realtest.Borrow(t, db, c.borrower...) // and what it names is learnt
					for range 2 {
						became := whatBecomes(t, db, f, c.borrower, false)
						got, _ := resettest.Look(t.Context(), t, db, state, f.ID)
						assert.Empty(t, resettest.Differences(want, got), log)
						assert.Equal(t, c.want, became, log)
					}
					assert.Zero(t, resettest.Resets(t, db).AuditFailures, log)
				})
			}
		})
	}
}

// A DO block may have defined anything, so that what it did is asked again when it is over.
func TestPostgresSessionsThatRanADoBlockAreResetOnce(t *testing.T) {
	t.Parallel()
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: database(t)}, func(c *pooled.Config) { c.Reset.Audit, c.Pool.MaxConns = 0, 2 })
			const sessions = 10
			realtest.Borrow(t, db, "do $$begin end$$")
			realtest.Scalar(t, db, "select 1") // and the reset is over
			before := resettest.Resets(t, db).Resets
			for range sessions {
				_, err := db.ExecContext(t.Context(), "do $$begin perform set_config('app.leak', '1', false); end$$")
				require.NoError(t, err)
			}
			assert.LessOrEqual(t, resettest.Resets(t, db).Resets-before, uint64(sessions), log)
			assert.Empty(t, realtest.Scalar(t, db, "select coalesce(current_setting('app.leak', true), '')"), log)
		})
	}
}
