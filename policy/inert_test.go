package policy_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/policy"
)

func TestSettingsWithoutEffectAreContradictionsThatTellTheCure(t *testing.T) {
	for _, c := range []struct {
		dsn, cured string // without and with what is missing
		want       string
	}{
		{"pool_breaker_failures=7", "pool_breaker=on", "pooled: pool_breaker_failures=7 has no effect, because pool_breaker=off: write pool_breaker=on, or leave pool_breaker_failures out"},
		{"pool_breaker_failures=0 pool_breaker_ratio=0.5", "pool_breaker=on", "pooled: pool_breaker_failures=0 has no effect, because pool_breaker=off"},
		{"pool_breaker_ratio=0.5", "pool_breaker=on", "pooled: pool_breaker_ratio=0.5 has no effect"},
		{"pool_breaker_window=30s", "pool_breaker=on pool_breaker_ratio=0.5", "pooled: pool_breaker_window=30s has no effect, because pool_breaker=off"},
		{"pool_breaker=on pool_breaker_window=30s", "pool_breaker_ratio=0.5", "pooled: pool_breaker_window=30s has no effect, because pool_breaker_ratio=0: write a ratio too"},
		{"pool_breaker_cooldown=1s", "pool_breaker=on", "pooled: pool_breaker_cooldown=1s has no effect"},
		{"pool_breaker_max_cooldown=2m", "pool_breaker=on", "pooled: pool_breaker_max_cooldown=2m has no effect"},
		{"pool_breaker_probes=2", "pool_breaker=on", "pooled: pool_breaker_probes=2 has no effect"},
		{"pool_sqlcommenter_tags='application=shop'", "pool_sqlcommenter=static", "pooled: pool_sqlcommenter_tags=xxxxx has no effect, because pool_sqlcommenter=off: write pool_sqlcommenter=static, or trace"},
		{"pool_consistency=strong", "pool_replicas=db2", "pooled: pool_consistency=strong has no effect, because nothing is routed: name the other servers, as pool_replicas=host:port, or set pool_routing"},
		{"pool_max_lag=0", "pool_routing=split", "pooled: pool_max_lag=0 has no effect, because nothing is routed"},
		{"pool_replica_fallback=error", "pool_replicas=db2", "pooled: pool_replica_fallback=error has no effect"},
		{"pool_failover_timeout=5s", "pool_routing=primary", "pooled: pool_failover_timeout=5s has no effect"},
		{"pool_monitor_interval=5s", "pool_replicas=db2", "pooled: pool_monitor_interval=5s has no effect"},
		{"pool_monitor_burst=5ms", "pool_replicas=db2", "pooled: pool_monitor_burst=5ms has no effect"},
		{"pool_shed=on", "pool_max_conns=9", "pooled: pool_shed=on has no effect, because pool_max_conns=0 lets nobody wait: write how many connections there may be"},
		{"pool_max_waiters=none", "pool_max_conns=9", "pooled: pool_max_waiters=none has no effect, because pool_max_conns=0"},
		{"pool_tenant_max=20%", "pool_max_conns=9", "pooled: pool_tenant_max=xxxxx has no effect, because pool_max_conns=0"},
		{"pool_classes=web:8,batch:1", "pool_max_conns=9", "pooled: pool_classes=xxxxx has no effect, because pool_max_conns=0"},
		{"pool_tenant=acme", "pool_max_conns=9", "pooled: pool_tenant=acme has no effect, because pool_max_conns=0"},
		{"pool_max_conns=9 pool_queue_target=5ms", "pool_shed=on", "pooled: pool_queue_target=5ms has no effect, because pool_shed=off: write pool_shed=on"},
		{"pool_max_conns=9 pool_queue_interval=0", "pool_shed=on", "pooled: pool_queue_interval=0 has no effect, because pool_shed=off"},
		{"pool_leak=off pool_leak_sample=1", "", "pooled: pool_leak_sample=1 has no effect, because pool_leak=off"},
		{"pool_leak=off pool_leak_reclaim=all", "", "pooled: pool_leak_reclaim=all has no effect, because pool_leak=off"},
		{"pool_reset=off pool_reset_audit=100", "", "pooled: pool_reset_audit=100 has no effect, because pool_reset=off"},
		{"pool_reset=off pool_harmless=shop.f", "", "pooled: pool_harmless=shop.f has no effect, because pool_reset=off: write pool_reset=dirty, or leave pool_harmless out"},
		{"pool_reset=always pool_harmless=shop.f", "", "pooled: pool_harmless=shop.f has no effect, because pool_reset=always: write pool_reset=dirty"},
		{"pool_max_conn_lifetime=0 pool_max_conn_lifetime_jitter=5m", "", "pooled: pool_max_conn_lifetime_jitter=5m has no effect, because pool_max_conn_lifetime=0: write a lifetime too, such as pool_max_conn_lifetime=1h"},
		{"pool_warm_statements=32", "pool_min_idle_conns=1", "pooled: pool_warm_statements=32 has no effect, because pool_min_idle_conns=0"},
		{"pool_min_idle_conns=1 pool_stmt_cache=8 pool_warm_statements=9", "", "pooled: pool_warm_statements=9 is more than pool_stmt_cache=8: write at most 8, or raise pool_stmt_cache"},
		{"pool_max_idle_conns=0 pool_keepalive=30s", "", "pooled: pool_keepalive=30s has no effect, because pool_max_idle_conns=0 keeps no connection"},
		{"pool_max_idle_conns=0 pool_max_conn_idle_time=5m", "", "pooled: pool_max_conn_idle_time=5m has no effect"},
		{"pool_keepalive=30m", "pool_max_conn_idle_time=31m", "pooled: pool_keepalive=30m has no effect, because pool_max_conn_idle_time=30m closes the connection before: write less than the idle time"},
		{"pool_max_idle_conns=2 pool_min_idle_conns=3", "", "pooled: pool_min_idle_conns=3 is more than pool_max_idle_conns=2: write at most 2, or pool_max_idle_conns=all"},
	} {
		t.Run(c.dsn, func(t *testing.T) {
			_, err := policy.ParseDSN("host=db " + c.dsn)
			require.ErrorContains(t, err, c.want)
			require.ErrorIs(t, err, policy.ErrConfig)
			if c.cured != "" {
				_, err = policy.ParseDSN("host=db " + c.dsn + " " + c.cured)
				require.NoError(t, err)
			}
		})
	}
}

