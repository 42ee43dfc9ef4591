package pooled

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/credentials"
	"github.com/gopooled/pooled/internal/endpoint"
	"github.com/gopooled/pooled/internal/history"
	"github.com/gopooled/pooled/internal/middleware/breaker"
	"github.com/gopooled/pooled/internal/middleware/reset"
	"github.com/gopooled/pooled/internal/middleware/sizing"
	"github.com/gopooled/pooled/internal/middleware/sqlcommenter"
	"github.com/gopooled/pooled/internal/middleware/unlimited"
	"github.com/gopooled/pooled/internal/router"
	"github.com/gopooled/pooled/internal/session"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// server is one database server: its endpoint, and the middlewares that are its own.
type server struct {
	dialect.Server
	settings policy.Replica // its own
	pool     policy.Pool
	secrets  *credentials.Keeper // nil: the DSN says what to log in with
	info     *middleware.Endpoint
	endpoint *endpoint.Endpoint
	breaker  *breaker.Breaker // nil: pool_breaker=off
	reset    *reset.Reset     // nil: the dialect knows nothing of sessions
	target   *session.Target
	nested   bool // goroutines that hold a connection are told from others

	history   history.History
	commenter *sqlcommenter.Commenter // nil: pool_sqlcommenter=off
}

// open finds the dialect of the real driver, and makes servers of its DSN and of the replicas.
func open(cfg Config) (dialect.Dialect, []*server, error) {
	d, opens, err := opener(cfg)
	if err != nil {
		return nil, nil, err
	}
	if cfg.Routing.On() {
		servers, err := openCluster(cfg, d, opens)
		return d, servers, err
	}
	s, err := opens(cfg.DSN)
	if err != nil {
		return nil, nil, err
	}
	one, err := newServer(cfg, d, s, policy.Replica{})
	if err != nil {
		return nil, nil, err
	}
	return d, []*server{one}, nil
}

// openCluster makes the servers of a cluster, those of the DSN first.
func openCluster(cfg Config, d dialect.Dialect, opens func(dsn string) (dialect.Server, error)) ([]*server, error) {
	cluster, ok := d.(dialect.Cluster)
	if !ok || cfg.Connector != nil {
		return nil, misconfigured("pooled: pool_routing and pool_replicas need the DSN of a database whose clusters pooled knows: PostgreSQL with pgx, or MySQL with go-sql-driver")
	}
	replicas, err := hosts(cfg, cluster)
	if err != nil {
		return nil, err
	}
	if len(replicas) > router.MostServers {
		return nil, misconfigured("pooled: a cluster of %d servers is too large: %d can be routed to", len(replicas), router.MostServers)
	}
	var servers []*server
	for _, replica := range replicas {
		dsn := replica.DSN
		if replica.Address != "" {
			if dsn, err = cluster.At(cfg.DSN, replica.Address); err != nil {
				return nil, err
			}
		}
		s, err := opens(dsn)
		if err != nil {
			return nil, err
		}
		if s.Replication == nil || s.Sessions == nil {
			return nil, misconfigured("pooled: nobody can ask %s for its role in a cluster", s.Address)
		}
		if slices.ContainsFunc(servers, func(other *server) bool { return other.Address == s.Address }) {
			return nil, misconfigured("pooled: %s is named twice: pool_replicas lists the servers that the DSN does not", s.Address)
		}
		one, err := newServer(cfg, d, s, replica)
		if err != nil {
			return nil, err
		}
		servers = append(servers, one)
	}
	return servers, nil
}

func newServer(cfg Config, d dialect.Dialect, s dialect.Server, settings policy.Replica) (*server, error) {
	s, secrets, err := dialled(cfg, d, s)
	if err != nil {
		return nil, err
	}
	pool := cfg.Pool
	if settings.Pool != nil {
		pool = *settings.Pool
	}
	return &server{
		Server: s, settings: settings, pool: pool, secrets: secrets,
		info: &middleware.Endpoint{Name: s.Address, Driver: cfg.DriverName, Dialect: d.Name(), Database: s.Database},
	}, nil
}

// hosts lists the servers of a cluster, beginning with those of the DSN.
func hosts(cfg Config, cluster dialect.Cluster) ([]policy.Replica, error) {
	addresses, err := cluster.Hosts(cfg.DSN)
	if err != nil {
		return nil, err
	}
	var all []policy.Replica
	for _, address := range addresses {
		all = append(all, policy.Replica{Address: address})
	}
	return append(all, cfg.Routing.Replicas...), nil
}

