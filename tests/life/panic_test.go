package life_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// A panic on a goroutine of pooled's own, which no caller could recover from, costs a connection and not the program: it is logged once with its stack,
// and is an error for who waits.
func TestPanicInTheBackgroundCostsNoMoreThanTheConnection(t *testing.T) {
	boom := faultdriver.Outcome{Panic: "boom"}
	broken := faultdriver.Outcome{Err: errors.New("broken"), Invalid: true}
	for name, tc := range map[string]struct {
		change func(*pooled.Config)
		run    func(t *testing.T, p pooltest.Pool)
		open   int // connections of the driver at the end: one that panics in its Close counts as open there
	}{
		"a ping of an idle connection": {
			change: func(c *pooled.Config) { c.Pool.Keepalive = time.Minute },
			run: func(t *testing.T, p pooltest.Pool) {
				p.Idle(t, 1)
				p.Fault.Next(faultdriver.Ping, boom)
				time.Sleep(2 * time.Minute)
				assert.EqualValues(t, 1, p.EndpointStats().Closed.Failed)
			},
		},
		"a dial that warms the pool": {
			change: func(c *pooled.Config) { c.Pool.MinIdleConns = 1 },
			run: func(t *testing.T, p pooltest.Pool) {
				time.Sleep(time.Minute)
				assert.Equal(t, 1, p.EndpointStats().Idle, "it is dialled again")
			},
			open: 1,
		},
		"a dial for the caller of Warm": {
			change: func(c *pooled.Config) { c.Pool.MinIdleConns = 1 },
			run: func(t *testing.T, p pooltest.Pool) {
				time.Sleep(time.Minute)
				p.Fault.Always(faultdriver.Connect, boom)
				require.NoError(t, p.Connector.Evict(""))
				synctest.Wait()
				assert.ErrorContains(t, p.Connector.Warm(t.Context()), "boom")
				p.Fault.Always(faultdriver.Connect, faultdriver.Outcome{})
				time.Sleep(time.Minute)
			},
			open: 1,
		},
		"the ping of a connection that is to be warm": {
			change: func(c *pooled.Config) { c.Pool.MinIdleConns = 1 },
			run: func(t *testing.T, p pooltest.Pool) {
				time.Sleep(time.Minute)
				assert.Equal(t, 1, p.EndpointStats().Idle)
			},
			open: 1,
		},
		"a statement that is to be prepared on an idle connection": {
			change: func(c *pooled.Config) { c.Pool.MinIdleConns, c.Pool.WarmStatements = 1, 1 },
			run: func(t *testing.T, p pooltest.Pool) {
				time.Sleep(time.Minute)
				p.Fault.Next(faultdriver.Prepare, boom)
				_ = p.Connector.Warm(t.Context(), "query")
				time.Sleep(time.Minute)
				assert.Equal(t, 1, p.EndpointStats().Idle)
			},
			open: 1,
		},
		"a close after a failure": {
			run: func(t *testing.T, p pooltest.Pool) {
				p.Fault.Next(faultdriver.Exec, broken)
				p.Fault.Next(faultdriver.Close, boom)
				_, err := p.Exec("exec")
				require.Error(t, err)
				p.MustExec(t)
			},
			open: 2,
		},
		"a close of an idle connection": {
			change: func(c *pooled.Config) { c.Pool.MaxConnIdleTime = time.Minute },
			run: func(t *testing.T, p pooltest.Pool) {
				p.Idle(t, 1)
				p.Fault.Next(faultdriver.Close, boom)
				time.Sleep(2 * time.Minute)
				assert.Zero(t, p.EndpointStats().Open)
			},
			open: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log pooltest.LogBuffer
				p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
					c.Pool.MaxConns = 1
					c.Logger = slog.New(slog.NewTextHandler(&log, nil))
					switch name { // before anybody is dialled in the background
					case "a dial that warms the pool":
						c.Connector.(*faultdriver.Driver).Next(faultdriver.Connect, boom)
					case "the ping of a connection that is to be warm":
						c.Connector.(*faultdriver.Driver).Next(faultdriver.Ping, boom)
					}
					if tc.change != nil {
						tc.change(c)
					}
				})
				tc.run(t, p)
				synctest.Wait()
				assert.Len(t, p.Fault.OpenConns(), tc.open)
				p.MustExec(t) // the permit is free
				assert.Contains(t, log.String(), "pooled: panic in the background")
				assert.Contains(t, log.String(), "faultdriver.Outcome.play", "the stack")
			})
		})
	}
}

func TestPanicOfACloseIsTheErrorOfWhoClosesThePool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Idle(t, 2)
		p.Fault.Next(faultdriver.Close, faultdriver.Outcome{Panic: "boom"})
		assert.ErrorContains(t, p.Close(), "boom")
		assert.Len(t, p.Fault.OpenConns(), 1, "the other one is closed")
	})
}

func TestPanicOfAProbeIsAnAnswerOfAServerThatIsNotWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures = 1 })
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Err: pooltest.ErrNobody}, faultdriver.Outcome{Panic: "boom"})
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooltest.ErrNobody)
		_, err = p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrBreakerOpen)
		time.Sleep(time.Hour)
		p.MustExec(t)
		assert.Contains(t, p.Log.String(), "boom")
	})
}

// brokenHandler is a log handler that does not work.
type brokenHandler struct{ slog.Handler }

func (brokenHandler) Handle(context.Context, slog.Record) error { panic("boom") }

func TestPanicOfALogHandlerIsNobodysAffair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Pool.Keepalive = time.Minute
			c.Logger = slog.New(brokenHandler{slog.DiscardHandler})
		})
		p.Idle(t, 1)
		p.Fault.Next(faultdriver.Ping, faultdriver.Outcome{Panic: "boom"})
		time.Sleep(2 * time.Minute)
		p.MustExec(t)
	})
}
