package policy

import (
	"cmp"
	"fmt"
	"strings"
)

// source is one of several fields that say the same thing.
type source struct {
	set  bool
	name string
}

// validateDialling looks for two that say how dials log in, or go to the server, and for a connector that dials by itself.
func (c Config) validateDialling() error {
	return cmp.Or(
		c.validateSources("what to log in with", "logs in", source{c.PasswordFile != "", "pool_password_file"},
			source{c.CredentialsName != "", "pool_credentials"}, source{c.Credentials != nil, "Config.Credentials"}),
		c.validateSources("how to dial", "dials", source{c.DialerName != "", "pool_dialer"}, source{c.Dial != nil, "Config.Dial"}),
	)
}

func (c Config) validateSources(what, does string, all ...source) error {
	var set []string
	for _, s := range all {
		if s.set {
			set = append(set, s.name)
		}
	}
	switch {
	case len(set) > 1:
		return fmt.Errorf("pooled: %s say each %s: choose one", strings.Join(set, " and "), what)
	case len(set) > 0 && c.Connector != nil:
		return fmt.Errorf("pooled: %s has no effect with a Config.Connector, which %s by itself: give the DSN in its place", set[0], does)
	}
	return nil
}
