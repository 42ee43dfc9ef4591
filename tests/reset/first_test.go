package reset_test

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
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// The first sessions of a pool are judged before anybody knows what a session begins with.

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
				t.Parallel()
				dsn := database(t)
				admin := realtest.Open(t, "pgx", dsn)
				for _, text := range []string{
					"create table things (id int)",
					"create function leak() returns int language plpgsql as $$begin perform set_config('app.leak', '7', false); return 1; end$$",
					"alter database " + realtest.Scalar(t, admin, "select current_database()") + " set search_path = pg_temp, public",
				} {
					_, err := admin.ExecContext(t.Context(), text)
					require.NoError(t, err)
				}
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, resettest.Unaudited)
				realtest.Borrow(t, db, texts...)
				assert.Equal(t, "0", realtest.Scalar(t, db, "select count(*) from pg_class where relnamespace = pg_my_temp_schema()"), log)
				assert.Empty(t, realtest.Scalar(t, db, "select current_setting('app.leak', true)"), log)
				pid := realtest.Scalar(t, db, "select pg_backend_pid()")
				for range 2 {
					realtest.Borrow(t, db, "set app.leak = '8'")
					assert.Empty(t, realtest.Scalar(t, db, "select current_setting('app.leak', true)"), log)
				}
				assert.Equal(t, pid, realtest.Scalar(t, db, "select pg_backend_pid()"), "what a session begins with was asked of another one\n%s", log)
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
				admin := realtest.Open(t, "pgx", dsn)
				_, err := admin.ExecContext(t.Context(), "alter database "+realtest.Scalar(t, admin, "select current_database()")+" set search_path = "+path)
				require.NoError(t, err)
				server, dial := dialectServer(t, "pgx", dsn)
				used := dial()
				require.NoError(t, server.Sessions.Learn(t.Context(), used, []string{made}, true))
				s := server.Sessions.Statement(made)
				assert.True(t, s.Provisional && s.AwaitsBaseline, "%+v", s)
				assert.False(t, s.Atomic)
				_, err = used.(driver.ExecerContext).ExecContext(t.Context(), made, nil)
				require.NoError(t, err)
				_, err = server.Sessions.Baseline(t.Context(), used, true)
				if effects != 0 {
					require.Equal(t, dialect.ErrUsed, err)
					assert.True(t, server.Sessions.Statement(made).Provisional)
					_, err = server.Sessions.Baseline(t.Context(), dial(), true)
				}
				require.NoError(t, err)
				s = server.Sessions.Statement(made)
				assert.False(t, s.Provisional || s.AwaitsBaseline, "%+v", s)
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
				admin := realtest.Open(t, "pgx", dsn)
				server, dial := dialectServer(t, "pgx", dsn)
				conn := dial()
				learn := func() {
					server.Sessions.Outdate(true)
					require.NoError(t, server.Sessions.Learn(t.Context(), conn, []string{made}, true))
				}
				learn()
				_, err := server.Sessions.Baseline(t.Context(), conn, true)
				require.NoError(t, err)
				require.Zero(t, server.Sessions.Statement(made).Effects)
				_, err = admin.ExecContext(t.Context(), strings.ReplaceAll(change, "DB", realtest.Scalar(t, admin, "select current_database()")))
				require.NoError(t, err)
				learn()
				assert.Equal(t, dialect.TempTable|dialect.UnknownEffect, server.Sessions.Statement(made).Effects)
			})
		}
	}
}

// Between the bytes of a character, what looks like a quote is none.
func TestFirstSessionMayReadTextsInACharacterSetThatHidesQuotes(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		for name, change := range map[string]func(*mysql.Config, *pooled.Config){
			"by the DSN":   func(cfg *mysql.Config, _ *pooled.Config) { cfg.Params = map[string]string{"charset": "gbk"} },
			"by pool_init": func(_ *mysql.Config, c *pooled.Config) { c.Pool.Init = "set names gbk" },
		} {
			t.Run(name, func(t *testing.T) {
				cfg, err := mysql.ParseDSN(s.Database(t))
				require.NoError(t, err)
				_, err = realtest.Open(t, "mysql", cfg.FormatDSN()).ExecContext(t.Context(), "create function leak() returns int no sql begin set @leak = 7; return 1; end")
				require.NoError(t, err)
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: "mysql"}, func(c *pooled.Config) {
					resettest.Unaudited(c)
					change(cfg, c)
					c.DSN = cfg.FormatDSN()
				})
				realtest.Borrow(t, db, "select 1 as `\xbf``, leak() as `x` -- `")
				assert.Empty(t, realtest.Scalar(t, db, "select coalesce(@leak, '')"), log)
			})
		}
	})
}

func TestFirstSessionsDoNotSeeEachOthersNumbersByIsNull(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn := s.Database(t)
		_, err := realtest.Open(t, "mysql", dsn).ExecContext(t.Context(), "create table numbers (id int auto_increment primary key)")
		require.NoError(t, err)
		db, log := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: dsn + "?sql_auto_is_null=1"}, resettest.Unaudited)
		for range 2 { // the number of the second is left to those who could see it
			realtest.Borrow(t, db, "insert into numbers values ()")
		}
		assert.Equal(t, "0", realtest.Scalar(t, db, "select count(*) from numbers where id is null"), log)
	})
}

