package pooled

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/callers"
	"github.com/gopooled/pooled/internal/events"
	"github.com/gopooled/pooled/internal/logs"
	"github.com/gopooled/pooled/internal/middleware/leak"
	"github.com/gopooled/pooled/internal/middleware/telemetry"
	"github.com/gopooled/pooled/internal/middleware/unlimited"
	"github.com/gopooled/pooled/internal/router"
	"github.com/gopooled/pooled/internal/session"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// The types that a program needs most are named here too, so that it can do with one import.
type (
	// Config is the settings of a connector. Start from [ParseDSN] or [NewConfig]; see package policy.
	Config = policy.Config
	// Profile is a word for settings that are wanted together: see [Config.UseProfile].
	Profile = policy.Profile
	// Credentials are what a server is logged in to with: see [policy.Config].
	Credentials = policy.Credentials
	// Replica is one more server of a cluster: see [policy.Routing].
	Replica = policy.Replica
	// Middleware is a policy of one's own; see package middleware.
	Middleware = middleware.Middleware
	// AcquireTimeoutError tells why a session got no server connection in time. It matches [ErrAcquireTimeout].
	AcquireTimeoutError = middleware.AcquireTimeoutError
	// OverloadedError tells that too many wait for a server connection. It matches [ErrOverloaded].
	OverloadedError = middleware.OverloadedError
	// NestedError tells that a goroutine holds a server connection already. It matches [ErrNested].
	NestedError = middleware.NestedError
	// DeadlockError tells which goroutines waited for each other. It matches [ErrDeadlock].
	DeadlockError = middleware.DeadlockError
	// ConnectTimeoutError tells that a server did not answer in time. It matches [ErrConnectTimeout].
	ConnectTimeoutError = middleware.ConnectTimeoutError
	// DrainingError tells that the pool is being drained. It matches [ErrDraining].
	DrainingError = middleware.DrainingError
	// BreakerOpenError tells that a server is cut off. It matches [ErrBreakerOpen].
	BreakerOpenError = middleware.BreakerOpenError
	// NoPrimaryError tells that there was no server to write to. It matches [ErrNoPrimary].
	NoPrimaryError = middleware.NoPrimaryError
	// RoleError tells that a new connection led to a server of another role. It matches [ErrRole].
	RoleError = middleware.RoleError
	// NoReplicaError tells that no replica may answer a read. It matches [ErrNoReplica].
	NoReplicaError = middleware.NoReplicaError
	// ReclaimedError tells that a connection was taken from its holder. It matches [ErrReclaimed].
	ReclaimedError = middleware.ReclaimedError
	// InitError tells that pool_init failed. It matches [ErrInit].
	InitError = middleware.InitError
	// CredentialsError tells that there was nothing to log in with. It matches [ErrCredentials].
	CredentialsError = dialect.CredentialsError
	// ConfigError tells what is wrong with a DSN or a Config. It matches [ErrConfig].
	ConfigError = policy.ConfigError
)

// The profiles.
const (
	ProfileNone    = policy.ProfileNone
	ProfileService = policy.ProfileService
)

// Sentinels for pooled's own errors, for errors.Is.
var (
	ErrAcquireTimeout = middleware.ErrAcquireTimeout
	ErrOverloaded     = middleware.ErrOverloaded
	ErrNested         = middleware.ErrNested
	ErrDeadlock       = middleware.ErrDeadlock
	ErrConnectTimeout = middleware.ErrConnectTimeout
	ErrBreakerOpen    = middleware.ErrBreakerOpen
	ErrDraining       = middleware.ErrDraining
	ErrNoPrimary      = middleware.ErrNoPrimary
	ErrRole           = middleware.ErrRole
	ErrNoReplica      = middleware.ErrNoReplica
	ErrReclaimed      = middleware.ErrReclaimed
	ErrInit           = middleware.ErrInit
	ErrCredentials    = dialect.ErrCredentials
	ErrConfig         = policy.ErrConfig
	// ErrNoEndpoint says that the pool has no server of this name.
	ErrNoEndpoint = errors.New("pooled: there is no such endpoint")
	// ErrNotPooled says that a connection is not one of a DB that was opened with pooled.
	ErrNotPooled = errors.New("pooled: this connection is none of a DB opened with pooled")
)

// NewConfig returns the default settings. The real driver (DriverName and DSN, Driver and DSN, or Connector) is still to be set.
func NewConfig() Config { return policy.NewConfig() }

