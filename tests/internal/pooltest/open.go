package pooltest

import (
	"database/sql"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
)

// Open opens a pooled DB, which is closed when the test ends.
func Open(t *testing.T, cfg pooled.Config, middlewares ...pooled.Middleware) (*sql.DB, *pooled.Connector) {
	t.Helper()
	connector, err := pooled.NewConnector(cfg, middlewares...)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db, connector
}
