package pooled

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/callers"
	"github.com/gopooled/pooled/internal/endpoint"
	"github.com/gopooled/pooled/internal/session"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/middleware/breaker"
	"github.com/gopooled/pooled/middleware/leak"
	"github.com/gopooled/pooled/middleware/reset"
	"github.com/gopooled/pooled/policy"
)

// The types that a program needs most are named here too, so that it can do with one import.
type (
	// Config is the settings of a connector. Start from [ParseDSN] or [NewConfig]; see package policy.
	Config = policy.Config
	// Middleware is a policy of one's own; see package middleware.
	Middleware = middleware.Middleware
	// AcquireTimeoutError tells why a session got no server connection in time. It matches [ErrAcquireTimeout].
	AcquireTimeoutError = middleware.AcquireTimeoutError
	// ConnectTimeoutError tells that a server did not answer in time. It matches [ErrConnectTimeout].
	ConnectTimeoutError = middleware.ConnectTimeoutError
	// DrainingError tells that the pool is being drained. It matches [ErrDraining].
	DrainingError = middleware.DrainingError
	// BreakerOpenError tells that a server is cut off. It matches [ErrBreakerOpen].
	BreakerOpenError = middleware.BreakerOpenError
	// ReclaimedError tells that a connection was taken from its holder. It matches [ErrReclaimed].
	ReclaimedError = middleware.ReclaimedError
	// InitError tells that pool_init failed.
	InitError = middleware.InitError
)

// Sentinels for pooled's own refusals, for errors.Is.
var (
	ErrAcquireTimeout = middleware.ErrAcquireTimeout
	ErrConnectTimeout = middleware.ErrConnectTimeout
	ErrBreakerOpen    = middleware.ErrBreakerOpen
	ErrDraining       = middleware.ErrDraining
	ErrReclaimed      = middleware.ErrReclaimed
)

// NewConfig returns the default settings. The real driver (DriverName and DSN, Driver and DSN, or Connector) is still to be set.
func NewConfig() Config { return policy.NewConfig() }

// ParseDSN reads a DSN as sql.Open("pooled", dsn) does.
func ParseDSN(dsn string) (Config, error) { return policy.ParseDSN(dsn) }

// RegisterMiddleware makes a middleware available to DSNs as pool_use=name. It is meant for init functions and the beginning of main,
// and panics when the name is taken. The factory runs once for each connector that names the middleware.
func RegisterMiddleware(name string, factory func(cfg Config) (Middleware, error)) {
	middleware.Register(name, factory)
}

// Connector makes the sessions of one *sql.DB and owns the server connections under them. It is safe for
// concurrent use. db.Close closes it.
type Connector struct {
	endpoint *endpoint.Endpoint
	source   *session.Source
	leak     *leak.Leak       // without its middleware if pool_leak=off
	breaker  *breaker.Breaker // nil: pool_breaker=off
	reset    *reset.Reset     // nil: the dialect knows nothing of sessions
	driver   Driver           // that opened it
}

var _ driver.Connector = (*Connector)(nil)

