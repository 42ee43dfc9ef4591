package secrets_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func init() { dialect.Register("fault driver that logs in", loginDialect{}) }

// loginDialect is that of the fault driver, on a server that takes any password.
type loginDialect struct{ dialect.Generic }

// loginDriver tells the dialect what is its own.
type loginDriver struct{ fault *faultdriver.Driver }

func (d loginDriver) Open(name string) (driver.Conn, error) { return d.fault.Open(name) }

func (loginDialect) Owns(d driver.Driver) bool {
	_, ok := d.(loginDriver)
	return ok
}

// openedDriver is what Open finds: a dialect has no other way to the driver of a test.
var openedDriver loginDriver

func (loginDialect) Open(string) (dialect.Server, error) {
	return dialect.Server{Connector: openedDriver.fault, Address: "login", Traits: dialect.Traits{TakesLogin: true}}, nil
}

// newLoginPool is a pool with so many idle connections.
func newLoginPool(t *testing.T, conns int, change func(*pooled.Config)) pooltest.Pool {
	t.Helper()
	openedDriver = loginDriver{faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)}
	cfg := pooled.NewConfig()
	cfg.Driver, cfg.Pool.MaxIdleConns = openedDriver, policy.AllIdle
	change(&cfg)
	db, connector := pooltest.Open(t, cfg)
	p := pooltest.Pool{DB: db, Fault: openedDriver.fault, Connector: connector}
	p.Idle(t, conns)
	return p
}

// dialOnce has one more connection dialled, so that the pool learns what to log in with now.
func dialOnce(t *testing.T, p pooltest.Pool) {
	t.Helper()
	for _, conn := range p.Hold(t, p.EndpointStats().Idle+1) {
		require.NoError(t, conn.Close())
	}
}

func TestConnectionsOfAnOlderPasswordAreReplacedInTheCourseOfAMinute(t *testing.T) {
	file := newFile(t, "old")
	synctest.Test(t, func(t *testing.T) {
		const conns = 40
		p := newLoginPool(t, conns, func(c *pooled.Config) { c.PasswordFile = file.path })
		time.Sleep(10 * time.Minute)
		assert.Equal(t, conns, p.EndpointStats().Idle, "nothing has changed")
		held, err := p.Conn(t.Context())
		require.NoError(t, err)
		_, err = held.ExecContext(t.Context(), "hold")
		require.NoError(t, err)
		file.write("new")
		dialOnce(t, p)
		assert.Equal(t, conns+1, p.EndpointStats().Open, "none at once")
		time.Sleep(30 * time.Second)
		assert.Greater(t, p.EndpointStats().Open, 2, "not all soon")
		assert.Less(t, p.EndpointStats().Open, conns, "some soon")
		time.Sleep(31 * time.Second)
		assert.Equal(t, 2, p.EndpointStats().Open, "the new one, and the one that is used")
		_, err = held.ExecContext(t.Context(), "still here")
		require.NoError(t, err)
		require.NoError(t, held.Close())
		synctest.Wait()
		assert.Equal(t, 1, p.EndpointStats().Open)
		assert.EqualValues(t, conns, p.EndpointStats().Closed.Retired)
	})
}

func TestATokenOfTheSameUserReplacesNoConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newLoginPool(t, 5, func(c *pooled.Config) {
			c.Credentials = func(context.Context, string) (pooled.Credentials, error) {
				return pooled.Credentials{User: "jack", Password: time.Now().String()}, nil
			}
		})
		time.Sleep(time.Minute)
		dialOnce(t, p)
		time.Sleep(5 * time.Minute)
		assert.Equal(t, 6, p.EndpointStats().Idle)
	})
}

func TestAPanicOfTheFunctionIsThatOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		p := newLoginPool(t, 0, func(c *pooled.Config) {
			c.Pool.MaxConns = 1
			c.Credentials = func(context.Context, string) (pooled.Credentials, error) {
				if calls++; calls == 1 {
					panic("oops")
				}
				return pooled.Credentials{}, nil
			}
		})
		assert.PanicsWithValue(t, "oops", func() { _ = p.PingContext(t.Context()) })
		p.MustExec(t)
	})
}

func TestTheErrorOfTheFunctionIsTheCauseOfTheDialsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sealed := errors.New("the vault is sealed")
		p := newLoginPool(t, 0, func(c *pooled.Config) {
			c.Credentials = func(_ context.Context, endpoint string) (pooled.Credentials, error) {
				assert.Equal(t, "login", endpoint)
				return pooled.Credentials{}, sealed
			}
		})
		err := p.PingContext(t.Context())
		require.ErrorIs(t, err, sealed)
		require.ErrorIs(t, err, pooled.ErrCredentials)
	})
}
