package mysql

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
)

// codeSQL lists the columns of information_schema that can hold a source or an expression: long texts.
const codeSQL = `select lower(concat(table_name, '.', column_name)) from information_schema.columns
	where table_schema = 'information_schema' and lower(table_name) not like 'innodb%' and (data_type like '%text' or data_type like '%blob' or data_type = 'json' or character_maximum_length > 1000)`

// readPlaces are those that the catalogue's copy reads, with what shows it in a query.
var readPlaces = map[string]string{
	"routines.routine_definition": "routine_definition", "triggers.action_statement": "action_statement", "views.view_definition": "view_definition",
	"columns.column_default": "column_default", "columns.generation_expression": "generation_expression",
	"routines.sql_mode": "sql_mode", "triggers.sql_mode": "sql_mode",
}

const (
	describes = "describes, and is not run"
	ofServer  = "is about the server"
	ofNone    = "refuses variables and all functions that leave something" // see [refusing]
)

// irrelevantPlaces are those that need not be read, and why.
var irrelevantPlaces = map[string]string{
	"check_constraints.check_clause": ofNone, "partitions.partition_expression": ofNone, "partitions.subpartition_expression": ofNone,
	"partitions.partition_description": ofNone, "statistics.expression": ofNone,
	"events.event_definition": "is run by sessions of the server's own", "events.sql_mode": "is run by sessions of the server's own",
	"libraries.library_definition": "is used by routines that are not written in SQL, which are unknown",
	"triggers.action_condition":    "is empty",
	"columns.column_type":          describes, "columns.data_type": describes, "parameters.dtd_identifier": describes, "parameters.data_type": describes,
	"routines.dtd_identifier": describes, "routines.data_type": describes, "routines.routine_comment": describes, "events.event_comment": describes,
	"columns.column_comment": describes, "tables.table_comment": describes, "tables.create_options": describes, "partitions.partition_comment": describes,
	"statistics.index_comment": describes, "tablespaces.tablespace_comment": describes, "libraries.library_comment": describes,
	"column_statistics.histogram": describes, "st_geometry_columns.geometry_type_name": describes, "files.file_name": describes, "user_attributes.attribute": describes,
	"character_sets.description": describes, "st_spatial_reference_systems.definition": describes, "st_spatial_reference_systems.description": describes,
	"spatial_ref_sys.srtext": describes, "schemata.schema_comment": describes, "all_plugins.plugin_description": describes, "plugins.plugin_description": describes,
	"columns_extensions.engine_attribute": describes, "columns_extensions.secondary_engine_attribute": describes, "tables_extensions.engine_attribute": describes,
	"tables_extensions.secondary_engine_attribute": describes, "table_constraints_extensions.engine_attribute": describes,
	"table_constraints_extensions.secondary_engine_attribute": describes, "tablespaces_extensions.engine_attribute": describes,
	"global_status.variable_value": ofServer, "session_status.variable_value": ofServer, "global_variables.variable_value": ofServer,
	"session_variables.variable_value": ofServer, "system_variables.default_value": ofServer, "system_variables.enum_value_list": ofServer,
	"system_variables.global_value": ofServer, "system_variables.global_value_path": ofServer, "system_variables.session_value": ofServer,
	"system_variables.variable_comment": ofServer, "optimizer_trace.query": ofServer, "optimizer_trace.trace": ofServer, "processlist.info": ofServer,
	"processlist.info_binary": ofServer, "user_variables.variable_value": ofServer,
	"resource_groups.vcpu_ids": ofServer,
}

// refusing are definitions that keep an expression which is not read, with one that they take.
var refusing = map[string]string{
	"create table refused (id int, check (%s > 0))": "id", "create table refused (id int) partition by hash (%s)": "id", "create table refused (id int, index i ((%s)))": "id + 1",
	"create table refused (id int) partition by range (id) (partition p values less than (%s))":                          "7",
	"create table refused (id int) partition by range (id) subpartition by hash (%s) (partition p values less than (1))": "id",
	"create table refused (id int, a int generated always as (%s) stored)":                                               "id",
}

func onServers(t *testing.T, test func(t *testing.T, db *sql.DB)) {
	for name, database := range map[string]func(testing.TB) string{"MariaDB": testserver.MariaDBDatabase, "MySQL": testserver.MySQLDatabase} {
		t.Run(name, func(t *testing.T) {
			db, err := sql.Open("mysql", database(t))
			require.NoError(t, err)
			defer db.Close()
			test(t, db)
		})
	}
}

// A version that runs code from somewhere else is noticed here.
func TestEveryPlaceWhereTheServerKeepsCodeIsReadOrIrrelevant(t *testing.T) {
	onServers(t, func(t *testing.T, db *sql.DB) {
		rows, err := db.QueryContext(t.Context(), codeSQL)
		require.NoError(t, err)
		defer rows.Close()
		places := 0
		for ; rows.Next(); places++ {
			var place string
			require.NoError(t, rows.Scan(&place))
			if shown, ok := readPlaces[place]; ok {
				assert.Contains(t, tablesSQL+routinesSQL+parametersSQL+triggersSQL+viewSQL+defaultsSQL, shown, place)
				continue
			}
			assert.NotEmpty(t, irrelevantPlaces[place], "%s is neither read nor irrelevant", place)
		}
		require.NoError(t, rows.Err())
		assert.Greater(t, places, 20)
	})
	for place := range readPlaces {
		assert.Empty(t, irrelevantPlaces[place])
	}
}

func TestExpressionsThatAreNotReadRefuseWhatLeavesSomething(t *testing.T) {
	onServers(t, func(t *testing.T, db *sql.DB) {
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