// ParseDSN reads a DSN as sql.Open("pooled", dsn) does.
func ParseDSN(dsn string) (Config, error) { return policy.ParseDSN(dsn) }

// Connector makes the sessions of an *sql.DB and owns the server connections under them. It is safe for
// concurrent use. db.Close closes it. Several *sql.DB that are given the same connector share its server connections.
type Connector struct {
	names   []string  // that the pool has taken, the first is its own: see takeNames
	servers []*server // the first is the one that the DSN leads to
	source  *session.Source
	router  *router.Router // nil: there is nothing to choose
	leak    *leak.Leak     // without its middleware if pool_leak=off
	parts   parts          // pooled's own policies
	driver  Driver         // that opened it
	life    life

	// What follows is for the page.
	config Config        // as it was given
	events events.Recent // that were logged
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
	own, err := used(cfg) // those of pool_use
	if err != nil {
		return nil, err
	}
	told, err := named(cfg)
	if err != nil {
		return nil, err
	}
	d, servers, err := open(told)
	if err != nil {
		return nil, err
	}
	c := &Connector{config: cfg, servers: servers, names: takeNames(cfg.Name, servers)}
	if err := c.furnish(d, append(own, middlewares...)); err != nil {
		if closing := c.Close(); closing != nil {
			err = errors.Join(err, closing)
		}
		return nil, err
	}
	return c, nil
}

// furnish makes the middlewares and the endpoints. If it fails, Close ends what it has begun. The program's own middlewares come after those of pooled's that are
// outermost, and before the others.
func (c *Connector) furnish(d dialect.Dialect, own []Middleware) error {
	f := &furnishing{Config: c.config, dialect: d, parts: &c.parts, lastID: new(atomic.Uint64)}
	f.Logger = logs.New(f.Logger, c.events.Note).With("pool", c.name()) // only now: the limits are not for what middlewares of users log
	f.unlimited = unlimited.New(unlimited.Options{Logger: f.Logger})
	if err := c.addTelemetry(f); err != nil {
		return err
	}
	if err := c.addLeaks(f); err != nil {
		return err
	}
	f.outer = append(f.outer, own...)
	f.unseen = len(own) > 0 || f.Connector != nil || f.Driver != nil && !d.Owns(f.Driver)
	c.addRouter(f)
	if err := c.addNested(f); err != nil {
		return err
	}
	var targets []*session.Target
	for i, s := range c.servers {
		if err := s.furnish(f, i); err != nil {
			return err
		}
		targets = append(targets, s.target)
	}
	c.source = session.NewSource(targets, f.Statements.CacheSize, f.chain(), session.Life{Resting: &c.life.resting, Wake: c.wake, Ended: c.ended})
	return c.parts.begin()
}

// addTelemetry has OpenTelemetry told of calls and figures.
func (c *Connector) addTelemetry(f *furnishing) error {
	if !f.Tracing.On {
		return nil
	}
	o := telemetry.Options{
		TracerProvider: f.Tracing.TracerProvider, MeterProvider: f.Tracing.MeterProvider, HideText: f.Tracing.HideText,
		Summary: f.dialect.Summary, Mask: f.dialect.Mask, Code: f.dialect.Code,
	}
	for _, s := range c.servers {
		o.Servers = append(o.Servers, s.info)
	}
	if len(f.Queue.Classes) > 1 {
		for _, class := range f.Queue.Classes {
			o.Classes = append(o.Classes, class.Name)
		}
	}
	t, err := telemetry.New(o)
	if err != nil {
		return err
	}
	f.outer = append(f.outer, t.Middleware())
	f.traceReset = t.Reset
	c.parts.add(part{begin: func() error { return t.Observe(c.Stats) }, end: t.Close})
	return nil
}

// addLeaks has connections watched that are held and not used.
func (c *Connector) addLeaks(f *furnishing) error {
	if err := canReclaim(f.Leak.Reclaim, c.servers); err != nil {
		return err
	}
	c.leak = leak.New(leak.Options{
		Policy: f.Leak, OnLeak: f.OnLeak, Holdings: c.holdings, Background: c.servers[0].background, Mask: f.dialect.Mask, Logger: f.Logger,
	})
	if f.watched = f.Leak.Threshold > 0; f.watched {
		f.outer = append(f.outer, c.leak.Middleware())
	}
	c.parts.add(part{tell: func(p *stats.Pool) { p.Leak = c.leak.Stats() }})
	return nil
}

