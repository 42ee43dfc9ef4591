package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
)

// writesSQL asks for what new sessions have: a session's own SET changes its setting, and not what RESET would give it.
const writesSQL = `select not pg_catalog.pg_is_in_recovery() and reset_val = 'off' from pg_catalog.pg_settings where name = 'default_transaction_read_only'`

// mayWrite is [dialect.Server].Writes.
func mayWrite(ctx context.Context, conn driver.Conn) (bool, error) {
	c, err := pgxConn(conn)
	if err != nil {
		return false, err
	}
	results, err := c.PgConn().Exec(ctx, writesSQL).ReadAll()
	if err != nil {
		return false, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return false, errors.New("pooled: the server has answered with something else than one row")
	}
	return string(results[0].Rows[0][0]) == "t", nil
}
