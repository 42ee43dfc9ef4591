package mysql

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readPlaces are those that the catalogue's copy reads, with what shows it in a query.
var readPlaces = map[string]string{
	"routines.routine_definition": "routine_definition", "triggers.action_statement": "action_statement", "views.view_definition": "view_definition",
	"columns.column_default": "column_default", "columns.generation_expression": "generation_expression",
	"routines.sql_mode": "sql_mode", "triggers.sql_mode": "sql_mode",
}

const (
	describes = "describes, and is not run"
	ofServer  = "is about the server"
	ofNone    = "refuses variables and all functions that leave something" // see tests/catalogue/places_test.go
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

// testdata/places.txt is what real servers have: see tests/catalogue/places_test.go.
func TestEveryPlaceWhereAServerKeepsCodeIsReadOrIrrelevant(t *testing.T) {
	text, err := os.ReadFile("testdata/places.txt")
	require.NoError(t, err)
	places := strings.Fields(string(text))
	require.Greater(t, len(places), 20)
	for _, place := range places {
		if shown, ok := readPlaces[place]; ok {
			assert.Contains(t, tablesSQL+routinesSQL+parametersSQL+triggersSQL+viewSQL+defaultsSQL, shown, place)
			continue
		}
		assert.NotEmpty(t, irrelevantPlaces[place], "%s is neither read nor irrelevant", place)
	}
	for place := range readPlaces {
		assert.Empty(t, irrelevantPlaces[place])
	}
}
