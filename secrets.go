package pooled

import (
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/credentials"
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
