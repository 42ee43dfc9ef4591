package sizing_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/internal/middleware/sizing"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

func TestTheShareIsModestAndNeverNothing(t *testing.T) {
	for _, c := range []struct{ room, cpus, reserved, want int }{
		{97, 2, 0, 20},    // PostgreSQL's own default
		{97, 16, 0, 24},   // on a large machine
		{151, 16, 0, 37},  // MySQL's own default
		{5000, 16, 0, 64}, // a server for thousands
		{5000, 1, 0, 20},
		{60, 8, 0, 15},
		{12, 8, 0, 3},
		{5, 8, 0, 2},  // a quarter would be one, and a goroutine that takes a second one would wait for itself
		{1, 8, 0, 1},  // there is no room for two
		{0, 8, 0, 1},  // a server that allows nobody in says so itself
		{-3, 8, 0, 1}, // as above
		{20, 8, 7, 8}, // there is somebody whom they are kept from
		{97, 2, 30, 31},
	} {
		assert.Equal(t, c.want, sizing.Share(c.room, c.cpus, c.reserved), "%+v", c)
	}
}

// asked is a pool whose server answers with room, or an error.
type asked struct {
	*sql.DB
	log    bytes.Buffer
	room   int
	err    error
	wait   func(ctx context.Context) // before the answer
	asks   int
	limits []int
	stats  func() stats.Endpoint
}

func open(t *testing.T, a *asked, change func(*sizing.Options)) *asked {
	t.Helper()
	o := sizing.Options{
		Endpoint: "db", Logger: slog.New(slog.NewTextHandler(&a.log, nil)),
		Ask: func(ctx context.Context, _ driver.Conn) (int, error) {
			a.asks++
			if a.wait != nil {
				a.wait(ctx)
			}
			return a.room, a.err
		},
		Limit: func() int {
			if len(a.limits) == 0 {
				return policy.UntoldConns
			}
			return a.limits[len(a.limits)-1]
		},
		Set:  func(limit int) { a.limits = append(a.limits, limit) },
		Dead: func(err error) bool { return errors.Is(err, driver.ErrBadConn) },
	}
	if change != nil {
		change(&o)
	}
	cfg := pooled.NewConfig()
	cfg.Connector = faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)
	cfg.Pool.MaxIdleConns, cfg.Pool.MaxConnIdleTime, cfg.Pool.MaxConnLifetime = policy.AllIdle, 0, 0
	cfg.Pool.MaxConnLifetimeJitter = 0
	connector, err := pooled.NewConnector(cfg, sizing.New(o).Middleware())
	require.NoError(t, err)
	a.DB, a.stats = sql.OpenDB(connector), func() stats.Endpoint { return connector.Stats().Endpoints[0] }
	t.Cleanup(func() { assert.NoError(t, a.Close()) })
	return a
}

// borrow uses a connection, and waits until it is idle again.
func (a *asked) borrow(t *testing.T) {
	t.Helper()
	_, err := a.ExecContext(t.Context(), "write")
	require.NoError(t, err)
	synctest.Wait()
}

func TestTheServerIsAskedOnceAConnectionIsGivenBackAndThenEveryTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &asked{room: 12}, nil)
		assert.Zero(t, a.asks, "nobody is asked before")
		a.borrow(t)
		assert.Equal(t, []int{3}, a.limits)
		assert.Equal(t, 1, strings.Count(a.log.String(), `msg="pooled: pool_max_conns=auto follows what the server has room for" endpoint=db limit=3 before=10 room=12`))
		for range 200 {
			a.borrow(t)
		}
		assert.Equal(t, 1, a.asks)

		a.room = 24
		time.Sleep(10 * time.Minute)
		for range 64 {
			a.borrow(t)
		}
		assert.Equal(t, []int{3, 6}, a.limits)
		assert.EqualValues(t, 1, a.stats().Dials, "it costs no connection")
	})
}

func TestAServerThatDoesNotTellIsAskedAgainAndTheLimitStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &asked{err: errors.New("permission denied")}, nil)
		a.borrow(t)
		a.borrow(t)
		assert.Equal(t, 1, a.asks, "and not at each release")
		for range 5 {
			time.Sleep(time.Minute)
			a.borrow(t)
		}
		assert.Equal(t, 6, a.asks)
		assert.Empty(t, a.limits)
		assert.Equal(t, 1, strings.Count(a.log.String(), "does not know what the server has room for"), "it is said once")
		assert.Contains(t, a.log.String(), `limit=10 error="permission denied"`)
		assert.EqualValues(t, 1, a.stats().Dials, "an answer is no reason to close a connection")

		a.room, a.err = 400, nil
		time.Sleep(10 * time.Minute)
		a.borrow(t)
		assert.Equal(t, []int{max(20, min(100, 4*runtime.GOMAXPROCS(0)))}, a.limits)
	})
}

func TestNobodyWaitsForAServerThatDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &asked{err: context.DeadlineExceeded, wait: func(ctx context.Context) { <-ctx.Done() }}, nil)
		start := time.Now()
		a.borrow(t)
		a.borrow(t) // on another connection, as the first one waits for its answer
		assert.Less(t, time.Since(start), time.Second)
		assert.EqualValues(t, 2, a.stats().Dials)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		assert.Equal(t, 1, a.stats().Open, "nobody knows what is still to come on that one")
		assert.Empty(t, a.limits)
	})
}

func TestAPoolOfADriverThatNobodyCanAskKeepsItsLimitAndSaysSoOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &asked{}, func(o *sizing.Options) { o.Ask = nil })
		for range 100 {
			a.borrow(t)
			time.Sleep(time.Minute)
		}
		assert.Empty(t, a.limits)
		assert.Equal(t, 1, strings.Count(a.log.String(), "nobody knows how to ask this driver's server: write a number"))
	})
}

func TestAPanicWhileTheServerIsAskedCostsTheConnectionAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := open(t, &asked{wait: func(context.Context) { panic("the driver is broken") }}, nil)
		a.borrow(t)
		assert.Zero(t, a.stats().Open)
		a.wait, a.room = nil, 12
		a.borrow(t)
		assert.Empty(t, a.limits)
		time.Sleep(10 * time.Minute)
		a.borrow(t)
		assert.Equal(t, []int{3}, a.limits)
	})
}
