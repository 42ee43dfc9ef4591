package dialling_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// fullDialect knows the error of a server that has no room for a connection.
type fullDialect struct{ dialect.Generic }

var errFull = errors.New("too many connections")

func init() { dialect.Register("fault driver that refuses", fullDialect{}) }

type fullDriver struct{ driver.Driver }

func (fullDialect) Owns(d driver.Driver) bool {
	_, ok := d.(fullDriver)
	return ok
}

func (fullDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{Connector: c, Address: "full"}
}

func (fullDialect) Classify(err error) dialect.ErrorClass {
	if errors.Is(err, errFull) {
		return dialect.Infrastructure | dialect.TooManyConnections
	}
	return 0
}

// narrow is a server that has room for so many connections. A dial takes 5 ms.
type narrow struct {
	mu                    sync.Mutex // guards what follows
	room                  int
	now, refused, accepts int
}

// newNarrow makes a pool of such a server, which ends a session so long after its connection was closed.
func newNarrow(t *testing.T, room int, ends time.Duration, change func(*pooled.Config), middlewares ...pooled.Middleware) (pooltest.Pool, *narrow) {
	t.Helper()
	n := &narrow{room: room}
	p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
		d := c.Connector.(*faultdriver.Driver)
		c.Connector = pooltest.OwnedConnector{Connector: d, Of: fullDriver{d}}
		if change != nil {
			change(c)
		}
	}, middlewares...)
	p.Fault.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.now >= n.room {
			n.refused++
			return faultdriver.Outcome{Err: errFull, Wait: after(5 * time.Millisecond)}
		}
		n.now++
		n.accepts++
		return faultdriver.Outcome{Wait: after(5 * time.Millisecond)}
	})
	p.Fault.Hook(faultdriver.Close, func(context.Context, faultdriver.Call) faultdriver.Outcome {
		time.AfterFunc(ends, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.now--
		})
		return faultdriver.Outcome{}
	})
	return p, n
}

// refusals is how many dials were refused.
func (n *narrow) refusals() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.refused
}

// after is closed after a while.
func after(d time.Duration) <-chan struct{} {
	over := make(chan struct{})
	time.AfterFunc(d, func() { close(over) })
	return over
}

// cleaning takes so long to make a session clean, and then has the connection closed, or not.
func cleaning(takes time.Duration, discards bool) pooled.Middleware {
	return pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
		return func(event *middleware.Release) {
			later := *event
			running := event.Conn.Background(func(context.Context) {
				time.Sleep(takes)
				later.Discard = discards
				next(&later)
			})
			if !running {
				next(event)
			}
			event.Released = true
		}
	}}
}

// A bare sql.DB reuses the connections that it has, and never hears that there is no room for more.
func TestCallersWaitForWhatIsOnItsWayWhereThereIsRoomForNoMore(t *testing.T) {
	for name, middlewares := range map[string][]pooled.Middleware{
		"made clean at once":    {cleaning(100*time.Microsecond, false)},
		"made clean":            {cleaning(50*time.Millisecond, false)},
		"made clean for long":   {cleaning(3*time.Second, false)},
		"closed":                {discarding},
		"looked at, and closed": {cleaning(20*time.Millisecond, true)},
	} {
		for _, n := range []int{1, 4} {
			for _, ends := range []time.Duration{0, 3 * time.Millisecond, 300 * time.Millisecond} {
				t.Run(fmt.Sprint(name, "/", n, "/", ends), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						p, _ := newNarrow(t, n, ends, nil, middlewares...)
						p.SetMaxOpenConns(n)
						pooltest.Crowd(n, func(int) {
							for range 25 {
								_, err := p.Exec("exec")
								assert.NoError(t, err)
							}
						})
					})
				})
			}
		}
	}
}

func TestServerThatIsFullIsNotAskedAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := newNarrow(t, 1, 0, nil, cleaning(10*time.Second, false))
		p.SetMaxOpenConns(5)
		p.MustExec(t)
		pooltest.Crowd(5, func(int) {
			_, err := p.Exec("exec")
			assert.NoError(t, err)
		})
		assert.LessOrEqual(t, server.refusals(), 5*11, "once a second while they wait")
	})
}

// As with a bare sql.DB: nobody knows when the other one is done.
func TestCallerIsToldThatThereIsNoRoomWhereTheOthersAreInUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := newNarrow(t, 1, 0, nil)
		held, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, held.PingContext(t.Context()))
		_, err = p.Exec("exec")
		assert.Equal(t, errFull, err)
		assert.Equal(t, 1, server.refusals())
		require.NoError(t, held.Close())
		p.MustExec(t)
	})
}

// Nobody is told for ever that a session is being ended.
func TestCallerIsToldThatThereIsNoRoomWhereTheServerDoesNotEndWhatWasClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := newNarrow(t, 1, time.Hour, nil, discarding)
		p.MustExec(t)
		began := time.Now()
		_, err := p.Exec("exec")
		assert.Equal(t, errFull, err)
		assert.Less(t, time.Since(began), 2*time.Second)
		assert.LessOrEqual(t, server.refusals(), 12)
	})
}

func TestCallerWhoseContextEndsDoesNotWaitForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newNarrow(t, 1, 0, nil, cleaning(time.Minute, false))
		p.MustExec(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := p.ExecContext(ctx, "exec")
		assert.Equal(t, context.DeadlineExceeded, err)
	})
}

// What is dialled to be kept ready is the caller's when it is.
func TestCallerWaitsForAConnectionThatIsBeingWarmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newNarrow(t, 1, 0, nil)
		p.Fault.Hook(faultdriver.Ping, pooltest.Takes(50*time.Millisecond))
		cfg := pooled.NewConfig()
		cfg.Connector, cfg.Pool.MinIdleConns = pooltest.OwnedConnector{Connector: p.Fault, Of: fullDriver{p.Fault}}, 1
		db, connector := pooltest.Open(t, cfg)
		time.Sleep(20 * time.Millisecond) // it is being pinged
		_, err := db.Exec("exec")
		require.NoError(t, err)
		assert.Equal(t, 1, connector.Stats().Endpoints[0].Open)
	})
}
