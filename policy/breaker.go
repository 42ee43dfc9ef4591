package policy

import (
	"errors"
	"fmt"
	"time"
)

// Breaker is when an endpoint is cut off because its server is in trouble, and when it is tried again. What counts as trouble is told by
// the dialect: never errors of the application, and never a caller who gave up, unless the server
// then leaves the dial without an answer for another second.
type Breaker struct {
	// On turns the breaker on: pool_breaker. False, the default, = everybody waits for a server in trouble.
	On bool
	// Failures in a row open the breaker: pool_breaker_failures, 5 by default. 0 = this rule is off.
	Failures int
	// Ratio of failures among all calls of the last Window opens the breaker as well, if there were at least ten: pool_breaker_ratio, such as
	// 0.5. 0, the default, = this rule is off.
	Ratio float64
	// Window is how far Ratio looks back: pool_breaker_window, 10s by default.
	Window time.Duration
	// Cooldown is how long an open breaker waits before it probes the server: pool_breaker_cooldown, 5s by default. Each probe that fails doubles
	// it, up to MaxCooldown. It varies by a tenth at random, so that the processes of a service do not probe together.
	Cooldown time.Duration
	// MaxCooldown is pool_breaker_max_cooldown, 1m by default.
	MaxCooldown time.Duration
	// Probes that succeed one after the other close the breaker: pool_breaker_probes, 1 by default. 0 counts as 1.
	Probes int
}

// BreakerState is the state of a breaker.
type BreakerState uint8

// The states. The zero value is that of a server without trouble.
const (
	// BreakerClosed lets everything through.
	BreakerClosed BreakerState = iota
	// BreakerOpen refuses all acquisitions.
	BreakerOpen
	// BreakerHalfOpen refuses them too, while the endpoint probes its server.
	BreakerHalfOpen
)

// String returns the state in lower case.
func (s BreakerState) String() string {
	switch s {
	case BreakerOpen:
		return "open"
	case BreakerHalfOpen:
		return "half-open"
	default:
		return "closed"
	}
}

// BreakerChange is a change of a breaker's state.
type BreakerChange struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// From and To are the states.
	From, To BreakerState
	// Cause is the last error that counted; nil for a change to closed.
	Cause error
	// NextProbe is when an open breaker probes the server; zero for other changes.
	NextProbe time.Time
}

// validate looks for settings that contradict each other.
func (b Breaker) validate() error {
	switch {
	case !b.On:
		return nil
	case b.Failures == 0 && b.Ratio == 0:
		return errors.New("pooled: pool_breaker=on, but pool_breaker_failures=0 and pool_breaker_ratio=0, so that nothing opens it: " +
			"write pool_breaker_failures=5, or a ratio such as pool_breaker_ratio=0.5")
	case b.Ratio > 0 && b.Window == 0:
		return fmt.Errorf("pooled: pool_breaker_ratio=%s looks back for pool_breaker_window=0: write a duration such as pool_breaker_window=10s", formatRatio(b.Ratio))
	case b.Cooldown == 0:
		return errors.New("pooled: pool_breaker_cooldown=0 would probe without a pause: write a duration such as pool_breaker_cooldown=5s")
	case b.MaxCooldown < b.Cooldown:
		return fmt.Errorf("pooled: pool_breaker_max_cooldown=%s is less than pool_breaker_cooldown=%s: write at least pool_breaker_max_cooldown=%[2]s, or a shorter cooldown",
			formatDuration(b.MaxCooldown), formatDuration(b.Cooldown))
	}
	return nil
}
