package realtest

import (
	"database/sql"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// Open opens a DB and closes it with the test.
func Open(t testing.TB, driver, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// SetUp has somebody define what a database is to have, over a connection that is closed then.
func SetUp(t *testing.T, driver, dsn string, texts []string) {
	t.Helper()
	bare := Open(t, driver, dsn)
	for _, text := range texts {
		_, err := bare.ExecContext(t.Context(), text)
		require.NoError(t, err, text)
	}
	require.NoError(t, bare.Close())
}

// OpenAtMost opens a pool of so many connections at most.
func OpenAtMost(t *testing.T, most int, driver, dsn string) (*sql.DB, *pooled.Connector) {
	t.Helper()
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = driver, dsn, most
	return pooltest.Open(t, cfg)
}

// WithParams changes a DSN of go-sql-driver/mysql.
func WithParams(t testing.TB, dsn string, set func(*mysql.Config)) string {
	t.Helper()
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	set(cfg)
	return cfg.FormatDSN()
}

// OpenWith opens a pooled DB on a native DSN, with one permit so that every session gets the same server connection.
func OpenWith(t *testing.T, dsn string, change func(*pooled.Config)) *sql.DB {
	t.Helper()
	cfg, err := pooled.ParseDSN(dsn)
	require.NoError(t, err)
	cfg.Pool.MaxConns = 1
	if change != nil {
		change(&cfg)
	}
	db, _ := pooltest.Open(t, cfg)
	return db
}
