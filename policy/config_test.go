package policy_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/policy"
)

// leaky is a connector that would show its password to anyone who printed it.
type leaky struct{ Password string }

func (leaky) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("not to be dialled")
}
func (leaky) Driver() driver.Driver { return unopened{} }
func (l leaky) String() string      { return l.Password }

func TestADriverOrConnectorNeedsNoNameAndIsShownByItsType(t *testing.T) {
	c := policy.NewConfig()
	c.Pool.MaxConns = 5
	c.Connector = leaky{"s3cret"}
	require.NoError(t, c.Validate())
	assert.Equal(t, "(policy_test.leaky)?pool_max_conns=5", policy.FormatDSN(c))
	for how, text := range representations(c) {
		assert.NotContains(t, text, "s3cret", how)
	}

	c.Connector, c.Driver, c.DSN = nil, unopened{}, "jack:s3cret@tcp(db)/"
	require.NoError(t, c.Validate())
	assert.Equal(t, "(policy_test.unopened):jack:s3cret@tcp(db)/?pool_max_conns=5", policy.FormatDSN(c))
	assert.Equal(t, "(policy_test.unopened):xxxxx?pool_max_conns=5", c.String())

	c.Connector = leaky{}
	require.EqualError(t, c.Validate(), "pooled: both a Driver and a Connector are set: choose one")
}

// classes sets them, with a limit.
func classes(all ...policy.Class) func(*policy.Config) {
	return func(c *policy.Config) { c.Pool.MaxConns, c.Queue.Classes = 9, all }
}

