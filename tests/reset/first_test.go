package pooled_test

import (
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/testserver"
)

// The first sessions of a pool are judged before anybody knows what a session begins with.

// unaudited has no session compared with the first one, which is asked at its dial otherwise.
func unaudited(c *pooled.Config) { c.Reset.Audit = 0 }

func TestFirstSessionMayCreateWhatIsTemporaryWithoutSayingSo(t *testing.T) {
	for version, database := range map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database} {
		for name, texts := range map[string][]string{
			"a table":                        {"create table made (id int)"},
			"a table that has gone":          {"create table made (id int)", "drop table made"},
			"a table by a query":             {"create table made as select 1 as id"},
			"a table with a default":         {"create table made (id int default leak())", "insert into made default values", "drop table made"},
			"a table that hides another one": {"create table things (id int)", "insert into things values (1)", "drop table things"},
		} {
			t.Run(version+"/"+name, func(t *testing.T) {
				dsn := database(t)
				admin := openReal(t, "pgx", dsn)
				for _, text := range []string{
					"create table things (id int)",
					"create function leak() returns int language plpgsql as $$begin perform set_config('app.leak', '7', false); return 1; end$$",
					"alter database " + scalar(t, admin, "select current_database()") + " set search_path = pg_temp, public",
				} {
					_, err := admin.ExecContext(t.Context(), text)
					require.NoError(t, err)
				}
				db, log := openForReset(t, family{driver: "pgx", dsn: dsn}, unaudited)
				borrow(t, db, texts...)
				assert.Equal(t, "0", scalar(t, db, "select count(*) from pg_class where relnamespace = pg_my_temp_schema()"), log)
				assert.Empty(t, scalar(t, db, "select current_setting('app.leak', true)"), log)
				pid := scalar(t, db, "select pg_backend_pid()")
				for range 2 {
					borrow(t, db, "set app.leak = '8'")
					assert.Empty(t, scalar(t, db, "select current_setting('app.leak', true)"), log)
				}
				assert.Equal(t, pid, scalar(t, db, "select pg_backend_pid()"), "what a session begins with was asked of another one\n%s", log)
			})
		}
	}
}

// As long as nobody knows, it may be temporary; and a session that has made something temporary then is not what it was.
func TestWhatIsCreatedMayBeTemporaryUntilAFreshSessionHasTold(t *testing.T) {
	for version, database := range map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database} {
		for path, effects := range map[string]dialect.Effects{"public": 0, "pg_temp, public": dialect.TempTable | dialect.UnknownEffect} {
			t.Run(version+"/"+path, func(t *testing.T) {
				dsn, made := database(t), "create table made (id int)"
				admin := openReal(t, "pgx", dsn)
				_, err := admin.ExecContext(t.Context(), "alter database "+scalar(t, admin, "select current_database()")+" set search_path = "+path)
				require.NoError(t, err)
				server, dial := dialectServer(t, "pgx", dsn)
				used := dial()
				require.NoError(t, server.Sessions.Learn(t.Context(), used, []string{made}, true))
				s := server.Sessions.Statement(made)
				assert.True(t, s.Provisional && s.AwaitsFresh, "%+v", s)
				assert.False(t, s.Atomic)
				_, err = used.(driver.ExecerContext).ExecContext(t.Context(), made, nil)
				require.NoError(t, err)
				_, err = server.Sessions.Fresh(t.Context(), used, true)
				if effects != 0 {
					require.Equal(t, dialect.ErrUsed, err)
					assert.True(t, server.Sessions.Statement(made).Provisional)
					_, err = server.Sessions.Fresh(t.Context(), dial(), true)
				}
				require.NoError(t, err)
				s = server.Sessions.Statement(made)
				assert.False(t, s.Provisional || s.AwaitsFresh, "%+v", s)
				assert.Equal(t, effects, s.Effects)
			})
		}
	}
}

