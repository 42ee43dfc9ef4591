package policy

import (
	"fmt"
	"strings"
	"time"
)

// keyPrefix is what all keys of pooled start with; no real driver knows such a parameter.
const keyPrefix = "pool_"

// driverKey is the one key that also decides how the rest of a DSN is read.
const driverKey = keyPrefix + "driver"

// profileKey is the one key that comes before all others, as it changes what they have when they are left out.
const profileKey = keyPrefix + "profile"

// key is one row of the table: everything this package knows about a setting besides its field in [Config].
type key struct {
	Key
	secret bool // the value is never shown
	// set puts a value from a DSN, never an empty one, into the Config. Its error says what is wrong, as the end of a
	// sentence that begins with "key=value".
	set func(c *Config, value string) error
	// get returns the value as set takes it; empty when there is nothing to write.
	get func(c Config) string
}

// keys is the table: the only source for reading, writing, checking and documenting settings, in the order in which they
// are written.
var keys = []key{
	{
		Key: Key{
			Name: driverKey, Type: "name", Values: "the name of a driver registered in database/sql, but not one of pooled's own",
			Doc: "The real driver. Needed only when the form of the DSN does not say it.",
		},
		set: func(c *Config, value string) error { c.DriverName = value; return nil },
		// The form of the DSN says it; FormatDSN adds the key where it does not.
		get: func(Config) string { return "" },
	},
	profile(Key{
		Name: profileKey,
		Doc:  "Settings that are wanted together. service is for a service that must stay up under load; what it sets is told with each setting, and each may still be set otherwise.",
	}),
	name(Key{
		Name: "pool_name", Values: "a name of letters, digits, - and _",
		Doc: "What metrics, logs, statistics and the page call this pool, to tell it from the other pools of the program. Without it, it is called by the address of its server and the " +
			"database, such as db.internal:5432/shop. A second open pool of the same name gets #2 behind it.",
	}, func(c *Config) *string { return &c.Name }),
	list(Key{
		Name: "pool_use", Values: "names given to pooled.RegisterMiddleware, separated by commas",
		Doc: "Middlewares of your own. The first is the outermost.",
	}, func(c *Config) *[]string { return &c.Use }),
	size(Key{
		Name: "pool_max_conns", Values: "0 or more, or auto; 0 = no limit",
		Doc: "How many server connections may exist for each endpoint, in use and idle. auto is a quarter of those that the server has room for, so that four programs fit, but not more than 20, or 4 for each CPU that " +
			"the program may use. The server is asked when the first connection is given back, in the background, and again every ten minutes: PostgreSQL for max_connections without the reserved ones and the limits of the role and the " +
			"database, MySQL and MariaDB for max_connections and max_user_connections. As long as it has not told, the limit is 10: it stays so behind PgBouncer, whose own limits only its operator knows, and with other drivers.",
	}, func(c *Config) *int { return &c.Pool.MaxConns }, word[int]{"auto", AutoConns}),
	size(Key{
		Name: "pool_max_idle_conns", Values: "0 up to pool_max_conns, auto or all; 0 = none",
		Doc: "How many of them may be idle. auto keeps as many as the last minute has needed at its peak, and lets the rest go gradually. all keeps as many as were in use.",
	}, func(c *Config) *int { return &c.Pool.MaxIdleConns }, word[int]{"auto", AutoIdle}, word[int]{"all", AllIdle}),
	size(Key{
		Name: "pool_min_idle_conns", Values: "0 up to pool_max_conns and pool_max_idle_conns; 0 = none",
		Doc: "How many idle server connections are kept ready for each endpoint. They are dialled in the background, from sql.Open on.",
	}, func(c *Config) *int { return &c.Pool.MinIdleConns }),
	size(Key{
		Name: "pool_warm_statements", Values: "0 up to pool_stmt_cache; 0 = none",
		Doc: "How many of the statements used most are prepared on a server connection that is dialled to be kept ready.",
	}, func(c *Config) *int { return &c.Pool.WarmStatements }),
	duration(Key{
		Name: "pool_max_conn_lifetime", Values: "a duration such as 90s, 30m or 1h30m; 0 = no limit",
		Doc: "How long a server connection is used after it was dialled.",
	}, func(c *Config) *time.Duration { return &c.Pool.MaxConnLifetime }),
	duration(Key{
		Name: "pool_max_conn_lifetime_jitter", Values: "a duration up to pool_max_conn_lifetime, or auto; 0 = none",
		Doc: "A random part of it is added to the lifetime of each server connection, so that those dialled together are not " +
			"closed together. auto is 10 % of the lifetime.",
	}, func(c *Config) *time.Duration { return &c.Pool.MaxConnLifetimeJitter }, word[time.Duration]{"auto", AutoJitter}),
	duration(Key{
		Name: "pool_max_conn_idle_time", Values: "a duration such as 90s, 30m or 1h30m; 0 = no limit",
		Doc: "How long a server connection may stay idle.",
	}, func(c *Config) *time.Duration { return &c.Pool.MaxConnIdleTime }),
	duration(Key{
		Name: "pool_acquire_timeout", Values: "a duration such as 500ms or 5s; 0 = as long as the caller's context allows",
		Doc: "How long a session waits for a server connection, dialling included, before it fails with an error that tells why. Its dial goes on for up to a second, for the next session.",
	}, func(c *Config) *time.Duration { return &c.Pool.AcquireTimeout }),
	size(Key{
		Name: "pool_max_waiters", Values: "0 or more, or none; 0 = no limit",
		Doc: "How many sessions may wait for one of pool_max_conns connections of each endpoint. Who comes then gets an error that matches ErrOverloaded, at once. none: nobody waits.",
	}, func(c *Config) *int { return &c.Queue.MaxWaiters }, word[int]{"none", NoWaiters}),
	choice(Key{
		Name: "pool_shed",
		Doc: "What becomes of callers when more come than pool_max_conns connections can serve. off lets all wait as long as they want to. on refuses those whom it cannot serve, " +
			"with an error that matches ErrOverloaded, after about as long as a connection is held: see pool_queue_interval.",
	}, func(c *Config) *bool { return &c.Queue.Shed }, word[bool]{"off", false}, word[bool]{"on", true}),
	duration(Key{
		Name: "pool_queue_target", Values: "a duration such as 10ms or 1s, or auto",
		Doc: "How long somebody may wait before the queue counts as too long (pool_shed). auto is twice as long as connections are held.",
	}, func(c *Config) *time.Duration { return &c.Queue.Target }, word[time.Duration]{"auto", AutoQueue}),
	duration(Key{
		Name: "pool_queue_interval", Values: "a duration such as 100ms or 2s, or auto",
		Doc: "For how long the queue may be too long before anybody is refused (pool_shed); a burst that is over before is served. auto is 20 times as long as connections are held, and from 100ms to 2s.",
	}, func(c *Config) *time.Duration { return &c.Queue.Interval }, word[time.Duration]{"auto", AutoQueue}),
	classes(Key{
		Name: "pool_classes", Values: "name:weight, name:weight:max or name:weight:max:reserve, several separated by commas",
		Doc: "Kinds of calls, by how important they are: a call names its class by pooled.WithClass or a comment such as /* pool:class=batch */, and belongs to pool_class otherwise. While calls of several classes wait, each class gets a part of " +
			"pool_max_conns in proportion to its weight, and no more than max, such as 50%; what the others do not want is lent. reserve connections are kept free for it.",
	}, func(c *Config) *[]Class { return &c.Queue.Classes }),
	name(Key{
		Name: "pool_class", Values: "one of pool_classes",
		Doc: "The class of the calls that name none. Without it they belong to the first of pool_classes.",
	}, func(c *Config) *string { return &c.Queue.Class }),
	name(Key{
		Name: "pool_tenant", Values: "a name of letters, digits, - and _",
		Doc: "The tenant of the calls that name none (pooled.WithTenant). Without it they are nobody's in particular, which counts as one tenant.",
	}, func(c *Config) *string { return &c.Queue.Tenant }),
	share(Key{
		Name: "pool_tenant_max", Values: "a part of pool_max_conns such as 25%; 0 = all",
		Doc: "How many connections one tenant may have (pooled.WithTenant), whether others wait or not. While several tenants of a class wait, they share what it has in equal parts in any case.",
	}, func(c *Config) *Share { return &c.Queue.TenantMax }),
	path(Key{
		Name: "pool_password_file",
		Doc: "The password is read from this file at each dial, also those of monitors and of KILL QUERY, so that whoever rotates it, such as Kubernetes, replaces the file and nothing else. A line break at its end is cut off. " +
			"Connections that were logged in with another password than the file has now are replaced in the course of a minute, when they are idle.",
	}, func(c *Config) *string { return &c.PasswordFile }),
	registeredName(Key{
		Name: "pool_credentials", Values: "a name given to pooled.RegisterCredentials",
		Doc: "A function of the program tells what to log in with: tokens that expire, or what a vault gives out. See Config.Credentials.",
	}, func(c *Config) *string { return &c.CredentialsName }),
	registeredName(Key{
		Name: "pool_dialer", Values: "a name given to pooled.RegisterDialer",
		Doc: "A function of the program makes all network connections to the servers: a tunnel, a cloud's connector, a proxy. See Config.Dial.",
	}, func(c *Config) *string { return &c.DialerName }),
	duration(Key{
		Name: "pool_connect_timeout", Values: "a duration such as 500ms or 5s; 0 = no limit besides the real driver's own",
		Doc: "How long dialling a server connection may take, logging in and pool_init included. When nobody waits for it any more, it has a second left at most. " +
			"A ping of an idle one before gets half of it at most.",
	}, func(c *Config) *time.Duration { return &c.Pool.ConnectTimeout }),
	duration(Key{
		Name: "pool_validate_after", Values: "a duration such as 500ms or 5s, or never; 0 = at every borrow",
		Doc: "A server connection that was idle for longer is pinged when it is borrowed.",
	}, func(c *Config) *time.Duration { return &c.Pool.ValidateAfter }, word[time.Duration]{"never", NeverValidate}),
	size(Key{
		Name: "pool_max_dials", Values: "0 or more; 0 = no limit",
		Doc: "How many server connections are dialled at the same time for each endpoint, so that a server that starts again is not run over.",
	}, func(c *Config) *int { return &c.Pool.MaxDials }),
	duration(Key{
		Name: "pool_keepalive", Values: "a duration such as 30s or 2m; 0 = never",
		Doc: "A server connection that was idle for longer is pinged by the endpoint, and closed if it is dead.",
	}, func(c *Config) *time.Duration { return &c.Pool.Keepalive }),
	choice(Key{
		Name: "pool_cancel",
		Doc: "What a cancelled context does to its statement. query ends the statement on the server, and keeps the connection; a server that does not answer " +
			"within a second costs it all the same. close gives up the connection, as the real drivers do by themselves.",
	}, func(c *Config) *CancelMode { return &c.Pool.Cancel }, word[CancelMode]{"query", CancelQuery}, word[CancelMode]{"close", CancelClose}),
	choice(Key{
		Name: "pool_role",
		Doc: "Which server new connections may lead to, where after a failover the name may lead to another one: any, the primary, which lets new sessions write, or a replica. " +
			"One of another role is closed, with an error that matches ErrRole; with pool_acquire_timeout the dial is tried again while there is time. " +
			"PostgreSQL 14 and later tells at login, others take a round trip.",
	}, func(c *Config) *Role { return &c.Pool.Role }, word[Role]{"any", RoleAny}, word[Role]{"primary", RolePrimary}, word[Role]{"replica", RoleReplica}),
	choice(Key{
		Name: "pool_drain",
		Doc: "What sessions get that want a server connection while the pool is drained (Connector.Drain): an error that matches ErrDraining, at once, " +
			"or with wait not before their context or the pool ends.",
	}, func(c *Config) *DrainMode { return &c.Pool.Drain }, word[DrainMode]{"refuse", DrainRefuse}, word[DrainMode]{"wait", DrainWait}),
	{
		Key: Key{
			Name: "pool_init", Type: "SQL", Values: "statements as the real driver's Exec takes them",
			Doc: "Run on every new server connection. Never shown, since it may hold secrets.",
		},
		secret: true,
		set:    func(c *Config, value string) error { c.Pool.Init = value; return nil },
		get:    func(c Config) string { return c.Pool.Init },
	},
	zone(Key{
		Name: "pool_timestamp_zone",
		Doc: "PostgreSQL: the time zone in which values of the type timestamp, which have none, are read. Without it they are times of UTC, as pgx reads them. " +
			"GORM's own dialector takes the TimeZone of its DSN for it. MySQL has loc in the DSN.",
	}, func(c *Config) *string { return &c.TimestampZone }),
	size(Key{
		Name: "pool_stmt_cache", Values: "0 or more; 0 = off",
		Doc: "How many prepared statements each server connection keeps. With the MySQL driver a query with arguments then costs " +
			"one round trip instead of two, where that is safe (see Limits); an *sql.Stmt uses the cache with every driver. For queries without *sql.Stmt, pgx has " +
			"a cache of its own (statement_cache_capacity).",
	}, func(c *Config) *int { return &c.Statements.CacheSize }),
	choice(Key{
		Name: "pool_reset",
		Doc: "What becomes of the session when its borrower has given it back. dirty undoes what the borrower did to it (SET, roles, " +
			"temporary tables, locks, ...), in the background, and nothing if it did nothing. always undoes everything, discard closes what " +
			"dirty would reset, off leaves it as it is: for proxies such as PgBouncer in transaction mode. A transaction left open is always " +
			"rolled back.",
	}, func(c *Config) *ResetMode { return &c.Reset.Mode },
		word[ResetMode]{"dirty", ResetDirty}, word[ResetMode]{"always", ResetAlways},
		word[ResetMode]{"discard", ResetDiscard}, word[ResetMode]{"off", ResetOff}),
	duration(Key{
		Name: "pool_reset_timeout", Values: "a duration such as 500ms or 5s; 0 = no limit",
		Doc: "How long a reset may take. A server connection whose reset takes longer, or fails, is closed.",
	}, func(c *Config) *time.Duration { return &c.Reset.Timeout }),
	size(Key{
		Name: "pool_reset_audit", Values: "0 or more; 0 = never, 1 = each session",
		Doc: "For one in so many of the sessions that were reset, and of those that were judged clean by their statements, the server is asked what is left of the session. " +
			"If there is anything, it is logged and counted, and the server connection closed. It happens in the background, but takes " +
			"milliseconds, for which the server connection is not idle. It finds what the server tells of a session; " +
			"PostgreSQL does not tell of settings that it does not know, such as app.tenant.",
	}, func(c *Config) *int { return &c.Reset.Audit }),
	routines(Key{
		Name: "pool_harmless", Values: "schema.name, several separated by commas, as the server's catalogue has them, with %2C for a comma in a name, %2E for a dot, %20 for a space, " +
			"%3D for an equals sign and %25 for a percent sign",
		Doc: "Functions and procedures of which you know, and pooled cannot prove, that they leave nothing in the session: no settings and roles, temporary objects, locks, user variables, " +
			"prepared statements, cursors, listeners or open transaction, also not by what they call. What they write is no matter, and no reason to send them to a replica. " +
			"On PostgreSQL all functions of that name in that schema are meant, in MySQL and MariaDB the schema is the database.",
	}, func(c *Config) *[]Routine { return &c.Reset.Harmless }),
	duration(Key{
		Name: "pool_leak", Values: "a duration such as 30s or 5m, or off",
		Doc: "A server connection that somebody holds and has not used for so long is reported, once for each borrow: in the log, in the " +
			"statistics, and to OnLeak. A statement that runs for long is no leak.",
	}, func(c *Config) *time.Duration { return &c.Leak.Threshold }, word[time.Duration]{"off", 0}),
	size(Key{
		Name: "pool_leak_sample", Values: "0 or more, or auto; 0 = never, 1 = at each borrow",
		Doc: "At one borrow in so many, the caller's stack is captured, to be told in a report. auto is 1 on amd64 and arm64, where that costs some 10 nanoseconds, and 16 elsewhere. " +
			"After a report without one, all are captured for ten minutes.",
	}, func(c *Config) *int { return &c.Leak.Sample }, word[int]{"auto", AutoSample}),
	choice(Key{
		Name: "pool_leak_reclaim",
		Doc: "What becomes of a server connection that is reported. off leaves it to its holder. orphaned closes it if the goroutine that " +
			"borrowed it has ended, all in any case, unless a statement runs: its permit is free again, and the holder, if there is one, gets an error that " +
			"matches ErrReclaimed when it uses the connection again. Rows that were open end with an error of the real driver.",
	}, func(c *Config) *ReclaimMode { return &c.Leak.Reclaim },
		word[ReclaimMode]{"off", ReclaimOff}, word[ReclaimMode]{"orphaned", ReclaimOrphaned}, word[ReclaimMode]{"all", ReclaimAll}),
	choice(Key{
		Name: "pool_nested",
		Doc: "What becomes of a goroutine that takes a server connection while it holds another one of the same server, such as by a query on the *sql.DB inside a transaction. " +
			"With pool_max_conns, as many goroutines that do so at once wait for each other. warn logs it once for each call site, where there is such a limit. " +
			"error refuses the second connection, with an error that matches ErrNested. Both end deadlocks, with an error that matches ErrDeadlock; off does not look.",
	}, func(c *Config) *NestedMode { return &c.Nested },
		word[NestedMode]{"warn", NestedWarn}, word[NestedMode]{"off", NestedOff}, word[NestedMode]{"error", NestedError}),
	choice(Key{
		Name: "pool_breaker",
		Doc: "on cuts a server off that is in trouble: acquisitions fail at once with an error that matches ErrBreakerOpen, and the endpoint probes the " +
			"server until it is well.",
	}, func(c *Config) *bool { return &c.Breaker.On }, word[bool]{"off", false}, word[bool]{"on", true}),
	size(Key{
		Name: "pool_breaker_failures", Values: "0 or more; 0 = this rule is off",
		Doc: "So many failures in a row open the breaker: dials that fail, and statements that fail because of the server or the network.",
	}, func(c *Config) *int { return &c.Breaker.Failures }),
	ratio(Key{
		Name: "pool_breaker_ratio", Values: "0 up to 1, such as 0.5; 0 = this rule is off",
		Doc: "Such a part of failures among all calls of the last pool_breaker_window, ten at least, opens the breaker as well.",
	}, func(c *Config) *float64 { return &c.Breaker.Ratio }),
	duration(Key{
		Name: "pool_breaker_window", Values: "a duration such as 10s",
		Doc: "How far pool_breaker_ratio looks back.",
	}, func(c *Config) *time.Duration { return &c.Breaker.Window }),
	duration(Key{
		Name: "pool_breaker_cooldown", Values: "a duration such as 5s",
		Doc: "How long an open breaker waits before it probes the server. Each probe that fails doubles it. It varies by a tenth.",
	}, func(c *Config) *time.Duration { return &c.Breaker.Cooldown }),
	duration(Key{
		Name: "pool_breaker_max_cooldown", Values: "a duration such as 1m, at least pool_breaker_cooldown",
		Doc: "Up to where the cooldown is doubled.",
	}, func(c *Config) *time.Duration { return &c.Breaker.MaxCooldown }),
	size(Key{
		Name: "pool_breaker_probes", Values: "0 or more; 0 = 1",
		Doc: "So many probes that succeed one after the other close the breaker.",
	}, func(c *Config) *int { return &c.Breaker.Probes }),
	replicas(Key{
		Name: "pool_replicas", Values: "host:port, several separated by commas",
		Doc: "The other servers of the cluster that the DSN leads to, with the same user, password, database and parameters. Which of all is the primary " +
			"is found out, and followed.",
	}),
	choice(Key{
		Name: "pool_routing",
		Doc: "Where statements go. split sends reads that are proved to have no effects to replicas, and everything else to the primary; primary and " +
			"replica send everything there. The hosts in a PostgreSQL URL count as servers of the cluster then. auto is split with pool_replicas; " +
			"without, nothing is routed, and pgx chooses among several hosts.",
	}, func(c *Config) *RoutingMode { return &c.Routing.Mode },
		word[RoutingMode]{"auto", RouteAuto}, word[RoutingMode]{"split", RouteSplit}, word[RoutingMode]{"primary", RoutePrimary}, word[RoutingMode]{"replica", RouteReplica}),
	choice(Key{
		Name: "pool_consistency",
		Doc: "What a read on a replica is sure to see. session: everything that this program, or its request, has written before. eventual: everything that " +
			"was written pool_max_lag ago. strong: everything; all reads go to the primary.",
	}, func(c *Config) *Consistency { return &c.Routing.Consistency },
		word[Consistency]{"session", ConsistencySession}, word[Consistency]{"eventual", ConsistencyEventual}, word[Consistency]{"strong", ConsistencyStrong}),
	duration(Key{
		Name: "pool_max_lag", Values: "a duration such as 10s; 0 = no limit",
		Doc: "A replica that is further behind is not read from.",
	}, func(c *Config) *time.Duration { return &c.Routing.MaxLag }),
	choice(Key{
		Name: "pool_replica_fallback",
		Doc:  "What becomes of a read that no replica may answer: primary sends it there, error refuses it with an error that matches ErrNoReplica.",
	}, func(c *Config) *Fallback { return &c.Routing.Fallback },
		word[Fallback]{"primary", FallbackPrimary}, word[Fallback]{"error", FallbackError}),
	duration(Key{
		Name: "pool_failover_timeout", Values: "a duration such as 30s; 0 = no wait",
		Doc: "How long a statement waits for a primary when there is none. Then it gets an error that matches ErrNoPrimary.",
	}, func(c *Config) *time.Duration { return &c.Routing.FailoverTimeout }),
	duration(Key{
		Name: "pool_monitor_interval", Values: "a duration such as 1s, more than 0 where statements are routed",
		Doc: "How old the knowledge about a server's role and position may become. Each is asked twice as often, on a connection of its own.",
	}, func(c *Config) *time.Duration { return &c.Routing.MonitorInterval }),
	duration(Key{
		Name: "pool_monitor_burst", Values: "a duration such as 20ms, more than 0 where statements are routed",
		Doc: "How often they are asked as long as there are writes that a replica may not have yet.",
	}, func(c *Config) *time.Duration { return &c.Routing.MonitorBurst }),
	choice(Key{
		Name: "pool_trace",
		Doc:  "on tells OpenTelemetry what the pool does, in spans and metrics, if the program has set a provider.",
	}, func(c *Config) *bool { return &c.Tracing.On }, word[bool]{"on", true}, word[bool]{"off", false}),
	choice(Key{
		Name: "pool_trace_text",
		Doc: "auto shows statements in spans: those with arguments as they are, without the arguments, and those without with ? in place of all literals. off " +
			"shows none.",
	}, func(c *Config) *bool { return &c.Tracing.HideText }, word[bool]{"auto", false}, word[bool]{"off", true}),
	choice(Key{
		Name: "pool_sqlcommenter",
		Doc: "Has a comment added to each statement, for the server's own logs and statistics. static adds pool_sqlcommenter_tags. trace adds the trace and the " +
			"span as well, but not where a driver prepares a statement or keeps something by its text, which must be the same each time then. A statement that has a " +
			"comment is left as it is.",
	}, func(c *Config) *SQLCommenterMode { return &c.SQLCommenter.Mode },
		word[SQLCommenterMode]{"off", SQLCommenterOff}, word[SQLCommenterMode]{"static", SQLCommenterStatic}, word[SQLCommenterMode]{"trace", SQLCommenterTrace}),
	tags(Key{
		Name: "pool_sqlcommenter_tags", Values: "name=value, several separated by commas, with %2C for a comma, %3D for an equals sign and %25 for a percent sign",
		Doc: "What the comment tells about the program, such as application=shop,deployment=blue. Without it, it tells the application: OTEL_SERVICE_NAME of the " +
			"environment, or else the name of the program's file.",
	}, func(c *Config) *map[string]string { return &c.SQLCommenter.Tags }),
}

