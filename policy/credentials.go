package policy

import (
	"fmt"
	"log/slog"
	"time"
)

// Credentials are what a server is logged in to with, in place of the user and password of a DSN: see [Config].Credentials. However they are printed, they
// show no password.
type Credentials struct {
	// User is the name. Empty = that of the DSN.
	User string
	// Password is the password, or a token that the server takes for one.
	Password string
	// Expires is until when the server takes them for a new connection; those that are open do not end then. They are kept until a tenth of the time that
	// was left when they were told is left, a minute at most. Zero = not known, so that they serve one dial.
	Expires time.Time
}

// String shows the user and when they expire.
func (c Credentials) String() string {
	text := fmt.Sprintf("Credentials of %q", c.User)
	if !c.Expires.IsZero() {
		text += " until " + c.Expires.Format(time.RFC3339)
	}
	return text
}

// GoString is [Credentials.String], so that %#v shows no password either.
func (c Credentials) GoString() string { return c.String() }

// LogValue is [Credentials.String] for package slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is [Credentials.String] for encoders such as encoding/json.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
