package catalogue_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
)

// postgresPlaces lists the columns of the server's catalogues that hold an expression or lead to a function, or to something else that leads to one: a place
// which is read says nothing of what leads there.
const postgresPlaces = `select c.relname || '.' || a.attname
	from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
	where c.oid < 16384 and c.relkind = 'r' and c.relnamespace = 'pg_catalog'::regnamespace and a.attnum > 0
		and a.atttypid in ('pg_node_tree'::regtype, 'regproc'::regtype)
	union select fktable || '.' || fkcols[1] from pg_catalog.pg_get_catalog_foreign_keys() where pktable = any ('{pg_catalog.pg_proc, pg_catalog.pg_type, pg_catalog.pg_operator,
		pg_catalog.pg_opclass, pg_catalog.pg_opfamily, pg_catalog.pg_am, pg_catalog.pg_language, pg_catalog.pg_foreign_data_wrapper, pg_catalog.pg_foreign_server,
		pg_catalog.pg_ts_config, pg_catalog.pg_ts_dict, pg_catalog.pg_ts_parser, pg_catalog.pg_ts_template}'::regclass[])
	order by 1`

// mysqlPlaces lists the columns of information_schema that can hold a source or an expression: long texts.
const mysqlPlaces = `select lower(concat(table_name, '.', column_name)) from information_schema.columns
	where table_schema = 'information_schema' and lower(table_name) not like 'innodb%' and (data_type like '%text' or data_type like '%blob' or data_type = 'json' or character_maximum_length > 1000)`

// A version that runs code from somewhere else is noticed here. With POOLED_UPDATE=1 the places are written to the dialect's testdata, whose own test
// wants each of them read or irrelevant.
func TestTheDialectKnowsThePlacesWhereItsServersKeepCode(t *testing.T) {
	t.Run("PostgreSQL", func(t *testing.T) {
		var all []string
		for _, database := range realtest.PostgresVersions {
			all = append(all, column(t, "pgx", database(t), postgresPlaces)...)
		}
		compare(t, "../../postgres/testdata/places.txt", all)
	})
	t.Run("MySQL", func(t *testing.T) {
		var all []string
		for _, s := range realtest.MySQLServers {
			all = append(all, column(t, "mysql", s.Server(t), mysqlPlaces)...)
		}
		compare(t, "../../mysql/testdata/places.txt", all)
	})
}

// column is what a query of one column returns.
func column(t *testing.T, driver, dsn, query string) (all []string) {
	t.Helper()
	rows, err := realtest.Open(t, driver, dsn).QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, all)
	return all
}

// compare requires that a file names all of the places.
func compare(t *testing.T, file string, places []string) {
	t.Helper()
	slices.Sort(places)
	places = slices.Compact(places)
	if os.Getenv("POOLED_UPDATE") != "" {
		require.NoError(t, os.WriteFile(file, []byte(strings.Join(places, "\n")+"\n"), 0o644))
		return
	}
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	known := strings.Fields(string(text))
	for _, place := range places {
		assert.Contains(t, known, place, "run: POOLED_UPDATE=1 go test -run Places ./catalogue, and the tests of the dialect")
	}
}

// refusing are definitions that keep an expression which is not read, with one that they take.
var refusing = map[string]string{
	"create table refused (id int, check (%s > 0))": "id", "create table refused (id int) partition by hash (%s)": "id", "create table refused (id int, index i ((%s)))": "id + 1",
	"create table refused (id int) partition by range (id) (partition p values less than (%s))":                          "7",
	"create table refused (id int) partition by range (id) subpartition by hash (%s) (partition p values less than (1))": "id",
	"create table refused (id int, a int generated always as (%s) stored)":                                               "id",
}

func TestExpressionsThatAreNotReadRefuseWhatLeavesSomething(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		db := realtest.Open(t, "mysql", s.Database(t))
		exec := func(text string) error {
			_, err := db.ExecContext(t.Context(), text)
			return err
		}
		require.NoError(t, exec("create function of_user() returns int deterministic return 1"))
		isMariaDB := exec("create sequence numbers") == nil
		for definition, taken := range refusing {
			if isMariaDB && strings.Contains(definition, "index") { // it has none of expressions
				continue
			}
			require.NoError(t, exec(fmt.Sprintf(definition, taken)))
			require.NoError(t, exec("drop table refused"))
			for _, expression := range []string{
				"(@a := 5)", "get_lock('a', 0)", "release_all_locks()", "last_insert_id(7)", "of_user()", "(select 1)", "benchmark(1, get_lock('a', 0))",
				"name_const('a', get_lock('a', 0))", "if(get_lock('a', 0), 1, 2)", "nextval(numbers)", "setval(numbers, 1)",
			} {
				assert.Error(t, exec(fmt.Sprintf(definition, expression)), "%s with %s", definition, expression)
			}
		}
	})
}