// What is off may be turned off, and a default that is written out says nothing.
func TestWhatIsOffMayBeTurnedOffOnceMore(t *testing.T) {
	for _, dsn := range []string{
		"pool_leak=off pool_leak_sample=0", "pool_leak=off pool_leak_reclaim=off", "pool_reset=off pool_reset_audit=0", "pool_warm_statements=0", "pool_stmt_cache=0",
		"pool_max_conn_lifetime=0", "pool_max_conn_lifetime=0 pool_max_conn_lifetime_jitter=0", "pool_max_idle_conns=0", "pool_max_idle_conns=0 pool_keepalive=0",
		"pool_max_conn_idle_time=1m", "pool_breaker=off pool_breaker_failures=5", "pool_trace=off pool_trace_text=off", "pool_min_idle_conns=2 pool_stmt_cache=4",
	} {
		_, err := policy.ParseDSN("host=db " + dsn)
		require.NoError(t, err, dsn)
	}
}

func TestAReplicaWithAPoolOfItsOwnMayHaveWhatTheOthersHaveNot(t *testing.T) {
	c := policy.NewConfig()
	c.DriverName = "pgx"
	own := c.Pool
	own.MinIdleConns = 4
	c.Routing.Replicas = []policy.Replica{{Address: "db2", Pool: &own}}
	c.Pool.WarmStatements = 32
	require.NoError(t, c.Validate())
	own.MaxConns = 3
	assert.ErrorContains(t, c.Validate(), "pool_min_idle_conns=4 is more than pool_max_conns=3")
}
