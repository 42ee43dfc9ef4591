package statements_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// one reads a single value.
func one(t *testing.T, db interface {
	QueryRow(text string, args ...any) *sql.Row
}, text string, args ...any) string {
	t.Helper()
	var value sql.NullString
	require.NoError(t, db.QueryRow(text, args...).Scan(&value), text)
	return value.String
}

// MySQL gives a parameter the type of its first value, and keeps it.
func TestMySQLValueIsStoredAsItWasGivenWhateverWasStoredBefore(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := realtest.OpenWith(t, s.Database(t), nil)
		_, err := db.Exec("create table s (id int auto_increment primary key, v varchar(20))")
		require.NoError(t, err)
		for _, v := range []any{7, "007", 1.5, "1e5", true, "01234", uint64(8), "12.50"} {
			_, err := db.Exec("insert into s (v) values (?)", v)
			require.NoError(t, err)
			if text, ok := v.(string); ok {
				assert.Equal(t, text, one(t, db, "select v from s order by id desc limit 1"))
			}
		}
		assert.JSONEq(t, `{"zip": 90210}`, one(t, db, "select json_object('zip', ?)", 90210))
		assert.JSONEq(t, `{"zip": "01234"}`, one(t, db, "select json_object('zip', ?)", "01234"))
		assert.Equal(t, "2", one(t, db, "select count(*) from s where v = ?", 7), "7 and 007 as numbers")
		assert.Equal(t, "1", one(t, db, "select count(*) from s where v = ?", "007"))
	})
}

func TestMySQLStatementsPreparedOfOneTextDoNotShareTheTypesOfTheirArguments(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := realtest.OpenWith(t, s.Database(t), nil)
		numbers, err := db.Prepare("select concat(?, '')")
		require.NoError(t, err)
		defer numbers.Close()
		texts, err := db.Prepare("select concat(?, '')")
		require.NoError(t, err)
		defer texts.Close()
		for range 3 {
			var number, text string
			require.NoError(t, numbers.QueryRow(7).Scan(&number))
			require.NoError(t, texts.QueryRow("007").Scan(&text))
			assert.Equal(t, []string{"7", "007"}, []string{number, text})
		}
	})
}

// What a borrower has set decided what a statement means that it prepared. The next one finds another.
func TestMySQLStatementMeansWhatItMeansToItsOwnSession(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		app, tenant := s.Database(t), s.Database(t)
		for i, dsn := range []string{app, tenant} {
			bare := realtest.Open(t, "mysql", dsn)
			for _, text := range []string{"create table acct (id int, name varchar(20))", fmt.Sprintf("insert into acct values (%d, 'owner')", i)} {
				_, err := bare.Exec(text)
				require.NoError(t, err)
			}
		}
		cfg, err := mysql.ParseDSN(tenant)
		require.NoError(t, err)
		for name, c := range map[string]struct{ set, text, inside, outside string }{
			"database":  {"use " + cfg.DBName, "select id from acct where name = ?", "1", "0"},
			"sql_mode":  {"set sql_mode = 'ANSI_QUOTES'", `select "id" from acct where name = ?`, "0", "id"},
			"collation": {"set collation_connection = utf8mb4_bin", "select 'A' = 'a' from acct where name = ?", "0", "1"},
		} {
			t.Run(name, func(t *testing.T) {
				db := realtest.OpenWith(t, app, nil)
				ask := func(db interface {
					QueryRow(text string, args ...any) *sql.Row
				}) string {
					return one(t, db, c.text, "owner")
				}
				assert.Equal(t, c.outside, ask(db))
				for range 2 {
					conn, err := db.Conn(t.Context())
					require.NoError(t, err)
					before, err := conn.PrepareContext(t.Context(), c.text)
					require.NoError(t, err)
					_, err = conn.ExecContext(t.Context(), c.set)
					require.NoError(t, err)
					var inside, prepared string
					require.NoError(t, conn.QueryRowContext(t.Context(), c.text, "owner").Scan(&inside))
					require.NoError(t, before.QueryRow("owner").Scan(&prepared))
					require.NoError(t, before.Close())
					require.NoError(t, conn.Close())
					assert.Equal(t, c.inside, inside)
					assert.Equal(t, c.outside, prepared, "it was prepared before")
					assert.Equal(t, c.outside, ask(db))
				}
			})
		}
	})
}

