package secrets_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// far is an address that is known at the other end of a tunnel alone.
const far = "db.behind.a.tunnel:1"

// tunnel leads from far to a server.
type tunnel struct {
	to string

	mu    sync.Mutex // guards asked
	asked []string
}

// tunnelConn is a network connection as those of golang.org/x/crypto/ssh are: no system call reaches it, and it does not know its other end.
type tunnelConn struct{ net.Conn }

func (tunnelConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero} }

func (tu *tunnel) dial(ctx context.Context, network, address string) (net.Conn, error) {
	tu.mu.Lock()
	tu.asked = append(tu.asked, network+" "+address)
	tu.mu.Unlock()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", tu.to)
	if err != nil {
		return nil, err
	}
	return tunnelConn{conn}, nil
}

// calls returns how often the tunnel was dialled, and requires that it was for far each time.
func (tu *tunnel) calls(t *testing.T, network string) int {
	t.Helper()
	tu.mu.Lock()
	defer tu.mu.Unlock()
	for _, asked := range tu.asked {
		require.Equal(t, network+" "+far, asked)
	}
	return len(tu.asked)
}

// throughTunnel is a config whose server is far, on that network in the case of MySQL.
func (a account) throughTunnel(network string) (pooled.Config, *tunnel) {
	cfg := pooled.NewConfig()
	cfg.DriverName = a.driver
	tu := &tunnel{}
	if a.driver == "pgx" {
		address, err := url.Parse(a.dsn)
		require.NoError(a.t, err)
		tu.to, address.Host = address.Host, far
		cfg.DSN = address.String()
	} else {
		cfg.DSN = realtest.WithParams(a.t, a.dsn, func(c *mysql.Config) { tu.to, c.Net, c.Addr = c.Addr, network, far })
	}
	cfg.Dial = tu.dial
	return cfg, tu
}

func TestAllSocketsAreTheDialers(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		networks := []string{"tcp"}
		if a.driver == "mysql" {
			networks = append(networks, "ssh") // the program's own name for it
		}
		for _, network := range networks {
			t.Run(network, func(t *testing.T) {
				cfg, tu := a.throughTunnel(network)
				cfg.PasswordFile = newFile(t, firstPassword).path
				cfg.Pool.MaxConns = 1
				db, connector := pooltest.Open(t, cfg)
				id := realtest.ScanInt(t, db, a.self())
				require.Equal(t, 1, tu.calls(t, network))
				a.cancelled(t, db)
				assert.GreaterOrEqual(t, tu.calls(t, network), 2, "by way of the dialer")
				for range 3 {
					assert.Equal(t, id, realtest.ScanInt(t, db, a.self()), "nobody takes it for dead")
				}
				assert.EqualValues(t, 1, connector.Stats().Endpoints[0].Dials)
			})
			t.Run(network+", reclaimed", func(t *testing.T) {
				cfg, _ := a.throughTunnel(network)
				requireReclaim(t, cfg)
			})
		}
	})
}

func TestADSNNamesTheDialer(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		cfg, tu := a.throughTunnel("tcp")
		pooled.RegisterDialer(a.user, tu.dial)
		db, err := sql.Open("pooled", cfg.DSN+"&pool_dialer="+a.user)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, db.Close()) })
		require.NoError(t, db.PingContext(t.Context()))
		assert.Equal(t, 1, tu.calls(t, "tcp"))
	})
}

func TestTheErrorOfTheDialerIsThatOfTheDial(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		cfg, _ := a.throughTunnel("tcp")
		collapsed := errors.New("the tunnel has collapsed")
		cfg.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, collapsed }
		db, _ := pooltest.Open(t, cfg)
		require.ErrorIs(t, db.PingContext(t.Context()), collapsed)
	})
}
