package pooled_test

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
)

// What middlewares may do, and what becomes of those that do what they may not: no connection and no permit may be lost.

var errRefused = errors.New("refused")

// afterNext is a Call wrap that lets an operation happen and then does something else.
func afterNext(op middleware.Op, do func(c *middleware.Call) error) pooled.Middleware {
	return pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
		return func(ctx context.Context, c *middleware.Call) error {
			if err := next(ctx, c); err != nil || c.Op != op {
				return err
			}
			return do(c)
		}
	}}
}

func TestTransactionThatIsRefusedAfterItBeganEndsWithItsConnection(t *testing.T) {
	p := newPoolWith(t, afterNext(middleware.Begin, func(*middleware.Call) error { return errRefused }))
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.BeginTx(t.Context(), nil)
	require.Equal(t, errRefused, err)
	_, err = conn.ExecContext(t.Context(), "exec")
	require.ErrorIs(t, err, driver.ErrBadConn, "nothing may run inside it")
	p.exec(t)
	assert.Contains(t, p.driver.Calls(), `#2.exec "exec"`)
	assert.NotContains(t, p.driver.Calls(), `#1.exec "exec"`)
}

func TestAcquisitionThatIsTriedAgainLosesNoConnection(t *testing.T) {
	tries := 0
	p := newPoolWith(t,
		pooled.Middleware{Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
			return func(ctx context.Context, a *middleware.Acquisition) error {
				if err := next(ctx, a); err == nil {
					return nil
				}
				return next(ctx, a)
			}
		}},
		pooled.Middleware{Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc {
			return func(ctx context.Context, a *middleware.Acquisition) error {
				if err := next(ctx, a); err != nil {
					return err
				}
				if tries++; tries == 1 {
					return errRefused
				}
				return nil
			}
		}})
	p.exec(t)
	assert.Equal(t, 1, p.stats().Open)
	assert.Zero(t, p.stats().InUse)
}

func TestDialThatIsTriedAgainLosesNoConnection(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
		return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
			if _, err := next(ctx, d); err != nil {
				return nil, err
			}
			return next(ctx, d) // the first one was not liked
		}
	}})
	p.exec(t)
	assert.Equal(t, []int{2}, p.driver.OpenConns())
}

func TestCallThatIsTriedAgainAfterItsConnectionDiedGetsAnother(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
		return func(ctx context.Context, c *middleware.Call) error {
			if err := next(ctx, c); err == nil || c.Op != middleware.Exec {
				return err
			}
			return next(ctx, c)
		}
	}})
	p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
	p.exec(t)
	assert.Contains(t, p.driver.Calls(), `#2.exec "exec"`)
	assert.EqualValues(t, 2, p.stats().Dials)

	// What the caller did on an *sql.Conn before would be missing on another one.
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "exec")
	require.NoError(t, err)
	p.driver.Always(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
	_, err = conn.ExecContext(t.Context(), "exec")
	require.ErrorIs(t, err, driver.ErrBadConn)
	assert.EqualValues(t, 2, p.stats().Dials)
}

func TestReleaseThatIsRunTwiceGivesBackOnce(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
		return func(r *middleware.Release) {
			next(r)
			next(r)
		}
	}})
	p.exec(t)
	p.exec(t)
	assert.Equal(t, 1, p.stats().Idle)
}

func TestMiddlewareThatSucceedsWithoutNextIsAnErrorThatSaysSo(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Acquire: func(middleware.AcquireFunc) middleware.AcquireFunc {
		return func(context.Context, *middleware.Acquisition) error { return nil }
	}})
	_, err := p.Exec("exec")
	assert.ErrorContains(t, err, "without running next")
}

func TestArgumentsAfterTheCallAreThoseOfTheCaller(t *testing.T) {
	var seen []any
	p := newPoolWith(t, afterNext(middleware.Exec, func(c *middleware.Call) error {
		for _, arg := range c.Args {
			seen = append(seen, arg.Value)
		}
		return nil
	}))
	p.driver.Checker = func(arg *driver.NamedValue) error {
		if arg.Value == "option" {
			return driver.ErrRemoveArgument
		}
		return driver.ErrSkip
	}
	_, err := p.Exec("exec ?", "option", 1, 2)
	require.NoError(t, err)
	assert.Equal(t, []any{"option", 1, 2}, seen)
}

func TestEachWrapIsComposedOnce(t *testing.T) {
	composed := 0
	p := newPoolWith(t, pooled.Middleware{
		Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc { composed++; return next },
		Call:    func(next middleware.CallFunc) middleware.CallFunc { composed++; return next },
	})
	p.exec(t)
	assert.Equal(t, 2, composed)
}

func TestRefusalsOfPooledAreNeverErrBadConn(t *testing.T) {
	p := newPool(t, modern, func(s *policy.Pool) { s.Init = "init" })
	p.driver.Always(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
	_, err := p.Exec("exec")
	var initError *pooled.InitError
	require.ErrorAs(t, err, &initError)
	assert.NotErrorIs(t, err, driver.ErrBadConn)
	assert.EqualValues(t, 1, p.stats().Dials)
}
