package idle_test

import (
	"context"
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

func TestMinIdleConnsAreReadyBeforeTheFirstCallAndStayReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MinIdleConns, s.MaxConns = 3, 8 })
		require.NoError(t, p.Connector.Warm(t.Context()))
		synctest.Wait()
		assert.Equal(t, 3, p.EndpointStats().Idle)
		assert.EqualValues(t, 3, p.EndpointStats().Dials)
		conns := p.Hold(t, 3)
		assert.EqualValues(t, 3, p.EndpointStats().Dials, "nobody had to wait for a dial")
		time.Sleep(2 * time.Second)
		assert.Equal(t, 3, p.EndpointStats().Idle, "others are ready")
		conns = append(conns, p.Hold(t, 3)...)
		time.Sleep(2 * time.Second)
		assert.Equal(t, 8, p.EndpointStats().Open, "pool_max_conns")
		for _, c := range conns {
			require.NoError(t, c.Close())
		}
	})
}

func TestBorrowerDoesNotWaitForAllThatIsToBePrepared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MinIdleConns, s.MaxConns = 1, 1 })
		require.NoError(t, p.Connector.Warm(t.Context()))
		synctest.Wait() // nobody else looks at the connection any more
		p.Fault.Hook(faultdriver.Prepare, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			time.Sleep(time.Second)
			return faultdriver.Outcome{}
		})
		warmed := make(chan error, 1)
		go func() { warmed <- p.Connector.Warm(t.Context(), "a", "b", "c") }()
		synctest.Wait()
		began := time.Now()
		p.MustExec(t)
		assert.Equal(t, time.Second, time.Since(began), "one, and not three")
		require.NoError(t, <-warmed)
		assert.EqualValues(t, 1, p.EndpointStats().Dials)
	})
}

func TestOftenUsedStatementsArePreparedOnNewWarmConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MinIdleConns, s.WarmStatements = 1, 2 })
		for text, times := range map[string]int{"often": 9, "sometimes": 4, "seldom": 1} {
			st, err := p.PrepareContext(t.Context(), text)
			require.NoError(t, err)
			for range times {
				_, err := st.ExecContext(t.Context())
				require.NoError(t, err)
			}
			require.NoError(t, st.Close())
		}
		synctest.Wait()   // until no connection is being warmed, or Evict would have it dialled again
		var mu sync.Mutex // guards prepared
		prepared := map[string]int{}
		p.Fault.Hook(faultdriver.Prepare, func(_ context.Context, c faultdriver.Call) faultdriver.Outcome {
			mu.Lock()
			defer mu.Unlock()
			prepared[c.Text]++
			return faultdriver.Outcome{}
		})
		require.NoError(t, p.Connector.Evict(""))
		time.Sleep(2 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		assert.Equal(t, map[string]int{"often": 1, "sometimes": 1}, prepared)
	})
}

func TestMinIdleConnsAreDialledAgainAfterFailuresWithPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var dials atomic.Int64
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Pool.MinIdleConns = 2
			c.Connector.(*faultdriver.Driver).Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
				dials.Add(1)
				return faultdriver.Outcome{Err: pooltest.ErrNobody}
			})
		})
		time.Sleep(5 * time.Minute)
		n := dials.Load()
		assert.Greater(t, n, int64(10))
		assert.Less(t, n, int64(60), "it does not run the server over")
		require.Equal(t, pooltest.ErrNobody, p.Connector.Warm(t.Context()))
		p.Fault.Hook(faultdriver.Connect, nil)
		time.Sleep(time.Minute)
		assert.Equal(t, 2, p.EndpointStats().Idle)
	})
}

func TestNothingIsWarmedThroughAnOpenBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Pool.MinIdleConns, c.Breaker.Cooldown = 2, 30*time.Second })
		time.Sleep(time.Second)
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		p.RequireOpen(t)
		dials := p.Calls(faultdriver.Connect)
		require.NoError(t, p.Connector.Evict(""))
		time.Sleep(20 * time.Second)
		assert.Equal(t, dials, p.Calls(faultdriver.Connect))
		require.ErrorIs(t, p.Connector.Warm(t.Context()), pooled.ErrBreakerOpen)
		time.Sleep(time.Minute)
		assert.Equal(t, 2, p.EndpointStats().Idle)
	})
}
