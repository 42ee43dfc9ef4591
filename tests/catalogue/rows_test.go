package catalogue_test

import (
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
)

// long is a first result that the server sends before it goes on, and that nobody has read to its end then.
const long = "select repeat('x', 1000) from hundred a, hundred b"

// A query returns with its first row, and what is defined from then on counts for what it runs later.
func TestSessionIsCleanWhateverIsDefinedBetweenTheResultsOfAQuery(t *testing.T) {
	onPostgres := append(hideaway[:len(hideaway):len(hideaway)], "create table hundred as select generate_series(1, 100)", "create table gate as select 1",
		"create function f() returns int language sql as 'select 1'", "create view w as select 1 as a")
	onMySQL := []string{
		"create table hundred (a int)", "insert into hundred values (1), (1), (1), (1), (1), (1), (1), (1), (1), (1)", "insert into hundred select 1 from hundred a, hundred b", "create table gate (a int)",
		"create function leak() returns int deterministic begin set @leak = 1; return 1; end", "create function f() returns int deterministic return 1", "create view w as select 1 as a", "create table t (id int)",
		"create procedure p() begin " + long + "; select count(*) from gate; select * from w; end",
	}
	for _, s := range realtest.TxServers {
		setup, begin, lock, unlock, leaks := onMySQL, "do 0", "lock tables gate write", "unlock tables", "select count(@leak) from (select 1) one"
		warm := []string{long, "select count(*) from gate", "select f()", "select * from w", "insert into t values (1)", "call p()"}
		cases := []struct {
			query, definition string
			then              string // what others run when the query is over
		}{
			{long + "; select count(*) from gate; select f()", "drop function f; create function f() returns int deterministic return leak()", ""},
			{long + "; select count(*) from gate; select * from w", "create or replace view w as select leak() as a", ""},
			{long + "; select count(*) from gate; insert into t values (1)", "create trigger harmful before insert on t for each row set @leak = 1", ""},
			{"call p()", "create or replace view w as select leak() as a", ""},
			{long + "; select count(*) from gate; create or replace view w as select leak() as a", "", "select * from w"},
			{long + "; select count(*) from gate; create trigger harmful before insert on t for each row set @leak = 1", "", "insert into t values (1)"},
		}
		if s.Driver == "pgx" {
			setup, begin, lock, unlock = onPostgres, "begin", "lock table gate in access exclusive mode", "commit"
			leaks = "select count(nullif(current_setting('app.leak', true), '')) from (select 1) one"
			warm = []string{long, "select count(*) from gate", "select f()", "select * from w", "insert into t values (1)"}
			harmful := "create or replace function f() returns int language plpgsql as $$begin perform leak(); return 1; end$$"
			cases = cases[:2]
			cases[0].definition = harmful
			cases[1].definition = "create or replace view w as select leak()::int as a"
			cases = append(cases, struct{ query, definition, then string }{long + "; select count(*) from gate; " + harmful, "", "select f()"})
		}
		for _, c := range cases {
			t.Run(s.Name+"/"+c.query+"/"+c.definition, func(t *testing.T) {
				dsn := s.DSN(t)
				realtest.SetUp(t, s.Driver, dsn, setup)
				if s.Driver == "pgx" {
					dsn += "&default_query_exec_mode=simple_protocol"
				} else {
					cfg, err := mysql.ParseDSN(dsn)
					require.NoError(t, err)
					cfg.MultiStatements = true
					dsn = cfg.FormatDSN()
				}
				db, _ := realtest.OpenAtMost(t, 2, s.Driver, dsn)
				for range 2 { // until all is known
					for _, text := range warm {
						realtest.Borrow(t, db, text)
					}
				}
				require.NoError(t, db.PingContext(t.Context()))
				admin, err := realtest.Open(t, s.Driver, dsn).Conn(t.Context())
				require.NoError(t, err)
				defer admin.Close()
				for _, text := range []string{begin, lock} {
					_, err := admin.ExecContext(t.Context(), text)
					require.NoError(t, err)
				}
				one, err := db.Conn(t.Context())
				require.NoError(t, err)
				rows, err := one.QueryContext(t.Context(), c.query)
				require.NoError(t, err)
				if c.definition != "" {
					realtest.Borrow(t, db, c.definition)
				} else {
					realtest.Borrow(t, db, c.then)
				}
				_, err = admin.ExecContext(t.Context(), unlock)
				require.NoError(t, err)
				for more := true; more; more = rows.NextResultSet() {
					for rows.Next() {
					}
				}
				require.NoError(t, rows.Err())
				require.NoError(t, rows.Close())
				require.NoError(t, one.Close())
				for i := range 3 {
					if c.then != "" {
						realtest.Borrow(t, db, c.then)
					}
					for range 2 {
						conn, err := db.Conn(t.Context())
						require.NoError(t, err)
						defer conn.Close()
						var left int
						require.NoError(t, conn.QueryRowContext(t.Context(), leaks).Scan(&left))
						assert.Zero(t, left, fmt.Sprint(i))
						if c.then != "" {
							require.NoError(t, conn.Close())
						}
					}
					if c.then == "" {
						break
					}
				}
			})
		}
	}
}
