package middleware_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
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
	p.MustExec(t)
	assert.Contains(t, p.Fault.Calls(), `#2.exec "exec"`)
	assert.NotContains(t, p.Fault.Calls(), `#1.exec "exec"`)
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
	p.MustExec(t)
	assert.Equal(t, 1, p.EndpointStats().Open)
	assert.Zero(t, p.EndpointStats().InUse)
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
	p.MustExec(t)
	assert.Equal(t, []int{2}, p.Fault.OpenConns())
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
	p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
	p.MustExec(t)
	assert.Contains(t, p.Fault.Calls(), `#2.exec "exec"`)
	assert.EqualValues(t, 2, p.EndpointStats().Dials)

	// What the caller did on an *sql.Conn before would be missing on another one.
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "exec")
	require.NoError(t, err)
	p.Fault.Always(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
	_, err = conn.ExecContext(t.Context(), "exec")
	require.ErrorIs(t, err, driver.ErrBadConn)
	assert.EqualValues(t, 2, p.EndpointStats().Dials)
}

func TestReleaseThatIsRunTwiceGivesBackOnce(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
		return func(r *middleware.Release) {
			next(r)
			next(r)
		}
	}})
	p.MustExec(t)
	p.MustExec(t)
	assert.Equal(t, 1, p.EndpointStats().Idle)
}

func TestMiddlewareThatSucceedsWithoutNextIsAnErrorThatSaysSo(t *testing.T) {
	p := newPoolWith(t, pooled.Middleware{Acquire: func(middleware.AcquireFunc) middleware.AcquireFunc {
		return func(context.Context, *middleware.Acquisition) error { return nil }
	}})
	_, err := p.Exec("exec")
	assert.ErrorContains(t, err, "without running next")
}

// succeedAtOnce is a Call wrap that answers nil for an operation, and does nothing.
func succeedAtOnce(op middleware.Op) pooled.Middleware { return refuse(op, nil) }

func TestCallThatSucceedsWithoutNextIsAnErrorAtEveryStage(t *testing.T) {
	ops := map[middleware.Op]func(ctx context.Context, c *sql.Conn) error{
		middleware.Ping:    func(ctx context.Context, c *sql.Conn) error { return c.PingContext(ctx) },
		middleware.Prepare: func(ctx context.Context, c *sql.Conn) error { _, err := c.PrepareContext(ctx, "prepare"); return err },
		middleware.Exec:    func(ctx context.Context, c *sql.Conn) error { _, err := c.ExecContext(ctx, "exec"); return err },
		middleware.Query: func(ctx context.Context, c *sql.Conn) error {
			rows, err := c.QueryContext(ctx, "query")
			if err == nil {
				err = errors.Join(rows.Err(), rows.Close())
			}
			return err
		},
		middleware.Begin:    func(ctx context.Context, c *sql.Conn) error { _, err := c.BeginTx(ctx, nil); return err },
		middleware.Commit:   ended((*sql.Tx).Commit),
		middleware.Rollback: ended((*sql.Tx).Rollback),
		middleware.Raw: func(ctx context.Context, c *sql.Conn) error {
			return pooled.Raw(ctx, c, func(driver.Conn) error { return nil })
		},
	}
	old := faultdriver.ConnCaps{}
	for name, caps := range map[string]faultdriver.ConnCaps{"modern": pooltest.Modern, "old": old} {
		for op, call := range ops {
			for _, holds := range []bool{false, true} {
				t.Run(fmt.Sprint(name, " ", op, ", holding a connection: ", holds), func(t *testing.T) {
					p := pooltest.NewPoolOf(t, caps, nil, succeedAtOnce(op))
					c, err := p.Conn(t.Context())
					require.NoError(t, err)
					if holds {
						other := ops[middleware.Ping]
						if op == middleware.Ping {
							other = ops[middleware.Raw]
						}
						require.NoError(t, other(t.Context(), c))
					}
					require.ErrorContains(t, call(t.Context(), c), "without running next")
					require.NoError(t, c.Close())
					require.NoError(t, p.Close()) // waits until what is lost is closed
					assert.Zero(t, p.EndpointStats().Open)
				})
			}
		}
	}
}

// ended is a transaction and its end.
func ended(end func(*sql.Tx) error) func(ctx context.Context, c *sql.Conn) error {
	return func(ctx context.Context, c *sql.Conn) error {
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		return end(tx)
	}
}

func TestTransactionWhoseEndOnlySeemsToHappenEndsWithItsConnection(t *testing.T) {
	ops := map[middleware.Op]func(*sql.Tx) error{middleware.Commit: (*sql.Tx).Commit, middleware.Rollback: (*sql.Tx).Rollback}
	wrong := map[string]func(op middleware.Op) pooled.Middleware{
		"nil without next": succeedAtOnce,
		"another operation": func(op middleware.Op) pooled.Middleware {
			return pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
				return func(ctx context.Context, c *middleware.Call) error {
					if c.Op == op {
						c.Op = middleware.Ping
					}
					return next(ctx, c)
				}
			}}
		},
	}
	for op, end := range ops {
		for name, m := range wrong {
			t.Run(fmt.Sprint(op, ", ", name), func(t *testing.T) {
				p := newPoolWith(t, m(op))
				c, err := p.Conn(t.Context())
				require.NoError(t, err)
				require.ErrorContains(t, ended(end)(t.Context(), c), "without running next")
				_, err = c.ExecContext(t.Context(), "exec")
				require.ErrorIs(t, err, driver.ErrBadConn, "nothing may run inside it")
				require.ErrorIs(t, c.Close(), sql.ErrConnDone)
				require.NoError(t, p.Close()) // waits until it is closed
				assert.Empty(t, p.Fault.OpenConns())
				assert.Zero(t, p.Calls(faultdriver.Commit))
			})
		}
	}
}

func TestTransactionThatAMiddlewareLosesEndsWithItsConnection(t *testing.T) {
	p := newPoolWith(t, afterNext(middleware.Begin, func(c *middleware.Call) error { c.Tx = nil; return nil }))
	c, err := p.Conn(t.Context())
	require.NoError(t, err)
	_, err = c.BeginTx(t.Context(), nil)
	require.ErrorContains(t, err, "without a result of its own")
	_, err = c.ExecContext(t.Context(), "exec")
	require.ErrorIs(t, err, driver.ErrBadConn, "nothing may run inside it")
}

func TestArgumentsAfterTheCallAreThoseOfTheCaller(t *testing.T) {
	var seen []any
	p := newPoolWith(t, afterNext(middleware.Exec, func(c *middleware.Call) error {
		for _, arg := range c.Args {
			seen = append(seen, arg.Value)
		}
		return nil
	}))
	p.Fault.Checker = func(arg *driver.NamedValue) error {
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
	p.MustExec(t)
	assert.Equal(t, 2, composed)
}

func TestRefusalsOfPooledAreNeverErrBadConn(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.Init = "init" })
	p.Fault.Always(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrBadConn})
	_, err := p.Exec("exec")
	var initError *pooled.InitError
	require.ErrorAs(t, err, &initError)
	assert.NotErrorIs(t, err, driver.ErrBadConn)
	assert.EqualValues(t, 1, p.EndpointStats().Dials)
}
