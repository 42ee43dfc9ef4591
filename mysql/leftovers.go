package mysql

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"

	"github.com/go-sql-driver/mysql"
)

// Leftovers asks the server what it tells of the session: its variables, its database, and what each family's catalogue shows of
// temporary tables, user variables and locks. What the server has no table for, it cannot tell.
func (s *sessions) Leftovers(ctx context.Context, conn driver.Conn) (map[string]string, error) {
	left := map[string]string{}
	variables, err := pairs(ctx, conn, "show session variables")
	if err != nil {
		return nil, err
	}
	for name, value := range variables {
		if !slices.Contains(moving, name) && !slices.Contains(counting, name) {
			left["variable "+name] = value
		}
	}
	for _, name := range accessModes { // connections that were dialled read-only are compared with others
		if _, readOnly := conn.(readOnlyConn); readOnly == (variables[name] == "ON") && variables[name] != "" {
			left["variable "+name] = "as dialled"
		}
	}
	for _, query := range []string{
		"select 'database', coalesce(database(), '')",
		"select 'role', coalesce(current_role(), '')",
		"select 'last_insert_id', last_insert_id()",
		"select 'transaction', @@in_transaction",
		"select concat('user variable ', variable_name), coalesce(variable_value, '') from information_schema.user_variables where variable_value is not null",
		"select concat('user variable ', variable_name), coalesce(variable_value, '') from performance_schema.user_variables_by_thread " +
			"where variable_value is not null and thread_id = sys.ps_thread_id(connection_id())",
		"select concat('temporary table ', table_name), '' from information_schema.temp_tables_info",
		"select concat('temporary table ', table_name), '' from information_schema.tables where table_type = 'TEMPORARY'",
		"select concat('lock ', lock_type, ' ', table_schema, ' ', table_name), lock_mode from information_schema.metadata_lock_info " +
			"where thread_id = connection_id() and lock_type in ('User lock', 'Table metadata lock')",
	} {
		rows, err := pairs(ctx, conn, query)
		if errors.As(err, new(*mysql.MySQLError)) {
			continue // the family, the version or the user's privileges do not have it
		}
		if err != nil {
			return nil, err
		}
		for name, value := range rows {
			left[name] = value
		}
	}
	return left, nil
}

// counting are variables that change by themselves.
var counting = []string{
	"pseudo_thread_id", "rand_seed1", "rand_seed2", "last_gtid", "gtid_current_pos", "gtid_binlog_pos", "gtid_binlog_state", "gtid_executed",
	"gtid_slave_pos", "in_transaction", "skip_replication", "wsrep_last_seen",
}
