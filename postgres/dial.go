package postgres

import (
	"cmp"
	"context"
	"database/sql/driver"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/gopooled/pooled/dialect"
)

// configure makes of a configuration what a dial is asked for.
func configure(ctx context.Context, cfg *pgx.ConnConfig) {
	if login, ok := dialect.LoginOf(ctx); ok {
		cfg.User, cfg.Password = cmp.Or(login.User, cfg.User), login.Password
	}
	if dialect.CancelsQuery(ctx) {
		cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: conn} }
	}
	if dialect.WantsReadOnly(ctx) { // sent on startup, so that it is what RESET goes back to
		cfg.RuntimeParams["default_transaction_read_only"] = "on"
	}
}

// adopted is a connector with settings that cannot be changed any more.
type adopted struct{ driver.Connector }

// readOnlySQL makes a session read-only that was not dialled so.
const readOnlySQL = "set session characteristics as transaction read only"

// readOnlyMark is where a connection notes that RESET undoes that.
const readOnlyMark = "github.com/gopooled/pooled/postgres: read only"

// Connect dials the server.
func (a adopted) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := a.Connector.Connect(ctx)
	if err != nil || !dialect.WantsReadOnly(ctx) {
		return conn, err
	}
	c, err := pgxConn(conn)
	if err == nil {
		_, err = c.PgConn().Exec(ctx, readOnlySQL).ReadAll()
	}
	if err != nil {
		_ = conn.Close() // err is the reason
		return nil, err
	}
	c.PgConn().CustomData()[readOnlyMark] = true
	return conn, nil
}

// Close closes the connector, if that is to be done.
func (a adopted) Close() error {
	if c, ok := a.Connector.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// readOnly reports whether a reset has to make a session read-only again.
func readOnly(c *pgx.Conn) bool { return c.PgConn().CustomData()[readOnlyMark] != nil }
