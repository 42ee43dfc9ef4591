package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/policy"
)

// What people type who come from another pool, or mistype, is answered with the key that they mean.
func TestNamesOfOtherPoolsAreAnsweredWithTheKeyThatIsMeant(t *testing.T) {
	for pool, names := range map[string]map[string]string{
		"pgxpool": {"pool_min_conns": "pool_min_idle_conns", "pool_health_check_period": "pool_keepalive", "pool_ping_timeout": "pool_connect_timeout"},
		"HikariCP": {
			"pool_maximumPoolSize": "pool_max_conns", "pool_maximum_pool_size": "pool_max_conns", "pool_minimumIdle": "pool_min_idle_conns", "pool_minimum_idle": "pool_min_idle_conns",
			"pool_connectionTimeout": "pool_acquire_timeout or pool_connect_timeout", "pool_idle_timeout": "pool_max_conn_idle_time", "pool_max_lifetime": "pool_max_conn_lifetime",
			"pool_keepalive_time": "pool_keepalive", "pool_leak_detection_threshold": "pool_leak", "pool_connection_init_sql": "pool_init", "pool_connectionTestQuery": "pool_validate_after",
			"pool_validation_timeout": "pool_connect_timeout", "pool_poolName": "pool_name",
		},
		"database/sql": {
			"pool_max_open_conns": "pool_max_conns", "pool_max_open": "pool_max_conns", "pool_conn_max_lifetime": "pool_max_conn_lifetime",
			"pool_conn_max_idle_time": "pool_max_conn_idle_time", "pool_max_idle": "pool_max_idle_conns or pool_max_conn_idle_time", "POOL_MAX_CONNS": "pool_max_conns",
		},
		"PgBouncer": {
			"pool_default_pool_size": "pool_max_conns", "pool_min_pool_size": "pool_min_idle_conns", "pool_query_wait_timeout": "pool_acquire_timeout",
			"pool_server_lifetime": "pool_max_conn_lifetime", "pool_server_idle_timeout": "pool_max_conn_idle_time", "pool_server_check_delay": "pool_validate_after",
			"pool_server_connect_timeout": "pool_connect_timeout", "pool_server_reset_query": "pool_reset", "pool_max_db_connections": "pool_max_conns",
		},
		"psycopg_pool": {
			"pool_min_size": "pool_min_idle_conns", "pool_max_size": "pool_max_conns", "pool_timeout": "pool_acquire_timeout or pool_connect_timeout",
			"pool_num_workers": "pool_max_dials", "pool_check": "pool_validate_after", "pool_configure": "pool_init",
		},
		"SQLAlchemy": {"pool_size": "pool_max_conns", "pool_recycle": "pool_max_conn_lifetime", "pool_pre_ping": "pool_validate_after", "pool_reset_on_return": "pool_reset"},
		"others": {
			"pool_max": "pool_max_conns", "pool_min": "pool_min_idle_conns", "pool_max_connections": "pool_max_conns", "pool_min_connections": "pool_min_idle_conns",
			"pool_minIdle": "pool_min_idle_conns", "pool_max_active": "pool_max_conns", "pool_test_on_borrow": "pool_validate_after", "pool_max_wait": "pool_acquire_timeout",
		},
		"typing": {
			"pool_min_con": "pool_min_idle_conns", "pool_min_cons": "pool_min_idle_conns", "pool_min_idle_cons": "pool_min_idle_conns", "pool_mn_idle_conns": "pool_min_idle_conns",
			"pool_max_cons": "pool_max_conns", "pool_maxconns": "pool_max_conns", "pool_max_ilde_conns": "pool_max_idle_conns", "pool_acquire_timout": "pool_acquire_timeout",
			"pool_breaker_failure": "pool_breaker_failures", "pool_minconns": "pool_min_idle_conns",
		},
	} {
		for name, want := range names {
			t.Run(pool+", "+name, func(t *testing.T) {
				for _, dsn := range []string{"host=db " + name + "=2", "postgres://db/app?" + name + "=2", "tcp(db)/app?" + name + "=2"} {
					_, err := policy.ParseDSN(dsn)
					require.EqualError(t, err, "pooled: "+name+" is not a key: did you mean "+want+"?")
				}
			})
		}
	}
}

func TestANumberWithoutAUnitIsToldItsTwoReadings(t *testing.T) {
	for _, k := range policy.Keys() {
		if k.Type != "duration" {
			continue
		}
		for _, number := range []string{"2", "1500", "0.5"} {
			_, err := policy.ParseDSN("host=db " + k.Name + "=" + number)
			require.ErrorContains(t, err, "pooled: "+k.Name+"="+number+" has no unit: write "+number+"s for seconds, or "+number+"ms for milliseconds (allowed: ")
		}
	}
}
