package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"

	"github.com/gopooled/pooled/dialect"
)

// cancel ends statements with KILL QUERY, from a connection of its own: go-sql-driver closes the connection of a cancelled context, and
// the server goes on with the statement. A user may kill the statements of its own sessions.
func cancel(connector driver.Connector) *dialect.Cancel {
	return &dialect.Cancel{
		Session: func(ctx context.Context, conn driver.Conn) (string, error) {
			found, err := pairs(ctx, conn, "select 'id', connection_id()")
			if err != nil {
				return "", err
			}
			if _, err := strconv.ParseUint(found["id"], 10, 64); err != nil {
				return "", fmt.Errorf("pooled: %q is not the number of a connection", found["id"])
			}
			return found["id"], nil
		},
		Statement: func(ctx context.Context, id string) error {
			conn, err := connector.Connect(ctx)
			if err != nil {
				return err
			}
			_, err = conn.(driver.ExecerContext).ExecContext(ctx, "kill query "+id, nil)
			_ = conn.Close() // the server has been told, or err says why not
			return err
		},
	}
}
