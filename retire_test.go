package pooled_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
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
