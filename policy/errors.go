package policy

import "errors"

// ErrConfig matches a [ConfigError].
var ErrConfig = errors.New("pooled: these settings cannot be")

// ConfigError says what is wrong with a DSN or a [Config], and what to write instead. It shows no password. It matches [ErrConfig].
type ConfigError struct {
	// Err says it.
	Err error
}

// Error is that of Err.
func (e *ConfigError) Error() string { return e.Err.Error() }

// Is matches ErrConfig.
func (e *ConfigError) Is(target error) bool { return target == ErrConfig }

// Unwrap returns Err.
func (e *ConfigError) Unwrap() error { return e.Err }

// asConfigError makes a ConfigError of an error; nil stays nil.
func asConfigError(err error) error {
	if err == nil {
		return nil
	}
	return &ConfigError{err}
}