// Somebody may set it so for new sessions when the first one has told long ago: that is noticed when the catalogue is read again.
func TestWhatIsCreatedMayHaveBecomeTemporary(t *testing.T) {
	for version, database := range map[string]func(testing.TB) string{"15": testserver.PostgresDatabase, "18": testserver.Postgres18Database} {
		for _, change := range []string{"alter database DB set search_path = pg_temp, public", "alter role current_user in database DB set search_path = 'pg_temp', public"} {
			t.Run(version+"/"+change, func(t *testing.T) {
				dsn, made := database(t), "create table made (id int)"
				admin := openReal(t, "pgx", dsn)
				server, dial := dialectServer(t, "pgx", dsn)
				conn := dial()
				learn := func() {
					server.Sessions.Outdate(true)
					require.NoError(t, server.Sessions.Learn(t.Context(), conn, []string{made}, true))
				}
				learn()
				_, err := server.Sessions.Fresh(t.Context(), conn, true)
				require.NoError(t, err)
				require.Zero(t, server.Sessions.Statement(made).Effects)
				_, err = admin.ExecContext(t.Context(), strings.ReplaceAll(change, "DB", scalar(t, admin, "select current_database()")))
				require.NoError(t, err)
				learn()
				assert.Equal(t, dialect.TempTable|dialect.UnknownEffect, server.Sessions.Statement(made).Effects)
			})
		}
	}
}

// Between the bytes of a character, what looks like a quote is none.
func TestFirstSessionMayReadTextsInACharacterSetThatHidesQuotes(t *testing.T) {
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		for name, change := range map[string]func(*mysql.Config, *pooled.Config){
			"by the DSN":   func(cfg *mysql.Config, _ *pooled.Config) { cfg.Params = map[string]string{"charset": "gbk"} },
			"by pool_init": func(_ *mysql.Config, c *pooled.Config) { c.Pool.Init = "set names gbk" },
		} {
			t.Run(name, func(t *testing.T) {
				cfg, err := mysql.ParseDSN(s.database(t))
				require.NoError(t, err)
				_, err = openReal(t, "mysql", cfg.FormatDSN()).ExecContext(t.Context(), "create function leak() returns int no sql begin set @leak = 7; return 1; end")
				require.NoError(t, err)
				db, log := openForReset(t, family{driver: "mysql"}, func(c *pooled.Config) {
					unaudited(c)
					change(cfg, c)
					c.DSN = cfg.FormatDSN()
				})
				borrow(t, db, "select 1 as `\xbf``, leak() as `x` -- `")
				assert.Empty(t, scalar(t, db, "select coalesce(@leak, '')"), log)
			})
		}
	})
}

func TestFirstSessionsDoNotSeeEachOthersNumbersByIsNull(t *testing.T) {
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		dsn := s.database(t)
		_, err := openReal(t, "mysql", dsn).ExecContext(t.Context(), "create table numbers (id int auto_increment primary key)")
		require.NoError(t, err)
		db, log := openForReset(t, family{driver: "mysql", dsn: dsn + "?sql_auto_is_null=1"}, unaudited)
		for range 2 { // the number of the second is left to those who could see it
			borrow(t, db, "insert into numbers values ()")
		}
		assert.Equal(t, "0", scalar(t, db, "select count(*) from numbers where id is null"), log)
	})
}

// What its first session has done is not what a session begins with.
func TestFirstSessionThatHidesAChangeTellsNothingOfOthers(t *testing.T) {
	for _, s := range txServers {
		t.Run(s.name, func(t *testing.T) {
			dsn := s.dsn(t)
			id, state, set := "select connection_id()", "select @@sql_mode", "set sql_mode = 'ANSI'"
			leak := "create function leak() returns int no sql begin set session sql_mode = 'ANSI_QUOTES'; return 1; end"
			if s.driver == "pgx" {
				id, state, set = "select pg_backend_pid()", "select current_setting('work_mem')", "set work_mem = '8MB'"
				leak = "create function leak() returns int language plpgsql as $$begin perform set_config('work_mem', '7MB', false); return 1; end$$"
			}
			admin := openReal(t, s.driver, dsn)
			_, err := admin.ExecContext(t.Context(), leak)
			require.NoError(t, err)
			want := scalar(t, admin, state)
			for name, first := range map[string][]string{
				"which the catalogue tells": {"select leak()"}, "behind another statement": {"select 1", set}, "at once": {set},
			} {
				t.Run(name, func(t *testing.T) {
					db, log := openForReset(t, family{driver: s.driver, dsn: dsn}, unaudited)
					borrow(t, db, first...)
					assert.Equal(t, want, scalar(t, db, state), log)
					kept := scalar(t, db, id)
					borrow(t, db, set)
					assert.Equal(t, want, scalar(t, db, state), log)
					assert.Equal(t, kept, scalar(t, db, id), "it is known by now what a session begins with\n%s", log)
				})
			}
		})
	}
}

