package opening_test

import (
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// The real driver can be named, or be a value, or be a connector made with what its own package offers. Each way finds the dialect.
func TestEveryWayToNameTheRealDriverFindsItsDialect(t *testing.T) {
	pg, my := testserver.Postgres(t), testserver.MariaDB(t)
	pgConfig, err := pgx.ParseConfig(pg)
	require.NoError(t, err)
	registered := stdlib.RegisterConnConfig(pgConfig)
	defer stdlib.UnregisterConnConfig(registered)
	myConfig, err := mysql.ParseDSN(my)
	require.NoError(t, err)
	myConnector, err := mysql.NewConnector(myConfig)
	require.NoError(t, err)

	for name, c := range map[string]struct {
		set     func(*pooled.Config)
		dialect string
	}{
		"pgx, named":             {func(c *pooled.Config) { c.DriverName, c.DSN = "pgx", pg }, "postgres"},
		"pgx, registered config": {func(c *pooled.Config) { c.DriverName, c.DSN = "pgx", registered }, "postgres"},
		"pgx, driver":            {func(c *pooled.Config) { c.Driver, c.DSN = stdlib.GetDefaultDriver(), pg }, "postgres"},
		"pgx, connector":         {func(c *pooled.Config) { c.Connector = stdlib.GetConnector(*pgConfig) }, "postgres"},
		"MySQL, named":           {func(c *pooled.Config) { c.DriverName, c.DSN = "mysql", my }, "mysql"},
		"MySQL, driver":          {func(c *pooled.Config) { c.Driver, c.DSN = &mysql.MySQLDriver{}, my }, "mysql"},
		"MySQL, connector":       {func(c *pooled.Config) { c.Connector = myConnector }, "mysql"},
		"unknown driver":         {func(c *pooled.Config) { c.Driver = pooltest.Registered }, "generic"},
		"unknown, named":         {func(c *pooled.Config) { c.DriverName = "pooled-fault" }, "generic"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := pooled.NewConfig()
			c.set(&cfg)
			var found *middleware.Endpoint
			connector, err := pooled.NewConnector(cfg, pooled.Middleware{
				Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
					return func(r *middleware.Release) {
						found = r.Conn.Endpoint()
						next(r)
					}
				},
			})
			require.NoError(t, err)
			db := sql.OpenDB(connector)
			defer db.Close()
			require.NoError(t, db.Ping())
			require.NotNil(t, found)
			assert.Equal(t, c.dialect, found.Dialect)
			assert.NotEmpty(t, found.Name)
		})
	}
}
