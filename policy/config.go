package policy

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/gopooled/pooled/held"
)

// Values of a setting that are words in a DSN.
const (
	// AutoConns as [Pool].MaxConns is a modest share of what the server has room for, by its own figures. In a DSN: auto.
	AutoConns = -1
	// AllIdle as [Pool].MaxIdleConns keeps as many idle connections as were in use. In a DSN: all.
	AllIdle = -1
	// AutoIdle as [Pool].MaxIdleConns keeps as many idle connections as the last minute has needed at its peak, and lets the rest go gradually. In a
	// DSN: auto.
	AutoIdle = -2
	// AutoJitter as [Pool].MaxConnLifetimeJitter is 10 % of the lifetime. In a DSN: auto.
	AutoJitter time.Duration = -1
	// AutoQueue as [Queue].Target or Interval goes by how long connections are held. In a DSN: auto.
	AutoQueue time.Duration = -1
	// NoWaiters as [Queue].MaxWaiters lets nobody wait. In a DSN: none.
	NoWaiters = -1
	// NeverValidate as [Pool].ValidateAfter never pings a connection that is borrowed. In a DSN: never.
	NeverValidate time.Duration = -1
)

// Config is everything that can be set about one pool. Start from [NewConfig] or [ParseDSN]: in a Config literal each
// setting left out would be 0, which is not its default but what the field says about 0, so that a literal is refused.
//
// A Config is data: whoever takes one clones it and does not see later changes. It is not safe for changes while others
// read it.
type Config struct {
	// DriverName is the name by which database/sql knows the real driver ("pgx", "mysql", "sqlite"): pool_driver. Empty
	// is right only with a Driver or a Connector. Never one of pooled's own names.
	DriverName string
	// DSN is the real driver's own DSN, with no pool_ keys in it. May be empty: pgx then reads its environment.
	DSN string
	// Driver, if not nil, is the real driver, in place of the one named DriverName; DSN is passed to it. Only in Go.
	Driver driver.Driver
	// Connector, if not nil, dials the server connections, in place of DriverName and DSN. Only in Go, and not together
	// with Driver.
	Connector driver.Connector
	// PasswordFile is the path of a file with the password, which is read at each dial, as it may be replaced at any time: pool_password_file. A line break at
	// its end is cut off. It goes before the password of the DSN. If another password is read than before, connections that were logged in with that one are replaced
	// in the course of a minute, when they are idle. A file that cannot be read, or is empty, is a [pooled.CredentialsError] of the dial. Empty, the default, = the password
	// of the DSN.
	PasswordFile string
	// Credentials tells what to log in with to the endpoint of that name, for each dial of a connection, of a monitor and of KILL QUERY, in place of the user and
	// the password of the DSN: tokens that expire, or what a vault gives out. It is called once at a time for each endpoint; others wait for the answer, which is kept
	// until shortly before [Credentials].Expires, and asked for once more if the server refuses it. It may be called for several endpoints at once. The context is that of
	// the dial. Its error fails the dial, as the cause of a [pooled.CredentialsError]; do not put a secret into it. If it tells of another user than before, connections of that one
	// are replaced in the course of a minute, when they are idle; another password of the same user replaces none. Nil = those of the DSN, or what CredentialsName and PasswordFile say. Only in Go.
	Credentials func(ctx context.Context, endpoint string) (Credentials, error)
	// CredentialsName names a function that was given to [pooled.RegisterCredentials], for use as Credentials: pool_credentials. Empty = none.
	CredentialsName string
	// Dial makes all network connections to the servers, also those of monitors and cancellations: a tunnel, a cloud's connector, a proxy. It is given network and
	// address as the DSN has them, such as tcp and db.internal:5432, with names as they are; TLS is spoken over what it returns, if the DSN says so. Connections can be reclaimed
	// and their statements cancelled as usual. It may be called many times at once, and may be asked with a context that has a second left. Its error is that of the dial, as the real driver
	// passes it on. Nil = the real driver dials, or what DialerName says. Only in Go.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// DialerName names a function that was given to [pooled.RegisterDialer], for use as Dial: pool_dialer. Empty = none.
	DialerName string
	// Name tells this pool from the other pools of the program, in metrics, logs, statistics and on the page: pool_name. Letters, digits, - and _. Empty,
	// the default, = the address of the server and the database, such as db.internal:5432/shop. If another open pool of the program has the name already, #2
	// is added to it, or the next number that is free.
	Name string
	// Use names registered middlewares, the first is the outermost: pool_use. Empty = none.
	Use []string
	// Pool is how server connections are kept.
	Pool Pool
	// TimestampZone is the name of the time zone in which values of PostgreSQL's type timestamp are read: pool_timestamp_zone. Empty, the default, =
	// UTC, as pgx does.
	TimestampZone string
	// Statements is how prepared statements are kept.
	Statements Statements
	// Reset is how sessions are made clean.
	Reset Reset
	// Leak is how connections are found that somebody holds and nobody uses.
	Leak Leak
	// OnLeak is called for each connection that is reported as a leak, after it was logged, on the goroutine that watches, which
	// watches nothing meanwhile: it must not wait for a connection of this pool, nor close it. Nil = nothing is called. Only in Go.
	OnLeak func(held.Leak)
	// Queue is what becomes of those who have to wait for one of Pool.MaxConns connections.
	Queue Queue
	// Nested is what becomes of a goroutine that takes a server connection while it holds another one: pool_nested. The zero value is [NestedWarn], the default.
	Nested NestedMode
	// Breaker is when an endpoint is cut off because its server is in trouble.
	Breaker Breaker
	// OnStateChange is called when the breaker of an endpoint changes its state, one change at a time, on a goroutine of the endpoint or of
	// a caller: it should return soon. Nil = nothing is called. Only in Go.
	OnStateChange func(BreakerChange)
	// Routing is which of several servers of a cluster a statement goes to.
	Routing Routing
	// Tracing is what is told to OpenTelemetry.
	Tracing Tracing
	// SQLCommenter is what statements tell the server about their caller.
	SQLCommenter SQLCommenter
	// Logger gets background events: docs/observability.md lists the messages, levels and keys. Records of one kind are limited. Nil =
	// slog.Default(), as it is when something is logged. Only in Go.
	Logger *slog.Logger

	begun   bool    // by NewConfig: it is no literal
	profile Profile // what it began with; the fields say what holds
}