// find returns the row of the key with this name, or nil.
func find(name string) *key {
	for i := range keys {
		if keys[i].Name == name {
			return &keys[i]
		}
	}
	return nil
}

// apply is set with an error that names the key, the value and what is allowed.
func (k *key) apply(c *Config, value string) error {
	if err := k.set(c, value); err != nil {
		return fmt.Errorf("pooled: %s=%s %w (allowed: %s)", k.Name, k.show(value), err, k.Values)
	}
	return nil
}

// show returns a value for an error message. A value with other characters than settings have may be a piece of the DSN
// that was cut out by mistake: pgx reads "pool_max_conns= password=x" as pool_max_conns set to "password=x".
func (k *key) show(value string) string {
	if k.secret || len(value) > 40 || strings.Trim(value, letters+digits+"_.,+- ") != "" {
		return mask
	}
	return value
}

// settings lists what c has set differently from the defaults, or from its profile, in the table's order.
func (c Config) settings() []pair {
	var pairs []pair
	defaults := c.profile.begins()
	for _, k := range keys {
		if value := k.get(c); value != "" && value != k.get(defaults) {
			pairs = append(pairs, pair{k.Name, value})
		}
	}
	return pairs
}

// Key documents one key of a DSN. All fields are texts for people.
type Key struct {
	Name    string // as it is written in a DSN
	Type    string // number, ratio, duration, word, list, name, path or SQL
	Values  string // what is allowed, and what 0 means
	Default string // empty = none
	Service string // what pool_profile=service sets; empty = the default
	Doc     string // one or two sentences
	Usage   Usage
}

