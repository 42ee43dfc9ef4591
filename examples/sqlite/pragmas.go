package sqlite

// pragma is what a PRAGMA does.
type pragma uint8

const (
	_         pragma = iota
	tells            // tells of the file, whatever its argument is
	ofConn           // tells of the connection
	setting          // with a value: changes the connection, and can be set back to the value that it tells
	forGood          // with a value: changes the connection, and only another one is as before
	stored           // with a value: changes the file
	acts             // changes the file, with a value or without
	ofProcess        // with a value: changes the process, and so all connections to whatever file
)

// pragmas are those of SQLite 3.54 (https://sqlite.org/pragma.html). A test compares them with those that the driver knows.
var pragmas = map[string]pragma{
	"collation_list": tells, "compile_options": tells, "foreign_key_check": tells, "foreign_key_list": tells, "freelist_count": tells,
	"index_info": tells, "index_list": tells, "index_xinfo": tells, "integrity_check": tells, "page_count": tells, "pragma_list": tells, "quick_check": tells,
	"table_info": tells, "table_list": tells, "table_xinfo": tells,

	"database_list": ofConn, "data_version": ofConn, "function_list": ofConn, "module_list": ofConn,

	"analysis_limit": setting, "automatic_index": setting, "busy_timeout": setting, "cache_size": setting, "cell_size_check": setting,
	"checkpoint_fullfsync": setting, "count_changes": setting, "defer_foreign_keys": setting, "empty_result_callbacks": setting, "foreign_keys": setting,
	"full_column_names": setting, "fullfsync": setting, "ignore_check_constraints": setting, "journal_size_limit": setting, "legacy_alter_table": setting,
	"max_page_count": setting, "query_only": setting, "read_uncommitted": setting, "recursive_triggers": setting, "reverse_unordered_selects": setting,
	"short_column_names": setting, "synchronous": setting, "temp_store": setting, "threads": setting, "trusted_schema": setting, "wal_autocheckpoint": setting,
	"writable_schema": setting,

	"auto_vacuum":         forGood, // waits for the next VACUUM
	"cache_spill":         forGood, // tells another number than it was given
	"case_sensitive_like": forGood, // tells nothing
	"default_cache_size":  forGood, // is of the file and of the connection
	"encoding":            forGood, // waits for the first table
	"journal_mode":        forGood, // but for WAL, which is of the file
	"locking_mode":        forGood, // keeps its locks
	"mmap_size":           forGood, // is of databases that will be attached, too
	"page_size":           forGood, // waits for the next VACUUM
	"secure_delete":       forGood, // is of all databases that are attached
	"shrink_memory":       ofConn,  // frees what nobody can see

	"application_id": stored, "schema_version": stored, "user_version": stored,

	"incremental_vacuum": acts, "optimize": acts, "wal_checkpoint": acts,

	"hard_heap_limit": ofProcess, "soft_heap_limit": ofProcess, "temp_store_directory": ofProcess,
}