// CancelMode is pool_cancel.
type CancelMode uint8

// The ways to end a statement whose context was cancelled.
const (
	// CancelQuery, the default, cancels it on the server, and keeps the connection, where pooled dials pgx or go-sql-driver/mysql itself.
	CancelQuery CancelMode = iota
	// CancelClose closes the connection, as the real drivers do by themselves.
	CancelClose
)

// Role is pool_role.
type Role uint8

// The roles of the server that new connections may lead to.
const (
	// RoleAny, the default, is any.
	RoleAny Role = iota
	// RolePrimary is one that lets new sessions write.
	RolePrimary
	// RoleReplica is one that replicates from another, and does not write.
	RoleReplica
)

// DrainMode is pool_drain.
type DrainMode uint8

// What sessions get that want a connection of a pool that is being drained.
const (
	// DrainRefuse, the default, is an error that matches ErrDraining, at once.
	DrainRefuse DrainMode = iota
	// DrainWait has them wait, until their context or the pool ends.
	DrainWait
)

// Pool is how many server connections an endpoint keeps, for how long, and what is asked of them. A connection may live
// or be idle somewhat longer than its limit: limits are looked at when it is borrowed or given back, and now and then.
type Pool struct {
	// MaxConns is how many server connections may exist, in use and idle: pool_max_conns. 0, the default, = no limit. [AutoConns] = a quarter of those that
	// the server has room for, but not more than 20, or 4 for each CPU that the program may use; [UntoldConns] as long as the server has not told.
	MaxConns int
	// MaxIdleConns is how many of them may be idle: pool_max_idle_conns. 0 = none, so that every connection is closed when
	// it is given back; the default is [AutoIdle]. At most MaxConns, if that is set.
	MaxIdleConns int
	// MinIdleConns is how many idle connections are kept ready: pool_min_idle_conns. They are dialled in the background as soon as the pool
	// is made, and when there are fewer. 0, the default, = none. At most MaxConns and MaxIdleConns.
	MinIdleConns int
	// WarmStatements is how many of the statements used most are prepared on a connection that is dialled to be kept ready:
	// pool_warm_statements, 16 by default. 0 = none; never more than [Statements].CacheSize.
	WarmStatements int
	// MaxConnLifetime is how long a connection is used after it was dialled: pool_max_conn_lifetime, 1h by default.
	// 0 = no limit.
	MaxConnLifetime time.Duration
	// MaxConnLifetimeJitter is added to the lifetime, for each connection a random part of it, so that connections dialled
	// together are not closed together: pool_max_conn_lifetime_jitter. 0 = none; the default is [AutoJitter].
	MaxConnLifetimeJitter time.Duration
	// MaxConnIdleTime is how long a connection may stay idle: pool_max_conn_idle_time, 30m by default. 0 = no limit.
	MaxConnIdleTime time.Duration
	// AcquireTimeout is how long a session waits for a server connection: pool_acquire_timeout. 0, the default, = as long
	// as the caller's context allows. Neither cuts a dial short: it goes on for up to a second, within ConnectTimeout, and the next
	// session gets the connection.
	AcquireTimeout time.Duration
	// ConnectTimeout is how long dialling may take, logging in and Init included: pool_connect_timeout, 10s by default. The ping
	// of an idle connection counts towards it, and gets half of it at most. 0 = no limit besides the real driver's own.
	ConnectTimeout time.Duration
	// ValidateAfter says that a connection idle for longer is pinged when it is borrowed: pool_validate_after, 1s by
	// default. 0 = at every borrow; [NeverValidate] = at none.
	ValidateAfter time.Duration
	// MaxDials is how many connections are dialled at the same time: pool_max_dials, 4 by default. 0 = no limit.
	MaxDials int
	// Keepalive says that a connection idle for longer is pinged, so that no firewall forgets it and a dead one is found: pool_keepalive, 2m
	// by default. 0 = never.
	Keepalive time.Duration
	// Cancel is what a cancelled context does to its statement: pool_cancel.
	Cancel CancelMode
	// Role is that of the server that new connections have to lead to: pool_role.
	Role Role
	// Drain is what sessions get that want a connection of a pool that is being drained: pool_drain.
	Drain DrainMode
	// Init is SQL to run on every new server connection: pool_init. Empty = none. It may hold secrets: a Config is never
	// shown with it.
	Init string
}

