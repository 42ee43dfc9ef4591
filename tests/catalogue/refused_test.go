package catalogue_test

import (
	"fmt"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// The server looks for what a statement calls before it runs it. What a routine calls, it looks for when it comes there.
func TestAMisspelledRoutineCostsTheConnectionOnlyWhereSomethingMayHaveRun(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		cfg, err := mysql.ParseDSN(s.Database(t))
		require.NoError(t, err)
		cfg.MultiStatements = true
		realtest.SetUp(t, "mysql", cfg.FormatDSN(), []string{
			"create table t (id int)", "create function harmless() returns int deterministic return 1",
			"create function leaks() returns int deterministic begin set @leak = 1; return 1; end",
			"create procedure harmless_procedure() begin end",
			"create procedure stops() begin set @leak = 1; call nowhere(); end",
			"create procedure stops_dynamically() begin prepare p from 'set @leak = 1'; execute p; call nowhere(); end",
			"create function stops_too() returns int deterministic begin set @leak = 1; return nowhere(); end",
		})
		for _, c := range []struct {
			text string
			want becomes
		}{
			{"select nowhere()", clean},
			{"select Nowhere(1), harmless()", clean},
			{"select `nowhere`(id) from t", clean},
			{"select " + cfg.DBName + ".nowhere()", clean},
			{"call nowhere(1)", clean},
			{"select 1; select nowhere()", clean},
			{"select 1; set @leak = 1; select nowhere(); select 2", reset},
			{"select leaks(); select nowhere()", reset},
			{"select nowhere(), nowhere2()", lost},
			{"call stops()", lost},
			{"call stops_dynamically()", lost},
			{"select stops_too()", lost},
			{"create or replace view v as select 1; select nowhere()", lost},
		} {
			for _, known := range []bool{false, true} {
				t.Run(fmt.Sprintf("known=%t/%s", known, c.text), func(t *testing.T) {
					db, log := resettest.OpenForReset(t, resettest.Family{Driver: "mysql", DSN: cfg.FormatDSN()}, resettest.Unaudited)
					realtest.Borrow(t, db, "set @other = 7")
					run := func() {
						conn, err := db.Conn(t.Context())
						require.NoError(t, err)
						_, err = conn.ExecContext(t.Context(), c.text)
						assert.Equal(t, "error 1305", realtest.Code(err))
						require.NoError(t, conn.Close())
					}
					if known {
						run()
					}
					connection, before := realtest.Scalar(t, db, "select connection_id()"), resettest.Resets(t, db).Resets
					run()
					switch is, after := realtest.Scalar(t, db, "select connection_id()"), resettest.Resets(t, db).Resets; {
					case c.want == lost:
						assert.NotEqual(t, connection, is, log)
					case known: // before, what it could have begun is rolled back
						assert.Equal(t, c.want == clean, before == after, log)
						fallthrough
					default:
						assert.Equal(t, connection, is, log)
					}
					assert.Equal(t, "0", realtest.Scalar(t, db, "select count(@leak) from (select 1) one"))
				})
			}
		}
	})
}
