package postgres

import (
	"context"
	"database/sql/driver"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Proxied compares the process id that the server knows with the one that the connection was told, as a proxy makes up its own.
func (s *sessions) Proxied(ctx context.Context, conn driver.Conn) (bool, error) {
	c, err := pgxConn(conn)
	if err != nil {
		return false, err
	}
	if isConsole(c) {
		return true, nil
	}
	query := "select pg_catalog.pg_backend_pid()"
	if c.PgConn().TxStatus() != 'I' {
		query = "rollback; " + query
	}
	row, err := ask(ctx, c, query)
	if err != nil {
		return false, err
	}
	return isProxied(c, row[0]), nil
}

// isProxied reports whether the server's process is another one than the connection was told.
func isProxied(c *pgx.Conn, pid string) bool {
	return pid != strconv.FormatUint(uint64(c.PgConn().PID()), 10)
}

// isConsole reports whether the connection leads to PgBouncer's own console, which answers SHOW and nothing else.
func isConsole(c *pgx.Conn) bool {
	return strings.HasSuffix(c.PgConn().ParameterStatus("server_version"), "/bouncer")
}
