package pooled_test

import (
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What no statement names is told by name, and not again for each statement that pays for it.
func TestPostgresWhatIsGlobalIsToldOnce(t *testing.T) {
	for version, database := range postgresVersions {
		t.Run(version, func(t *testing.T) {
			f := family{driver: "pgx", dsn: database(t), id: "select pg_backend_pid()"}
			admin := openReal(t, "pgx", f.dsn)
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
			db, log := openForReset(t, f, nil)
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
			assert.NotZero(t, resets(t, db).ByEffect["unknown"])
		})
	}
}

func TestPostgresReasonsShowNamesAndNoLiterals(t *testing.T) {
	for version, database := range postgresVersions {
		t.Run(version, func(t *testing.T) {
			f := family{driver: "pgx", dsn: database(t), id: "select pg_backend_pid()"}
			db, log := openForReset(t, f, nil)
			for range 2 {
				borrow(t, db, "select '"+secret+"'; do $$begin perform '"+secret+"'; end$$")
				borrow(t, db, "select set_config('app.' || '"+secret+"', 'x', true)")
				borrow(t, db, "select query_to_xml('select ''"+secret+"''', true, true, '')")
				borrow(t, db, "discard all")
				borrow(t, db, "select setseed(0.5)")
			}
			for _, why := range []string{"do", `"function set_config has a name that the text does not show"`, `"function query_to_xml may do anything"`, "discard"} {
				assert.Len(t, logged(log, "level=INFO", "is reset in full", "why="+why), 1, "%s\n%s", why, log)
			}
			assert.Len(t, logged(log, "level=WARN", "is closed", `why="function setseed changes the session"`), 1, log)
			assert.Len(t, logged(log, "why="), 5, log)
			_, _ = db.ExecContext(t.Context(), `select 'C:\', '`+secret+` {x}'`) // it can be read in two ways
			_, _ = db.ExecContext(t.Context(), "insert into t values ('O'Brien', '"+secret+"')")
			require.NoError(t, db.PingContext(t.Context()))
			assert.NotContains(t, log.String(), secret)
		})
	}
}

func TestMySQLWhatCostsConnectionsIsToldOnceWithTheCure(t *testing.T) {
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		f := mysqlFamily(t, s, func(*mysql.Config) {})
		dsn, err := mysql.ParseDSN(f.dsn)
		require.NoError(t, err)
		here := strings.NewReplacer("HERE", dsn.DBName, "USER", dsn.DBName[len(dsn.DBName)-24:])
		admin := openReal(t, "mysql", f.dsn)
		t.Cleanup(func() { _, _ = admin.Exec(here.Replace("drop user 'USER'")) })
		for _, text := range []string{
			"create procedure unseen() select 1", "create view hidden as select 1 as a", "create user 'USER' identified by 'secret'",
			"grant select, insert, execute, create temporary tables on `HERE`.* to 'USER'",
		} {
			_, err := admin.ExecContext(t.Context(), here.Replace(text))
			require.NoError(t, err, text)
		}
		texts := map[string]string{
			"call unseen()":                            "why=\"procedure `HERE`.`unseen` has a source that cannot be read\" cure=\"grant SHOW_ROUTINE on *.*, or on MariaDB SELECT on mysql.proc, to the user, or pool_harmless=HERE.unseen if it leaves nothing in the session\"",
			"select * from hidden":                     `why="view hidden has a source that cannot be read" cure="grant SHOW VIEW on its database to the user"`,
			"set rand_seed1 = 7":                       `why="sets rand_seed1"`,
			"set @a = '" + secret + "', insert_id = 7": `why="sets insert_id"`,
		}
		if s.name == "MariaDB" {
			texts["select next value for numbers"] = `why="takes a value from the sequence numbers" cure="take numbers from AUTO_INCREMENT, which a session can forget"`
			texts["insert into counted (name) values ('"+secret+"')"] = `why="writes to counted" cure="take numbers from AUTO_INCREMENT, which a session can forget"`
		}
		user := dsn.Clone()
		user.User, user.Passwd = here.Replace("USER"), "secret"
		f.dsn = user.FormatDSN()
		db, log := openForReset(t, f, nil)
		borrow(t, db, "set @tenant = 7") // and the catalogue is read
		for text := range texts {
			for range 2 {
				assert.Equal(t, lost, whatBecomes(t, db, f, []string{text}, false), "%s\n%s", text, log)
			}
		}
		for text, why := range texts {
			assert.Len(t, logged(log, "level=WARN", "the connection of each session that runs it is closed", here.Replace(why)), 1, "%s\n%s", text, log)
		}
		assert.Len(t, logged(log, "is closed"), len(texts), log)
		for _, text := range []string{`select 'a\'', ';` + secret + ` x;', '\'b'`, "select 'O'Brien', '" + secret + "'", "use ``"} {
			_, _ = db.ExecContext(t.Context(), text) // it can be read in several ways, or in none
		}
		_, err = db.ExecContext(t.Context(), "insert into watched (name) values ('x')")
		require.NoError(t, err)
		require.NoError(t, db.PingContext(t.Context()))
		assert.Len(t, logged(log, "level=INFO", "may not see the triggers of a database", here.Replace("database=HERE cure=\"grant TRIGGER on `HERE`.* to the user\"")), 1, log)
		assert.NotContains(t, log.String(), secret)
	})
}
