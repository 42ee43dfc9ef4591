package postgres

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// duplicatePreparedStatement is the SQLSTATE of a name that is taken.
const duplicatePreparedStatement = "42P05"

// advice is [dialect.Server].Advice. A name of pgx's own is never prepared twice on a connection, so the session was another client's before.
func advice(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == duplicatePreparedStatement && (strings.Contains(pg.Message, "stmtcache_") || strings.Contains(pg.Message, "stmt_")) {
		return "the session has a prepared statement of another client: a proxy shares sessions among clients, as PgBouncer does with pool_mode=transaction: " +
			"write default_query_exec_mode=exec, or have PgBouncer 1.21 or later keep track of prepared statements (max_prepared_statements)"
	}
	return ""
}
