package pg

import (
	"maps"
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// set judges SET.
func set(w *walk) (dialect.Class, dialect.Effects) {
	w.run()
	effects := w.effects
	if w.namesTemp() {
		effects |= dialect.TempTable // search_path = pg_temp: what is created next is temporary
	}
	i, local := 1, false
	switch {
	case w.at(1).is("local") && !w.isVariable(1):
		i, local = 2, true
	case w.at(1).is("session") && !w.isVariable(1) && !w.at(2).is("authorization") && !w.at(2).is("characteristics"):
		i = 2
	}
	what := w.at(i)
	if (what.is("transaction") || what.is("constraints")) && !w.isVariable(i) {
		return dialect.TxControl, effects
	}
	effects |= w.outlives(i) | w.encoding(i)
	switch {
	case local && !w.at(i+1).is("characteristics"):
		return dialect.SessionControl, effects
	case w.isRole(i):
		return dialect.SessionControl, effects | dialect.Role
	}
	return dialect.SessionControl, effects | dialect.Setting
}

// reset judges RESET.
func reset(w *walk) (dialect.Class, dialect.Effects) {
	if w.isRole(1) {
		return dialect.SessionControl, dialect.Role
	}
	return dialect.SessionControl, dialect.Setting | w.outlives(1)
}

// isVariable reports whether the word at i is the name of a variable, though it is a keyword: SET local = 1, SET local.x TO 1.
func (w *walk) isVariable(i int) bool {
	next := w.at(i + 1)
	return next.isPunct('.') || next.isOperator('=') || next.is("to") || next.is("from")
}

// isRole reports whether what is set at i is the role. The server finds variables in any case of letters, even quoted ones.
func (w *walk) isRole(i int) bool {
	t := w.at(i)
	if !t.isName() || w.at(i+1).isPunct('.') {
		return false
	}
	return strings.EqualFold(t.text, "role") || strings.EqualFold(t.text, "session_authorization") ||
		t.is("session") && w.at(i+1).is("authorization")
}

// outlives is what stays of the setting that is named at i, though it is set back or its transaction ends.
func (w *walk) outlives(i int) dialect.Effects {
	name := w.at(i).text
	if w.at(i + 1).isPunct('.') {
		name += "." + w.at(i+2).text
	}
	return w.kept(name)
}

// kept is outlives, with a reason.
func (w *walk) kept(name string) dialect.Effects {
	effects := Outlives(name)
	if effects&dialect.Permanent != 0 {
		w.costs("nothing sets back what " + strings.ToLower(name) + " was")
	}
	return effects
}

// Outlives is what stays of a setting, though it is set back or its transaction ends: what a prepared statement has taken over into its meaning or
// its plan. Only of those in a list, and those that a program names for itself, with a dot, is it known that they leave nothing.
func Outlives(name string) dialect.Effects {
	name = strings.ToLower(name)
	switch {
	case forGood[name]:
		return dialect.Permanent
	case indifferent[name], strings.IndexByte(name, '.') >= 0:
		return 0
	default:
		return dialect.Plans
	}
}

// forGood are settings that nothing undoes. seed is setseed by another way. The others are how a text, or the source of a function, is read for the
// first time, which is never done again.
var forGood = words(`seed standard_conforming_strings backslash_quote plpgsql.variable_conflict plpgsql.print_strict_params
	plpgsql.extra_warnings plpgsql.extra_errors`)

// ForGood returns the first name in the source of a function, or in that of a DO block, of a setting that nothing undoes or of a function of the server's
// own that leaves such a thing; empty: there is none. Not seed, which a full reset undoes.
func ForGood(source string) string {
	source = strings.ToLower(source)
	for _, name := range lasting {
		if strings.Contains(source, name) {
			return name
		}
	}
	return ""
}

// lasting are these names. A replication origin can be looked for only by who may set one up, which a function may do for others.
var lasting = append(slices.DeleteFunc(slices.Sorted(maps.Keys(forGood)), func(name string) bool { return name == "seed" }),
	"pg_backup_start", "pg_start_backup", "pg_replication_origin_session_setup")

// indifferent are settings that a prepared statement keeps nothing of, with the words for them that are no names: they say how, when and how long it
// is run, or the server looks at them each time (the role, row_security), or has all plans made anew by itself (session_replication_role). Not
// search_path, though the server reads statements anew when it has changed: the types of their arguments stay.
var indifferent = words(`
	role session_authorization session transaction row_security session_replication_role
	application_name client_encoding names client_min_messages
	statement_timeout lock_timeout idle_in_transaction_session_timeout idle_session_timeout transaction_timeout deadlock_timeout
	client_connection_check_interval tcp_keepalives_idle tcp_keepalives_interval tcp_keepalives_count tcp_user_timeout
	transaction_isolation transaction_read_only transaction_deferrable
	default_transaction_isolation default_transaction_read_only default_transaction_deferrable
	synchronous_commit commit_delay commit_siblings
	default_tablespace temp_tablespaces default_table_access_method default_toast_compression
	maintenance_work_mem temp_file_limit logical_decoding_work_mem
	log_statement log_duration log_min_duration_statement log_min_messages log_min_error_statement log_lock_waits log_temp_files
	password_encryption check_function_bodies event_triggers lc_messages`)

// namesTemp reports whether a value may spell pg_temp.
func (w *walk) namesTemp() bool {
	for i := range w.tokens {
		switch t := &w.tokens[i]; t.kind {
		case word, quoted, literal:
			if t.odd || containsFold(t.text, "pg_temp") {
				return true
			}
		}
	}
	return false
}
