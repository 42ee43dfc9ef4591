package dialect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// Login is whom a dial logs in as, in place of whom the DSN names. However it is printed, it shows no password.
type Login struct {
	// User is the name. Empty: that of the DSN.
	User string
	// Password is the password, or a token that the server takes for one.
	Password string
}

// String shows the name alone.
func (l Login) String() string { return "Login of " + fmt.Sprintf("%q", l.User) }

// GoString is [Login.String], so that %#v shows no password either.
func (l Login) GoString() string { return l.String() }

// LogValue is [Login.String] for package slog.
func (l Login) LogValue() slog.Value { return slog.StringValue(l.String()) }

// MarshalText is [Login.String] for encoders such as encoding/json.
func (l Login) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// loginKey marks the context of a dial, or of [Cancel].Statement, which may dial.
type loginKey struct{}

// WithLogin asks a dial to log in so. Only a server whose [Traits].TakesLogin is true does.
func WithLogin(ctx context.Context, l Login) context.Context {
	return context.WithValue(ctx, loginKey{}, l)
}

// LoginOf tells how a dial is asked to log in, and whether it is.
func LoginOf(ctx context.Context) (l Login, asked bool) {
	l, asked = ctx.Value(loginKey{}).(Login)
	return l, asked
}

// ErrCredentials matches a [CredentialsError].
var ErrCredentials = errors.New("pooled: there are no credentials to log in with")

// CredentialsError is returned when a dial could not begin, because the password file or the program's function did not tell what to log in with.
// Nothing was sent to the server. It matches [ErrCredentials].
type CredentialsError struct {
	// Endpoint is the name of the endpoint.
	Endpoint string
	// File is that of pool_password_file; empty: the program's function was asked.
	File string
	// Cause is the error of the file, or of the function.
	Cause error
}

// Error names the endpoint and the file, and has the text of Cause. It knows no password that it could show.
func (e *CredentialsError) Error() string {
	if e.File != "" {
		return fmt.Sprintf("pooled: the password for %s cannot be read from pool_password_file=%s: %v: correct the path, or write the file", e.Endpoint, e.File, e.Cause)
	}
	return fmt.Sprintf("pooled: Config.Credentials, or what pool_credentials names, has told nothing to log in to %s with: %v", e.Endpoint, e.Cause)
}

// Is matches ErrCredentials.
func (e *CredentialsError) Is(target error) bool { return target == ErrCredentials }

// Unwrap returns Cause.
func (e *CredentialsError) Unwrap() error { return e.Cause }