// What was set up at the dial is what a session begins with, whoever is asked.
func TestWhatPoolInitSetsBelongsToASessionThatIsAskedLater(t *testing.T) {
	for _, s := range txServers {
		for name, first := range map[string][]string{"behind a statement": {"select count(*) from things"}, "before one": nil} {
			t.Run(s.name+"/"+name, func(t *testing.T) {
				dsn := s.dsn(t)
				_, err := openReal(t, s.driver, dsn).ExecContext(t.Context(), "create table things (id int)")
				require.NoError(t, err)
				init, state, set, want := "set sql_mode = 'ANSI_QUOTES'", "select @@sql_mode", "set sql_mode = ''", "ANSI_QUOTES"
				if s.driver == "pgx" {
					init, state, set, want = "set work_mem = '5MB'", "select current_setting('work_mem')", "set work_mem = '8MB'", "5MB"
				}
				db, log := openForReset(t, family{driver: s.driver, dsn: dsn}, func(c *pooled.Config) {
					unaudited(c)
					c.Pool.Init = init
				})
				if first != nil {
					borrow(t, db, first...)
				}
				for range 2 {
					borrow(t, db, set)
					assert.Equal(t, want, scalar(t, db, state), log)
				}
				c, ok := pooled.From(db)
				require.True(t, ok)
				assert.EqualValues(t, 1, c.Stats().Endpoints[0].Dials, log)
			})
		}
	}
}

// Pools that have just been opened are clean after any sequence too, and learn what they set back from a session that was.
func testFirstResetProperty(t *testing.T, f family, traces []trace) {
	bare := openReal(t, f.driver, f.dsn)
	bare.SetMaxIdleConns(0) // a new connection each time
	ways := []string{"plainly", "in comments", "by Query", "prepared", "before a failure", "in a transaction", "in a function"}
	ways = slices.DeleteFunc(ways, func(way string) bool { return f.ways[way] == nil })
	for taken, seed := 0, *seedFlag; taken < *stepsFlag/5; seed++ { // each has a pool of its own, which takes a while
		random := rand.New(rand.NewPCG(seed, 2))
		db, log := openForReset(t, f, unaudited)
		queries := slices.Clone(f.state)
		var steps []string
		for range 1 + random.IntN(2) {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			for range 1 + random.IntN(2) {
				tr, way := traces[random.IntN(len(traces))], ways[random.IntN(len(ways))]
				err := f.ways[way](t.Context(), conn, tr)
				steps = append(steps, fmt.Sprintf("%s %s: %v", tr.name, way, err))
				for _, probe := range tr.probes {
					if !slices.Contains(queries, probe) {
						queries = append(queries, probe)
					}
				}
			}
			_ = conn.Close() // may be closed already
			got, _ := look(t.Context(), t, db, queries, f.id)
			want, _ := look(t.Context(), t, bare, queries, f.id)
			if !assert.Empty(t, differences(want, got), "seed %d: %q\n%s", seed, steps, log) {
				return
			}
		}
		taken += len(steps)
		require.NoError(t, db.Close())
	}
}

func TestPostgresSessionIsCleanAfterAnySequenceOfAFreshPool(t *testing.T) {
	t.Parallel()
	for version, dsn := range map[string]string{"15": testserver.PostgresDatabase(t), "18": testserver.Postgres18Database(t)} {
		t.Run(version, func(t *testing.T) {
			traces := slices.DeleteFunc(slices.Clone(postgresTraces), func(tr trace) bool { return tr.shown || tr.spoils })
			testFirstResetProperty(t, postgresFamily(t, dsn), traces)
		})
	}
}

func TestMySQLSessionIsCleanAfterAnySequenceOfAFreshPool(t *testing.T) {
	t.Parallel()
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		f := mysqlFamily(t, s, func(*mysql.Config) {})
		traces := slices.DeleteFunc(tracesOf(s), func(tr trace) bool { return tr.name == "backup lock" }) // waits for what others define
		testFirstResetProperty(t, f, traces)
	})
}
