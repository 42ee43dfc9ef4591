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
	globals, err := pairs(ctx, conn, "show global variables")
	if err != nil {
		return nil, err
	}
	for name, value := range variables {
		switch {
		case slices.Contains(moving, name) || slices.Contains(own, name):
		case s.isNew(name, value, globals[name]):
			left["variable "+name] = "as in a new session"
		default:
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
		"select 'transaction of the engine', count(*) from performance_schema.events_transactions_current " +
			"where state = 'ACTIVE' and autocommit = 'NO' and thread_id = sys.ps_thread_id(connection_id())",
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

// isNew reports whether a new session has this value of a variable: the server's own, which somebody may have changed since others were dialled.
func (s *sessions) isNew(name, value, global string) bool {
	f := s.baseline.Load()
	return f != nil && (value == f.variables[name] || value == global && f.variables[name] == f.globals[name])
}