// canReclaim tells why connections cannot be taken from their holders.
func canReclaim(mode policy.ReclaimMode, servers []*server) error {
	if mode == policy.ReclaimOff {
		return nil
	}
	for _, s := range servers {
		if s.Dial == nil {
			return misconfigured("pooled: pool_leak_reclaim needs a network connection that pooled can close, and %s has none that it knows: "+
				"give the DSN of pgx, or one of mysql with tcp or unix", s.Address)
		}
	}
	if mode == policy.ReclaimOrphaned && callers.Goroutine() == 0 {
		return misconfigured("pooled: pool_leak_reclaim=orphaned needs to know goroutines by their numbers, which this version of Go does not allow: write all, or off")
	}
	return nil
}

// addRouter has each call go to the server where it belongs, if there are several.
func (c *Connector) addRouter(f *furnishing) {
	if !f.Routing.On() {
		return
	}
	o := router.Options{Policy: f.Routing, Classify: f.dialect.Classify, Cluster: f.dialect.(dialect.Cluster), Mask: f.dialect.Mask, Logger: f.Logger}
	for _, s := range c.servers {
		o.Servers = append(o.Servers, s.routed())
	}
	c.router = router.New(o)
	f.router = c.router
	f.own = append(f.own, c.router.ServerMiddleware)
	c.parts.add(part{
		tell: func(p *stats.Pool) { p.Routing = c.router.Stats() },
		end:  func() error { c.router.Rest(); return nil },
	})
}

// addNested has an eye on goroutines that take a connection while they hold one.
func (c *Connector) addNested(f *furnishing) error {
	n, err := newNested(f.Config, f.dialect, c.servers)
	if n == nil || err != nil {
		return err
	}
	f.own = append(f.own, n.Middleware)
	c.parts.add(part{tell: func(p *stats.Pool) {
		for i := range p.Endpoints {
			p.Endpoints[i].Nested = n.Stats(i)
		}
	}})
	return nil
}

// misconfigured is an error of settings that only the connector can find.
func misconfigured(format string, args ...any) error {
	return &ConfigError{Err: fmt.Errorf(format, args...)}
}

// Driver returns a driver that [From] finds the connector by.
func (c *Connector) Driver() driver.Driver { return connectorDriver{c.driver, c} }

// Warm waits until there are pool_min_idle_conns idle connections, or as many as pool_max_conns has room for, and returns the first error of a
// dial. Without it, they are dialled in the background. The texts are statements that the program is about to use: they are prepared on
// these connections as if they had been used often before; see pool_warm_statements.
func (c *Connector) Warm(ctx context.Context, texts ...string) error {
	if c.router != nil { // which knows what kind of connections a server needs
		if err := c.router.Ready(ctx); err != nil {
			return err
		}
	}
	errs := make([]error, len(c.servers))
	var wg sync.WaitGroup
	for i, s := range c.servers {
		wg.Go(func() { errs[i] = s.warm(ctx, texts) })
	}
	wg.Wait()
	return cmp.Or(errs...)
}

// Evict retires all server connections of an endpoint, such as after its certificates or its DNS entry have changed: idle ones are closed
// now, those in use, or being dialled, when they are given back. An empty name means all endpoints.
func (c *Connector) Evict(endpoint string) error {
	var names []string
	found := false
	for _, s := range c.servers {
		names = append(names, strconv.Quote(s.info.Name))
		if endpoint == "" || endpoint == s.info.Name {
			s.endpoint.Evict()
			found = true
		}
	}
	if !found {
		return fmt.Errorf("%w: %q is not %s", ErrNoEndpoint, endpoint, strings.Join(names, " or "))
	}
	return nil
}

// Drain ends the work of a pool, so that nothing is lost at a shutdown: sessions that want a connection get an error that matches
// [ErrDraining], or wait (pool_drain=wait); those that wait already or hold one go on; idle connections are closed now, the
// others when they are given back. It returns when none is left, or when ctx ends, and then with those that are still held. Close the
// *sql.DB after it. A drained pool stays drained.
func (c *Connector) Drain(ctx context.Context) (left []held.Conn, err error) {
	var busy atomic.Bool
	var wg sync.WaitGroup
	for _, s := range c.servers {
		wg.Go(func() {
			if !s.endpoint.Drain(ctx) {
				busy.Store(true)
			}
		})
	}
	wg.Wait()
	if !busy.Load() {
		return nil, nil
	}
	return c.Held(), ctx.Err()
}