// Usage says who sets a key.
type Usage int

// The usages, from those that every service should think about to those that few ever need.
const (
	Essential Usage = iota
	Frequent
	Rare
)

// usages are those that are not Rare.
var usages = map[string]Usage{
	profileKey: Essential, "pool_max_conns": Essential, "pool_acquire_timeout": Essential, "pool_shed": Essential, "pool_breaker": Essential, "pool_min_idle_conns": Essential, "pool_replicas": Essential,
	driverKey: Frequent, "pool_name": Frequent, "pool_use": Frequent, "pool_max_idle_conns": Frequent, "pool_max_conn_lifetime": Frequent,
	"pool_max_conn_idle_time": Frequent, "pool_connect_timeout": Frequent, "pool_init": Frequent, "pool_password_file": Frequent, "pool_credentials": Frequent, "pool_reset": Frequent, "pool_harmless": Frequent, "pool_leak": Frequent,
	"pool_leak_reclaim": Frequent, "pool_routing": Frequent, "pool_consistency": Frequent, "pool_max_lag": Frequent, "pool_classes": Frequent, "pool_sqlcommenter": Frequent,
}

// Keys lists all keys in the order in which [FormatDSN] writes them.
func Keys() []Key {
	docs := make([]Key, len(keys))
	for i, k := range keys {
		docs[i] = k.Key
		docs[i].Default = k.get(NewConfig())
		docs[i].Usage = Rare
		if usage, ok := usages[k.Name]; ok {
			docs[i].Usage = usage
		}
		if service := k.get(ProfileService.begins()); service != docs[i].Default {
			docs[i].Service = service
		}
	}
	return docs
}

// Setting is a setting in force, in words for people.
type Setting struct {
	Name    string // its key
	Value   string // as it is written in a DSN; empty: none. A secret is xxxxx
	Default string
}

// Settings lists all settings of a Config, in the order of [Keys]. It shows no secret, and nothing of the DSN.
func Settings(c Config) []Setting {
	var all []Setting
	defaults := NewConfig()
	for _, k := range keys {
		if k.Name == driverKey {
			continue
		}
		s := Setting{Name: k.Name, Value: k.get(c), Default: k.get(defaults)}
		if k.secret && s.Value != "" {
			s.Value = mask
		}
		all = append(all, s)
	}
	return all
}
