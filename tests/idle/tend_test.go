package pooled_test

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
)

func TestIdleConnectionsArePingedInPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		p.idle(t, 3)
		var mu sync.Mutex // guards pings: connections are pinged beside each other
		pings := map[int]int{}
		p.driver.Hook(faultdriver.Ping, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			mu.Lock()
			defer mu.Unlock()
			pings[c.Conn]++
			return faultdriver.Outcome{}
		})
		time.Sleep(7 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, map[int]int{1: 3, 2: 3, 3: 3}, pings)
		assert.Equal(t, 3, p.stats().Idle)
		assert.EqualValues(t, 3, p.stats().Dials)
	})
}

func TestIdleConnectionThatDoesNotAnswerIsClosedBeforeAnybodyGetsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		p.idle(t, 2)
		p.driver.Hook(faultdriver.Ping, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			if c.Conn == 1 {
				return faultdriver.Outcome{Err: driver.ErrBadConn}
			}
			return faultdriver.Outcome{}
		})
		time.Sleep(3 * time.Minute)
		assert.Equal(t, 1, p.stats().Idle)
		assert.Equal(t, 1, p.stats().Open)
		assert.EqualValues(t, 1, p.stats().Closed.Validation)
		for range 3 {
			p.exec(t)
		}
		assert.EqualValues(t, 2, p.stats().Dials)
	})
}

// untilPinged waits until the endpoint pings an idle connection.
func (p pool) untilPinged() {
	for p.calls(faultdriver.Ping) == 0 {
		time.Sleep(100 * time.Millisecond)
	}
}

func TestBorrowerWaitsForThePingOfItsConnectionAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.ValidateAfter = policy.NeverValidate })
		p.idle(t, 1)
		answer := make(chan struct{})
		p.driver.Always(faultdriver.Ping, faultdriver.Outcome{Wait: answer})
		p.untilPinged()

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := p.ExecContext(ctx, "impatient")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 1, p.stats().Open, "a borrower who gives up costs no connection")

		began := time.Now()
		time.AfterFunc(time.Second, func() { close(answer) })
		p.exec(t)
		assert.Equal(t, time.Second, time.Since(began))
		assert.EqualValues(t, 1, p.stats().Dials)
	})
}

func TestBorrowerGetsAnotherConnectionWhenThePingOfItsOwnFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.ValidateAfter = policy.NeverValidate })
		p.idle(t, 1)
		p.driver.Always(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})})
		p.untilPinged()
		began := time.Now()
		p.exec(t)
		assert.LessOrEqual(t, time.Since(began), 2*time.Second)
		assert.EqualValues(t, 2, p.stats().Dials)
		assert.EqualValues(t, 1, p.stats().Closed.Validation)
	})
}

func TestConnectionThatDidNotAnswerIsClosedThoughItsBorrowerLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.ValidateAfter = 0 })
		p.idle(t, 1)
		p.driver.Always(faultdriver.Ping, faultdriver.Outcome{Wait: make(chan struct{})})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := p.ExecContext(ctx, "impatient")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Zero(t, p.stats().Open)
		assert.EqualValues(t, 1, p.stats().Closed.Validation)
	})
}

func TestIdleConnectionsAreClosedWhenTheirLifetimeIsOverAndNotTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(s *policy.Pool) { s.MaxConnIdleTime = 0 })
		p.idle(t, 20)
		time.Sleep(time.Hour)
		assert.Equal(t, 20, p.stats().Open)
		closedIn := 0
		for last := 20; last > 0; closedIn++ {
			time.Sleep(time.Minute)
			require.Less(t, closedIn, 10, "the jitter is over")
			last = p.stats().Open
		}
		assert.Greater(t, closedIn, 3, "they were not closed together")
		assert.EqualValues(t, 20, p.stats().Closed.Lifetime)
		p.exec(t)
		assert.EqualValues(t, 21, p.stats().Dials)
	})
}

// Each second the endpoint pings, expires and closes connections that borrowers take at the same moment. Time is that of a bubble, so all of them begin at once.
func TestTendingRacesBorrowersAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const permits, workers, seconds = 4, 16, 400
		var owners handouts
		p := newPoolOf(t, modern, func(c *pooled.Config) {
			c.Pool.MaxConns, c.Pool.MinIdleConns, c.Pool.Keepalive = permits, 2, time.Nanosecond
			c.Pool.MaxConnLifetime = 3 * time.Second
		}, owners.middleware())
		var pings atomic.Int64
		p.driver.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			if pings.Add(1)%10 == 0 {
				return faultdriver.Outcome{Err: driver.ErrBadConn}
			}
			return faultdriver.Outcome{}
		})
		p.exec(t) // from now on the endpoint looks each second
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
				assert.NoError(t, p.connector.Evict(""))
			}
		})
		wg.Wait()
		assert.Empty(t, owners.violations())
		assert.Greater(t, pings.Load(), int64(seconds))
		closed := p.stats().Closed
		assert.NotZero(t, closed.Lifetime)
		assert.NotZero(t, closed.Validation)
		requireAllPermits(t, p.DB, p.connector, permits)
		require.NoError(t, p.Close())
		assert.Zero(t, p.stats().Open)
	})
}
