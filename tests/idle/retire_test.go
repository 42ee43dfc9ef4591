package idle_test

import (
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

func TestEvictClosesIdleConnectionsNowAndOthersWhenTheyComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		held := p.Hold(t, 2)
		p.Idle(t, 3)
		require.ErrorIs(t, p.Connector.Evict("nowhere"), pooled.ErrNoEndpoint)
		require.NoError(t, p.Connector.Evict(""))
		synctest.Wait()
		assert.Equal(t, 2, p.EndpointStats().Open)
		_, err := held[0].ExecContext(t.Context(), "go on")
		require.NoError(t, err)
		for _, c := range held {
			require.NoError(t, c.Close())
		}
		synctest.Wait()
		assert.Zero(t, p.EndpointStats().Open)
		assert.EqualValues(t, 5, p.EndpointStats().Closed.Retired)
		time.Sleep(time.Second)
		p.MustExec(t)
		assert.Equal(t, 1, p.EndpointStats().Idle)
	})
}

// A dial that is under way leads to the server that was meant before, so what it makes belongs to the old connections.
func TestEvictCountsConnectionsWhoseDialIsUnderWay(t *testing.T) {
	evicted := func(t *testing.T, settings func(*policy.Pool), dial func(p pooltest.Pool) (done <-chan error)) pooltest.Pool {
		t.Helper()
		p := pooltest.NewPool(t, pooltest.Modern, settings)
		answer := make(chan struct{})
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: answer})
		done := dial(p)
		synctest.Wait()
		require.EqualValues(t, 1, p.EndpointStats().Dials)
		require.NoError(t, p.Connector.Evict(""))
		close(answer)
		require.NoError(t, <-done)
		synctest.Wait()
		assert.EqualValues(t, 1, p.EndpointStats().Closed.Retired)
		return p
	}
	background := func(f func() error) <-chan error {
		done := make(chan error, 1)
		go func() { done <- f() }()
		return done
	}
	t.Run("for a borrower", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := evicted(t, nil, func(p pooltest.Pool) <-chan error {
				return background(func() error { _, err := p.ExecContext(t.Context(), "exec"); return err })
			})
			assert.Empty(t, p.Fault.OpenConns())
			p.MustExec(t)
			p.MustExec(t)
			assert.Equal(t, []int{2}, p.Fault.OpenConns())
		})
	})
	t.Run("for a borrower who went away", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := evicted(t, nil, func(p pooltest.Pool) <-chan error {
				p.GiveUp(t, 50*time.Millisecond)
				return background(func() error { return nil })
			})
			assert.Empty(t, p.Fault.OpenConns())
		})
	})
	t.Run("to be warm", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := evicted(t, func(s *policy.Pool) { s.MinIdleConns = 1 }, func(p pooltest.Pool) <-chan error {
				return background(func() error { return p.Connector.Warm(t.Context()) })
			})
			assert.Equal(t, []int{2}, p.Fault.OpenConns())
		})
	})
	t.Run("as a probe of the breaker", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.NewBreakerPool(t, nil)
			p.Fail(t, faultdriver.Connect, pooltest.ErrNobody, 5)
			answer := make(chan struct{})
			p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: answer})
			time.Sleep(6 * time.Second)
			require.Equal(t, policy.BreakerHalfOpen, p.EndpointStats().Breaker.State)
			require.NoError(t, p.Connector.Evict(""))
			close(answer)
			synctest.Wait()
			assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State)
			assert.EqualValues(t, 1, p.EndpointStats().Closed.Retired)
			assert.Equal(t, []int{7}, p.Fault.OpenConns())
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
		{"one was killed by hand", []error{pooltest.ErrEnded}, 0, 4},
		{"two, long after each other", []error{pooltest.ErrEnded, pooltest.ErrEnded}, time.Minute, 3},
		{"two at once", []error{pooltest.ErrEnded, pooltest.ErrEnded}, 0, 0},
		{"the server has crashed", []error{pooltest.ErrCrashed}, 0, 0},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Connector = pooltest.Ending(c.Connector) })
				p.Idle(t, 5)
				for i, err := range tc.errs {
					if i > 0 {
						time.Sleep(tc.wait)
					}
					p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: err})
					_, got := p.Exec("exec")
					require.Equal(t, err, got)
					synctest.Wait()
				}
				assert.Equal(t, tc.left, p.EndpointStats().Idle)
			})
		})
	}
}

func TestPermitIsFreeSoonAfterAServerWasLostThatNeverEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Connector, c.Pool.MaxConns = pooltest.Lingering(c.Connector), 1 })
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: pooltest.ErrReset})
		_, err := p.Exec("exec")
		require.Equal(t, pooltest.ErrReset, err)
		began := time.Now()
		p.MustExec(t)
		assert.Equal(t, time.Second, time.Since(began))
	})
}
