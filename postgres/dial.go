package postgres

import (
	"cmp"
	"context"
	"database/sql/driver"
	"io"
	"net"

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
	if dial := dialect.DialerOf(ctx); dial != nil {
		cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return asked{conn, network, address}, nil
		}
		cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	}
	if dialect.CancelsQuery(ctx) {
		cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: conn} }
	}
	if dialect.WantsReadOnly(ctx) { // sent on startup, so that it is what RESET goes back to
		cfg.RuntimeParams["default_transaction_read_only"] = "on"
	}
}

// asked is a network connection that the program has made. Its other end is where it was asked to go, as pgx sends cancel requests there: what the
// connection itself knows may be the address of a proxy, or none, as that of a tunnel.
type asked struct {
	net.Conn
	network, address string
}

// RemoteAddr is where it was asked to go.
func (c asked) RemoteAddr() net.Addr { return endOf(c) }

// endOf is the address of the other end.
type endOf asked

func (e endOf) Network() string { return e.network }
func (e endOf) String() string  { return e.address }

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
