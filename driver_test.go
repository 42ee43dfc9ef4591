package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	_ "github.com/gopooled/pooled/mysql"
	_ "github.com/gopooled/pooled/postgres"
)

// fault is a driver without a dialect, registered under a name of its own.
var fault = newFault()

func init() { sql.Register("pooled-fault", fault) }

func newFault() *faultdriver.Driver {
	return faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
}

// open opens a pooled DB over a scriptable driver of its own. It is closed when the test ends.
func open(t *testing.T, middlewares ...pooled.Middleware) (*sql.DB, *pooled.Connector) {
	t.Helper()
	cfg := pooled.NewConfig()
	cfg.Connector = newFault()
	connector, err := pooled.NewConnector(cfg, middlewares...)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db, connector
}

func borrow(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // most have closed it already
	return conn
}

func TestADriverIsRegisteredForEachDialectThatIsImportedAndOneForAll(t *testing.T) {
	for _, name := range []string{"pooled", "pooled-pgx", "pooled-mysql"} {
		assert.True(t, slices.Contains(sql.Drivers(), name), name)
	}
}

func TestFromFindsTheConnectorOfAPooledDBOnly(t *testing.T) {
	db, connector := open(t)
	found, ok := pooled.From(db)
	assert.True(t, ok)
	assert.Same(t, connector, found)

	bare := sql.OpenDB(newFault())
	defer bare.Close()
	found, ok = pooled.From(bare)
	assert.False(t, ok)
	assert.Nil(t, found)
}

// A connector keeps its own copy of the settings.
func TestConfigMayChangeAfterwards(t *testing.T) {
	cfg := pooled.NewConfig()
	cfg.Driver = fault
	cfg.Pool.MaxConns = 3
	connector, err := pooled.NewConnector(cfg)
	require.NoError(t, err)
	defer connector.Close()
	cfg.Pool.MaxConns = 4
	assert.Equal(t, 3, connector.Stats().Endpoints[0].MaxConns)
}

func TestDriverOfADBReadsDSNsAsTheDBDid(t *testing.T) {
	db, err := sql.Open("pooled-pgx", "host=localhost")
	require.NoError(t, err)
	defer db.Close()
	_, err = db.Driver().Open("tcp(localhost:3306)/app") // a MySQL DSN to "pooled", not to "pooled-pgx"
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "mysql")
}

func TestDriverOpenMakesAConnectionThatClosesItsOwnPool(t *testing.T) {
	c, err := pooled.Driver{}.Open("pooled-fault:")
	require.NoError(t, err)
	require.NoError(t, c.(driver.Pinger).Ping(t.Context()))
	assert.Len(t, fault.OpenConns(), 1)
	require.NoError(t, c.Close())
	assert.Empty(t, fault.OpenConns())
}

func TestRawReachesTheRealConnectionAndMarksTheStateAsUnknown(t *testing.T) {
	var released []middleware.Release
	db, _ := open(t, pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
		return func(r *middleware.Release) {
			released = append(released, *r)
			next(r)
		}
	}})
	conn := borrow(t, db)
	require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
		_, isFault := real.(interface{ Number() int })
		assert.True(t, isFault, "%T", real)
		return nil
	}))
	require.NoError(t, conn.Close())
	_, err := db.Exec("exec")
	require.NoError(t, err)
	require.Len(t, released, 2)
	assert.True(t, released[0].Unknown)
	assert.False(t, released[1].Unknown, "the mark ends with the borrow")
	assert.Equal(t, released[0].Conn, released[1].Conn)
}

func TestRawPassesErrorsAndPanicsOn(t *testing.T) {
	db, connector := open(t)
	conn := borrow(t, db)
	failure := errors.New("failure")
	assert.Equal(t, failure, pooled.Raw(t.Context(), conn, func(driver.Conn) error { return failure }))
	assert.PanicsWithValue(t, "panic", func() {
		_ = pooled.Raw(t.Context(), conn, func(driver.Conn) error { panic("panic") })
	})
	require.NoError(t, db.Close())
	assert.EqualValues(t, 1, connector.Stats().Endpoints[0].Closed.Discarded, "after a panic the connection is not reused")
}

// wrapper is another driver around pooled, as tracing libraries are; its connections offer Raw.
type wrapper struct{ driver.Connector }

type wrappedConn struct{ driver.Conn }

func (w wrapper) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	return wrappedConn{c}, err
}

func (w wrappedConn) Raw() driver.Conn { return w.Conn }

func TestRawFindsTheSessionUnderOtherWrappers(t *testing.T) {
	_, connector := open(t)
	db := sql.OpenDB(wrapper{connector})
	conn := borrow(t, db)
	called := false
	require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error { called = true; return nil }))
	assert.True(t, called)
	require.NoError(t, conn.Close())
}

func TestRawRefusesAConnectionThatIsNotPooled(t *testing.T) {
	bare := sql.OpenDB(newFault())
	defer bare.Close()
	err := pooled.Raw(t.Context(), borrow(t, bare), func(driver.Conn) error { return nil })
	assert.ErrorContains(t, err, "opened with pooled")
}
