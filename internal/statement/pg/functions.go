package pg

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// builtin is what a built-in function does.
type builtin struct {
	class   dialect.Class
	effects dialect.Effects
}

// builtins are the functions of the server, and of extensions that come with it, of which the catalogue says too little:
// those that change the session, those that need the primary or tell of one server or session, those that execute a text or are told the name of a type
// whatever their volatility, and those that are called volatile although a read may use them.
var builtins = func() map[string]builtin {
	all := map[string]builtin{}
	for _, group := range []struct {
		does  builtin
		names string
	}{
		{builtin{dialect.Write, dialect.Setting | dialect.Role | dialect.Plans}, "set_config"},
		{builtin{dialect.Write, dialect.Setting}, "set_limit"}, // pg_trgm
		{builtin{dialect.Write, dialect.AdvisoryLock}, `pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock
			pg_try_advisory_lock_shared pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_unlock_all`},
		{builtin{dialect.Write, dialect.Sequence}, "nextval setval"},
		{builtin{dialect.Write, dialect.Permanent}, `setseed pg_backup_start pg_backup_stop pg_start_backup pg_stop_backup
			pg_replication_origin_session_setup pg_replication_origin_session_reset
			pg_create_physical_replication_slot pg_create_logical_replication_slot
			pg_copy_physical_replication_slot pg_copy_logical_replication_slot`}, // which may be temporary
		{builtin{dialect.Write, 0}, `pg_backend_pid pg_blocking_pids pg_safe_snapshot_blocking_pids pg_lock_status pg_listening_channels
			pg_show_all_settings pg_cursor pg_prepared_statement pg_prepared_xact pg_postmaster_start_time pg_conf_load_time
			pg_available_extensions pg_available_extension_versions pg_extension_update_paths
			txid_current_if_assigned pg_current_xact_id_if_assigned pg_walfile_name pg_walfile_name_offset
			currval lastval pg_notify txid_current pg_current_xact_id
			pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock pg_try_advisory_xact_lock_shared
			lo_create lo_creat lo_unlink lo_open lo_close lo_lseek lo_lseek64 lo_tell lo_tell64 lo_truncate lo_truncate64 lo_import
			lo_export lo_from_bytea lo_put lowrite loread pg_terminate_backend pg_cancel_backend pg_current_wal_lsn
			pg_current_wal_insert_lsn pg_current_wal_flush_lsn pg_logical_emit_message pg_switch_wal pg_create_restore_point
			pg_export_snapshot pg_reload_conf pg_rotate_logfile pg_promote`},
		{builtin{dialect.Unknown, dialect.UnknownEffect}, `query_to_xml query_to_xmlschema query_to_xml_and_xmlschema
			cursor_to_xml cursor_to_xmlschema table_to_xml table_to_xmlschema table_to_xml_and_xmlschema
			schema_to_xml schema_to_xmlschema schema_to_xml_and_xmlschema
			database_to_xml database_to_xmlschema database_to_xml_and_xmlschema
			pg_input_is_valid pg_input_error_info domain_in domain_recv array_in array_recv record_in record_recv range_in range_recv
			multirange_in multirange_recv satisfies_hash_partition
			ts_stat ts_rewrite crosstab crosstab2 crosstab3 crosstab4 connectby xpath_table`},
		{builtin{dialect.Read, 0}, `random random_normal array_sample array_shuffle clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7
			pg_sleep pg_sleep_for pg_sleep_until pg_is_in_recovery pg_last_wal_receive_lsn pg_last_wal_replay_lsn
			pg_last_xact_replay_timestamp pg_relation_size pg_table_size pg_indexes_size
			pg_total_relation_size pg_database_size pg_tablespace_size
			json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize
			json_table json_value merge_action normalize overlay substring
			tsvector_update_trigger tsvector_update_trigger_column suppress_redundant_updates_trigger`}, // which change a row, or leave it
	} {
		for name := range strings.FieldsSeq(group.names) {
			all[name] = group.does
		}
	}
	return all
}()

// whyFunction says for people why a call of a built-in function is no read.
func whyFunction(name string, class dialect.Class, effects dialect.Effects) string {
	switch {
	case strings.Contains(name, "advisory"):
		return "calls advisory lock function " + name
	case class == dialect.Unknown:
		return "function " + name + " may do anything"
	case name == "currval" || name == "lastval":
		return "function " + name + " depends on the session"
	case effects&dialect.Sequence != 0:
		return "function " + name + " is volatile"
	case effects&(dialect.Setting|dialect.Role) != 0:
		return "function " + name + " changes settings"
	case effects != 0:
		return "function " + name + " changes the session"
	}
	return "function " + name + " needs the primary"
}

// Builtin returns what the function of that name does if it is the server's own, and whether the name is known here.
// It asks nothing of the catalogue, which may have a user's function of the same name.
//
// [Parse] has already counted what Builtin says: a caller needs it only to tell which names it need not look up as built-in ones.
// Parse knows better in one case: set_config with true as its third argument lasts no longer than its transaction.
func Builtin(name string) (class dialect.Class, effects dialect.Effects, known bool) {
	if strings.HasPrefix(name, "dblink") {
		return dialect.Unknown, dialect.UnknownEffect, true
	}
	if strings.HasPrefix(name, "pg_stat_get_") {
		return dialect.Write, 0, true
	}
	b, known := builtins[name]
	return b.class, b.effects, known
}

// TellsOfServer reports whether a name is that of a view of the server's own that shows the state of one server or session: what it
// shows on a replica is not what it shows on the primary.
func TellsOfServer(name string) bool {
	if !strings.HasPrefix(name, "pg_") {
		return false
	}
	return strings.HasPrefix(name, "pg_stat_") || strings.HasPrefix(name, "pg_statio_") || strings.HasPrefix(name, "pg_shmem_") ||
		serverViews[name]
}

// serverViews are such views that do not tell by the beginning of their names.
var serverViews = words(`pg_aios pg_available_extensions pg_available_extension_versions pg_backend_memory_contexts pg_config pg_cursors
	pg_dsm_registry_allocations pg_file_settings pg_hba_file_rules pg_ident_file_mappings pg_locks pg_prepared_statements
	pg_prepared_xacts pg_replication_origin_status pg_replication_slots pg_sequences pg_settings`)
