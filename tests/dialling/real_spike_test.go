package dialling_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// spikeServers are where the spike of line_test.go is tried. query takes 2 ms.
var spikeServers = []struct {
	name, driver, query string
	dsn                 func(testing.TB) string
}{
	{"PostgreSQL 15", "pgx", "select pg_sleep(0.002)", testserver.PostgresDatabase},
	{"PostgreSQL 18", "pgx", "select pg_sleep(0.002)", testserver.Postgres18Database},
	{"MariaDB", "mysql", "select sleep(0.002)", testserver.MariaDBDatabase},
	{"MySQL", "mysql", "select sleep(0.002)", testserver.MySQLDatabase},
}

// spikeDial is how long a dial takes, spikeIdle how many connections there are, and spikeCallers how many want one.
const (
	spikeDial    = 150 * time.Millisecond
	spikeIdle    = 5
	spikeCallers = 50
)

// makeSpikeIdle makes the idle connections of a pool that knows what the query does.
func makeSpikeIdle(t *testing.T, db *sql.DB, connector *pooled.Connector, query string) {
	t.Helper()
	for range 2 { // nothing is left to be learnt the second time
		conns := make([]*sql.Conn, spikeIdle)
		for i := range conns {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			require.NoError(t, realtest.ReadAll(conn.QueryContext(t.Context(), query)))
			conns[i] = conn
		}
		for _, conn := range conns {
			require.NoError(t, conn.Close())
		}
		require.Eventually(t, func() bool { return connector.Stats().Endpoints[0].InUse == 0 }, time.Minute, time.Millisecond) // they are made clean first
	}
	require.Equal(t, spikeIdle, connector.Stats().Endpoints[0].Open)
}

// A dial would come too late for all. Time is virtual, and stands still while the server works.
func TestSpikeOnRealServersBeginsOneDialAtMost(t *testing.T) {
	for _, s := range spikeServers {
		t.Run(s.name, func(t *testing.T) {
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN = s.driver, s.dsn(t)
			synctest.Test(t, func(t *testing.T) {
				var begun, ended atomic.Int64
				db, connector := pooltest.Open(t, cfg, pooled.Middleware{Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
					return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
						begun.Add(1)
						time.Sleep(spikeDial)
						defer ended.Add(1)
						return next(ctx, dial)
					}
				}})
				makeSpikeIdle(t, db, connector, s.query)
				pooltest.Crowd(spikeCallers, func(int) { assert.NoError(t, realtest.ReadAll(db.QueryContext(t.Context(), s.query))) })
				assert.LessOrEqual(t, begun.Load(), int64(spikeIdle+1))
				assert.EqualValues(t, spikeIdle, ended.Load(), "nobody has waited for a dial")
			})
		})
	}
}

// Dials that have begun, as the server used to be near, keep nobody waiting. How long that takes is for the log, as it depends on the machine.
func TestSpikeOnRealServersEndsThoughNoDialDoes(t *testing.T) {
	for _, s := range spikeServers {
		t.Run(s.name, func(t *testing.T) {
			far, dsn := farFrom(t, s.driver, s.dsn(t))
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN = s.driver, dsn
			db, connector := pooltest.Open(t, cfg)
			makeSpikeIdle(t, db, connector, s.query)
			far.closed.Lock()
			took := pooltest.Crowd(spikeCallers, func(int) { assert.NoError(t, realtest.ReadAll(db.QueryContext(t.Context(), s.query))) })
			passed := int(far.passed.Load())
			assert.LessOrEqual(t, passed, spikeIdle+1, "all have had one of the connections that there were, or that was under way before")
			assert.Equal(t, passed, connector.Stats().Endpoints[0].Open)
			t.Logf("%d callers took %s; %d more were being dialled", spikeCallers, took, far.came.Load()-spikeIdle)
			far.closed.Unlock()
		})
	}
}

// far is a proxy before a server.
type far struct {
	server string
	came   atomic.Int64   // connections that were accepted
	closed sync.Mutex     // locked: none gets to the server
	passed atomic.Int64   // connections that have got there
	work   sync.WaitGroup // of its goroutines
}

// farFrom returns a proxy, which ends with the test, and the DSN of the server behind it.
func farFrom(t *testing.T, driver, dsn string) (*far, string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &far{}
	if driver == "pgx" {
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		f.server, u.Host = u.Host, listener.Addr().String()
		dsn = u.String()
	} else {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		f.server, cfg.Addr = cfg.Addr, listener.Addr().String()
		dsn = cfg.FormatDSN()
	}
	f.work.Go(func() { f.accept(listener) })
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		f.work.Wait()
	})
	return f, dsn
}

func (f *far) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		f.came.Add(1)
		f.work.Go(func() {
			defer client.Close()
			f.connect(client)
		})
	}
}

// connect passes on what both ends send until one of them has closed.
func (f *far) connect(client net.Conn) {
	f.closed.Lock()
	f.passed.Add(1)
	f.closed.Unlock()
	server, err := net.Dial("tcp", f.server)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, server) // until either end is closed
		_ = client.Close()
	})
	_, _ = io.Copy(server, client) // as above
	_ = server.Close()
	back.Wait()
}
