package pooled_test

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
	_, ok := d.(*socketDriver)
	return ok
}

func (socketDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "fault", Dial: c.(*socketDriver).dial}
}

// socketDriver is the fault driver, with sockets that do nothing.
type socketDriver struct {
	fault *faultdriver.Driver
	mu    sync.Mutex        // guards ends
	ends  []*dialect.Socket // the server's end of each
}

func (d *socketDriver) Connect(ctx context.Context) (driver.Conn, error) { return d.fault.Connect(ctx) }
func (d *socketDriver) Driver() driver.Driver                            { return d }
func (d *socketDriver) Open(string) (driver.Conn, error)                 { return nil, errors.ErrUnsupported }

func (d *socketDriver) dial(ctx context.Context) (driver.Conn, *dialect.Socket, error) {
	conn, err := d.Connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	near, far := net.Pipe()
	d.mu.Lock()
	defer d.mu.Unlock()
	socket := dialect.NewSocket(near)
	d.ends = append(d.ends, socket, dialect.NewSocket(far))
	return conn, socket, nil
}

// receive moves a byte on the first socket.
func (d *socketDriver) receive(t *testing.T) {
	go func() {
		_, err := d.ends[1].Write([]byte{1})
		assert.NoError(t, err)
	}()
	_, err := d.ends[0].Read(make([]byte, 1))
	require.NoError(t, err)
}