func TestMySQLClosedStatementLeavesNothingOnTheServerWithoutACache(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := realtest.OpenWith(t, s.Database(t), func(cfg *pooled.Config) { cfg.Statements.CacheSize = 0 })
		st, err := db.Prepare("select ?")
		require.NoError(t, err)
		var n int
		require.NoError(t, st.QueryRow(1).Scan(&n))
		require.NoError(t, st.Close())
		prepares, _, closes := realtest.Prepared(t, db)
		assert.Equal(t, 2, prepares, "when it was prepared, and when it ran, which were two borrows")
		assert.Equal(t, prepares, closes)
	})
}

func TestMySQLStatementsOfAllConnectionsKeepToAShareOfWhatTheServerHoldsForAll(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn := s.Private(t)
		admin := realtest.Open(t, "mysql", dsn)
		_, err := admin.Exec("set global max_prepared_stmt_count = 80")
		require.NoError(t, err)
		cfg, err := pooled.ParseDSN(dsn)
		require.NoError(t, err)
		db, c := pooltest.Open(t, cfg)
		require.NoError(t, db.Ping())
		conns := make([]*sql.Conn, 3)
		for i := range conns {
			conns[i], err = db.Conn(t.Context())
			require.NoError(t, err)
			for n := range 30 {
				var got int
				text := "select ?" + strings.Repeat(" + 1", n)
				require.NoError(t, conns[i].QueryRowContext(t.Context(), text, 1).Scan(&got))
				assert.Equal(t, n+1, got)
			}
		}
		var name string
		var held int
		require.NoError(t, admin.QueryRow("show global status like 'Prepared_stmt_count'").Scan(&name, &held))
		assert.Equal(t, 20, c.Stats().Endpoints[0].Statements)
		assert.LessOrEqual(t, held, 20+len(conns), "each connection may have one that is closed with its next call")
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
	})
}

// A prepared statement keeps the types that its arguments have got from the columns of that time.
func TestValueIsStoredAsItWasGivenWhateverTheColumnWasBefore(t *testing.T) {
	const older = "2024-01-02 03:04:05"
	for _, s := range []struct {
		name, driver, dsn, insert, alter string
	}{
		{"MySQL", "mysql", testserver.MySQLDatabase(t), "insert into changing (v) values (?)", "alter table changing modify v %s"},
		{"MariaDB", "mysql", testserver.MariaDBDatabase(t), "insert into changing (v) values (?)", "alter table changing modify v %s"},
		{"PostgreSQL", "pgx", testserver.PostgresDatabase(t), "insert into changing (v) values ($1)", "alter table changing alter v type %[1]s using null::%[1]s"},
	} {
		t.Run(s.name, func(t *testing.T) {
			db, other := realtest.OpenWith(t, s.dsn, nil), realtest.Open(t, s.driver, s.dsn)
			prepared := func(v any) error {
				st, err := db.Prepare(s.insert)
				require.NoError(t, err)
				defer st.Close()
				_, err = st.Exec(v)
				return err
			}
			direct := func(v any) error { _, err := db.Exec(s.insert, v); return err }
			for _, c := range []struct {
				name   string
				insert func(v any) error
				define *sql.DB
			}{{"prepared", prepared, db}, {"direct", direct, db}, {"direct, others define", direct, other}} {
				for _, was := range []struct {
					kind  string
					value any
				}{{"int", "007"}, {"double precision", "1e5"}, {"numeric(20, 4)", "7"}, {"date", older}} {
					if s.driver == "pgx" && c.name != "prepared" {
						continue // as bare pgx, which keeps what it has prepared for a text
					}
					t.Run(c.name+"/"+was.kind, func(t *testing.T) {
						define := func(text string) {
							_, err := c.define.Exec(text)
							require.NoError(t, err, text)
						}
						define("create table changing (v " + was.kind + ")")
						defer define("drop table changing")
						_ = c.insert(was.value)
						_ = c.insert(was.value)
						_, err := other.Exec("delete from changing")
						require.NoError(t, err)
						define(fmt.Sprintf(s.alter, "varchar(50)"))
						require.NoError(t, c.insert(was.value))
						assert.Equal(t, was.value, one(t, other, "select v from changing"))
					})
				}
			}
		})
	}
}
