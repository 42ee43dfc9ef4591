package main

import (
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// echo starts a server that sends back what it gets, and a proxy in front of it.
func echo(t *testing.T) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p, err := newProxy(l.Addr().String())
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c) // ends with the proxy
			}()
		}
	}()
	t.Cleanup(func() {
		p.close()
		l.Close()
		<-done
	})
	return p
}

func dial(t *testing.T, p *proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// say sends a word and returns what comes back within a second.
func say(t *testing.T, c net.Conn) error {
	t.Helper()
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Second)))
	if _, err := c.Write([]byte("word")); err != nil {
		return err
	}
	b := make([]byte, 4)
	_, err := io.ReadFull(c, b)
	if err == nil {
		assert.Equal(t, "word", string(b))
	}
	return err
}

func TestNetworkThatIsCutClosesConnectionsAndRefusesNewOnes(t *testing.T) {
	p := echo(t)
	c := dial(t, p)
	require.NoError(t, say(t, c))
	require.NoError(t, p.set(cut))
	require.Error(t, say(t, c))
	_, err := net.Dial("tcp", p.address)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NoError(t, p.set(well))
	require.NoError(t, say(t, dial(t, p)))
}

func TestResetIsWhatExistingAndNewConnectionsGet(t *testing.T) {
	p := echo(t)
	c := dial(t, p)
	require.NoError(t, say(t, c))
	require.NoError(t, p.set(reset))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, syscall.ECONNRESET)
	late, err := net.Dial("tcp", p.address)
	if err == nil { // the reset may be faster
		defer late.Close()
		_, err = late.Read(make([]byte, 1))
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.NoError(t, p.set(well))
	require.NoError(t, say(t, dial(t, p)))
}

func TestBlackHoleClosesNothingAndKeepsWhatItSwallowed(t *testing.T) {
	p := echo(t)
	spoke, silent := dial(t, p), dial(t, p)
	require.NoError(t, say(t, spoke))
	require.NoError(t, say(t, silent))
	require.NoError(t, p.set(blackhole))
	require.ErrorIs(t, say(t, spoke), os.ErrDeadlineExceeded)
	late := dial(t, p)
	require.ErrorIs(t, say(t, late), os.ErrDeadlineExceeded)
	require.NoError(t, p.set(well))
	require.ErrorIs(t, say(t, spoke), os.ErrDeadlineExceeded, "what it lost never comes")
	require.ErrorIs(t, say(t, late), os.ErrDeadlineExceeded)
	require.NoError(t, say(t, silent), "it lost nothing")
	require.NoError(t, say(t, dial(t, p)))
}

func TestSlowNetworkDelaysWhatTheServerSays(t *testing.T) {
	p := echo(t)
	c := dial(t, p)
	require.NoError(t, p.set(slow))
	began := time.Now()
	require.NoError(t, say(t, c))
	assert.GreaterOrEqual(t, time.Since(began), latency)
}

func TestProxyKnowsWhoseConnectionIsWhose(t *testing.T) {
	p := echo(t)
	c := dial(t, p)
	require.NoError(t, say(t, c))
	ports := p.clientPorts()
	require.Len(t, ports, 1)
	for _, client := range ports {
		assert.Equal(t, portOf(c.LocalAddr()), client)
	}
	open, err := openPorts(p.port())
	require.NoError(t, err)
	assert.Equal(t, map[int]bool{portOf(c.LocalAddr()): true}, open)
	c.Close()
	open, err = openPorts(p.port())
	require.NoError(t, err)
	assert.Empty(t, open)
}
