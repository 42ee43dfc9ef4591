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
		Statement: func(ctx context.Context, session string) error {
			conn, err := connector.Connect(ctx)
			if err != nil {
				return err
			}
			_, err = conn.(driver.ExecerContext).ExecContext(ctx, "kill query "+session, nil)
			_ = conn.Close() // the server has been told, or err says why not
			return err
		},
		Rows: watchRows,
	}
}

// thisServer is an expression that tells servers apart: behind one address there may be several, and each has a session of any number. The comment
// is for MySQL, as MariaDB has no such variable.
const thisServer = "hex(concat_ws('/', @@hostname, @@port, @@server_id, @@datadir /*!50701 , @@server_uuid */))"

// session is what [dialect.Cancel].Statement knows a session by: its number on its server, and on any other one a number that no session has.
func session(id, server string) string {
	if server == "" { // not known, so nobody can be asked
		return ""
	}
	return "if(" + thisServer + " = '" + server + "', " + id + ", 0)"
}