// UntoldConns is the limit with [AutoConns] as long as the server has not told its figures, or if nobody can read them.
const UntoldConns = 10

// Limited reports whether there is a limit for server connections, be it known by now or not.
func (p Pool) Limited() bool { return p.MaxConns != 0 }

// Jitter is MaxConnLifetimeJitter with [AutoJitter] worked out: a tenth of the lifetime. 0 = none.
func (p Pool) Jitter() time.Duration {
	if p.MaxConnLifetimeJitter == AutoJitter {
		return p.MaxConnLifetime / 10
	}
	return p.MaxConnLifetimeJitter
}

// validate looks for settings that contradict each other. Each is valid by itself.
func (p Pool) validate() error {
	if p.MaxConns > 0 && p.MaxIdleConns > p.MaxConns {
		return fmt.Errorf("pooled: pool_max_idle_conns=%d is more than pool_max_conns=%d: "+
			"write at most %[2]d, or auto", p.MaxIdleConns, p.MaxConns)
	}
	if p.MaxConns > 0 && p.MinIdleConns > p.MaxConns {
		return fmt.Errorf("pooled: pool_min_idle_conns=%d is more than pool_max_conns=%d: write at most %[2]d, or raise pool_max_conns", p.MinIdleConns, p.MaxConns)
	}
	if p.MaxIdleConns >= 0 && p.MinIdleConns > p.MaxIdleConns {
		return fmt.Errorf("pooled: pool_min_idle_conns=%d is more than pool_max_idle_conns=%d: write at most %[2]d, or pool_max_idle_conns=all", p.MinIdleConns, p.MaxIdleConns)
	}
	if p.MaxConnLifetime > 0 && p.MaxConnLifetimeJitter > p.MaxConnLifetime {
		return fmt.Errorf("pooled: pool_max_conn_lifetime_jitter=%s is more than pool_max_conn_lifetime=%s: "+
			"write at most the lifetime, or auto", formatDuration(p.MaxConnLifetimeJitter), formatDuration(p.MaxConnLifetime))
	}
	return nil
}

