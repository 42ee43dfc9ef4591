package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"strconv"
)

// capacitySQL asks for all that limits the connections of a role to a database, and who answers. Before PostgreSQL 16 there is no setting reserved_connections.
const capacitySQL = `select pg_catalog.pg_backend_pid(),
	pg_catalog.current_setting('max_connections'), pg_catalog.current_setting('superuser_reserved_connections'),
	coalesce(pg_catalog.current_setting('reserved_connections', true), '0'),
	case when r.rolsuper then -1 else r.rolconnlimit end, case when r.rolsuper then -1 else d.datconnlimit end
	from pg_catalog.pg_roles r, pg_catalog.pg_database d
	where r.rolname operator(pg_catalog.=) session_user and d.datname operator(pg_catalog.=) pg_catalog.current_database()`

// errProxied answers where the server's figures are not those that count.
var errProxied = errors.New("pooled: a proxy stands before the server, and does not tell how many connections it has room for")

// capacity is [dialect.Server].Capacity. The limits of roles and databases are not for superusers.
func capacity(ctx context.Context, conn driver.Conn) (int, error) {
	c, err := pgxConn(conn)
	if err != nil {
		return 0, err
	}
	if isConsole(c) {
		return 0, errProxied
	}
	row, err := ask(ctx, c, capacitySQL)
	if err != nil {
		return 0, err
	}
	if isProxied(c, row[0]) {
		return 0, errProxied
	}
	var n [5]int
	for i, text := range row[1:] {
		if n[i], err = strconv.Atoi(text); err != nil {
			return 0, err
		}
	}
	room := n[0] - n[1] - n[2]
	for _, limit := range n[3:] {
		if limit >= 0 {
			room = min(room, limit)
		}
	}
	return room, nil
}
