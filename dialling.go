package pooled

import (
	"context"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/credentials"
	"github.com/gopooled/pooled/internal/dials"
)

// named puts what the settings name in the place of the names.
func named(cfg Config) (Config, error) {
	if cfg.CredentialsName != "" {
		ask, err := credentialsRegistry.find(cfg.CredentialsName)
		if err != nil {
			return cfg, err
		}
		cfg.Credentials = ask
	}
	if cfg.DialerName != "" {
		dial, err := dialerRegistry.find(cfg.DialerName)
		if err != nil {
			return cfg, err
		}
		cfg.Dial = dial
	}
	return cfg, nil
}

// keeper returns what knows what to log in to a server with; nil: the DSN says it.
func keeper(cfg Config, d dialect.Dialect, s dialect.Server) (*credentials.Keeper, error) {
	o := credentials.Options{
		Endpoint: s.Address, Ask: cfg.Credentials, File: cfg.PasswordFile,
		Refused: func(err error) bool { return d.Classify(err).Has(dialect.LoginRefused) },
	}
	switch {
	case cfg.PasswordFile != "":
		o.Ask = credentials.FromFile(cfg.PasswordFile)
	case cfg.Credentials == nil:
		return nil, nil
	}
	if !s.Traits.TakesLogin {
		return nil, misconfigured("pooled: pool_password_file, pool_credentials and Config.Credentials need the DSN of PostgreSQL with pgx, or of MySQL with go-sql-driver, which %s has not: "+
			"write that DSN, or give a Config.Connector that asks for the password itself", s.Address)
	}
	return credentials.New(o), nil
}

// dialled returns a server with its dials as the settings want them, and what knows what they log in with; nil: the DSN says it.
func dialled(cfg Config, d dialect.Dialect, s dialect.Server) (dialect.Server, *credentials.Keeper, error) {
	if cfg.Dial != nil {
		if s.DialThrough == nil {
			return s, nil, misconfigured("pooled: pool_dialer and Config.Dial need the DSN of PostgreSQL with pgx, or of MySQL with go-sql-driver, which %s has not: "+
				"write that DSN, or have the real driver itself dial so", s.Address)
		}
		s.Dial, s.Traits.ReplacesDialer = s.DialThrough, false // it is the program's
		s = dials.Around(s, func(ctx context.Context, dial func(context.Context) error) error {
			return dial(dialect.WithDialer(ctx, cfg.Dial))
		})
	}
	secrets, err := keeper(cfg, d, s)
	if secrets != nil {
		s = dials.Around(s, secrets.Login)
	}
	return s, secrets, err
}
