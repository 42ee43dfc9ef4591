package middleware_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// refuse makes the calls of an operation fail before they reach the driver.
func refuse(op middleware.Op, err error) pooled.Middleware {
	return pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
		return func(ctx context.Context, c *middleware.Call) error {
			if c.Op == op {
				return err
			}
			return next(ctx, c)
		}
	}}
}

func newPoolWith(t *testing.T, middlewares ...pooled.Middleware) pooltest.Pool {
	t.Helper()
	return pooltest.NewPoolOf(t, pooltest.Modern, nil, middlewares...)
}

func TestSessionTakesAConnectionWithItsFirstCallAndKeepsIt(t *testing.T) {
	p := newPoolWith(t)
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	assert.Zero(t, p.EndpointStats().Open)
	for range 3 {
		_, err = conn.ExecContext(t.Context(), "exec")
		require.NoError(t, err)
	}
	assert.Equal(t, 1, p.EndpointStats().InUse)
	assert.EqualValues(t, 1, p.EndpointStats().Acquires)
	require.NoError(t, conn.Close())
	assert.Equal(t, 1, p.EndpointStats().Idle)
}

func TestRefusedCallReachesNoServer(t *testing.T) {
	refusal := errors.New("refused")
	p := newPoolWith(t, refuse(middleware.Exec, refusal))
	_, err := p.Exec("exec")
	assert.Equal(t, refusal, err)
	assert.Empty(t, p.Fault.Calls())
}

func TestTransactionWhoseEndIsRefusedEndsWithItsConnection(t *testing.T) {
	for _, op := range []middleware.Op{middleware.Commit, middleware.Rollback} {
		t.Run(op.String(), func(t *testing.T) {
			refusal := errors.New("refused")
			p := newPoolWith(t, refuse(op, refusal))
			tx, err := p.Begin()
			require.NoError(t, err)
			end := map[middleware.Op]func() error{middleware.Commit: tx.Commit, middleware.Rollback: tx.Rollback}[op]
			assert.Equal(t, refusal, end())
			require.NoError(t, p.Close())
			assert.EqualValues(t, 1, p.EndpointStats().Closed.Failed)
		})
	}
}

func TestConnectionThatAMiddlewareRefusesAfterDiallingIsClosed(t *testing.T) {
	refusal := errors.New("refused")
	p := newPoolWith(t, pooled.Middleware{Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
		return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
			if _, err := next(ctx, d); err != nil {
				return nil, err
			}
			return nil, refusal
		}
	}})
	_, err := p.Exec("exec")
	assert.Equal(t, refusal, err)
	assert.Empty(t, p.Fault.OpenConns())
	assert.EqualValues(t, 1, p.EndpointStats().FailedDials)
}

func TestConnectionThatAMiddlewareRefusesAfterAcquiringIsGivenBack(t *testing.T) {
	refusal := errors.New("refused")
	p := newPoolWith(t, pooled.Middleware{Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
		return func(ctx context.Context, a *middleware.Acquisition) error {
			if err := next(ctx, a); err != nil {
				return err
			}
			return refusal
		}
	}})
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), "exec")
	assert.Equal(t, refusal, err)
	assert.Zero(t, p.EndpointStats().InUse, "although the caller still has the *sql.Conn")
	assert.Equal(t, 1, p.EndpointStats().Idle)
	require.NoError(t, conn.Close())
}

// Checking converts and removes arguments; where the driver then answers ErrSkip, the statement must check what the caller gave.
func TestArgumentsAreCheckedAnewForTheStatementWhenTheDriverSkips(t *testing.T) {
	p := newPoolWith(t)
	p.Fault.Checker = func(arg *driver.NamedValue) error {
		switch v := arg.Value.(type) {
		case int:
			arg.Value = int64(v)
			return nil
		case struct{}:
			return driver.ErrRemoveArgument
		default:
			return errors.New("converted twice")
		}
	}
	p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrSkip})
	_, err := p.Exec("exec ? ?", struct{}{}, 1, 2)
	require.NoError(t, err)
	assert.Contains(t, p.Fault.Calls(), `#1.stmt.exec "exec ? ?" [$1 int64(1), $2 int64(2)]`)
}

func TestPanicWhileDiallingLosesNoPermit(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 1 })
	p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Panic: "panic"})
	assert.PanicsWithValue(t, "panic", func() { p.Exec("exec") })
	p.MustExec(t)
}

func TestMiddlewareThatDiscardsAtReleaseClosesTheConnection(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
		return func(r *middleware.Release) {
			r.Discard = true
			next(r)
		}
	}})
	p.MustExec(t)
	require.NoError(t, p.Close())
	assert.EqualValues(t, 1, p.EndpointStats().Closed.Discarded)
}

func TestMiddlewareMayChangeTheTextThatIsSent(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
		return func(ctx context.Context, c *middleware.Call) error {
			if !c.Prepared {
				c.Text += " /* app */"
			}
			return next(ctx, c)
		}
	}})
	p.MustExec(t)
	st, err := p.Prepare("prepare")
	require.NoError(t, err)
	defer st.Close()
	assert.Contains(t, p.Fault.Calls(), `#1.exec "exec /* app */"`)
	assert.Contains(t, p.Fault.Calls(), `#1.prepare "prepare /* app */"`)
}
