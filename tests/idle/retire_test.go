package pooled_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
)

func TestEvictClosesIdleConnectionsNowAndOthersWhenTheyComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, nil)
		held := p.hold(t, 2)
		p.idle(t, 3)
		require.ErrorContains(t, p.connector.Evict("nowhere"), `there is no endpoint "nowhere"`)
		require.NoError(t, p.connector.Evict(""))
		synctest.Wait()
		assert.Equal(t, 2, p.stats().Open)
		_, err := held[0].ExecContext(t.Context(), "go on")
		require.NoError(t, err)
		for _, c := range held {
			require.NoError(t, c.Close())
		}
		synctest.Wait()
		assert.Zero(t, p.stats().Open)
		assert.EqualValues(t, 5, p.stats().Closed.Retired)
		time.Sleep(time.Second)
		p.exec(t)
		assert.Equal(t, 1, p.stats().Idle)
	})
}

// A dial that is under way leads to the server that was meant before, so what it makes belongs to the old connections.
func TestEvictCountsConnectionsWhoseDialIsUnderWay(t *testing.T) {
	evicted := func(t *testing.T, settings func(*policy.Pool), dial func(p pool) (done <-chan error)) pool {
		t.Helper()
		p := newPool(t, modern, settings)
		answer := make(chan struct{})
		p.driver.Next(faultdriver.Connect, faultdriver.Outcome{Wait: answer})
		done := dial(p)
		synctest.Wait()
		require.EqualValues(t, 1, p.stats().Dials)
		require.NoError(t, p.connector.Evict(""))
		close(answer)
		require.NoError(t, <-done)
		synctest.Wait()
		assert.EqualValues(t, 1, p.stats().Closed.Retired)
		return p
	}
	background := func(f func() error) <-chan error {
		done := make(chan error, 1)
		go func() { done <- f() }()
		return done
	}
	t.Run("for a borrower", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := evicted(t, nil, func(p pool) <-chan error {
				return background(func() error { _, err := p.ExecContext(t.Context(), "exec"); return err })
			})
			assert.Empty(t, p.driver.OpenConns())
			p.exec(t)
			p.exec(t)
			assert.Equal(t, []int{2}, p.driver.OpenConns())
		})
	})
	t.Run("for a borrower who went away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := evicted(t, nil, func(p pool) <-chan error {
				p.giveUp(t, 50*time.Millisecond)
				return background(func() error { return nil })
			})
			assert.Empty(t, p.driver.OpenConns())
		})
	})
	t.Run("to be warm", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := evicted(t, func(s *policy.Pool) { s.MinIdleConns = 1 }, func(p pool) <-chan error {
				return background(func() error { return p.connector.Warm(t.Context()) })
			})
			assert.Equal(t, []int{2}, p.driver.OpenConns())
		})
	})
	t.Run("as a probe of the breaker", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := newBreakerPool(t, nil)
			p.fail(t, faultdriver.Connect, errNobody, 5)
			answer := make(chan struct{})
			p.driver.Next(faultdriver.Connect, faultdriver.Outcome{Wait: answer})
			time.Sleep(6 * time.Second)
			require.Equal(t, policy.BreakerHalfOpen, p.stats().Breaker.State)
			require.NoError(t, p.connector.Evict(""))
			close(answer)
			synctest.Wait()
			assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State)
			assert.EqualValues(t, 1, p.stats().Closed.Retired)
			assert.Equal(t, []int{7}, p.driver.OpenConns())
		})
	})
}

func TestServerThatEndsItsConnectionsHasAllOfThemRetired(t *testing.T) {
	tests := []struct {
		name string
		errs []error
		wait time.Duration
		left int
	}{
		{"one was killed by hand", []error{errEnded}, 0, 4},
		{"two, long after each other", []error{errEnded, errEnded}, time.Minute, 3},
		{"two at once", []error{errEnded, errEnded}, 0, 0},
		{"the server has crashed", []error{errCrashed}, 0, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPoolOf(t, modern, func(c *pooled.Config) { c.Connector = ending(c.Connector) })
				p.idle(t, 5)
				for i, err := range tc.errs {
					if i > 0 {
						time.Sleep(tc.wait)
					}
					p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Err: err})
					_, got := p.Exec("exec")
					require.Equal(t, err, got)
					synctest.Wait()
				}
				assert.Equal(t, tc.left, p.stats().Idle)
			})
		})
	}
}

func TestPermitIsFreeSoonAfterAServerWasLostThatNeverEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoolOf(t, modern, func(c *pooled.Config) { c.Connector, c.Pool.MaxConns = lingering(c.Connector), 1 })
		p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Err: errReset})
		_, err := p.Exec("exec")
		require.Equal(t, errReset, err)
		began := time.Now()
		p.exec(t)
		assert.Equal(t, time.Second, time.Since(began))
	})
}