// Queue is what becomes of those who have to wait for one of [Pool].MaxConns connections. Without such a limit nobody waits.
//
// The order is not a setting. Callers are served in the order in which they come, as long as all can be served in good time. When one has waited for half of his
// time, the newest are served first, and those who have less time left than connections are held for are passed over while there are others. Callers without a
// deadline are always served in turn.
type Queue struct {
	// MaxWaiters is how many sessions may wait at each endpoint: pool_max_waiters. Who comes then gets an OverloadedError at once. 0, the default, = no limit;
	// [NoWaiters] = nobody waits.
	MaxWaiters int
	// Shed refuses those whom the endpoint cannot serve, when more come than it can serve for longer than Interval: pool_shed. They get an OverloadedError within
	// about the time for which a connection is held, instead of waiting until their deadlines. False, the default, = everybody waits as long as he wants to.
	Shed bool
	// Target is how long somebody may wait before the queue counts as too long: pool_queue_target. The default is [AutoQueue], twice as long as a connection is held.
	Target time.Duration
	// Interval is for how long the queue may be too long before anybody is refused: pool_queue_interval. A burst that is over before then is served. The
	// default is [AutoQueue], 20 times as long as a connection is held, and from 100ms to 2s.
	Interval time.Duration
	// Classes are the kinds of calls: pool_classes. What counts is for how long connections are held. Nil, the default, = all calls are alike.
	Classes []Class
	// Class is what calls belong to that name no class, by [pooled.WithClass] or in a comment: pool_class. Empty, the default, = the first of Classes.
	Class string
	// Tenant is whom calls belong to that name no tenant by [pooled.WithTenant]: pool_tenant. Empty, the default, = nobody in particular.
	Tenant string
	// TenantMax is the part of the connections that one tenant may have, whether others wait or not: pool_tenant_max. 0, the default, = all. Tenants, which
	// calls name by [pooled.WithTenant], share what their class has in equal parts in any case, while more than one waits.
	TenantMax Share
}

// Statements is how many prepared statements a server connection keeps.
type Statements struct {
	// CacheSize is how many statements each server connection keeps prepared, the one unused for longest goes first:
	// pool_stmt_cache, 128 by default. 0 = off.
	CacheSize int
}

// NewConfig returns the defaults. It names no real driver yet.
func NewConfig() Config {
	return Config{
		begun: true,
		Pool: Pool{
			MaxIdleConns:          AutoIdle,
			MaxConnLifetime:       time.Hour,
			MaxConnLifetimeJitter: AutoJitter,
			MaxConnIdleTime:       30 * time.Minute,
			ConnectTimeout:        10 * time.Second,
			ValidateAfter:         time.Second,
			MaxDials:              4,
			Keepalive:             2 * time.Minute,
			WarmStatements:        16,
		},
		Queue:      Queue{Target: AutoQueue, Interval: AutoQueue},
		Statements: Statements{CacheSize: 128},
		Reset:      Reset{Mode: ResetDirty, Timeout: 5 * time.Second},
		Leak:       Leak{Threshold: time.Minute, Sample: AutoSample},
		Breaker: Breaker{
			Failures: 5, Window: 10 * time.Second, Cooldown: 5 * time.Second, MaxCooldown: time.Minute, Probes: 1,
		},
		Tracing: Tracing{On: true},
		Routing: Routing{
			MonitorInterval: time.Second, MonitorBurst: 20 * time.Millisecond, FailoverTimeout: 30 * time.Second, MaxLag: 10 * time.Second,
		},
	}
}

