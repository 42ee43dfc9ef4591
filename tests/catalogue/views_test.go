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

// A view reads what its owner may see. Where its user does not, the log says which grant would help.
func TestMySQLAViewCostsTheConnectionOnlyWhereTheUserDoesNotSeeWhatItReads(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn, err := mysql.ParseDSN(s.Database(t))
		require.NoError(t, err)
		here := strings.NewReplacer("DB", dsn.DBName, "USER", dsn.DBName[len(dsn.DBName)-24:])
		bare := realtest.Open(t, "mysql", dsn.FormatDSN())
		run := func(texts ...string) {
			for _, text := range texts {
				_, err := bare.ExecContext(t.Context(), here.Replace(text))
				require.NoError(t, err, text)
			}
		}
		t.Cleanup(func() {
			_, _ = bare.Exec(here.Replace("drop user 'USER'"))
			_, _ = bare.Exec(here.Replace("drop database if exists `DBx`"))
		})
		run("create database `DBx`", "create table `DBx`.hidden (id int, v varchar(20))", "create table t (id int, v varchar(20), at datetime)",
			"create user 'USER' identified by 'secret'", "grant select, insert, update, delete, show view on `DB`.* to 'USER'",
			"create view plain as select x.id, trim(x.v) as v, extract(year from x.at) as y from t x where exists (select 1 from t)",
			"create view nested as select plain.* from plain join (select id as n from plain) as p on p.n = id left join (t join t u) on true",
			"create view columns_of as select table_name from information_schema.columns",
			"create view secured as select id from `DBx`.hidden where v is null or v <> current_user()")
		if s.Name == "MariaDB" {
			run("create view with_some as with c as (select id from t) select c.id from c join plain using (id)")
		} else {
			run("create view with_some as with c as (select id from t) select c.id from c join plain using (id) join json_table('[1]', '$[*]' columns (n int path '$')) j")
		}
		dsn.User, dsn.Passwd = here.Replace("USER"), "secret"
		f := resettest.Family{Driver: "mysql", DSN: dsn.FormatDSN(), ID: "select connection_id()"}
		db, log := resettest.OpenForReset(t, f, resettest.Unaudited)
		realtest.Borrow(t, db, "set @other = 7")
		for _, view := range []string{"plain", "nested", "columns_of", "with_some"} {
			assert.Equal(t, clean, whatBecomes(t, db, f, []string{"select * from " + view}, false), "%s\n%s", view, log)
		}
		assert.Equal(t, lost, whatBecomes(t, db, f, []string{"select * from secured"}, false), log)
		assert.Len(t, logged(log, "is closed", here.Replace("why=\"a view reads DBx.hidden, which the user may not see\" cure=\"grant SHOW VIEW on `DBx`.* to the user\"")), 1, log)

		run("grant show view on `DBx`.* to 'USER'")
		db, log = resettest.OpenForReset(t, f, resettest.Unaudited)
		realtest.Borrow(t, db, "set @other = 7")
		assert.Equal(t, clean, whatBecomes(t, db, f, []string{"select * from secured"}, false), log)
	})
}
