package idle_test

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestIdleConnectionsArePingedInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Idle(t, 3)
		var mu sync.Mutex // guards pings: connections are pinged beside each other
		pings := map[int]int{}
		p.Fault.Hook(faultdriver.Ping, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			mu.Lock()
			defer mu.Unlock()
			pings[c.Conn]++
			return faultdriver.Outcome{}
		})
		time.Sleep(7 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, map[int]int{1: 3, 2: 3, 3: 3}, pings)
		assert.Equal(t, 3, p.EndpointStats().Idle)
		assert.EqualValues(t, 3, p.EndpointStats().Dials)
	})
}

func TestIdleConnectionThatDoesNotAnswerIsClosedBeforeAnybodyGetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Idle(t, 2)
		p.Fault.Hook(faultdriver.Ping, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			if c.Conn == 1 {
				return faultdriver.Outcome{Err: driver.ErrBadConn}
			}
			return faultdriver.Outcome{}
		})
		time.Sleep(3 * time.Minute)
		assert.Equal(t, 1, p.EndpointStats().Idle)
		assert.Equal(t, 1, p.EndpointStats().Open)
		assert.EqualValues(t, 1, p.EndpointStats().Closed.Validation)
		for range 3 {
			p.MustExec(t)
		}
		assert.EqualValues(t, 2, p.EndpointStats().Dials)
	})
}

// untilPinged waits until the endpoint pings an idle connection.
func untilPinged(p pooltest.Pool) {
	for p.Calls(faultdriver.Ping) == 0 {
		time.Sleep(100 * time.Millisecond)
	}
}

func TestBorrowerWaitsForThePingOfItsConnectionAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.ValidateAfter = policy.NeverValidate })
		p.Idle(t, 1)
		answer := make(chan struct{})
		p.Fault.Always(faultdriver.Ping, faultdriver.Outcome{Wait: answer})
		untilPinged(p)

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := p.ExecContext(ctx, "impatient")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 1, p.EndpointStats().Open, "a borrower who gives up costs no connection")

		began := time.Now()
		time.AfterFunc(time.Second, func() { close(answer) })
		p.MustExec(t)
		assert.Equal(t, time.Second, time.Since(began))
		assert.EqualValues(t, 1, p.EndpointStats().Dials)
	})
}

func TestBorrowerGetsAnotherConnectionWhenThePingOfItsOwnFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.ValidateAfter = policy.NeverValidate })
		p.Idle(t, 1)
		p.Fault.Always(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})})
		untilPinged(p)
		began := time.Now()
		p.MustExec(t)
		assert.LessOrEqual(t, time.Since(began), 2*time.Second)
		assert.EqualValues(t, 2, p.EndpointStats().Dials)
		assert.EqualValues(t, 1, p.EndpointStats().Closed.Validation)
	})
}

func TestConnectionThatDidNotAnswerIsClosedThoughItsBorrowerLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.ValidateAfter = 0 })
		p.Idle(t, 1)
		p.Fault.Always(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := p.ExecContext(ctx, "impatient")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, p.EndpointStats().Open)
		assert.EqualValues(t, 1, p.EndpointStats().Closed.Validation)
	})
}

func TestIdleConnectionsAreClosedWhenTheirLifetimeIsOverAndNotTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConnIdleTime = 0 })
		p.Idle(t, 20)
		time.Sleep(time.Hour)
		assert.Equal(t, 20, p.EndpointStats().Open)
		closedIn := 0
		for last := 20; last > 0; closedIn++ {
			time.Sleep(time.Minute)
			require.Less(t, closedIn, 10, "the jitter is over")
			last = p.EndpointStats().Open
		}
		assert.Greater(t, closedIn, 3, "they were not closed together")
		assert.EqualValues(t, 20, p.EndpointStats().Closed.Lifetime)
		p.MustExec(t)
		assert.EqualValues(t, 21, p.EndpointStats().Dials)
	})
}

// Each second the endpoint pings, expires and closes connections that borrowers take at the same moment. Time is that of a bubble, so all of them begin at once.
func TestTendingRacesBorrowersAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const permits, workers, seconds = 4, 16, 400
		var owners pooltest.Handouts
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Pool.MinIdleConns, c.Pool.Keepalive = permits, 2, time.Nanosecond
			c.Pool.MaxConnLifetime = 3 * time.Second
		}, owners.Middleware())
		var pings atomic.Int64
		p.Fault.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			if pings.Add(1)%10 == 0 {
				return faultdriver.Outcome{Err: driver.ErrBadConn}
			}
			return faultdriver.Outcome{}
		})
		p.MustExec(t) // from now on the endpoint looks each second
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range seconds {
					time.Sleep(time.Second)
					for range 5 {
						if _, err := p.Exec("exec"); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Go(func() {
			for range seconds / 100 {
				time.Sleep(100 * time.Second)
				assert.NoError(t, p.Connector.Evict(""))
			}
		})
		wg.Wait()
		assert.Empty(t, owners.Violations())
		assert.Greater(t, pings.Load(), int64(seconds))
		closed := p.EndpointStats().Closed
		assert.NotZero(t, closed.Lifetime)
		assert.NotZero(t, closed.Validation)
		pooltest.RequireAllPermits(t, p.DB, p.Connector, permits)
		require.NoError(t, p.Close())
		assert.Zero(t, p.EndpointStats().Open)
	})
}
