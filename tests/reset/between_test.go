package reset_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// between are what borrowers run on one connection after an earlier one has left a generated number. All but the last leave what the last may tell of.
var between = [][]string{
	{"update pairs set v = 'q' limit 1", "call counted()", "select @counted"},
	{"update pairs set v = 'q' limit 1", "select row_count(), harmless()"},
	{"update pairs set v = 'q' limit 1", "select counting()"},
	{"update pairs set v = 'q' limit 1", "select row_count() as n from pairs limit 1"},
	{"update pairs set v = 'q' limit 1", "insert into counts values (row_count())", "select * from counts where a >= 0"},
	{"update pairs set v = 'q' limit 1", "set @rows = row_count() + 0 * harmless()", "select @rows"},
	{"update pairs set v = 'q' limit 1", "set @rows = counting()", "select @rows"},
	{"insert ignore into pairs values ('abc', 'a')", "select @@warning_count, harmless()"},
	{"insert ignore into pairs values ('abc', 'a')", "call harmlessly()", "show warnings"},
	{"select nonsense", "select @@error_count, harmless()"},
	{"select sql_calc_found_rows id > 0 from numbered limit 1", "select found_rows(), harmless()"},
	{"select sql_calc_found_rows id > 0 from numbered limit 1", "select found_rows() from pairs limit 1"},
	{"select sql_calc_found_rows id > 0 from numbered limit 1", "insert into counts select a from seen", "select found_rows()"},
	{"prepare told from 'select row_count()'", "update pairs set v = 'q' limit 1", "execute told"},
}

// What undoes the number of an earlier borrower, and what reads the catalogue, is a statement too, of which the borrower's own would tell then.
func TestMySQLNothingComesBetweenAStatementAndOneThatTellsOfIt(t *testing.T) {
	for name, server := range map[string]func(testing.TB) string{"MariaDB": testserver.MariaDBDatabase, "MySQL": testserver.MySQLDatabase} {
		for i, texts := range between {
			for _, known := range []bool{false, true} { // whether the text of the first statement is
				t.Run(fmt.Sprint(name, "/", i, "/", known), func(t *testing.T) {
					t.Parallel()
					dsn := server(t)
					bare := realtest.Open(t, "mysql", dsn)
					run := func(db *sql.DB, texts ...string) {
						for _, text := range texts {
							_, err := db.Exec(text)
							require.NoError(t, err)
						}
					}
					run(bare, "create table numbered (id int auto_increment primary key)", "create table pairs (id int, v varchar(50))",
						"create table counts (a int)", "create procedure counted() set @counted = row_count()", "create procedure harmlessly() begin end",
						"create function harmless() returns int deterministic return 4", "create function counting() returns int not deterministic no sql return row_count()",
						"create view seen as select 1 as a")
					cfg := pooled.NewConfig()
					cfg.DriverName, cfg.DSN = "mysql", dsn
					db, _ := pooltest.Open(t, cfg)
					if known {
						_, _ = db.Exec(texts[0]) // one is a mistake
					}
					for round := range 3 { // in the first, what the others call is not known
						var said [2][]string
						for i, db := range []*sql.DB{bare, db} {
							run(bare, "delete from numbered", "delete from pairs", "delete from counts", "insert into pairs values (1, 'a'), (2, 'b')")
							run(db, "insert into numbered values (), (), ()")
							said[i] = saidBetween(t, db, texts)
						}
						assert.Equal(t, said[0], said[1], "round %d: %q", round, texts)
					}
				})
			}
		}
	}
}

// saidBetween runs texts on one connection, and lists what they answer.
func saidBetween(t *testing.T, db *sql.DB, texts []string) (all []string) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	for _, text := range texts {
		all = append(all, firstRow(t.Context(), conn, text))
	}
	return all
}

// firstRow is the first row of what a text answers, or the error.
func firstRow(ctx context.Context, conn *sql.Conn, text string) string {
	rows, err := conn.QueryContext(ctx, text)
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err.Error()
	}
	values := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if rows.Next() {
		err = rows.Scan(into...)
	}
	return fmt.Sprint(values, err, rows.Err())
}

// showNumbers are texts that show a number, each after what leaves nothing that they may tell of.
var showNumbers = [][]string{
	{"select n from last_view"}, {"call shows_last()"}, {"select last_function()"}, {"select last_insert_id()"},
	{"select 1", "select n from last_view"}, {"select 1", "select last_insert_id()"}, {"select 1", "insert into counts select n from last_view", "select a from counts"},
}

func TestMySQLNumberOfAnEarlierBorrowerIsNotSeenThroughWhatIsKnown(t *testing.T) {
	for name, server := range map[string]func(testing.TB) string{"MariaDB": testserver.MariaDBDatabase, "MySQL": testserver.MySQLDatabase} {
		for i, texts := range showNumbers {
			t.Run(fmt.Sprint(name, "/", i), func(t *testing.T) {
				cfg := pooled.NewConfig()
				cfg.DriverName, cfg.DSN = "mysql", server(t)
				db, _ := pooltest.Open(t, cfg)
				for _, text := range []string{
					"create table numbered (id int auto_increment primary key)", "create table counts (a int)", "create view last_view as select last_insert_id() as n",
					"create procedure shows_last() select last_insert_id()", "create function last_function() returns int not deterministic no sql return last_insert_id()",
				} {
					_, err := db.Exec(text)
					require.NoError(t, err)
				}
				for range 3 {
					_, err := db.Exec("insert into numbered values ()")
					require.NoError(t, err)
					said := saidBetween(t, db, texts)
					assert.Equal(t, "[{0 true}] <nil> <nil>", said[len(said)-1])
				}
			})
		}
	}
}
