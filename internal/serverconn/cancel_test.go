package serverconn

import (
	"context"
	"database/sql/driver"
	"errors"
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
	return byteRows{n.socket}, err
}

// byteRows are rows of one byte each, and end with their network connection. They are closed at once.
type byteRows struct{ socket *dialect.Socket }

func (byteRows) Columns() []string { return []string{"byte"} }
func (byteRows) Close() error      { return nil }

func (r byteRows) Next(dest []driver.Value) error {
	b := make([]byte, 1)
	_, err := r.socket.Read(b)
	dest[0] = int64(b[0])
	return err
}

// toldRows tell the watch what is read from them.
type toldRows struct {
	driver.Rows
	watch dialect.RowsWatch
}

func (r *toldRows) Next(dest []driver.Value) error { return r.watch.Read(r, r.Rows.Next(dest)) }

func (r *toldRows) Close() error {
	err := r.Rows.Close()
	r.watch.Closed(r, err)
	return err
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
	c = New(real, &Config{
		Dialect: dialect.Generic{},
		Rows:    func(real driver.Rows, watch dialect.RowsWatch) driver.Rows { return &toldRows{real, watch} },
	})
	c.SetSocket(real.socket)
	told = new(atomic.Int64)
	c.CancelWith(func(context.Context) error {
		told.Add(1)
		return nil
	})
	return c, real, server, told
}

func TestContextThatEndsAfterTheRowsCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, known := range []bool{true, false} { // whether the socket is
			c, real, server, told := watchedConn(t)
			if !known {
				c.SetSocket(nil)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go server.Write([]byte{1})
			rows, err := c.Query(ctx, "select", false, nil)
			require.NoError(t, err)
			require.NoError(t, rows.Close())
			cancel()
			time.Sleep(2 * cancelTimeout)
			assert.False(t, c.Settle())
			assert.Zero(t, told.Load())
			assert.Zero(t, real.execs)
			assert.True(t, c.Reusable())
		}
	})
}

func TestRowsThatAreClosedBecauseTheirContextHasEndedCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, real, server, told := watchedConn(t)
		ctx, cancel := context.WithCancel(t.Context())
		go server.Write([]byte{1})
		rows, err := c.Query(ctx, "select", false, nil)
		require.NoError(t, err)
		cancel()
		synctest.Wait()
		require.NoError(t, rows.Close()) // as database/sql does
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
		rows, err := c.Query(ctx, "select", false, nil)
		assert.Equal(t, context.DeadlineExceeded, err, "the answer that came may be made up")
		assert.Nil(t, rows)
		assert.EqualValues(t, 3, told.Load(), "at once, after a pause, and after two more")
		assert.Equal(t, 1, real.execs, "what was told last may end the next statement")
		assert.True(t, c.Uncertain())
		assert.True(t, c.Reusable())
	})
}

func TestRowThatComesAfterTheServerWasAskedToEndTheStatementIsNotDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, server, told := watchedConn(t)
		ctx, cancel := context.WithCancel(t.Context())
		go server.Write([]byte{1, 2})
		rows, err := c.Query(ctx, "select", false, nil)
		require.NoError(t, err)
		row := make([]driver.Value, 1)
		require.NoError(t, rows.Next(row))
		assert.EqualValues(t, 2, row[0])
		time.AfterFunc(5*dialect.CancelPause, func() { server.Write([]byte{3}) })
		cancel()
		assert.Equal(t, context.Canceled, rows.Next(row))
		assert.Positive(t, told.Load())
		require.NoError(t, rows.Close())
		assert.True(t, c.Settle())
		assert.True(t, c.Uncertain())
	})
}

func TestRowsOfAnEarlierStatementDoNotEndTheWatchOfTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, server, told := watchedConn(t)
		ctx, cancel := context.WithCancel(t.Context())
		go server.Write([]byte{1, 1})
		earlier, err := c.Query(ctx, "select", false, nil)
		require.NoError(t, err)
		rows, err := c.Query(ctx, "select", false, nil)
		require.NoError(t, err)
		require.NoError(t, earlier.Close())
		time.AfterFunc(5*dialect.CancelPause, func() { server.Write([]byte{3}) })
		cancel()
		assert.Equal(t, context.Canceled, rows.Next(make([]driver.Value, 1)))
		assert.Positive(t, told.Load())
		require.NoError(t, rows.Close())
		c.Settle()
	})
}

func TestRowsThatAreStillOpenWhenTheNextStatementComesAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, real, server, told := watchedConn(t)
		ctx, cancel := context.WithCancel(t.Context())
		go server.Write([]byte{1, 2})
		rows, err := c.Query(ctx, "select", false, nil)
		require.NoError(t, err)
		cancel()
		time.Sleep(2 * dialect.CancelPause)
		require.Positive(t, told.Load())
		assert.True(t, c.Settle())
		assert.Equal(t, context.Canceled, rows.Next(make([]driver.Value, 1)), "what was asked to end may be made up")
		assert.Zero(t, real.execs, "nothing is sent while an answer is left unread")
		assert.True(t, c.Failed())
	})
}

func TestStatementThatSomebodyElseEndedSaysNothingOfTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, server, _ := watchedConn(t)
		c.cfg.Dialect = endedDialect{}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := attempt(ctx, c, nil, "update", nil, false, func(context.Context) (driver.Result, error) { return nil, errEnded })
		require.Equal(t, errEnded, err)
		time.AfterFunc(5*dialect.CancelPause, func() { server.Write([]byte{1}) })
		time.AfterFunc(time.Millisecond, cancel)
		_, err = c.Query(ctx, "select", false, nil)
		require.Equal(t, context.Canceled, err)
		assert.True(t, c.Uncertain())
	})
}

// errEnded is what a server says that has ended a statement.
var errEnded = errors.New("ended")

type endedDialect struct{ dialect.Generic }

func (endedDialect) Classify(err error) dialect.ErrorClass {
	if err == errEnded {
		return dialect.Cancelled
	}
	return dialect.Generic{}.Classify(err)
}

func TestServerThatRefusesToEndTheStatementLosesTheConnectionAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, _, _ := watchedConn(t)
		refusal := errors.New("You are not owner of thread 7")
		c.CancelWith(func(context.Context) error { return refusal })
		var told []error
		c.cfg.Refused = func(err error) { told = append(told, err) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		_, err := c.Query(ctx, "select", false, nil)
		require.Equal(t, context.DeadlineExceeded, err)
		assert.Equal(t, time.Millisecond, time.Since(began))
		assert.Equal(t, []error{refusal}, told)
		assert.True(t, c.Failed())
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
			rows, err := c.Query(ctx, "select", false, nil)
			assert.NoError(t, err)
			assert.NoError(t, rows.Close())
		}
	}
	without := testing.AllocsPerRun(1000, query(context.Background()))
	assert.LessOrEqual(t, testing.AllocsPerRun(1000, query(ctx))-without, 3.0, "the rows, and two of context.AfterFunc")
	assert.Zero(t, told.Load())
}
