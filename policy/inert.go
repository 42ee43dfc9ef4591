package policy

import (
	"fmt"
	"slices"
)

// inertRule says when some settings have no effect, so that whoever has changed one of them meant something else.
type inertRule struct {
	keys []string
	// inert tells why, as "pool_breaker=off"; empty: they have an effect.
	inert func(c Config) string
	cure  string
	// mayBeOff says that 0 is no contradiction: it turns off what is off already.
	mayBeOff bool
}

// inertRules are looked at in this order. What a key is set to counts only if it is not the default, which says nothing.
var inertRules = []inertRule{
	{
		keys: []string{
			"pool_breaker_failures", "pool_breaker_ratio", "pool_breaker_window", "pool_breaker_cooldown", "pool_breaker_max_cooldown", "pool_breaker_probes",
		},
		inert: unless(func(c Config) bool { return c.Breaker.On }, "pool_breaker=off"),
		cure:  "write pool_breaker=on",
	},
	{
		keys:  []string{"pool_breaker_window"},
		inert: unless(func(c Config) bool { return c.Breaker.Ratio > 0 }, "pool_breaker_ratio=0"),
		cure:  "write a ratio too, such as pool_breaker_ratio=0.5",
	},
	{
		keys:  []string{"pool_sqlcommenter_tags"},
		inert: unless(func(c Config) bool { return c.SQLCommenter.Mode != SQLCommenterOff }, "pool_sqlcommenter=off"),
		cure:  "write pool_sqlcommenter=static, or trace",
	},
	{
		keys:  []string{"pool_consistency", "pool_max_lag", "pool_replica_fallback", "pool_failover_timeout", "pool_monitor_interval", "pool_monitor_burst"},
		inert: unless(func(c Config) bool { return c.Routing.On() }, "nothing is routed"),
		cure:  "name the other servers, as pool_replicas=host:port, or set pool_routing",
	},
	{
		keys:  []string{"pool_role"},
		inert: unless(func(c Config) bool { return !c.Routing.On() }, "pool_routing asks each server for its role"),
		cure:  "leave it out",
	},
	{
		keys:     []string{"pool_leak_sample", "pool_leak_reclaim"},
		inert:    unless(func(c Config) bool { return c.Leak.Threshold > 0 }, "pool_leak=off"),
		cure:     "write for how long a connection may be held unused, such as pool_leak=1m",
		mayBeOff: true,
	},
	{
		keys:     []string{"pool_reset_audit"},
		inert:    unless(func(c Config) bool { return c.Reset.Mode != ResetOff }, "pool_reset=off"),
		cure:     "write pool_reset=dirty",
		mayBeOff: true,
	},
	{
		keys: []string{"pool_harmless"},
		inert: func(c Config) string {
			switch c.Reset.Mode {
			case ResetOff:
				return "pool_reset=off"
			case ResetAlways:
				return "pool_reset=always"
			}
			return ""
		},
		cure: "write pool_reset=dirty",
	},
	{
		keys:     []string{"pool_max_waiters", "pool_shed", "pool_classes", "pool_tenant", "pool_tenant_max"},
		inert:    unless(func(c Config) bool { return c.Pool.Limited() || c.Routing.ownPools() }, "pool_max_conns=0 lets nobody wait"),
		cure:     "write how many connections there may be, such as pool_max_conns=20",
		mayBeOff: true,
	},
	{
		keys:  []string{"pool_class"},
		inert: unless(func(c Config) bool { return len(c.Queue.Classes) > 0 }, "there are no pool_classes"),
		cure:  "write the classes too, such as pool_classes=web:8,batch:1",
	},
	{
		keys:  []string{"pool_queue_target", "pool_queue_interval"},
		inert: unless(func(c Config) bool { return c.Queue.Shed }, "pool_shed=off"),
		cure:  "write pool_shed=on",
	},
	{
		keys:     []string{"pool_max_conn_lifetime_jitter"},
		inert:    unless(func(c Config) bool { return c.Pool.MaxConnLifetime > 0 }, "pool_max_conn_lifetime=0"),
		cure:     "write a lifetime too, such as pool_max_conn_lifetime=1h",
		mayBeOff: true,
	},
	{
		keys:     []string{"pool_warm_statements"},
		inert:    unless(func(c Config) bool { return c.Pool.MinIdleConns > 0 || c.Routing.ownPools() }, "pool_min_idle_conns=0"),
		cure:     "write how many connections are kept ready, such as pool_min_idle_conns=2",
		mayBeOff: true,
	},
	{
		keys:     []string{"pool_keepalive", "pool_max_conn_idle_time"},
		inert:    unless(func(c Config) bool { return c.Pool.MaxIdleConns != 0 || c.Routing.ownPools() }, "pool_max_idle_conns=0 keeps no connection"),
		cure:     "write pool_max_idle_conns=all, or a number",
		mayBeOff: true,
	},
	{
		keys: []string{"pool_keepalive"},
		inert: func(c Config) string {
			if idle := c.Pool.MaxConnIdleTime; idle > 0 && c.Pool.Keepalive >= idle && !c.Routing.ownPools() {
				return "pool_max_conn_idle_time=" + formatDuration(idle) + " closes the connection before"
			}
			return ""
		},
		cure: "write less than the idle time",
	},
}

// unless makes a rule of a condition under which the keys have an effect.
func unless(effective func(Config) bool, why string) func(Config) string {
	return func(c Config) string {
		if effective(c) {
			return ""
		}
		return why
	}
}

// validateEffects reports the first setting that was changed and has no effect.
func (c Config) validateEffects() error {
	changed := c.settings()
	for _, rule := range inertRules {
		why := rule.inert(c)
		if why == "" {
			continue
		}
		for _, p := range changed {
			off := rule.mayBeOff && (p.value == "0" || p.value == "off")
			if !off && slices.Contains(rule.keys, p.key) {
				return fmt.Errorf("pooled: %s=%s has no effect, because %s: %s, or leave %[1]s out", p.key, find(p.key).show(p.value), why, rule.cure)
			}
		}
	}
	return nil
}
