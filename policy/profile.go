package policy

import "time"

// Profile is a word for settings that are wanted together: pool_profile. The zero value is [ProfileNone].
type Profile int

// The profiles.
const (
	// ProfileNone sets nothing. It is the default.
	ProfileNone Profile = iota
	// ProfileService is for a service that must stay up under load: a limit by the server's own figures, a limit for waits, shedding, the breaker, which probes every few seconds, and a
	// stack for each borrower, so that a leak is told with its line of code.
	ProfileService
)

// UseProfile sets what belongs to a profile, and leaves all other settings as they are. Whatever is set afterwards overrules it, also with 0, so it is called
// first, on what [NewConfig] has returned. In a DSN pool_profile comes before all other keys, wherever it stands. [ProfileNone] sets nothing.
//
// The fields say what holds: a Config has no settings beside them. The profile is remembered for [FormatDSN], which writes what differs from it.
func (c *Config) UseProfile(p Profile) {
	c.profile = p
	if p != ProfileService {
		return
	}
	c.Pool.MaxConns = AutoConns
	c.Pool.AcquireTimeout = 2 * time.Second
	c.Queue.Shed = true
	c.Leak.Sample = 1
	c.Breaker.On, c.Breaker.Cooldown, c.Breaker.MaxCooldown = true, time.Second, 5*time.Second
}

// Profile is the one that the Config was begun with, by [Config.UseProfile] or pool_profile. Its settings may have been overruled since.
func (c Config) Profile() Profile { return c.profile }

// begins is what a Config with the profile begins with, written as one that has none.
func (p Profile) begins() Config {
	c := NewConfig()
	c.UseProfile(p)
	c.profile = ProfileNone
	return c
}

// profile is the row of the profile.
func profile(doc Key) key {
	row := choice(doc, func(c *Config) *Profile { return &c.profile }, word[Profile]{"none", ProfileNone}, word[Profile]{"service", ProfileService})
	choose := row.set
	row.set = func(c *Config, value string) error {
		if err := choose(c, value); err != nil {
			return err
		}
		c.UseProfile(c.profile)
		return nil
	}
	return row
}

// place orders keys by when they are read: the profile comes before all others.
func (p pair) place() int {
	if p.key == profileKey {
		return 0
	}
	return 1
}
