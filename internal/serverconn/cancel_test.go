package serverconn

import (
	"context"
	"database/sql/driver"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
)

// network is a real connection whose queries read one byte from their socket, and whose statements are counted.
type network struct {
	driver.Conn
	socket *dialect.Socket
	execs  int
}

func (n *network) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	_, err := n.socket.Read(make([]byte, 1))
	return nil, err
}

func (n *network) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	n.execs++
	return driver.ResultNoRows, nil
}

// watchedConn returns a connection whose server is told to end statements by a function that counts, and the server's end of its network connection.
func watchedConn(t *testing.T) (c *Conn, real *network, server net.Conn, told *atomic.Int64) {
	t.Helper()
	server, client := net.Pipe()
	real = &network{socket: dialect.NewSocket(client)}
	c = New(real, &Config{Dialect: dialect.Generic{}})
	c.Over(real.socket)
	told = new(atomic.Int64)
	c.CancelWith(func(context.Context) error {
		told.Add(1)
		return nil
	})
	return c, real, server, told
}

func TestContextThatEndsAfterTheRowsCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, real, server, told := watchedConn(t)
		ctx, cancel := context.WithCancel(t.Context())
		go server.Write([]byte{1})
		_, err := c.Query(ctx, "select", false, nil)
		require.NoError(t, err)
		cancel() // and nobody has said yet that the rows are over, as in a transaction
		time.Sleep(2 * cancelTimeout)
		assert.False(t, c.Settle())
		assert.Zero(t, told.Load())
		assert.Zero(t, real.execs)
		assert.True(t, c.Reusable())
	})
}

func TestContextThatEndsWhileTheServerIsAwaitedEndsTheStatement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, real, server, told := watchedConn(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		time.AfterFunc(5*dialect.CancelPause, func() { server.Write([]byte{1}) })
		_, err := c.Query(ctx, "select", false, nil)
		require.NoError(t, err, "the answer came all the same")
		assert.True(t, c.Settle())
		assert.EqualValues(t, 3, told.Load(), "at once, after a pause, and after two more")
		assert.Equal(t, 1, real.execs, "what was told last may end the next statement")
	})
}

func TestServerThatDoesNotEndTheStatementLosesTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, real, _, told := watchedConn(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := c.Query(ctx, "select", false, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, cancelTimeout+time.Millisecond, time.Since(began))
		assert.Greater(t, told.Load(), int64(1))
		assert.Zero(t, real.execs)
		assert.True(t, c.Failed())
		assert.ErrorIs(t, c.Reset(t.Context()), driver.ErrBadConn)
	})
}

func TestContextThatDoesNotEndIsWatchedForNextToNothing(t *testing.T) {
	c, _, server, told := watchedConn(t)
	go func() {
		for {
			if _, err := server.Write([]byte{1}); err != nil {
				return
			}
		}
	}()
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	query := func(ctx context.Context) func() {
		return func() {
			_, err := c.Query(ctx, "select", false, nil)
			c.Unwatch()
			assert.NoError(t, err)
		}
	}
	without := testing.AllocsPerRun(1000, query(context.Background()))
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, query(ctx))-without, 3.0, "the context without an end, and two of context.AfterFunc")
	assert.Zero(t, told.Load())
}
