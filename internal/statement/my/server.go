package my

import "strings"

// tellsOfServer reports whether a name is that of a schema, or of a table in information_schema, that shows the state of one server
// or session. The name of the schema stands before that of the table.
func (p *parser) tellsOfServer(name string) bool {
	return serverSchemas[name] || (serverTables[name] || strings.HasPrefix(name, "innodb_")) && p.isKnown("information_schema")
}

// serverSchemas are schemas in which each server has tables of its own.
var serverSchemas = map[string]bool{"performance_schema": true, "sys": true, "mysql": true}

// serverTables are such tables of information_schema, beside those of InnoDB.
var serverTables = func() map[string]bool {
	all := map[string]bool{}
	for name := range strings.FieldsSeq(`all_plugins client_statistics column_statistics disks engines events feedback files global_status
		global_variables index_statistics key_caches locales metadata_lock_info optimizer_trace plugins processlist profiling
		query_cache_info query_response_time resource_groups session_status session_variables spider_alloc_mem sql_functions
		system_variables table_statistics tablespaces thread_pool_groups thread_pool_queues thread_pool_stats thread_pool_waits
		user_statistics user_variables wsrep_membership wsrep_status`) {
		all[name] = true
	}
	return all
}()
