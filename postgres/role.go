package postgres

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/gopooled/pooled/dialect"
)

// roleSQL asks for what new sessions have: a session's own SET changes its setting, and not what RESET would give it.
const roleSQL = `select case when pg_catalog.pg_is_in_recovery() then 'replica' when reset_val = 'off' then 'primary' end
	from pg_catalog.pg_settings where name = 'default_transaction_read_only'`

// role is [dialect.Server].Role.
func role(ctx context.Context, conn driver.Conn) (dialect.ServerRole, error) {
	c, err := pgxConn(conn)
	if err != nil {
		return dialect.RoleUnknown, err
	}
	results, err := c.PgConn().Exec(ctx, roleSQL).ReadAll()
	if err != nil {
		return dialect.RoleUnknown, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return dialect.RoleUnknown, errors.New("pooled: the server has answered with something else than one row")
	}
	switch string(results[0].Rows[0][0]) {
	case "primary":
		return dialect.RolePrimary, nil
	case "replica":
		return dialect.RoleReplica, nil
	default:
		return dialect.RoleUnknown, nil
	}
}

// roleAtLogin is what PostgreSQL 14 and later tells of its role by itself. Nothing that is unknown here is said to be neither: pool_init may have changed the
// session's default.
func roleAtLogin(c *pgconn.PgConn) dialect.ServerRole {
	switch standby := c.ParameterStatus("in_hot_standby"); {
	case standby == "on":
		return dialect.RoleReplica
	case standby == "off" && c.ParameterStatus("default_transaction_read_only") == "off":
		return dialect.RolePrimary
	default:
		return dialect.RoleUnknown
	}
}