// opener returns the dialect of the real driver, and what makes a server of a DSN.
func opener(cfg Config) (dialect.Dialect, func(dsn string) (dialect.Server, error), error) {
	switch {
	case cfg.Connector != nil:
		d := dialect.ForValue(cfg.Connector.Driver())
		return d, func(string) (dialect.Server, error) { return d.Adopt(cfg.Connector), nil }, nil
	case cfg.Driver == nil:
		d, err := dialect.ForDriver(cfg.DriverName)
		if err != nil {
			return nil, nil, &ConfigError{Err: err}
		}
		return d, d.Open, nil
	}
	d := dialect.ForValue(cfg.Driver)
	if d.Owns(cfg.Driver) {
		return d, d.Open, nil
	}
	return d, func(dsn string) (dialect.Server, error) {
		connector, err := dialect.ConnectorOf(cfg.Driver, dsn)
		if err != nil {
			return dialect.Server{}, err
		}
		return d.Adopt(connector), nil
	}, nil
}

// furnishing is what the servers of a connector have in common.
type furnishing struct {
	Config
	dialect   dialect.Dialect
	parts     *parts                        // of the connector
	outer     []Middleware                  // those of all servers
	own       []func(server int) Middleware // those that each server has of its own, the first is the outermost
	router    *router.Router                // nil: there is one server
	watched   bool                          // leaks are looked for
	unlimited *unlimited.Unlimited          // tells that a pool has no limit
	unseen    bool                          // others reach server connections: middlewares of the program, or hooks of its own connector
	lastID    *atomic.Uint64

	traceReset func(context.Context, middleware.ServerConn) func(outcome string) // nil: nobody wants to know
}

// chain is what calls go through before it is known which server they go to.
func (f *furnishing) chain() []Middleware {
	if f.router == nil {
		return f.outer
	}
	return append(f.outer[:len(f.outer):len(f.outer)], f.router.Middleware())
}

// furnish makes the endpoint and the middlewares of the server with a number.
func (s *server) furnish(f *furnishing, number int) error {
	var own []Middleware
	for _, of := range f.own {
		own = append(own, of(number))
	}
	if len(f.Queue.Classes) > 1 && s.pool.Limited() { // outside of those that take a connection before next runs, or change the text
		own = append(own, classed(s.callerClass()))
	}
	if f.Breaker.On {
		s.breaker = breaker.New(breaker.Options{
			Policy: f.Breaker, Endpoint: s.Address, Classify: f.dialect.Classify,
			Probe:         func(ctx context.Context) error { return s.endpoint.Probe(ctx) },
			Background:    s.background,
			OnStateChange: f.OnStateChange, Logger: f.Logger,
		})
		own = append(own, s.breaker.Middleware())
		f.parts.add(part{tell: func(p *stats.Pool) { p.Endpoints[number].Breaker = s.breaker.Stats() }})
	}
	if !s.pool.Limited() {
		own = append(own, f.unlimited.Middleware(func() int { return s.endpoint.CountOpen() }))
	}
	all := f.outer[:len(f.outer):len(f.outer)]
	switch {
	case s.Sessions != nil:
		s.reset = reset.New(reset.Options{
			Policy: f.Reset, Endpoint: s.info.Name, Init: s.pool.Init, Sessions: s.Sessions, TellsTx: s.Traits.TellsTx, RowsOver: s.Traits.RowsOver,
			AtDial: f.unseen, Logger: f.Logger,
			Dead: func(err error) bool { return dialect.Died(f.dialect, err) }, Code: f.dialect.Code, Trace: f.traceReset,
		})
		own = append(own, s.reset.Middleware())
		f.parts.add(part{tell: func(p *stats.Pool) { p.Endpoints[number].Reset = s.reset.Stats() }})
		all = append([]Middleware{s.reset.Outermost()}, f.outer...)
	case f.Reset.Mode == policy.ResetAlways, f.Reset.Mode == policy.ResetDiscard:
		return misconfigured("pooled: pool_reset=always and pool_reset=discard need a driver whose sessions pooled knows, which %s is not", s.Address)
	case len(f.Reset.Harmless) > 0:
		return misconfigured("pooled: pool_harmless=%s has no effect, because %s is not of a driver whose sessions pooled knows: leave it out", f.Reset.Harmless[0], s.Address)
	}
	if s.pool.MaxConns == policy.AutoConns { // inside of the one that makes sessions clean
		own = append(own, sizing.New(sizing.Options{
			Endpoint: s.info.Name, Ask: s.Capacity, Limit: func() int { return s.endpoint.Limit() }, Set: func(limit int) { s.endpoint.SetLimit(limit) }, Reserved: f.Queue.Reserved(),
			Dead: func(err error) bool { return dialect.Died(f.dialect, err) }, Logger: f.Logger,
		}).Middleware())
	}
	if f.SQLCommenter.Mode != policy.SQLCommenterOff { // inside all others, which see the caller's text
		s.commenter = sqlcommenter.New(sqlcommenter.Options{
			Policy: f.SQLCommenter, Dialect: f.dialect.Name(), SendsText: s.Traits.SendsText,
		})
		own = append(own, s.commenter.Middleware())
	}
	if s.pool.Role != policy.RoleAny && s.Role == nil {
		return misconfigured("pooled: pool_role needs a driver whose servers pooled can ask for their role, which %s is not of: leave it out", s.Address)
	}
	var zone *time.Location
	if f.TimestampZone != "" {
		if s.ReadTimestampsIn == nil {
			return misconfigured("pooled: pool_timestamp_zone=%s needs the DSN of PostgreSQL with pgx, which %s has not: "+
				"write loc in the DSN of go-sql-driver/mysql, and tell other drivers in their own way", f.TimestampZone, s.Address)
		}
		var err error
		if zone, err = time.LoadLocation(f.TimestampZone); err != nil {
			return err
		}
	}
	// A replica that does not answer any more is cut off by its sockets, as a leak is reclaimed.
	watched := f.watched && (f.Leak.Reclaim != policy.ReclaimOff || !s.Traits.ReplacesDialer) || f.router != nil
	s.endpoint = endpoint.New(endpoint.Options{
		Info:        s.info,
		Server:      s.Server,
		Dialect:     f.dialect,
		Pool:        s.pool,
		Queue:       f.Queue,
		Statements:  f.Statements,
		Zone:        zone,
		Secrets:     s.secrets,
		Middlewares: append(all, own...),
		Watched:     watched,
		Nested:      s.nested,
		LastID:      f.lastID,
		ReadOnly:    number > 0,
		Routed:      f.router != nil,
		Advise:      s.adviser(f),
		Record:      s.record,
		Logger:      f.Logger,
	})
	s.target = session.NewTarget(s.endpoint, own)
	s.endpoint.Open() // only now, as what is dialled at once may ask for the endpoint
	return nil
}

