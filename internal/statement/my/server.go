package my

import "strings"

// noteServer notes a name that shows the state of one server or session. A table of information_schema may be named before its schema is, in the list
// of what to select: that counts once the schema is named anywhere in the text.
func (p *parser) noteServer(name string) {
	switch {
	case serverSchemas[name]:
		p.asksPrimary(name + " tells of one server")
		return
	case serverTables[name] || strings.HasPrefix(name, "innodb_"):
		if p.serverTable == "" {
			p.serverTable = name
		}
	case name == "information_schema":
		p.namesSchema = true
	default:
		return
	}
	if p.namesSchema && p.serverTable != "" {
		p.asksPrimary(p.serverTable + " tells of one server")
	}
}

// OfServer reports whether a session that begins in a database may be asked for the state of its server by names without a schema.
func OfServer(database string) bool {
	name := strings.ToLower(database)
	return serverSchemas[name] || name == "information_schema"
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
		user_statistics user_variables wsrep_membership wsrep_status connection_control_failed_login_attempts optimizer_costs
		tp_thread_state tp_thread_group_state tp_thread_group_stats mysql_firewall_users mysql_firewall_whitelist`) {
		all[name] = true
	}
	return all
}()
