package secrets_test

import (
	"context"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
)

func TestWhatCannotBeIsRefused(t *testing.T) {
	ask := func(context.Context, string) (pooled.Credentials, error) { return pooled.Credentials{}, nil }
	dial := new(net.Dialer).DialContext
	for want, change := range map[string]func(*pooled.Config){
		"pool_password_file and Config.Credentials say each what to log in with: choose one": func(c *pooled.Config) { c.PasswordFile, c.Credentials = "/f", ask },
		"pool_password_file and pool_credentials say each":                                   func(c *pooled.Config) { c.PasswordFile, c.CredentialsName = "/f", "vault" },
		"pool_credentials and Config.Credentials say each":                                   func(c *pooled.Config) { c.CredentialsName, c.Credentials = "vault", ask },
		`pool_credentials names the source of credentials "vault", which is not registered`:  func(c *pooled.Config) { c.CredentialsName = "vault" },
		"pool_credentials=xxxxx has a comma or a space in it":                                func(c *pooled.Config) { c.CredentialsName = "a\tb" },
		"pool_password_file has no effect with a Config.Connector, which logs in by itself": func(c *pooled.Config) {
			c.Connector, c.PasswordFile = faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt), "/f"
		},
		"pool_password_file, pool_credentials and Config.Credentials need the DSN of PostgreSQL with pgx": func(c *pooled.Config) {
			c.Driver, c.PasswordFile = faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt), "/f"
		},
		"pool_dialer and Config.Dial say each how to dial: choose one": func(c *pooled.Config) { c.DialerName, c.Dial = "ssh", dial },
		`pool_dialer names the dialer "ssh", which is not registered`:  func(c *pooled.Config) { c.DialerName = "ssh" },
		"Config.Dial has no effect with a Config.Connector, which dials by itself": func(c *pooled.Config) {
			c.Connector, c.Dial = faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt), dial
		},
		"pool_dialer and Config.Dial need the DSN of PostgreSQL with pgx": func(c *pooled.Config) {
			c.Driver, c.Dial = faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt), dial
		},
		"of MySQL with go-sql-driver, which registeredConnConfig0 has not": func(c *pooled.Config) {
			c.DSN, c.PasswordFile = "registeredConnConfig0", "/f"
		},
	} {
		cfg, err := pooled.ParseDSN("postgres://db/app")
		require.NoError(t, err)
		change(&cfg)
		_, err = pooled.NewConnector(cfg)
		require.ErrorIs(t, err, pooled.ErrConfig, want)
		assert.ErrorContains(t, err, want)
	}
}
