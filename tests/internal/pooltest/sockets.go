package pooltest

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
)

func init() { dialect.Register("fault driver with sockets", socketDialect{}) }

// socketDialect knows nothing of the fault driver but a network connection that closes with it, so that connections can be reclaimed.
type socketDialect struct{ dialect.Generic }

func (socketDialect) Owns(d driver.Driver) bool {
	_, ok := d.(*SocketDriver)
	return ok
}

func (socketDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "fault", Dial: c.(*SocketDriver).Dial}
}

// SocketDriver is the fault driver, with sockets that do nothing.
type SocketDriver struct {
	Fault *faultdriver.Driver
	mu    sync.Mutex        // guards ends
	Ends  []*dialect.Socket // the server's end of each
}

// Connect dials without a socket.
func (d *SocketDriver) Connect(ctx context.Context) (driver.Conn, error) { return d.Fault.Connect(ctx) }

// Driver tells the dialect whose connector it is.
func (d *SocketDriver) Driver() driver.Driver { return d }

// Open is not supported: there are no DSNs.
func (d *SocketDriver) Open(string) (driver.Conn, error) { return nil, errors.ErrUnsupported }

// Dial dials with a socket.
func (d *SocketDriver) Dial(ctx context.Context) (driver.Conn, *dialect.Socket, error) {
	conn, err := d.Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	near, far := net.Pipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	socket := dialect.NewSocket(near)
	d.Ends = append(d.Ends, socket, dialect.NewSocket(far))
	return conn, socket, nil
}

// Receive moves a byte on the first socket.
func (d *SocketDriver) Receive(t *testing.T) {
	go func() {
		_, err := d.Ends[1].Write([]byte{1})
		assert.NoError(t, err)
	}()
	_, err := d.Ends[0].Read(make([]byte, 1))
	require.NoError(t, err)
}