// warm makes idle connections, with these texts prepared as they will be sent.
func (s *server) warm(ctx context.Context, texts []string) error {
	if s.commenter != nil {
		texts = slices.Clone(texts)
		for i, text := range texts {
			texts[i] = s.commenter.Prepared(text)
		}
	}
	return s.endpoint.Warm(ctx, texts...)
}

// callerClass returns what tells the class that a text names.
func (s *server) callerClass() func(text string) string {
	if s.Sessions == nil {
		return genericClass()
	}
	return func(text string) string { return s.Sessions.Statement(text).CallerClass }
}

// adviser returns what logs the dialect's advice when an error shows that the DSN does not fit the server; nil: there is none.
func (s *server) adviser(f *furnishing) func(err error) {
	if s.Advice == nil {
		return nil
	}
	return func(err error) {
		if advice := s.Advice(err); advice != "" {
			f.Logger.Warn("pooled: the DSN does not fit the server", "endpoint", s.Address, "advice", advice, "error", err)
		}
	}
}

// background runs a function on a goroutine of the endpoint.
func (s *server) background(f func(context.Context)) bool { return s.endpoint.Background(f) }

// cutOff reports whether the breaker is open.
func (s *server) cutOff() bool { return s.breaker != nil && s.breaker.Open() }

// setReadOnly has connections dialled for sessions that cannot write, or that can.
func (s *server) setReadOnly(on bool) {
	s.endpoint.SetReadOnly(on)
	if s.reset != nil {
		s.reset.Renew()
	}
}

// record keeps a sample of how the server is, if it is time for one.
func (s *server) record(stats endpoint.Stats) { s.history.Note(s.sample(stats)) }

// sample is how the server is now.
func (s *server) sample(stats endpoint.Stats) history.Sample {
	return history.Sample{
		At: time.Now(), InUse: stats.InUse, Waiting: stats.Queue.Waiting, Acquires: stats.Acquires, Callers: stats.Acquires + stats.Unserved, Dials: stats.Dials,
		Errors: stats.Unserved + stats.Closed.Failed + s.refused(), Waits: stats.Waits,
	}
}

// refused counts what the breaker has refused.
func (s *server) refused() uint64 {
	if s.breaker == nil {
		return 0
	}
	return s.breaker.Stats().Refused
}

// routed is the server as a router knows it.
func (s *server) routed() router.Server {
	return router.Server{
		Info: s.info, Dialect: s.Server, Weight: s.settings.Weight, Zone: s.settings.Zone,
		SetReadOnly: s.setReadOnly, Sever: func() { s.endpoint.Sever() }, CutOff: s.cutOff, Background: s.background,
	}
}
