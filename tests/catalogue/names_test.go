package catalogue_test

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// newNames are transactions whose texts are never the same, as each has a name that a program has made up: GORM names a savepoint after a pointer.
var newNames = map[string][]string{
	"savepoints":        {"savepoint sp%[1]d", "select 1", "release savepoint sp%[1]d"},
	"rolled back":       {"savepoint sp%[1]d", "rollback to savepoint sp%[1]d"},
	"columns":           {"select 1 as a%d", "select v b%d from texts", `select (v) as "Q %d" from texts`},
	"tables":            {"select v from texts as t%d", "select v from texts u%d", "select * from (select v from texts) s%d"},
	"literals":          {"select abs(%d)", "select v from texts where id = %d", "update texts set v = 'x%d' where id = -1"},
	"comments":          {"select abs(1) /* request %d */", "-- request %d\nselect v from texts"},
	"names of no table": {"with c%d as (select 1) select v from texts"},
}

// newNamesOnPostgres are those that only PostgreSQL has.
var newNamesOnPostgres = map[string][]string{
	"cursors":     {"declare c%[1]d cursor for select v from texts", "fetch 1 from c%[1]d", "move next from c%[1]d", "close c%[1]d"},
	"channels":    {"notify n%d", "notify n%d, 'x'"},
	"windows":     {"select sum(id) over w%[1]d from texts window w%[1]d as (order by id)"},
	"functions":   {"select x%[1]d.a from generate_series(1, 2) as x%[1]d (a)"},
	"what one is": {"insert into texts (v) values ('x%[1]d') returning v as v%[1]d"},
}

// runNew has borrowers run such transactions, and returns how many sessions were not known to be clean when they were given back, and how many dials there were.
func runNew(ctx context.Context, t *testing.T, db *sql.DB, texts []string, from, to int) (unclean, dials int) {
	t.Helper()
	c, ok := pooled.From(db)
	require.True(t, ok)
	before := c.Stats().Endpoints[0]
	for i := from; i < to; i++ {
		tx, err := db.BeginTx(ctx, nil)
		require.NoError(t, err)
		for _, text := range texts {
			_, err := tx.ExecContext(ctx, strings.TrimSuffix(fmt.Sprintf(text, i), "%!(EXTRA int="+fmt.Sprint(i)+")"))
			require.NoError(t, err, text)
		}
		require.NoError(t, tx.Commit())
	}
	require.Equal(t, "1", realtest.Scalar(t, db, "select 1")) // and the last one is over
	after := c.Stats().Endpoints[0]
	return to - from + 1 - int(after.Reset.Clean-before.Reset.Clean), int(after.Dials - before.Dials)
}

func TestNamesThatAreNewEachTimeCostNothing(t *testing.T) {
	const most = 40
	run := func(t *testing.T, f resettest.Family, cases map[string][]string) {
		for name, texts := range cases {
			t.Run(name, func(t *testing.T) {
				db, log := resettest.OpenForReset(t, f, func(c *pooled.Config) { c.Reset.Audit = 0 })
				runNew(t.Context(), t, db, texts, 0, 3) // and the catalogue is read
				unclean, dials := runNew(t.Context(), t, db, texts, 3, most)
				assert.Zero(t, unclean, log)
				assert.Zero(t, dials, log)
			})
		}
	}
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			f := resettest.Family{Driver: "pgx", DSN: database(t), ID: "select pg_backend_pid()"}
			realtest.SetUp(t, "pgx", f.DSN, []string{"create table texts (id int default 1, v text)", "insert into texts values (1, 'x')"})
			run(t, f, newNames)
			run(t, f, newNamesOnPostgres)
		})
	}
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(*mysql.Config) {})
		realtest.SetUp(t, "mysql", f.DSN, []string{"create table texts (id int default 1, v text)", "insert into texts values (1, 'x')"})
		run(t, f, newNames)
	})
}
