package life_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// callback is code of the program that pooled runs, the first time that it does.
type callback struct {
	run   func()
	begun atomic.Bool
	over  chan struct{}
}

func (c *callback) call() {
	if c.begun.CompareAndSwap(false, true) {
		c.run()
		close(c.over)
	}
}

// callingHandler is a log handler that calls back.
type callingHandler struct {
	slog.Handler
	call func()
}

func (h callingHandler) Handle(context.Context, slog.Record) error {
	h.call()
	return nil
}

func (h callingHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h callingHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

// calling is a hook of a driver that calls back, and then does as usual.
func calling(call func()) func(context.Context, faultdriver.Call) faultdriver.Outcome {
	return func(context.Context, faultdriver.Call) faultdriver.Outcome {
		call()
		return faultdriver.Outcome{}
	}
}

// What a program has pooled call may use the pool, or close it: nothing that it would have to wait for waits for the callback.
func TestCallbacksMayUseThePoolAndCloseIt(t *testing.T) {
	uses := map[string]func(t *testing.T, p pooltest.Pool){
		"close":                      func(_ *testing.T, p pooltest.Pool) { assert.NoError(t, p.Close()) },
		"close by another goroutine": func(_ *testing.T, p pooltest.Pool) { go func() { assert.NoError(t, p.Close()) }() },
		"exec": func(t *testing.T, p pooltest.Pool) {
			_, err := p.ExecContext(t.Context(), "exec")
			assert.NoError(t, err)
		},
		"stats": func(_ *testing.T, p pooltest.Pool) { p.Connector.Stats() },
		"held":  func(_ *testing.T, p pooltest.Pool) { p.Connector.Held() },
		"evict": func(_ *testing.T, p pooltest.Pool) { assert.NoError(t, p.Connector.Evict("")) },
		"warm":  func(t *testing.T, p pooltest.Pool) { assert.NoError(t, p.Connector.Warm(t.Context())) },
		"drain": func(t *testing.T, p pooltest.Pool) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, _ = p.Connector.Drain(ctx)
		},
	}
	broken := faultdriver.Outcome{Err: errors.New("broken"), Invalid: true}
	for name, tc := range map[string]struct {
		change  func(c *pooled.Config, d *faultdriver.Driver, call func())
		wrap    func(call func()) pooled.Middleware
		provoke func(t *testing.T, p pooltest.Pool)
	}{
		"OnLeak": {
			change: func(c *pooled.Config, _ *faultdriver.Driver, call func()) { c.OnLeak = func(held.Leak) { call() } },
			provoke: func(t *testing.T, p pooltest.Pool) {
				conn := p.Hold(t, 1)[0]
				time.Sleep(5 * time.Minute)
				_ = conn.Close()
			},
		},
		"OnStateChange": {
			change: func(c *pooled.Config, d *faultdriver.Driver, call func()) {
				c.Breaker.On, c.Breaker.Failures = true, 1
				c.OnStateChange = func(b policy.BreakerChange) {
					if b.To == policy.BreakerClosed {
						call()
					}
				}
				d.Next(faultdriver.Connect, faultdriver.Outcome{Err: pooltest.ErrNobody})
			},
			provoke: func(t *testing.T, p pooltest.Pool) {
				_, err := p.ExecContext(t.Context(), "exec")
				assert.ErrorIs(t, err, pooltest.ErrNobody)
				time.Sleep(time.Hour)
			},
		},
		"a log handler in the background": {
			change: func(c *pooled.Config, d *faultdriver.Driver, call func()) {
				c.Pool.Keepalive = time.Minute
				c.Logger = slog.New(callingHandler{slog.DiscardHandler, call})
				d.Next(faultdriver.Ping, faultdriver.Outcome{Panic: "boom"})
			},
			provoke: func(t *testing.T, p pooltest.Pool) {
				p.Idle(t, 1)
				time.Sleep(3 * time.Minute)
			},
		},
		"a dial for a caller": {
			change: func(_ *pooled.Config, d *faultdriver.Driver, call func()) {
				d.Hook(faultdriver.Connect, calling(call))
			},
			provoke: func(t *testing.T, p pooltest.Pool) { _, _ = p.ExecContext(t.Context(), "exec") },
		},
		"a middleware around a dial": {
			wrap: func(call func()) pooled.Middleware {
				return pooled.Middleware{Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
					return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
						defer call()
						return next(ctx, d)
					}
				}}
			},
			provoke: func(t *testing.T, p pooltest.Pool) { _, _ = p.ExecContext(t.Context(), "exec") },
		},
		"a middleware around a call": {
			wrap: func(call func()) pooled.Middleware {
				return pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
					return func(ctx context.Context, c *middleware.Call) error {
						defer call()
						return next(ctx, c)
					}
				}}
			},
			provoke: func(t *testing.T, p pooltest.Pool) { _, _ = p.ExecContext(t.Context(), "exec") },
		},
		"a middleware around a release": {
			wrap: func(call func()) pooled.Middleware {
				return pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
					return func(r *middleware.Release) {
						defer call()
						next(r)
					}
				}}
			},
			provoke: func(t *testing.T, p pooltest.Pool) { _, _ = p.ExecContext(t.Context(), "exec") },
		},
		"a close behind a call": {
			change: func(_ *pooled.Config, d *faultdriver.Driver, call func()) {
				d.Next(faultdriver.Exec, broken)
				d.Hook(faultdriver.Close, calling(call))
			},
			provoke: func(t *testing.T, p pooltest.Pool) {
				_, err := p.ExecContext(t.Context(), "exec")
				assert.Error(t, err)
			},
		},
		"a ping of an idle connection": {
			change: func(c *pooled.Config, d *faultdriver.Driver, call func()) {
				c.Pool.Keepalive = time.Minute
				d.Hook(faultdriver.Ping, calling(call))
			},
			provoke: func(t *testing.T, p pooltest.Pool) {
				p.Idle(t, 1)
				time.Sleep(3 * time.Minute)
			},
		},
		"a close of an idle connection": {
			change: func(c *pooled.Config, d *faultdriver.Driver, call func()) {
				c.Pool.MaxConnIdleTime = time.Minute
				d.Hook(faultdriver.Close, calling(call))
			},
			provoke: func(t *testing.T, p pooltest.Pool) {
				p.Idle(t, 1)
				time.Sleep(3 * time.Minute)
			},
		},
	} {
		for use, run := range uses {
			t.Run(name+": "+use, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := &callback{over: make(chan struct{})}
					var middlewares []pooled.Middleware
					if tc.wrap != nil {
						middlewares = append(middlewares, tc.wrap(c.call))
					}
					p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) {
						if tc.change != nil {
							tc.change(cfg, cfg.Connector.(*faultdriver.Driver), c.call)
						}
					}, middlewares...)
					c.run = func() { run(t, p) }
					tc.provoke(t, p)
					<-c.over
					require.NoError(t, p.Close())
					synctest.Wait()
					assert.Empty(t, p.Fault.OpenConns())
					assert.Zero(t, p.EndpointStats().Open)
				})
			})
		}
	}
}