// NewConnector makes a connector for sql.OpenDB. It checks the settings, keeps a copy of them, and does not connect, unless
// pool_min_idle_conns has it do so in the background. The middlewares come
// after those that cfg.Use names; the first is the outermost.
func NewConnector(cfg Config, middlewares ...Middleware) (*Connector, error) {
	cfg = cfg.Clone()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	named, err := middleware.New(cfg) // those of pool_use
	if err != nil {
		return nil, err
	}
	d, server, err := open(cfg)
	if err != nil {
		return nil, err
	}
	c := &Connector{}
	background := func(f func(context.Context)) bool { return c.endpoint.Background(f) }
	c.leak = leak.New(leak.Options{
		Policy: cfg.Leak, OnLeak: cfg.OnLeak, Holdings: c.holdings, Background: background, Mask: d.Mask, Logger: cfg.Logger,
	})
	var chain []Middleware
	watches := cfg.Leak.Threshold > 0
	if watches {
		chain = append(chain, c.leak.Middleware())
	}
	if cfg.Leak.Reclaim != policy.ReclaimOff && server.Dial == nil {
		return nil, fmt.Errorf("pooled: pool_leak_reclaim needs a network connection that pooled can close, and %s has none that it knows: "+
			"give the DSN of pgx, or one of mysql with tcp or unix", server.Address)
	}
	if cfg.Leak.Reclaim == policy.ReclaimOrphaned && callers.Goroutine() == 0 {
		return nil, errors.New("pooled: pool_leak_reclaim=orphaned needs to know goroutines by their numbers, which this version of Go does not allow: write all, or off")
	}
	chain = append(append(chain, named...), middlewares...)
	if cfg.Breaker.On {
		c.breaker = breaker.New(breaker.Options{
			Policy: cfg.Breaker, Endpoint: server.Address, Classify: d.Classify,
			Probe:      func(ctx context.Context) error { return c.endpoint.Probe(ctx) },
			Background: background, OnStateChange: cfg.OnStateChange, Logger: cfg.Logger,
		})
		chain = append(chain, c.breaker.Middleware())
	}
	switch {
	case server.Sessions != nil:
		c.reset = reset.New(reset.Options{
			Policy: cfg.Reset, Init: cfg.Pool.Init, Sessions: server.Sessions, TellsTx: server.Traits.TellsTx, Logger: cfg.Logger,
			Dead: func(err error) bool { return dialect.Died(d, err) },
		})
		chain = append(chain, c.reset.Middleware())
	case cfg.Reset.Mode == policy.ResetAlways, cfg.Reset.Mode == policy.ResetDiscard:
		return nil, fmt.Errorf("pooled: pool_reset=always and pool_reset=discard need a driver whose sessions pooled knows, which %s is not", server.Address)
	}
	c.endpoint = endpoint.New(endpoint.Options{
		Info: &middleware.Endpoint{
			Name:     server.Address,
			Driver:   cfg.DriverName,
			Dialect:  d.Name(),
			Database: server.Database,
		},
		Server:      server,
		Dialect:     d,
		Pool:        cfg.Pool,
		Statements:  cfg.Statements,
		Middlewares: chain,
		Watched:     watches && (cfg.Leak.Reclaim != policy.ReclaimOff || !server.Traits.ReplacesDialer),
	})
	c.source = session.NewSource(c.endpoint, cfg.Statements.CacheSize, chain)
	return c, nil
}

// open finds the dialect of the real driver and makes a server of its DSN.
func open(cfg Config) (dialect.Dialect, dialect.Server, error) {
	if cfg.Connector != nil {
		d := dialect.ForValue(cfg.Connector.Driver())
		return d, d.Adopt(cfg.Connector), nil
	}
	if cfg.Driver == nil {
		d, err := dialect.ForDriver(cfg.DriverName)
		if err != nil {
			return nil, dialect.Server{}, err
		}
		server, err := d.Open(cfg.DSN)
		return d, server, err
	}
	d := dialect.ForValue(cfg.Driver)
	if d.Owns(cfg.Driver) {
		server, err := d.Open(cfg.DSN)
		return d, server, err
	}
	connector, err := dialect.ConnectorOf(cfg.Driver, cfg.DSN)
	if err != nil {
		return nil, dialect.Server{}, err
	}
	return d, d.Adopt(connector), nil
}

// Connect makes a session. It does not connect to a server: the session does, when its first call needs it.
func (c *Connector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.source.New(), nil
}

// Driver returns a driver that [From] finds the connector by.
func (c *Connector) Driver() driver.Driver { return connectorDriver{c.driver, c} }

// Warm waits until there are pool_min_idle_conns idle connections, or as many as pool_max_conns has room for, and returns the first error of a
// dial. Without it, they are dialled in the background. The texts are statements that the program is about to use: they are prepared on
// these connections as if they had been used often before; see pool_warm_statements.
func (c *Connector) Warm(ctx context.Context, texts ...string) error {
	return c.endpoint.Warm(ctx, texts...)
}

// Evict retires all server connections of an endpoint, such as after its certificates or its DNS entry have changed: idle ones are closed
// now, those in use when they are given back. An empty name means all endpoints.
func (c *Connector) Evict(endpoint string) error {
	if name := c.endpoint.Info().Name; endpoint != "" && endpoint != name {
		return fmt.Errorf("pooled: there is no endpoint %q: it is %q", endpoint, name)
	}
	c.endpoint.Retire()
	return nil
}

// Drain ends the work of a pool, so that nothing is lost at a shutdown: sessions that want a connection get an error that matches
// [ErrDraining], or wait (pool_drain=wait); those that wait already or hold one go on; idle connections are closed now, the
// others when they are given back. It returns when none is left, or when ctx ends, and then with those that are still held. Close the
// *sql.DB after it. A drained pool stays drained.
func (c *Connector) Drain(ctx context.Context) (left []held.Conn, err error) {
	if c.endpoint.Drain(ctx) {
		return nil, nil
	}
	return c.Held(), ctx.Err()
}

// Close closes the idle server connections and waits until they are closed; those in use are closed when they are given back. db.Close calls it.
func (c *Connector) Close() error { return c.endpoint.Close() }