func TestValidateNamesTheSettingByItsKey(t *testing.T) {
	tests := []struct {
		name string
		set  func(c *policy.Config)
		want string
	}{
		{"no driver", func(c *policy.Config) { c.DriverName = "" }, "pooled: no real driver: set pool_driver in a DSN, or DriverName"},
		{"itself", func(c *policy.Config) { c.DriverName = "pooled-pgx" }, "pooled: the real driver cannot be pooled-pgx"},
		{"negative size", func(c *policy.Config) { c.Pool.MaxConns = -2 }, "pooled: pool_max_conns=-2 is negative"},
		{"negative size past the word", func(c *policy.Config) { c.Pool.MaxIdleConns = -3 }, "pooled: pool_max_idle_conns=-3 is negative"},
		{"negative duration", func(c *policy.Config) { c.Pool.ConnectTimeout = -time.Second }, "pooled: pool_connect_timeout=-1s is negative"},
		{"negative cache", func(c *policy.Config) { c.Statements.CacheSize = -1 }, "pooled: pool_stmt_cache=-1 is negative"},
		{"name with a space", func(c *policy.Config) { c.Use = []string{"a b"} }, "pooled: pool_use=a b has an empty name"},
		{"contradiction", func(c *policy.Config) { c.Pool.MaxConns, c.Pool.MaxIdleConns = 1, 2 }, "pooled: pool_max_idle_conns=2 is more"},
		{"reclaiming what is not watched", func(c *policy.Config) {
			c.Leak.Threshold, c.Leak.Reclaim = 0, policy.ReclaimAll
		}, "pooled: pool_leak_reclaim=all has no effect, because pool_leak=off: write for how long"},
		{"more idle than there may be", func(c *policy.Config) { c.Pool.MaxConns, c.Pool.MinIdleConns = 2, 3 }, "pooled: pool_min_idle_conns=3 is more than pool_max_conns=2: write at most 2"},
		{"breaker without a rule", func(c *policy.Config) {
			c.Breaker.On, c.Breaker.Failures = true, 0
		}, "pooled: pool_breaker=on, but pool_breaker_failures=0 and pool_breaker_ratio=0, so that nothing opens it: write pool_breaker_failures=5"},
		{"breaker without a cooldown", func(c *policy.Config) {
			c.Breaker.On, c.Breaker.Cooldown = true, 0
		}, "pooled: pool_breaker_cooldown=0"},
		{"breaker whose cooldown shrinks", func(c *policy.Config) {
			c.Breaker.On, c.Breaker.MaxCooldown = true, time.Second
		}, "pooled: pool_breaker_max_cooldown=1s is less than pool_breaker_cooldown=5s: write at least pool_breaker_max_cooldown=5s"},
		{"ratio without a window", func(c *policy.Config) {
			c.Breaker.On, c.Breaker.Ratio, c.Breaker.Window = true, 0.5, 0
		}, "pooled: pool_breaker_ratio=0.5 looks back for pool_breaker_window=0: write a duration"},
		{"routine without a schema", func(c *policy.Config) { c.Reset.Harmless = []policy.Routine{{Name: "f"}} }, "pooled: pool_harmless=.f has a name without its schema, or a schema without a name"},
		{"ratio above 1", func(c *policy.Config) { c.Breaker.Ratio = 1.5 }, "pooled: pool_breaker_ratio=1.5 is not between 0 and 1"},
		{"tag without a name", func(c *policy.Config) { c.SQLCommenter.Tags = map[string]string{"": "a"} }, "pooled: pool_sqlcommenter_tags="},
		{"tag with a space", func(c *policy.Config) { c.SQLCommenter.Tags = map[string]string{"a b": "a"} }, "has a tag without a name, or with a space in it"},
		{"tag without a value", func(c *policy.Config) { c.SQLCommenter.Tags = map[string]string{"a": ""} }, "has a tag without a value"},
		{"tag that is the trace's", func(c *policy.Config) { c.SQLCommenter.Tags = map[string]string{"traceparent": "a"} }, "has traceparent or tracestate"},
		{"tag that is the trace's too", func(c *policy.Config) { c.SQLCommenter.Tags = map[string]string{"tracestate": "a"} }, "has traceparent or tracestate"},
		{"mode that is none", func(c *policy.Config) { c.SQLCommenter.Mode = 3 }, "pooled: pool_sqlcommenter=3 is not known"},
		{"jitter of no lifetime", func(c *policy.Config) {
			c.Pool.MaxConnLifetime, c.Pool.MaxConnLifetimeJitter = 0, time.Second
		}, "pooled: pool_max_conn_lifetime_jitter=1s has no effect, because pool_max_conn_lifetime=0: write a lifetime too"},
		{"class without a weight", classes(policy.Class{Name: "web"}), "pooled: pool_classes=xxxxx gives the class web a weight that is not a whole number of at least 1"},
		{"class without a name", classes(policy.Class{Weight: 1}), "pooled: pool_classes=xxxxx has a class whose name is not one of letters"},
		{"class of a name that a DSN cannot have", classes(policy.Class{Name: "a:b", Weight: 1}), "pooled: pool_classes=xxxxx gives the class a a weight"},
		{"class twice", classes(policy.Class{Name: "a", Weight: 1}, policy.Class{Name: "a", Weight: 2}), "pooled: pool_classes=xxxxx has the class a twice"},
		{"class with more than all", classes(policy.Class{Name: "a", Weight: 1, Max: 1.5}), "pooled: pool_classes=xxxxx gives the class a a max that is not between 0 % and 100 %"},
		{"class that keeps less than nothing", classes(policy.Class{Name: "a", Weight: 1, Reserve: -1}), "pooled: pool_classes=xxxxx gives the class a a reserve that is negative"},
		{"classes that keep all", classes(policy.Class{Name: "a", Weight: 1, Reserve: 5}, policy.Class{Name: "b", Weight: 1, Reserve: 4}), "pooled: pool_classes keeps 9 connections free, and pool_max_conns=9 allows no more"},
		{"class that is not there", func(c *policy.Config) {
			classes(policy.Class{Name: "a", Weight: 1})(c)
			c.Queue.Class = "b"
		}, "pooled: pool_class=b is none of pool_classes"},
		{"tenant with more than all", func(c *policy.Config) { c.Queue.TenantMax = 2 }, "pooled: pool_tenant_max=xxxxx is not between 0 % and 100 %"},
		{"keys in the native DSN", func(c *policy.Config) { c.DSN = "postgres://db/?pool_max_conns=3" }, "pooled: the DSN field of a Config has pool_ keys in it"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			c := policy.NewConfig()
			c.DriverName = "pgx"
			require.NoError(t, c.Validate())
			tc.set(&c)
			require.ErrorContains(t, c.Validate(), tc.want)
			require.ErrorIs(t, c.Validate(), policy.ErrConfig)
		})
	}
}

func TestALiteralIsRefusedAsItsZeroesAreNoDefaults(t *testing.T) {
	for name, c := range map[string]policy.Config{
		"of nothing": {}, "of a DSN": {DriverName: "pgx", DSN: "host=db"}, "of a connector": {Connector: leaky{}}, "with settings": {DriverName: "pgx", Pool: policy.Pool{MaxConns: 5}},
	} {
		require.ErrorContains(t, c.Validate(), "begin with cfg := pooled.NewConfig(), or cfg, err := pooled.ParseDSN(dsn), and change its fields", name)
		require.Error(t, c.Clone().Validate(), name)
	}
	c := policy.NewConfig()
	c.DriverName = "pgx"
	require.NoError(t, c.Validate())
	require.NoError(t, c.Clone().Validate())
	parsed, err := policy.ParseDSN("host=db")
	require.NoError(t, err)
	require.NoError(t, parsed.Validate())
}

