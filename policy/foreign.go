package policy

// foreign are the names that other pools have for a setting, without underscores and in lower case, as people type them behind pool_. Two keys stand
// where the name means one thing in one pool and another in the next.
var foreign = map[string][]string{
	// HikariCP
	"maximumpoolsize": {"pool_max_conns"}, "minimumidle": {"pool_min_idle_conns"}, "connectiontimeout": {"pool_acquire_timeout", "pool_connect_timeout"},
	"idletimeout": {"pool_max_conn_idle_time"}, "maxlifetime": {"pool_max_conn_lifetime"}, "keepalivetime": {"pool_keepalive"},
	"leakdetectionthreshold": {"pool_leak"}, "validationtimeout": {"pool_connect_timeout"}, "connectioninitsql": {"pool_init"},
	"connectiontestquery": {"pool_validate_after"}, "poolname": {"pool_name"}, "initializationfailtimeout": {"pool_connect_timeout"},
	// pgxpool
	"minconns": {"pool_min_idle_conns"}, "healthcheckperiod": {"pool_keepalive"}, "pingtimeout": {"pool_connect_timeout"},
	// database/sql
	"maxopenconns": {"pool_max_conns"}, "maxopen": {"pool_max_conns"}, "maxidle": {"pool_max_idle_conns", "pool_max_conn_idle_time"},
	"connmaxlifetime": {"pool_max_conn_lifetime"}, "connmaxidletime": {"pool_max_conn_idle_time"}, "maxidletime": {"pool_max_conn_idle_time"},
	// PgBouncer
	"poolsize": {"pool_max_conns"}, "defaultpoolsize": {"pool_max_conns"}, "maxdbconnections": {"pool_max_conns"}, "minpoolsize": {"pool_min_idle_conns"},
	"querywaittimeout": {"pool_acquire_timeout"}, "serverlifetime": {"pool_max_conn_lifetime"}, "serveridletimeout": {"pool_max_conn_idle_time"},
	"servercheckdelay": {"pool_validate_after"}, "serverconnecttimeout": {"pool_connect_timeout"}, "serverresetquery": {"pool_reset"}, "connectquery": {"pool_init"},
	// psycopg_pool
	"minsize": {"pool_min_idle_conns"}, "maxsize": {"pool_max_conns"}, "timeout": {"pool_acquire_timeout", "pool_connect_timeout"}, "numworkers": {"pool_max_dials"},
	"check": {"pool_validate_after"}, "configure": {"pool_init"},
	// SQLAlchemy, which writes pool_ itself
	"size": {"pool_max_conns"}, "recycle": {"pool_max_conn_lifetime"}, "preping": {"pool_validate_after"}, "resetonreturn": {"pool_reset"},
	// the pools of Rust, Node.js, Rails, ADO.NET, and older ones of Java
	"max": {"pool_max_conns"}, "min": {"pool_min_idle_conns"}, "maxconnections": {"pool_max_conns"}, "minconnections": {"pool_min_idle_conns"},
	"connections": {"pool_max_conns"}, "conns": {"pool_max_conns"}, "testbeforeacquire": {"pool_validate_after"}, "checkouttimeout": {"pool_acquire_timeout"},
	"maxpoolsize": {"pool_max_conns"}, "minimumpoolsize": {"pool_min_idle_conns"}, "connectionlifetime": {"pool_max_conn_lifetime"},
	"maxtotal": {"pool_max_conns"}, "maxactive": {"pool_max_conns"}, "minidle": {"pool_min_idle_conns"}, "initialsize": {"pool_min_idle_conns"},
	"maxwait": {"pool_acquire_timeout"}, "maxwaitmillis": {"pool_acquire_timeout"}, "testonborrow": {"pool_validate_after"}, "validationquery": {"pool_validate_after"},
	"removeabandonedtimeout": {"pool_leak"}, "maxage": {"pool_max_conn_lifetime"}, "lifetime": {"pool_max_conn_lifetime"}, "idletime": {"pool_max_conn_idle_time"},
}
