package mysql

import (
	"context"
	"database/sql/driver"

	"github.com/gopooled/pooled/dialect"
)

// cancel ends statements with KILL QUERY, from a connection of its own: go-sql-driver closes the connection of a cancelled context, and
// the server goes on with the statement. A user may kill the statements of its own sessions.
func cancel(connector driver.Connector) *dialect.Cancel {
	return &dialect.Cancel{
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