func TestACloneSharesNothingThatChanges(t *testing.T) {
	c := policy.NewConfig()
	c.Use = []string{"a"}
	c.Reset.Harmless = []policy.Routine{{Schema: "shop", Name: "f"}}
	c.Queue.Classes = []policy.Class{{Name: "web", Weight: 1}}
	c.SQLCommenter.Tags = map[string]string{"application": "shop"}
	clone := c.Clone()
	assert.Equal(t, c, clone)
	clone.Use[0] = "b"
	clone.Reset.Harmless[0].Name = "g"
	clone.Queue.Classes[0].Weight = 2
	clone.SQLCommenter.Tags["application"] = "other"
	assert.Equal(t, []string{"a"}, c.Use)
	assert.Equal(t, "f", c.Reset.Harmless[0].Name)
	assert.Equal(t, 1, c.Queue.Classes[0].Weight)
	assert.Equal(t, "shop", c.SQLCommenter.Tags["application"])
	assert.Nil(t, policy.NewConfig().Clone().Use)
	assert.Nil(t, policy.NewConfig().Clone().SQLCommenter.Tags)
}

func TestAutoJitterIsATenthOfTheLifetime(t *testing.T) {
	assert.Equal(t, 6*time.Minute, policy.NewConfig().Pool.Jitter())
	assert.Zero(t, policy.Pool{MaxConnLifetimeJitter: policy.AutoJitter}.Jitter())
	assert.Zero(t, policy.Pool{MaxConnLifetime: time.Hour}.Jitter())
	assert.Equal(t, time.Second, policy.Pool{MaxConnLifetimeJitter: time.Second}.Jitter())
}

func TestKeysAreDocumentedInTheOrderInWhichTheyAreWritten(t *testing.T) {
	defaults := map[string]string{
		"pool_driver": "", "pool_profile": "none", "pool_name": "", "pool_password_file": "", "pool_credentials": "", "pool_dialer": "", "pool_use": "", "pool_max_conns": "0", "pool_max_idle_conns": "auto", "pool_warm_statements": "16", "pool_max_conn_lifetime": "1h",
		"pool_max_conn_lifetime_jitter": "auto", "pool_max_conn_idle_time": "30m", "pool_acquire_timeout": "0",
		"pool_max_waiters": "0", "pool_shed": "off", "pool_queue_target": "auto", "pool_queue_interval": "auto",
		"pool_classes": "", "pool_class": "", "pool_tenant": "", "pool_tenant_max": "0",
		"pool_connect_timeout": "10s", "pool_validate_after": "1s", "pool_init": "", "pool_timestamp_zone": "", "pool_stmt_cache": "128",
		"pool_reset": "dirty", "pool_reset_timeout": "5s", "pool_reset_audit": "0", "pool_harmless": "",
		"pool_min_idle_conns": "0", "pool_max_dials": "4", "pool_keepalive": "2m", "pool_role": "any", "pool_drain": "refuse", "pool_cancel": "query",
		"pool_breaker": "off", "pool_breaker_failures": "5", "pool_breaker_ratio": "0", "pool_breaker_window": "10s", "pool_breaker_cooldown": "5s",
		"pool_breaker_max_cooldown": "1m", "pool_breaker_probes": "1",
		"pool_replicas": "", "pool_routing": "auto", "pool_consistency": "session", "pool_max_lag": "10s", "pool_replica_fallback": "primary",
		"pool_failover_timeout": "30s", "pool_monitor_interval": "1s", "pool_monitor_burst": "20ms",
		"pool_trace": "on", "pool_trace_text": "auto", "pool_sqlcommenter": "off", "pool_sqlcommenter_tags": "",
		"pool_leak": "1m", "pool_leak_sample": "auto", "pool_leak_reclaim": "off", "pool_nested": "warn",
	}
	for _, k := range policy.Keys() {
		assert.NotEmpty(t, k.Type, k.Name)
		assert.NotEmpty(t, k.Values, k.Name)
		assert.NotEmpty(t, k.Doc, k.Name)
		require.Contains(t, defaults, k.Name)
		assert.Equal(t, defaults[k.Name], k.Default, k.Name)
		delete(defaults, k.Name)
	}
	assert.Empty(t, defaults, "keys that are missing")
}

func TestEveryDefaultIsAValueOfItsKey(t *testing.T) {
	for _, k := range policy.Keys() {
		if k.Default == "" {
			continue
		}
		c, err := policy.ParseDSN("host=db " + k.Name + "=" + k.Default)
		require.NoError(t, err)
		assert.Equal(t, "host=db", policy.FormatDSN(c))
	}
}
