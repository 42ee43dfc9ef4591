package failover_test

import (
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// address is one that leads to another server after a failover: new connections go there, and old ones stay where they are.
type address struct {
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex // guards what follows
	server string
	conns  []net.Conn
}

// newAddress makes one that leads to a server. It ends with the test, and with it all connections.
func newAddress(t *testing.T, server string) *address {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	a := &address{listener: l, server: server}
	a.work.Go(a.accept)
	t.Cleanup(func() {
		assert.NoError(t, l.Close())
		a.mu.Lock()
		for _, conn := range a.conns {
			_ = conn.Close() // one that is closed is as well
		}
		a.mu.Unlock()
		a.work.Wait()
	})
	return a
}

// String is host:port.
func (a *address) String() string { return a.listener.Addr().String() }

// leadTo has new connections go to a server.
func (a *address) leadTo(server string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.server = server
}

func (a *address) accept() {
	for {
		client, err := a.listener.Accept()
		if err != nil {
			return
		}
		a.mu.Lock()
		server, err := net.Dial("tcp", a.server)
		if err == nil {
			a.conns = append(a.conns, client, server)
		}
		a.mu.Unlock()
		if err != nil {
			_ = client.Close()
			continue
		}
		a.work.Go(func() { forward(client, server) })
		a.work.Go(func() { forward(server, client) })
	}
}

// forward passes on what one end sends until it closes, and then closes the other.
func forward(from, to net.Conn) {
	_, _ = io.Copy(to, from) // how it ends is the other's to notice
	_ = to.Close()
}