// Clone returns a copy that shares nothing that could be changed. Driver and Connector are the same values.
func (c Config) Clone() Config {
	c.Use = slices.Clone(c.Use)
	c.Routing.Replicas = slices.Clone(c.Routing.Replicas)
	c.Queue.Classes = slices.Clone(c.Queue.Classes)
	c.Reset.Harmless = slices.Clone(c.Reset.Harmless)
	c.SQLCommenter.Tags = maps.Clone(c.SQLCommenter.Tags)
	return c
}

// Validate reports the first setting that is out of range or contradicts another, by its key in a DSN, or that there is
// no real driver. It does not look whether the driver or the middlewares are registered. [ParseDSN] has called it.
func (c Config) Validate() error { return asConfigError(c.validate()) }

func (c Config) validate() error {
	if !c.begun {
		return errors.New("pooled: this Config is a literal, in which each setting that is left out is 0, and not its default: " +
			"begin with cfg := pooled.NewConfig(), or cfg, err := pooled.ParseDSN(dsn), and change its fields")
	}
	for _, k := range keys {
		if value := k.get(c); value != "" {
			scratch := c
			if err := k.apply(&scratch, value); err != nil {
				return err
			}
		}
	}
	return cmp.Or(c.validateDriver(), c.validateDSN(), c.validateDialling(), c.Pool.validate(), c.Queue.validate(c.Pool), c.validateWarm(), c.Breaker.validate(), c.Routing.validate(), c.validateEffects())
}

// validateWarm looks whether there is room for the statements that are prepared beforehand. The default is cut to what there is room for.
func (c Config) validateWarm() error {
	if warm := c.Pool.WarmStatements; warm > c.Statements.CacheSize && warm != NewConfig().Pool.WarmStatements {
		return fmt.Errorf("pooled: pool_warm_statements=%d is more than pool_stmt_cache=%d: write at most %[2]d, or raise pool_stmt_cache", warm, c.Statements.CacheSize)
	}
	return nil
}

func (c Config) validateDriver() error {
	switch {
	case c.Driver != nil && c.Connector != nil:
		return errors.New("pooled: both a Driver and a Connector are set: choose one")
	case c.Driver != nil || c.Connector != nil:
		return nil
	case c.DriverName == "":
		return errors.New("pooled: no real driver: set pool_driver in a DSN, or DriverName, Driver or Connector in Go")
	case slices.Contains(ownNames, c.DriverName):
		return fmt.Errorf("pooled: the real driver cannot be %s, which is pooled itself: "+
			"name the driver that it shall wrap, such as %s", c.DriverName,
			cmp.Or(strings.TrimPrefix(strings.TrimPrefix(c.DriverName, ownName), "-"), pgxDriver))
	}
	return nil
}

// validateDSN looks for settings that would be sent to the server. What else is wrong is for the real driver to tell.
func (c Config) validateDSN() error {
	if f, known := c.nativeForm(); known {
		if _, pairs, err := f.split(c.DSN); err == nil && len(pairs) > 0 {
			return errors.New("pooled: the DSN field of a Config has pool_ keys in it: have ParseDSN read them")
		}
	}
	return nil
}

// Names in database/sql: the real drivers that a form of DSN stands for, and pooled's own.
const (
	pgxDriver   = "pgx"
	mysqlDriver = "mysql"
	ownName     = "pooled"
)

var ownNames = []string{ownName, ownName + "-" + pgxDriver, ownName + "-" + mysqlDriver}
