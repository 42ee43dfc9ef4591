package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/policy"
)

func TestAProfileSetsWhatBelongsToItAndNothingElse(t *testing.T) {
	none := policy.NewConfig()
	none.UseProfile(policy.ProfileNone)
	want := policy.NewConfig()
	assert.Equal(t, want, none)
	want.Pool.MaxConns = policy.AutoConns
	want.Pool.AcquireTimeout = 2 * time.Second
	want.Queue.Shed, want.Breaker.On = true, true
	want.Leak.Sample = 1
	want.Breaker.Cooldown, want.Breaker.MaxCooldown = time.Second, 5*time.Second // a server that restarts is back within seconds

	c := policy.NewConfig()
	c.UseProfile(policy.ProfileService)
	assert.Equal(t, policy.ProfileService, c.Profile())
	assert.Equal(t, []any{want.Pool, want.Queue, want.Breaker, want.Leak}, []any{c.Pool, c.Queue, c.Breaker, c.Leak})
	c.DriverName = "pgx"
	require.NoError(t, c.Validate())
}

func TestAConfigOfAProfileOverrulesItAndIsTheSameAfterADSN(t *testing.T) {
	c := policy.NewConfig()
	c.UseProfile(policy.ProfileService)
	c.DriverName, c.DSN = "pgx", "host=db"
	c.Breaker.On, c.Pool.MaxConns = false, 0
	dsn := policy.FormatDSN(c)
	assert.Equal(t, "host=db pool_profile=service pool_max_conns=0 pool_breaker=off", dsn)
	again, err := policy.ParseDSN(dsn)
	require.NoError(t, err)
	assert.Equal(t, c, again)
}

func TestTheTableTellsWhatTheProfileSets(t *testing.T) {
	sets := map[string]string{}
	for _, k := range policy.Keys() {
		if k.Service != "" {
			sets[k.Name] = k.Service
		}
	}
	assert.Equal(t, map[string]string{
		"pool_max_conns": "auto", "pool_acquire_timeout": "2s", "pool_shed": "on", "pool_leak_sample": "1", "pool_breaker": "on",
		"pool_breaker_cooldown": "1s", "pool_breaker_max_cooldown": "5s",
	}, sets)
}

func TestAProfileThatIsNoneIsRefused(t *testing.T) {
	_, err := policy.ParseDSN("host=db pool_profile=server")
	require.EqualError(t, err, "pooled: pool_profile=server is not known (allowed: none, service)")
	_, err = policy.ParseDSN("host=db pool_profile=service pool_profile=none")
	require.EqualError(t, err, "pooled: pool_profile is given twice: write it once")
	c := policy.NewConfig()
	c.UseProfile(7)
	c.DriverName = "pgx"
	require.ErrorContains(t, c.Validate(), "pooled: pool_profile=7 is not known")
}
