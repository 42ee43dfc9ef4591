package policy_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/gopooled/pooled/policy"
)

// unopened is a driver that is only known by name.
type unopened struct{}

func (unopened) Open(string) (driver.Conn, error) { return nil, errors.New("not to be opened") }

func init() {
	for _, name := range []string{"sqlite", "clickhouse", "postgres", "pooled"} {
		sql.Register(name, unopened{})
	}
}

// dsnCase is one DSN and what it means. The table feeds the tests of ParseDSN, FormatDSN, String, and the fuzzers.
type dsnCase struct {
	name   string
	dsn    string
	driver string
	native string
	set    func(c *policy.Config) // what differs from the defaults
	secret string                 // must never be shown
	format string                 // what FormatDSN writes, if not dsn
	shown  string                 // what String writes; not looked at if empty
}

func maxConns(n int) func(*policy.Config) {
	return func(c *policy.Config) { c.Pool.MaxConns = n }
}

func maxConnsAndInit(n int, init string) func(*policy.Config) {
	return func(c *policy.Config) { c.Pool.MaxConns, c.Pool.Init = n, init }
}

var dsnCases = []dsnCase{
	// PostgreSQL URLs.
	{
		name: "URL", dsn: "postgres://jack:s3cret@db:5432/app", driver: "pgx", native: "postgres://jack:s3cret@db:5432/app",
		secret: "s3cret", shown: "postgres://jack:xxxxx@db:5432/app",
	},
	{
		name: "URL with the longer scheme", dsn: "postgresql://jack@db/app", driver: "pgx", native: "postgresql://jack@db/app",
		shown: "postgresql://jack@db/app",
	},
	{
		name: "URL of nothing", dsn: "postgres://", driver: "pgx", native: "postgres://", shown: "postgres://",
	},
	{
		name: "URL with a key", dsn: "postgres://jack:s3cret@db/app?pool_max_conns=7", driver: "pgx",
		native: "postgres://jack:s3cret@db/app", set: maxConns(7), secret: "s3cret",
		shown: "postgres://jack:xxxxx@db/app?pool_max_conns=7",
	},
	{
		name: "URL with a key between parameters", dsn: "postgres://db/app?sslmode=disable&pool_max_conns=7&search_path=a%20b",
		driver: "pgx", native: "postgres://db/app?sslmode=disable&search_path=a%20b", set: maxConns(7),
		format: "postgres://db/app?sslmode=disable&search_path=a%20b&pool_max_conns=7",
		shown:  "postgres://db/app?sslmode=disable&search_path=a%20b&pool_max_conns=7",
	},
	{
		name: "URL with the key first and an empty parameter", dsn: "postgres://db/app?pool_max_conns=7&", driver: "pgx",
		native: "postgres://db/app?", set: maxConns(7), format: "postgres://db/app?&pool_max_conns=7",
	},
	{
		name: "URL with an empty query of its own", dsn: "postgres://db/app?", driver: "pgx", native: "postgres://db/app?",
	},
	{
		name: "URL whose password has a question mark", dsn: "postgres://jack:s3?pool_max_conns=9&x@db/app?pool_max_conns=7",
		driver: "pgx", native: "postgres://jack:s3?pool_max_conns=9&x@db/app", set: maxConns(7),
		secret: "s3?pool_max_conns=9", shown: "postgres://jack:xxxxx@db/app?pool_max_conns=7",
	},
	{
		name: "URL whose password is percent-encoded", dsn: "postgres://jack:a%40s3cret%2F%3F%25@db/app?pool_max_conns=7",
		driver: "pgx", native: "postgres://jack:a%40s3cret%2F%3F%25@db/app", set: maxConns(7), secret: "s3cret",
		shown: "postgres://jack:xxxxx@db/app?pool_max_conns=7",
	},
	{
		name: "URL whose password has a bare @", dsn: "postgres://jack:a@s3cret@db/app", driver: "pgx",
		native: "postgres://jack:a@s3cret@db/app", secret: "s3cret", shown: "pgx:xxxxx",
	},
	{
		name: "URL whose password has a bare slash", dsn: "postgres://jack:12/s3cret?x@db/app", driver: "pgx",
		native: "postgres://jack:12/s3cret?x@db/app", secret: "s3cret", shown: "pgx:xxxxx",
	},
	{
		name: "URL whose password is where the port should be", dsn: "postgres://jack:s3cret/app?pool_max_conns=7", driver: "pgx",
		native: "postgres://jack:s3cret/app", set: maxConns(7), secret: "s3cret", shown: "pgx:xxxxx?pool_max_conns=7",
	},
	{
		name: "URL with a password in UTF-8 and quotes", dsn: `postgres://jack:pä'"s3cret ß@db/app`, driver: "pgx",
		native: `postgres://jack:pä'"s3cret ß@db/app`, secret: "s3cret", shown: "postgres://jack:xxxxx@db/app",
	},
	{
		name: "URL with passwords among the parameters", driver: "pgx",
		dsn:    "postgres://db/app?user=jack&pass%77ord=s3cret&sslpassword=s3cret&passfile=s3cret&application_name=a",
		native: "postgres://db/app?user=jack&pass%77ord=s3cret&sslpassword=s3cret&passfile=s3cret&application_name=a",
		secret: "s3cret",
		shown:  "postgres://db/app?user=jack&password=xxxxx&sslpassword=xxxxx&passfile=xxxxx&application_name=a",
	},
	{
		name: "URL with a @ in a parameter", dsn: "postgres://db?password=s3cret@x/app", driver: "pgx",
		native: "postgres://db?password=s3cret@x/app", secret: "s3cret", shown: "pgx:xxxxx",
	},
	{
		name: "URL with settings for a parameter", dsn: "postgres://db/app?options=-c%20x.token%3Ds3cret", driver: "pgx",
		native: "postgres://db/app?options=-c%20x.token%3Ds3cret", secret: "s3cret", shown: "postgres://db/app?options=xxxxx",
	},
	{
		name: "URL whose password parameter has a bare &", dsn: "postgres://db/app?password=a&s3cret&b=s3cret&sslmode=disable",
		driver: "pgx", native: "postgres://db/app?password=a&s3cret&b=s3cret&sslmode=disable", secret: "s3cret",
		shown: "postgres://db/app?password=xxxxx&xxxxx&xxxxx&sslmode=disable",
	},
	{
		name: "URL with several hosts and IPv6", dsn: "postgres://jack:s3cret@[::1]:5432,db2,db3:5433/app?pool_max_conns=7",
		driver: "pgx", native: "postgres://jack:s3cret@[::1]:5432,db2,db3:5433/app", set: maxConns(7), secret: "s3cret",
		shown: "postgres://jack:xxxxx@[::1]:5432,db2,db3:5433/app?pool_max_conns=7",
	},
	{
		name: "URL with an encoded value", dsn: "postgres://db/app?pool_init=set+role+%27s3cret%26%2B%27%3B&pool_max_conns=7",
		driver: "pgx", native: "postgres://db/app", set: maxConnsAndInit(7, "set role 's3cret&+';"), secret: "s3cret",
		format: "postgres://db/app?pool_max_conns=7&pool_init=set+role+%27s3cret%26%2B%27%3B",
		shown:  "postgres://db/app?pool_max_conns=7&pool_init=xxxxx",
	},
	{
		name: "URL for another driver", dsn: "postgres://jack:s3cret@db/app?sslmode=disable&pool_driver=postgres", driver: "postgres",
		native: "postgres://jack:s3cret@db/app?sslmode=disable", secret: "s3cret",
		format: "postgres:postgres://jack:s3cret@db/app?sslmode=disable", shown: "postgres:xxxxx",
	},

	// PostgreSQL keywords and values.
	{
		name: "keywords", dsn: "host=db user=jack password=s3cret dbname=app pool_max_conns=7", driver: "pgx",
		native: "host=db user=jack password=s3cret dbname=app", set: maxConns(7), secret: "s3cret",
		shown: "host=db user=jack password=xxxxx dbname=app pool_max_conns=7",
	},
	{
		name: "keywords with the key in the middle", dsn: "host=db  pool_max_conns = 7  dbname=app", driver: "pgx",
		native: "host=db   dbname=app", set: maxConns(7), format: "host=db   dbname=app pool_max_conns=7",
	},
	{
		name: "keywords with a quoted password", dsn: `password='it\'s pool_max_conns=9 s3cret' host=db pool_max_conns=7`, driver: "pgx",
		native: `password='it\'s pool_max_conns=9 s3cret' host=db`, set: maxConns(7), secret: "s3cret",
		shown: "password=xxxxx host=db pool_max_conns=7",
	},
	{
		name: "keywords with a MySQL address for a password", dsn: "password=s3cret@tcp(x)/y host=db", driver: "pgx",
		native: "password=s3cret@tcp(x)/y host=db", secret: "s3cret@tcp", shown: "password=xxxxx host=db",
	},
	{
		name: "keywords with backslashes", dsn: `user=a\ b password = s3\\cret\'\  pool_max_conns=7`, driver: "pgx",
		native: `user=a\ b password = s3\\cret\'\ `, set: maxConns(7), secret: `s3`,
		shown: `user=a\ b password=xxxxx pool_max_conns=7`,
	},
	{
		name: "keywords with a backslash at the end", dsn: `pool_max_conns=7 password=s3cret\`, driver: "pgx",
		native: `password=s3cret\`, set: maxConns(7), secret: "s3cret",
	},
	{
		name: "keywords with an empty value at the end", dsn: "pool_max_conns=7 host=db user=", driver: "pgx", native: "host=db user=",
		set: maxConns(7),
	},
	{
		name: "keywords with an unquoted password", dsn: "password=a s3cret=s3cret host=db", driver: "pgx",
		native: "password=a s3cret=s3cret host=db", secret: "s3cret", shown: "password=xxxxx xxxxx host=db",
	},
	{
		name: "keywords with a URL for a dbname", dsn: "dbname=postgres://jack:s3cret@db/app", driver: "pgx",
		native: "dbname=postgres://jack:s3cret@db/app", secret: "s3cret", shown: "dbname=xxxxx",
	},
	{
		name: "keywords with quoted SQL", dsn: `host=db pool_init='set role \'s3cret\\\''`, driver: "pgx", native: "host=db",
		set: maxConnsAndInit(0, `set role 's3cret\'`), secret: "s3cret", shown: "host=db pool_init=xxxxx",
	},
	{
		name: "keywords of pooled alone", dsn: "pool_max_conns=7", driver: "pgx", native: "", set: maxConns(7),
		shown: "pgx:?pool_max_conns=7",
	},
	{
		name: "keywords for the environment", dsn: "pool_driver=pgx", driver: "pgx", native: "", shown: "pgx:",
	},
	{
		name: "keywords for another driver", dsn: "pool_driver=postgres host=db password=s3cret", driver: "postgres",
		native: "host=db password=s3cret", secret: "s3cret", format: "postgres:host=db password=s3cret", shown: "postgres:xxxxx",
	},
	{
		name: "keywords for a driver that is not registered", dsn: "host=db password=s3cret pool_driver=pq pool_max_conns=7", driver: "pq",
		native: "host=db password=s3cret", set: maxConns(7), secret: "s3cret", shown: "pq:xxxxx?pool_max_conns=7",
	},

	// Names of registered configurations.
	{
		name: "registered", dsn: "registeredConnConfig0", driver: "pgx", native: "registeredConnConfig0", shown: "registeredConnConfig0",
	},
	{
		name: "registered with a key", dsn: "registeredConnConfig12?pool_init=select+%27s3cret%2F1%27&pool_max_conns=7", driver: "pgx",
		native: "registeredConnConfig12", set: maxConnsAndInit(7, "select 's3cret/1'"), secret: "s3cret",
		format: "registeredConnConfig12?pool_max_conns=7&pool_init=select+%27s3cret%2F1%27",
		shown:  "registeredConnConfig12?pool_max_conns=7&pool_init=xxxxx",
	},

	// MySQL.
	{
		name: "MySQL URL", dsn: "mysql://jack:s3cret@tcp(db:3306)/app?parseTime=true&pool_max_conns=7", driver: "mysql",
		native: "jack:s3cret@tcp(db:3306)/app?parseTime=true", set: maxConns(7), secret: "s3cret",
		shown: "mysql://jack:xxxxx@tcp(db:3306)/app?parseTime=true&pool_max_conns=7",
	},
	{
		name: "MySQL native", dsn: "jack:s3cret@tcp(db:3306)/app?pool_max_conns=7", driver: "mysql",
		native: "jack:s3cret@tcp(db:3306)/app", set: maxConns(7), secret: "s3cret",
		format: "mysql://jack:s3cret@tcp(db:3306)/app?pool_max_conns=7",
		shown:  "mysql://jack:xxxxx@tcp(db:3306)/app?pool_max_conns=7",
	},
	{
		name: "MySQL with every character in the password", driver: "mysql",
		dsn:    `jack:@/?:%"' ß&pool_max_conns=9#s3cret@tcp(x)/@tcp(db:3306)/app?loc=Europe%2FBerlin&pool_max_conns=7&sql_mode=ANSI`,
		native: `jack:@/?:%"' ß&pool_max_conns=9#s3cret@tcp(x)/@tcp(db:3306)/app?loc=Europe%2FBerlin&sql_mode=ANSI`,
		set:    maxConns(7), secret: "s3cret",
		format: `mysql://jack:@/?:%"' ß&pool_max_conns=9#s3cret@tcp(x)/@tcp(db:3306)/app?loc=Europe%2FBerlin&sql_mode=ANSI&pool_max_conns=7`,
		shown:  "mysql://jack:xxxxx@tcp(db:3306)/app?loc=Europe%2FBerlin&sql_mode=ANSI&pool_max_conns=7",
	},
	{
		name: "MySQL with slashes for a password", dsn: "root://s3cret@tcp(db)/", driver: "mysql", native: "root://s3cret@tcp(db)/",
		secret: "s3cret", format: "mysql://root://s3cret@tcp(db)/", shown: "mysql:xxxxx",
	},
	{
		name: "MySQL over a socket", dsn: "jack:s3cret@unix(/tmp/mysql.sock)/app", driver: "mysql",
		native: "jack:s3cret@unix(/tmp/mysql.sock)/app", secret: "s3cret",
		format: "mysql://jack:s3cret@unix(/tmp/mysql.sock)/app", shown: "mysql://jack:xxxxx@unix(/tmp/mysql.sock)/app",
	},
	{
		name: "MySQL without an address", dsn: "jack:s3cret@/app", driver: "mysql", native: "jack:s3cret@/app", secret: "s3cret",
		format: "mysql://jack:s3cret@/app", shown: "mysql://jack:xxxxx@/app",
	},
	{
		name: "MySQL with a dbname alone", dsn: "/app", driver: "mysql", native: "/app", format: "mysql:///app", shown: "mysql:///app",
	},
	{
		name: "MySQL without a user", dsn: "tcp([::1]:3306)/app", driver: "mysql", native: "tcp([::1]:3306)/app",
		format: "mysql://tcp([::1]:3306)/app", shown: "mysql://tcp([::1]:3306)/app",
	},
	{
		name: "MySQL with nothing but a key", dsn: "mysql://?pool_max_conns=7", driver: "mysql", native: "", set: maxConns(7),
		shown: "mysql://?pool_max_conns=7",
	},
	{
		name: "MySQL with a user named as a driver", dsn: "postgres:s3cret@tcp(db)/app", driver: "mysql",
		native: "postgres:s3cret@tcp(db)/app", secret: "s3cret", format: "mysql://postgres:s3cret@tcp(db)/app",
		shown: "mysql://postgres:xxxxx@tcp(db)/app",
	},
	{
		name: "MySQL with a @ behind the address", dsn: "mysql://tcp(db)/?y=a@s3cret", driver: "mysql", native: "tcp(db)/?y=a@s3cret", secret: "s3cret", shown: "mysql:xxxxx",
	},
	{
		name: "MySQL with settings for a user", dsn: "mysql://jack;password=s3cret@tcp(db)/", driver: "mysql",
		native: "jack;password=s3cret@tcp(db)/", secret: "s3cret", shown: "mysql:xxxxx",
	},
	{
		name: "MySQL with a password behind the dbname", dsn: "mysql://tcp(db)/app;password=s3cret", driver: "mysql",
		native: "tcp(db)/app;password=s3cret", secret: "s3cret", shown: "mysql:xxxxx",
	},
	{
		name: "MySQL with a parameter that is not shown", dsn: "mysql://tcp(db)/?x_token=s3cret&s3cret&y=1", driver: "mysql",
		native: "tcp(db)/?x_token=s3cret&s3cret&y=1", secret: "s3cret", shown: "mysql://tcp(db)/?xxxxx&xxxxx&y=1",
	},
	{
		name: "MySQL named twice", dsn: "mysql://jack:s3cret@tcp(db)/?pool_driver=mysql", driver: "mysql", native: "jack:s3cret@tcp(db)/",
		secret: "s3cret", format: "mysql://jack:s3cret@tcp(db)/", shown: "mysql://jack:xxxxx@tcp(db)/",
	},
	{
		name: "MySQL DSN for pgx is taken at its word", dsn: "jack:s3cret@tcp(db)/?pool_driver=pgx", driver: "pgx",
		native: "jack:s3cret@tcp(db)/", secret: "s3cret", shown: "pgx:xxxxx",
	},
	{
		name: "MySQL URL for another driver keeps its scheme", dsn: "mysql://jack:s3cret@tcp(db)/?pool_driver=sqlite", driver: "sqlite",
		native: "mysql://jack:s3cret@tcp(db)/", secret: "s3cret", shown: "sqlite:xxxxx",
	},

	// Other drivers.
	{
		name: "named", dsn: "sqlite:file:s3cret.db?_pragma=a&pool_max_conns=7", driver: "sqlite", native: "file:s3cret.db?_pragma=a",
		set: maxConns(7), secret: "s3cret", shown: "sqlite:xxxxx?pool_max_conns=7",
	},
	{
		name: "named and empty", dsn: "sqlite:", driver: "sqlite", native: "", shown: "sqlite:",
	},
	{
		name: "named by the scheme", dsn: "clickhouse://jack:s3cret@db/app?x=1&pool_max_conns=7", driver: "clickhouse",
		native: "clickhouse://jack:s3cret@db/app?x=1", set: maxConns(7), secret: "s3cret", shown: "clickhouse:xxxxx?pool_max_conns=7",
	},
	{
		name: "named by a key", dsn: "file:s3cret.db?a=b&pool_driver=sqlite&pool_max_conns=7", driver: "sqlite", native: "file:s3cret.db?a=b",
		set: maxConns(7), secret: "s3cret", format: "sqlite:file:s3cret.db?a=b&pool_max_conns=7", shown: "sqlite:xxxxx?pool_max_conns=7",
	},
	{
		name: "not registered but named by a key", dsn: "s3cret.db?pool_driver=my%26db&pool_max_conns=7", driver: "my&db", native: "s3cret.db",
		set: maxConns(7), secret: "s3cret",
	},
	{
		name: "URL of a driver that is not registered", dsn: "oracle://jack:s3cret@db?pool_driver=oracle", driver: "oracle",
		native: "oracle://jack:s3cret@db", secret: "s3cret", shown: "oracle:xxxxx",
	},
	{
		name: "named key wins over the name", dsn: "sqlite:s3cret.db?pool_driver=other", driver: "other", native: "sqlite:s3cret.db",
		secret: "s3cret", shown: "other:xxxxx",
	},
	{
		name: "native DSN that its name would turn into another form", dsn: "s3cret@tcp(x)/y?pool_driver=sqlite", driver: "sqlite",
		native: "s3cret@tcp(x)/y", secret: "s3cret", shown: "sqlite:xxxxx",
	},

	// Every setting.
	{
		name: "all settings", driver: "sqlite", native: "a.db", secret: "s3cret",
		dsn: "sqlite:a.db?pool_use=audit%2Ctrace&pool_max_conns=9&pool_max_idle_conns=3&pool_min_idle_conns=2&pool_warm_statements=4&pool_max_conn_lifetime=2h30m" +
			"&pool_max_conn_lifetime_jitter=90s&pool_max_conn_idle_time=5m&pool_acquire_timeout=1.5s&pool_max_waiters=none&pool_shed=on&pool_queue_target=20ms&pool_queue_interval=400ms&pool_connect_timeout=250ms" +
			"&pool_validate_after=never&pool_max_dials=8&pool_keepalive=30s&pool_role=replica&pool_init=select+%27s3cret%27&pool_stmt_cache=64",
		set: func(c *policy.Config) {
			c.Use = []string{"audit", "trace"}
			c.Pool = policy.Pool{
				MaxConns: 9, MaxIdleConns: 3, MaxConnLifetime: 2*hour + 30*minute, MaxConnLifetimeJitter: 90 * second,
				MaxConnIdleTime: 5 * minute, AcquireTimeout: 1500 * millisecond, ConnectTimeout: 250 * millisecond,
				ValidateAfter: policy.NeverValidate, MinIdleConns: 2, WarmStatements: 4, MaxDials: 8, Keepalive: 30 * second, Role: policy.RoleReplica, Init: "select 's3cret'",
			}
			c.Queue = policy.Queue{MaxWaiters: policy.NoWaiters, Shed: true, Target: 20 * millisecond, Interval: 400 * millisecond}
			c.Statements.CacheSize = 64
		},
		format: "sqlite:a.db?pool_use=audit%2Ctrace&pool_max_conns=9&pool_max_idle_conns=3&pool_min_idle_conns=2&pool_warm_statements=4&pool_max_conn_lifetime=2h30m" +
			"&pool_max_conn_lifetime_jitter=1m30s&pool_max_conn_idle_time=5m&pool_acquire_timeout=1.5s&pool_max_waiters=none&pool_shed=on&pool_queue_target=20ms&pool_queue_interval=400ms&pool_connect_timeout=250ms" +
			"&pool_validate_after=never&pool_max_dials=8&pool_keepalive=30s&pool_role=replica&pool_init=select+%27s3cret%27&pool_stmt_cache=64",
		shown: "sqlite:xxxxx?pool_use=audit%2Ctrace&pool_max_conns=9&pool_max_idle_conns=3&pool_min_idle_conns=2&pool_warm_statements=4&pool_max_conn_lifetime=2h30m" +
			"&pool_max_conn_lifetime_jitter=1m30s&pool_max_conn_idle_time=5m&pool_acquire_timeout=1.5s&pool_max_waiters=none&pool_shed=on&pool_queue_target=20ms&pool_queue_interval=400ms&pool_connect_timeout=250ms" +
			"&pool_validate_after=never&pool_max_dials=8&pool_keepalive=30s&pool_role=replica&pool_init=xxxxx&pool_stmt_cache=64",
	},
	{
		name: "classes and tenants", driver: "pgx", native: "host=db",
		dsn: "host=db pool_max_conns=20 pool_classes=web:8,batch:1:50%,admin:1:100%:2,x-1_y:3:12.5%:1 pool_class=batch pool_tenant=acme pool_tenant_max=25%",
		set: func(c *policy.Config) {
			c.Pool.MaxConns = 20
			c.Queue.Classes = []policy.Class{
				{Name: "web", Weight: 8}, {Name: "batch", Weight: 1, Max: 0.5}, {Name: "admin", Weight: 1, Reserve: 2}, {Name: "x-1_y", Weight: 3, Max: 0.125, Reserve: 1},
			}
			c.Queue.Class, c.Queue.Tenant, c.Queue.TenantMax = "batch", "acme", 0.25
		},
		format: "host=db pool_max_conns=20 pool_classes='web:8,batch:1:50%,admin:1:100%:2,x-1_y:3:12.5%:1' pool_class=batch pool_tenant=acme pool_tenant_max='25%'",
	},
	{
		name: "name of the pool", driver: "pgx", native: "postgres://db/app", dsn: "postgres://db/app?pool_name=orders-2&pool_max_conns=5",
		set:   func(c *policy.Config) { c.Name, c.Pool.MaxConns = "orders-2", 5 },
		shown: "postgres://db/app?pool_name=orders-2&pool_max_conns=5",
	},
	{
		name: "tags", driver: "pgx", native: "host=db",
		dsn: "host=db pool_sqlcommenter=trace pool_sqlcommenter_tags='application=shop,deployment=blue'",
		set: func(c *policy.Config) {
			c.SQLCommenter = policy.SQLCommenter{Mode: policy.SQLCommenterTrace, Tags: map[string]string{"application": "shop", "deployment": "blue"}}
		},
		shown: "host=db pool_sqlcommenter=trace pool_sqlcommenter_tags=xxxxx",
	},
	{
		name: "tags with everything in them that divides tags", driver: "pgx", native: "postgres://db/app",
		dsn: "postgres://db/app?pool_sqlcommenter=static&pool_sqlcommenter_tags=team%3D50%2525+of%252C+%C3%9F+%26+%252Fb%2Cb%253D=c=d",
		set: func(c *policy.Config) {
			c.SQLCommenter.Mode = policy.SQLCommenterStatic
			c.SQLCommenter.Tags = map[string]string{"team": "50% of, ß & /b", "b=": "c=d"}
		},
		format: "postgres://db/app?pool_sqlcommenter=static&pool_sqlcommenter_tags=b%253D%3Dc%253Dd%2Cteam%3D50%2525+of%252C+%C3%9F+%26+%2Fb",
	},
	{
		name: "harmless routines", driver: "pgx", native: "host=db", dsn: "host=db pool_harmless=shop.calc,Shop.Calc",
		set: func(c *policy.Config) {
			c.Reset.Harmless = []policy.Routine{{Schema: "shop", Name: "calc"}, {Schema: "Shop", Name: "Calc"}}
		},
		shown: "host=db pool_harmless=shop.calc,Shop.Calc",
	},
	{
		name: "harmless routines with everything in their names that divides them", driver: "mysql", native: "tcp(db)/app",
		dsn: "mysql://tcp(db)/app?pool_harmless=a%252Cb.50%2525%2520c%253D%252E%C3%9F%2Cshop.calc",
		set: func(c *policy.Config) {
			c.Reset.Harmless = []policy.Routine{{Schema: "a,b", Name: "50% c=.ß"}, {Schema: "shop", Name: "calc"}}
		},
	},
	{
		name: "profile", driver: "pgx", native: "host=db", dsn: "host=db pool_profile=service", shown: "host=db pool_profile=service",
		set: func(c *policy.Config) { c.UseProfile(policy.ProfileService) },
	},
	{
		name: "profile that stands behind what overrules it", driver: "pgx", native: "host=db",
		dsn: "host=db pool_max_conns=9 pool_shed=off pool_acquire_timeout=0 pool_profile=service",
		set: func(c *policy.Config) {
			c.UseProfile(policy.ProfileService)
			c.Pool.MaxConns, c.Pool.AcquireTimeout, c.Queue.Shed = 9, 0, false
		},
		format: "host=db pool_profile=service pool_max_conns=9 pool_acquire_timeout=0 pool_shed=off",
	},
	{
		name: "profile without what it is for", driver: "pgx", native: "host=db", dsn: "host=db pool_profile=service pool_max_conns=0 pool_leak=off",
		set: func(c *policy.Config) {
			c.UseProfile(policy.ProfileService)
			c.Pool.MaxConns, c.Leak.Threshold = 0, 0
		},
	},
	{
		name: "profile and what it sets already", driver: "pgx", native: "host=db", dsn: "host=db pool_profile=service pool_max_conns=auto pool_breaker=on",
		set:    func(c *policy.Config) { c.UseProfile(policy.ProfileService) },
		format: "host=db pool_profile=service",
	},
	{
		name: "a limit by the server's own figures", driver: "pgx", native: "host=db", dsn: "host=db pool_max_conns=auto pool_max_waiters=50",
		set: func(c *policy.Config) { c.Pool.MaxConns, c.Queue.MaxWaiters = policy.AutoConns, 50 },
	},
	{
		name: "all settings at 0", driver: "pgx", native: "host=db",
		dsn: "host=db pool_max_idle_conns=0 pool_warm_statements=0 pool_max_conn_lifetime=0 pool_max_conn_lifetime_jitter=0 " +
			"pool_max_conn_idle_time=0 pool_connect_timeout=0 pool_validate_after=0 pool_max_dials=0 pool_keepalive=0 pool_stmt_cache=0",
		set: func(c *policy.Config) { c.Pool, c.Statements = policy.Pool{}, policy.Statements{} },
	},
	{
		name: "all settings at their defaults", driver: "pgx", native: "host=db", format: "host=db",
		dsn: "pool_max_conns=0 pool_max_idle_conns=auto pool_max_conn_lifetime=60m pool_max_conn_lifetime_jitter=auto " +
			"pool_max_conn_idle_time=1800s pool_acquire_timeout=0s pool_connect_timeout=10s pool_validate_after=1s " +
			"pool_stmt_cache=128 host=db",
	},
}
