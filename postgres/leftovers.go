package postgres

import (
	"context"
	"database/sql/driver"
)

// leftoversSQL is all that the server tells about the state of a session. What a driver prepares by protocol is no state, and neither are
// settings that hold their default, among them placeholders that exist since a SET (they read as empty instead of NULL).
const leftoversSQL = `
select 'setting ' || name, coalesce(setting, '') from pg_catalog.pg_settings where source = 'session'
union all select 'role', pg_catalog.current_setting('role')
union all select 'user', current_user || ' ' || session_user
union all select 'temporary ' || c.relname, c.relkind::text from pg_catalog.pg_class c where c.relnamespace = pg_catalog.pg_my_temp_schema()
union all select 'temporary type ' || t.typname, '' from pg_catalog.pg_type t where t.typnamespace = pg_catalog.pg_my_temp_schema()
union all select 'temporary function ' || p.proname, '' from pg_catalog.pg_proc p where p.pronamespace = pg_catalog.pg_my_temp_schema()
union all select 'lock ' || l.classid || ' ' || l.objid || ' ' || l.objsubid, l.mode from pg_catalog.pg_locks l
	where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'advisory'
union all select 'listen ' || channel, '' from pg_catalog.pg_listening_channels() channel
union all select 'cursor ' || name, '' from pg_catalog.pg_cursors where is_holdable
union all select 'prepared ' || name, '' from pg_catalog.pg_prepared_statements where from_sql
union all ` + boundSQL

// Leftovers asks the server what it knows of the session.
func (s *sessions) Leftovers(ctx context.Context, conn driver.Conn) (map[string]string, error) {
	c, err := pgxConn(conn)
	if err != nil {
		return nil, err
	}
	results, err := c.PgConn().Exec(ctx, leftoversSQL).ReadAll()
	if err != nil {
		return nil, err
	}
	left := map[string]string{}
	for _, row := range results[0].Rows {
		left[string(row[0])] = string(row[1])
	}
	return left, nil
}
