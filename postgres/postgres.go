// Package postgres is pooled's dialect for PostgreSQL through jackc/pgx. Importing it registers it, and the driver "pooled":
//
//	import _ "github.com/gopooled/pooled/postgres"
//
//	db, err := sql.Open("pooled", "postgres://user:password@host/database")
//
// What it is not: a driver. pgx, in its database/sql form (pgx/v5/stdlib), speaks to the server.
package postgres

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	_ "github.com/gopooled/pooled" // registers the driver
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/pg"
)

func init() { dialect.Register("pgx", Dialect{}) }

// Dialect implements [dialect.Dialect] for pgx's database/sql driver. The zero value is ready to use.
type Dialect struct{}

var _ dialect.Dialect = Dialect{}

// traits of every stdlib connection: the protocol allows one open result.
//
// pgx 5.12 answers driver.ErrBadConn also when it has lost the connection while it waited for the answer: what reads on after the error finds the
// connection closed, and that counts as safe to retry.
var traits = dialect.Traits{OneResult: true, TellsTx: true, DoubtBadConn: true, TypedByText: true, RowsOver: rowsOver}

// rowsOver is [dialect.Traits].RowsOver: pgx keeps the connection busy until the rows are over.
func rowsOver(conn driver.Conn, _ driver.Rows) bool {
	c, ok := conn.(*stdlib.Conn)
	return ok && !c.Conn().PgConn().IsBusy()
}

// traitsOf are those of the connections with a configuration. PgBouncer's users choose a mode in which nothing is prepared.
func traitsOf(cfg *pgx.ConnConfig) dialect.Traits {
	t := traits
	t.PreparesQueries = cfg.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
	t.Unprepared = !t.PreparesQueries
	t.SendsText = sendsText(cfg.DefaultQueryExecMode)
	t.TakesLogin = true
	return t
}

// Name returns "postgres".
func (Dialect) Name() string { return "postgres" }

// Owns reports whether d is pgx's driver.
func (Dialect) Owns(d driver.Driver) bool {
	_, ok := d.(*stdlib.Driver)
	return ok
}

// Open parses a URL or keyword/value DSN, with the environment filling in what it leaves out, as pgx does.
// Names returned by stdlib.RegisterConnConfig work too.
func (Dialect) Open(dsn string) (dialect.Server, error) {
	if strings.HasPrefix(dsn, registeredConfig) {
		return openRegistered(dsn), nil
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return dialect.Server{}, err
	}
	c := connector{func(context.Context) (*pgx.ConnConfig, error) { return pgx.ParseConfig(dsn) }}
	sessions := newSessions()
	return dialect.Server{
		Connector: c,
		Dial:      c.dial,
		Address:   address(cfg),

		DialThrough: c.dial,
		Database:    cfg.Database,
		Traits:      traitsOf(cfg),
		Plan:        sessions.plan,
		Sessions:    sessions,
		Dialled:     sessions.dialled,
		Advice:      advice,

		ContextError:     contextError,
		EndedIdle:        endedIdle,
		ReadTimestampsIn: readTimestampsIn,
		Replication:      &replication{},
		Capacity:         capacity,
		Role:             role,
	}, nil
}

// connector asks for the configuration anew for each dial, as pgx's own parses the DSN anew: passwords and certificates in files may have changed.
type connector struct {
	config func(ctx context.Context) (*pgx.ConnConfig, error)
}

// Connect dials the server.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	cfg, err := c.config(ctx)
	if err != nil {
		return nil, err
	}
	configure(ctx, cfg)
	return stdlib.GetConnector(*cfg, stdlib.OptionShouldPing(never)).Connect(ctx)
}

// dial is Connect through a socket.
func (c connector) dial(ctx context.Context) (driver.Conn, *dialect.Socket, error) {
	cfg, err := c.config(ctx)
	if err != nil {
		return nil, nil, err
	}
	configure(ctx, cfg)
	dial := cfg.DialFunc
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return dialect.NewSocket(conn), nil
	}
	conn, err := stdlib.GetConnector(*cfg, stdlib.OptionShouldPing(never)).Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	under := conn.(*stdlib.Conn).Conn().PgConn().Conn()
	if encrypted, ok := under.(*tls.Conn); ok {
		under = encrypted.NetConn()
	}
	socket, _ := under.(*dialect.Socket)
	return conn, socket, nil
}

// Driver returns pgx's driver.
func (connector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// Mask hides the literals of a statement.
func (Dialect) Mask(text string) string { return pg.Mask(text) }

// Summary names the operations and targets of a statement.
func (Dialect) Summary(text string) string { return pg.Summary(text) }

// Adopt takes a connector made with stdlib.GetConnector. Its connections keep the rule for pings that it was made with.
func (Dialect) Adopt(c driver.Connector) dialect.Server {
	t := traits
	t.PingsOnReset = true
	t.SendsText = sendsText(pgx.QueryExecModeCacheStatement) // it may be that one
	sessions := newSessions()
	return dialect.Server{Connector: adopted{c}, Address: "postgres", Traits: t, Sessions: sessions, Dialled: sessions.dialled, Advice: advice, ContextError: contextError, EndedIdle: endedIdle, Replication: &replication{}, Capacity: capacity, Role: role}
}

// never replaces pgx's rule to ping what was idle for a second: pool_validate_after decides.
func never(context.Context, stdlib.ShouldPingParams) bool { return false }

// address joins host and port; a Unix socket is named by its directory and port, as in libpq's messages.
func address(cfg *pgx.ConnConfig) string {
	return net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port)))
}

// Gone returns pgx's own channel: after a cancelled context pgx cancels the statement and closes the socket in the background.
func (Dialect) Gone(conn driver.Conn) <-chan struct{} {
	if c, ok := conn.(*stdlib.Conn); ok {
		return c.Conn().PgConn().CleanupDone()
	}
	return nil
}

// State reads pgx's own view of the connection.
func (Dialect) State(conn driver.Conn) dialect.ConnState {
	c, ok := conn.(*stdlib.Conn)
	switch {
	case !ok:
		return dialect.StateUnknown
	case c.Conn().IsClosed():
		return dialect.StateClosed
	case c.Conn().PgConn().TxStatus() != 'I':
		return dialect.StateInTx
	default:
		return dialect.StateIdle
	}
}
