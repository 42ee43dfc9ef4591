package mysql

import (
	"context"
	"database/sql/driver"

	"github.com/gopooled/pooled/dialect"
)

// roleSQL asks both families in one text, as placesSQL does. innodb_read_only is what tells a reader of Aurora; the last is what new sessions begin with.
const roleSQL = `select @@global.read_only, @@global.innodb_read_only` +
	` /*!50720 , @@global.super_read_only, @@global.transaction_read_only */` +
	` /*M!100002 , @@global.tx_read_only */`

// role is [dialect.Server].Role. A user with the privilege to write all the same is refused nothing.
func role(ctx context.Context, conn driver.Conn) (dialect.ServerRole, error) {
	row, err := one(ctx, conn, roleSQL)
	if err != nil {
		return dialect.RoleUnknown, err
	}
	last := len(row) - 1
	for i, variable := range row {
		switch {
		case !isOn(variable):
		case i == last:
			return dialect.RoleUnknown, nil
		default:
			return dialect.RoleReplica, nil
		}
	}
	return dialect.RolePrimary, nil
}
