package pooled_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// releases records the Release events.
type releases []middleware.Release

func (r *releases) middleware() pooled.Middleware {
	return pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
		return func(event *middleware.Release) {
			*r = append(*r, *event)
			next(event)
		}
	}}
}

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

func newPoolWith(t *testing.T, middlewares ...pooled.Middleware) pool {
	t.Helper()
	return newPoolOf(t, modern, nil, middlewares...)
}

func TestSessionTakesAConnectionWithItsFirstCallAndKeepsIt(t *testing.T) {
	p := newPoolWith(t)
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	assert.Zero(t, p.stats().Open)
	for range 3 {
		_, err = conn.ExecContext(t.Context(), "exec")
		require.NoError(t, err)
	}
	assert.Equal(t, 1, p.stats().InUse)
	assert.EqualValues(t, 1, p.stats().Acquires)
	require.NoError(t, conn.Close())
	assert.Equal(t, 1, p.stats().Idle)
}

func TestRawReachesTheRealConnectionAndMarksTheStateAsUnknown(t *testing.T) {
	var released releases
	p := newPoolWith(t, released.middleware())
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
		_, isFault := real.(interface{ Number() int })
		assert.True(t, isFault, "%T", real)
		return nil
	}))
	require.NoError(t, conn.Close())
	p.exec(t)
	require.Len(t, released, 2)
	assert.True(t, released[0].Unknown)
	assert.False(t, released[1].Unknown, "the mark ends with the borrow")
	assert.Equal(t, released[0].Conn, released[1].Conn)
}

func TestRawPassesErrorsAndPanicsOn(t *testing.T) {
	p := newPoolWith(t)
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	failure := errors.New("failure")
	assert.Equal(t, failure, pooled.Raw(t.Context(), conn, func(driver.Conn) error { return failure }))
	assert.PanicsWithValue(t, "panic", func() {
		pooled.Raw(t.Context(), conn, func(driver.Conn) error { panic("panic") })
	})
	require.NoError(t, p.Close())
	assert.EqualValues(t, 1, p.stats().Closed.Discarded, "after a panic the connection is not reused")
}

// wrapper is another driver around pooled, as tracing libraries are; its connections offer Raw.
type wrapper struct{ driver.Connector }

type wrappedConn struct{ driver.Conn }

func (w wrapper) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := w.Connector.Connect(ctx)
	return wrappedConn{c}, err
}

func (w wrappedConn) Raw() driver.Conn { return w.Conn }

func TestRawFindsTheSessionUnderOtherWrappers(t *testing.T) {
	p := newPoolWith(t)
	db := sql.OpenDB(wrapper{p.connector})
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	called := false
	require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error { called = true; return nil }))
	assert.True(t, called)
	require.NoError(t, conn.Close())
}

func TestRawRefusesAConnectionThatIsNotPooled(t *testing.T) {
	bare := sql.OpenDB(faultdriver.New(modern, faultdriver.EveryStmt))
	defer bare.Close()
	conn, err := bare.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	err = pooled.Raw(t.Context(), conn, func(driver.Conn) error { return nil })
	assert.ErrorContains(t, err, "opened with pooled")
}

func TestRefusedCallReachesNoServer(t *testing.T) {
	refusal := errors.New("refused")
	p := newPoolWith(t, refuse(middleware.Exec, refusal))
	_, err := p.Exec("exec")
	assert.Equal(t, refusal, err)
	assert.Empty(t, p.driver.Calls())
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
			assert.EqualValues(t, 1, p.stats().Closed.Failed)
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
	assert.Empty(t, p.driver.OpenConns())
	assert.EqualValues(t, 1, p.stats().FailedDials)
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
	assert.Zero(t, p.stats().InUse, "although the caller still has the *sql.Conn")
	assert.Equal(t, 1, p.stats().Idle)
	require.NoError(t, conn.Close())
}

// Checking converts and removes arguments; where the driver then answers ErrSkip, the statement must check what the caller gave.
func TestArgumentsAreCheckedAnewForTheStatementWhenTheDriverSkips(t *testing.T) {
	p := newPoolWith(t)
	p.driver.Checker = func(arg *driver.NamedValue) error {
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
	p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrSkip})
	_, err := p.Exec("exec ? ?", struct{}{}, 1, 2)
	require.NoError(t, err)
	assert.Contains(t, p.driver.Calls(), `#1.stmt.exec "exec ? ?" [$1 int64(1), $2 int64(2)]`)
}

func TestPanicWhileDiallingLosesNoPermit(t *testing.T) {
	p := newPool(t, modern, func(s *policy.Pool) { s.MaxConns = 1 })
	p.driver.Next(faultdriver.Connect, faultdriver.Outcome{Panic: "panic"})
	assert.PanicsWithValue(t, "panic", func() { p.Exec("exec") })
	p.exec(t)
}

func TestMiddlewareThatDiscardsAtReleaseClosesTheConnection(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
		return func(r *middleware.Release) {
			r.Discard = true
			next(r)
		}
	}})
	p.exec(t)
	require.NoError(t, p.Close())
	assert.EqualValues(t, 1, p.stats().Closed.Discarded)
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
	p.exec(t)
	st, err := p.Prepare("prepare")
	require.NoError(t, err)
	defer st.Close()
	assert.Contains(t, p.driver.Calls(), `#1.exec "exec /* app */"`)
	assert.Contains(t, p.driver.Calls(), `#1.prepare "prepare /* app */"`)
}

func TestDriverOpenMakesAConnectionThatClosesItsOwnPool(t *testing.T) {
	c, err := pooled.Driver{}.Open("pooled-fault:")
	require.NoError(t, err)
	require.NoError(t, c.(driver.Pinger).Ping(t.Context()))
	assert.Len(t, fault.OpenConns(), 1)
	require.NoError(t, c.Close())
	assert.Empty(t, fault.OpenConns())
}

// fault is a driver without a dialect, registered under a name of its own.
var fault = faultdriver.New(modern, faultdriver.EveryStmt)

func init() { sql.Register("pooled-fault", fault) }