// What its first session has done is not what a session begins with.
func TestFirstSessionThatHidesAChangeTellsNothingOfOthers(t *testing.T) {
	for _, s := range realtest.TxServers {
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			id, state, set := "select connection_id()", "select @@sql_mode", "set sql_mode = 'ANSI'"
			leak := "create function leak() returns int no sql begin set session sql_mode = 'ANSI_QUOTES'; return 1; end"
			if s.Driver == "pgx" {
				id, state, set = "select pg_backend_pid()", "select current_setting('work_mem')", "set work_mem = '8MB'"
				leak = "create function leak() returns int language plpgsql as $$begin perform set_config('work_mem', '7MB', false); return 1; end$$"
			}
			admin := realtest.Open(t, s.Driver, dsn)
			_, err := admin.ExecContext(t.Context(), leak)
			require.NoError(t, err)
			want := realtest.Scalar(t, admin, state)
			for name, first := range map[string][]string{
				"which the catalogue tells": {"select leak()"}, "behind another statement": {"select 1", set}, "at once": {set},
			} {
				t.Run(name, func(t *testing.T) {
					db, log := resettest.OpenForReset(t, resettest.Family{Driver: s.Driver, DSN: dsn}, resettest.Unaudited)
					realtest.Borrow(t, db, first...)
					assert.Equal(t, want, realtest.Scalar(t, db, state), log)
					kept := realtest.Scalar(t, db, id)
					realtest.Borrow(t, db, set)
					assert.Equal(t, want, realtest.Scalar(t, db, state), log)
					assert.Equal(t, kept, realtest.Scalar(t, db, id), "it is known by now what a session begins with\n%s", log)
				})
			}
		})
	}
}

// What was set up at the dial is what a session begins with, whoever is asked.
func TestWhatPoolInitSetsBelongsToASessionThatIsAskedLater(t *testing.T) {
	for _, s := range realtest.TxServers {
		for name, first := range map[string][]string{"behind a statement": {"select count(*) from things"}, "before one": nil} {
			t.Run(s.Name+"/"+name, func(t *testing.T) {
				dsn := s.DSN(t)
				_, err := realtest.Open(t, s.Driver, dsn).ExecContext(t.Context(), "create table things (id int)")
				require.NoError(t, err)
				init, state, set, want := "set sql_mode = 'ANSI_QUOTES'", "select @@sql_mode", "set sql_mode = ''", "ANSI_QUOTES"
				if s.Driver == "pgx" {
					init, state, set, want = "set work_mem = '5MB'", "select current_setting('work_mem')", "set work_mem = '8MB'", "5MB"
				}
				db, log := resettest.OpenForReset(t, resettest.Family{Driver: s.Driver, DSN: dsn}, func(c *pooled.Config) {
					resettest.Unaudited(c)
					c.Pool.Init = init
				})
				if first != nil {
					realtest.Borrow(t, db, first...)
				}
				for range 2 {
					realtest.Borrow(t, db, set)
					assert.Equal(t, want, realtest.Scalar(t, db, state), log)
				}
				c, ok := pooled.From(db)
				require.True(t, ok)
				assert.EqualValues(t, 1, c.Stats().Endpoints[0].Dials, log)
			})
		}
	}
}

// Pools that have just been opened are clean after any sequence too, and learn what they set back from a session that was.
func testFirstResetProperty(t *testing.T, f resettest.Family, traces []resettest.Trace) {
	bare := realtest.Open(t, f.Driver, f.DSN)
	bare.SetMaxIdleConns(0) // a new connection each time
	ways := []string{"plainly", "in comments", "by Query", "prepared", "before a failure", "in a transaction", "in a function"}
	ways = slices.DeleteFunc(ways, func(way string) bool { return f.Ways[way] == nil })
	for taken, seed := 0, *seedFlag; taken < *stepsFlag/5; seed++ { // each has a pool of its own, which takes a while
		random := rand.New(rand.NewPCG(seed, 2))
		db, log := resettest.OpenForReset(t, f, resettest.Unaudited)
		queries := slices.Clone(f.State)
		var steps []string
		for range 1 + random.IntN(2) {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			for range 1 + random.IntN(2) {
				tr, way := traces[random.IntN(len(traces))], ways[random.IntN(len(ways))]
				err := f.Ways[way](t.Context(), conn, tr)
				steps = append(steps, fmt.Sprintf("%s %s: %v", tr.Name, way, err))
				for _, probe := range tr.Probes {
					if !slices.Contains(queries, probe) {
						queries = append(queries, probe)
					}
				}
			}
			_ = conn.Close() // may be closed already
			got, _ := resettest.Look(t.Context(), t, db, queries, f.ID)
			want, _ := resettest.Look(t.Context(), t, bare, queries, f.ID)
			if !assert.Empty(t, resettest.Differences(want, got), "seed %d: %q\n%s", seed, steps, log) {
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
			traces := slices.DeleteFunc(slices.Clone(postgresTraces), func(tr resettest.Trace) bool { return tr.Shown || tr.Spoils })
			testFirstResetProperty(t, postgresFamily(t, dsn), traces)
		})
	}
}

func TestMySQLSessionIsCleanAfterAnySequenceOfAFreshPool(t *testing.T) {
	t.Parallel()
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		traces := slices.DeleteFunc(tracesOf(s), func(tr resettest.Trace) bool { return tr.Name == "backup lock" }) // waits for what others define
		testFirstResetProperty(t, f, traces)
	})
}
