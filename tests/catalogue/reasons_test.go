package catalogue_test

import (
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// What no statement names is told by name, and not again for each statement that pays for it.
func TestPostgresWhatIsGlobalIsToldOnce(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			f := resettest.Family{Driver: "pgx", DSN: database(t), ID: "select pg_backend_pid()"}
			admin := realtest.Open(t, "pgx", f.DSN)
			for _, text := range []string{
				"create schema shop", "create table t (a int)",
				"create function shop.as_int(text) returns int language plpgsql immutable as $$begin execute 'select 1'; return 1; end$$",
				"create function shop.watch() returns event_trigger language plpgsql as $$begin execute 'select 1'; end$$",
				"create cast (text as int) with function shop.as_int(text) as implicit",
				"create event trigger watches on ddl_command_end execute function shop.watch()",
			} {
				_, err := admin.ExecContext(t.Context(), text)
				require.NoError(t, err, text)
			}
			db, log := resettest.OpenForReset(t, f, nil)
			for _, text := range []string{"select 1", "select a from t", "select count(*) from t", "insert into t values (1)", "create table u (a int)", "create index on t (a)"} {
				for range 2 {
					conn, err := db.Conn(t.Context())
					require.NoError(t, err)
					_, _ = conn.ExecContext(t.Context(), text) // what is there already cannot be created again
					require.NoError(t, conn.Close())
				}
			}
			const told = "the server may run something that statements do not name"
			assert.Len(t, logged(log, "level=WARN", told, `why="cast text as integer calls as_int"`, `statements="all that name something"`, `cure="pool_harmless=shop.as_int `), 1, log)
			assert.Len(t, logged(log, "level=WARN", told, `why="event trigger watches calls watch"`, `statements="all that define something"`, `cure="pool_harmless=shop.watch `), 1, log)
			assert.Len(t, logged(log, told), 2, log)
			assert.Empty(t, logged(log, "a statement may have left anything"), log)
			assert.NotZero(t, resettest.Resets(t, db).ByEffect["unknown"])
		})
	}
}

func TestPostgresReasonsShowNamesAndNoLiterals(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			f := resettest.Family{Driver: "pgx", DSN: database(t), ID: "select pg_backend_pid()"}
			db, log := resettest.OpenForReset(t, f, nil)
			for range 2 {
				realtest.Borrow(t, db, "select '"+realtest.Secret+"'; do $$begin perform '"+realtest.Secret+"'; end$$")
				realtest.Borrow(t, db, "select set_config('app.' || '"+realtest.Secret+"', 'x', true)")
				realtest.Borrow(t, db, "select query_to_xml('select ''"+realtest.Secret+"''', true, true, '')")
				realtest.Borrow(t, db, "discard all")
				realtest.Borrow(t, db, "select setseed(0.5)")
			}
			for _, why := range []string{"do", `"function set_config has a name that the text does not show"`, `"function query_to_xml may do anything"`, "discard"} {
				assert.Len(t, logged(log, "level=INFO", "is reset in full", "why="+why), 1, "%s\n%s", why, log)
			}
			assert.Len(t, logged(log, "level=WARN", "is closed", `why="function setseed changes the session"`), 1, log)
			assert.Len(t, logged(log, "why="), 5, log)
			_, _ = db.ExecContext(t.Context(), `select 'C:\', '`+realtest.Secret+` {x}'`) // it can be read in two ways
			_, _ = db.ExecContext(t.Context(), "insert into t values ('O'Brien', '"+realtest.Secret+"')")
			require.NoError(t, db.PingContext(t.Context()))
			assert.NotContains(t, log.String(), realtest.Secret)
		})
	}
}

func TestMySQLWhatCostsConnectionsIsToldOnceWithTheCure(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		dsn, err := mysql.ParseDSN(f.DSN)
		require.NoError(t, err)
		here := strings.NewReplacer("HERE", dsn.DBName, "USER", dsn.DBName[len(dsn.DBName)-24:])
		admin := realtest.Open(t, "mysql", f.DSN)
		t.Cleanup(func() { _, _ = admin.Exec(here.Replace("drop user 'USER'")) })
		for _, text := range []string{
			"create procedure unseen() select 1", "create view hidden as select 1 as a", "create user 'USER' identified by 'secret'",
			"grant select, insert, execute, create temporary tables on `HERE`.* to 'USER'",
		} {
			_, err := admin.ExecContext(t.Context(), here.Replace(text))
			require.NoError(t, err, text)
		}
		texts := map[string]string{
			"call unseen()":        "why=\"procedure `HERE`.`unseen` has a source that cannot be read\" cure=\"grant SHOW_ROUTINE on *.*, or on MariaDB SELECT on mysql.proc, to the user, or pool_harmless=HERE.unseen if it leaves nothing in the session\"",
			"select * from hidden": `why="view hidden has a source that cannot be read" cure="grant SHOW VIEW on its database to the user"`,
			"set rand_seed1 = 7":   `why="sets rand_seed1"`,
			"set @a = '" + realtest.Secret + "', insert_id = 7": `why="sets insert_id"`,
		}
		if s.Name == "MariaDB" {
			texts["select next value for numbers"] = `why="takes a value from the sequence numbers" cure="take numbers from AUTO_INCREMENT, which a session can forget"`
			texts["insert into counted (name) values ('"+realtest.Secret+"')"] = `why="writes to counted" cure="take numbers from AUTO_INCREMENT, which a session can forget"`
		}
		user := dsn.Clone()
		user.User, user.Passwd = here.Replace("USER"), "secret"
		f.DSN = user.FormatDSN()
		db, log := resettest.OpenForReset(t, f, nil)
		realtest.Borrow(t, db, "set @tenant = 7") // and the catalogue is read
		for text := range texts {
			for range 2 {
				assert.Equal(t, lost, whatBecomes(t, db, f, []string{text}, false), "%s\n%s", text, log)
			}
		}
		for text, why := range texts {
			assert.Len(t, logged(log, "level=WARN", "the connection of each session that runs it is closed", here.Replace(why)), 1, "%s\n%s", text, log)
		}
		assert.Len(t, logged(log, "is closed"), len(texts), log)
		for _, text := range []string{`select 'a\'', ';` + realtest.Secret + ` x;', '\'b'`, "select 'O'Brien', '" + realtest.Secret + "'", "use ``"} {
			_, _ = db.ExecContext(t.Context(), text) // it can be read in several ways, or in none
		}
		_, err = db.ExecContext(t.Context(), "insert into watched (name) values ('x')")
		require.NoError(t, err)
		require.NoError(t, db.PingContext(t.Context()))
		assert.Len(t, logged(log, "level=INFO", "may not see the triggers of a database", here.Replace("database=HERE cure=\"grant TRIGGER on `HERE`.* to the user\"")), 1, log)
		assert.NotContains(t, log.String(), realtest.Secret)
	})
}
