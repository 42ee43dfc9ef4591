package middleware_test

import (
	"context"
	"database/sql/driver"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// A panic in the real driver or in a middleware reaches the caller, and costs the connection but not its permit.

func TestPanicInTheDriverCostsTheConnectionButNoPermit(t *testing.T) {
	boom := faultdriver.Outcome{Panic: "boom"}
	for op, run := range map[faultdriver.Op]func(t *testing.T, p pooltest.Pool){
		faultdriver.Exec:  func(t *testing.T, p pooltest.Pool) { _, _ = p.ExecContext(t.Context(), "exec") },
		faultdriver.Query: func(t *testing.T, p pooltest.Pool) { _, _ = p.QueryContext(t.Context(), "query") },
		faultdriver.Ping:  func(t *testing.T, p pooltest.Pool) { _ = p.PingContext(t.Context()) },
		faultdriver.Begin: func(t *testing.T, p pooltest.Pool) { _, _ = p.BeginTx(t.Context(), nil) },
		faultdriver.Commit: func(t *testing.T, p pooltest.Pool) {
			tx, err := p.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_ = tx.Commit()
		},
		faultdriver.Rollback: func(t *testing.T, p pooltest.Pool) {
			tx, err := p.BeginTx(t.Context(), nil)
			require.NoError(t, err)
			_ = tx.Rollback()
		},
		faultdriver.Reset: func(t *testing.T, p pooltest.Pool) {
			p.MustExec(t)
			_, _ = p.ExecContext(t.Context(), "exec")
		},
		faultdriver.StmtExec: func(t *testing.T, p pooltest.Pool) {
			st, err := p.PrepareContext(t.Context(), "exec")
			require.NoError(t, err)
			defer st.Close()
			_, _ = st.ExecContext(t.Context())
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			t.Log(op)
			p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 1 })
			p.Fault.Next(op, boom)
			assert.PanicsWithValue(t, "boom", func() { run(t, p) })
			p.MustExec(t)
			synctest.Wait()
			assert.Equal(t, []int{2}, p.Fault.OpenConns(), "the first one is closed")
			assert.Zero(t, p.EndpointStats().InUse)
		})
	}
}

func TestPanicInAMiddlewareCostsTheConnectionButNoPermit(t *testing.T) {
	panics := true
	boom := func() {
		if panics {
			panics = false
			panic("boom")
		}
	}
	for stage, m := range map[string]pooled.Middleware{
		"call": {Call: func(next middleware.CallFunc) middleware.CallFunc {
			return func(ctx context.Context, c *middleware.Call) error {
				defer boom()
				return next(ctx, c)
			}
		}},
		"acquire": {Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
			return func(ctx context.Context, a *middleware.Acquisition) error {
				defer boom()
				return next(ctx, a)
			}
		}},
		"connect": {Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
			return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
				defer boom()
				return next(ctx, d)
			}
		}},
		"release": {Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
			return func(r *middleware.Release) {
				boom()
				next(r)
			}
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			t.Log(stage)
			panics = true
			p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Pool.MaxConns = 1 }, m)
			assert.PanicsWithValue(t, "boom", func() { _, _ = p.ExecContext(t.Context(), "exec") })
			p.MustExec(t)
			synctest.Wait()
			assert.Equal(t, []int{2}, p.Fault.OpenConns())
		})
	}
}

func TestRollbackDeferredAroundAPanicSaysThatTheTransactionIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Panic: "boom"})
		var err error
		assert.PanicsWithValue(t, "boom", func() {
			tx, beginErr := p.BeginTx(t.Context(), nil)
			require.NoError(t, beginErr)
			defer func() { err = tx.Rollback() }()
			_, _ = tx.ExecContext(t.Context(), "exec")
		})
		require.EqualError(t, err, "pooled: the transaction ended with its connection, in whose call something panicked")
		synctest.Wait()
		assert.Empty(t, p.Fault.OpenConns())
		assert.NotContains(t, p.Fault.Calls(), "#1.rollback")
	})
}
