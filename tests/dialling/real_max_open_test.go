package dialling_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// sockets are those of a pool. Each counts from before it is dialled until it is closed.
type sockets struct {
	mu        sync.Mutex // guards what follows
	now, most int
}

func (s *sockets) add(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += n
	s.most = max(s.most, s.now)
}

// atOnce is how many there were at most.
func (s *sockets) atOnce() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

func (s *sockets) dial(ctx context.Context, network, address string) (net.Conn, error) {
	s.add(1)
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		s.add(-1)
		return nil, err
	}
	return &countedSocket{TCPConn: conn.(*net.TCPConn), closed: sync.OnceFunc(func() { s.add(-1) })}, nil
}

// countedSocket is all that the drivers look for in a socket.
type countedSocket struct {
	*net.TCPConn
	closed func()
}

func (c *countedSocket) Close() error {
	err := c.TCPConn.Close()
	c.closed()
	return err
}

// connector returns one of the real driver that dials so.
func (s *sockets) connector(t *testing.T, name, dsn string) driver.Connector {
	t.Helper()
	if name == "pgx" {
		cfg, err := pgx.ParseConfig(dsn)
		require.NoError(t, err)
		cfg.DialFunc = s.dial
		return stdlib.GetConnector(*cfg)
	}
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	cfg.DialFunc = s.dial
	c, err := mysql.NewConnector(cfg)
	require.NoError(t, err)
	return c
}

// changes are statements that leave something on their session.
var changes = map[string][]string{
	"pgx":   {"set application_name = 'x'", "create temporary table scratch (num int)", "set time zone 'Asia/Tokyo'"},
	"mysql": {"set @tenant = 7", "create temporary table scratch (num int)", "set time_zone = '+09:00'"},
}

// Whoever limits his own *sql.DB, and knows nothing of pool_max_conns, relies on it. The one more is made clean, or closed, while the next borrower has
// another.
func TestServerConnectionsAreOneMoreThanSetMaxOpenConnsAtMost(t *testing.T) {
	for _, s := range realtest.TxServers {
		for name, mode := range map[string]policy.ResetMode{"reset": policy.ResetDirty, "always": policy.ResetAlways, "discard": policy.ResetDiscard} {
			for _, n := range []int{1, 5} {
				t.Run(fmt.Sprint(s.Name, "/", name, "/", n), func(t *testing.T) {
					t.Parallel()
					cfg := pooled.NewConfig()
					var counted sockets
					cfg.Connector, cfg.Reset.Mode = counted.connector(t, s.Driver, s.DSN(t)), mode
					db, _ := pooltest.Open(t, cfg)
					db.SetMaxOpenConns(n)
					pooltest.Crowd(10, func(caller int) {
						for round := range 10 {
							text := changes[s.Driver][(caller+round)%len(changes[s.Driver])]
							_, err := db.ExecContext(t.Context(), text)
							assert.NoError(t, err)
						}
					})
					assert.LessOrEqual(t, counted.atOnce(), n+1) // before Close, which cuts resets short by connections of their own
				})
			}
		}
	}
}
