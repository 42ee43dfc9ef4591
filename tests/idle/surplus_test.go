package idle_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// burst has so many callers at once use a connection.
func burst(p pooltest.Pool, t *testing.T, callers int) {
	t.Helper()
	pooltest.Crowd(callers, func(int) {
		_, err := p.Exec("exec")
		assert.NoError(t, err)
	})
}

func TestIdleConnectionsThatTheLastMinuteHasNotNeededGo(t *testing.T) {
	for _, size := range []int{5, 40, 200} {
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxDials, s.MaxIdleConns = 0, policy.AutoIdle })
			p.Idle(t, size)
			time.Sleep(time.Minute)
			assert.Equal(t, size, p.EndpointStats().Idle, "the next burst may come")
			time.Sleep(time.Minute)
			synctest.Wait()
			assert.Zero(t, p.EndpointStats().Idle)
			assert.EqualValues(t, size, p.EndpointStats().Closed.IdleLimit)
		})
	}
}

func TestIdleConnectionsThatAreNeededNowAndThenStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxIdleConns = policy.AutoIdle })
		p.Fault.Hook(faultdriver.Exec, pooltest.Takes(10*time.Millisecond))
		p.Idle(t, 20)
		for range 20 {
			time.Sleep(30 * time.Second)
			burst(p, t, 20)
		}
		assert.EqualValues(t, 20, p.EndpointStats().Dials, "bursts do not dial again")
		for range 60 {
			time.Sleep(2 * time.Second)
			burst(p, t, 3)
		}
		assert.Equal(t, 3, p.EndpointStats().Idle)
		assert.EqualValues(t, 20, p.EndpointStats().Dials)
		for range 60 { // one at a time, which is never the same connection twice
			time.Sleep(2 * time.Second)
			p.MustExec(t)
		}
		assert.Equal(t, 1, p.EndpointStats().Idle)
	})
}

func TestIdleConnectionsStayWhereTheDSNSaysSo(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*policy.Pool)
		left int
	}{
		"all":                 {func(s *policy.Pool) { s.MaxIdleConns = policy.AllIdle }, 10},
		"a number":            {func(s *policy.Pool) { s.MaxIdleConns = 7 }, 7},
		"pool_min_idle_conns": {func(s *policy.Pool) { s.MaxIdleConns, s.MinIdleConns = policy.AutoIdle, 4 }, 4},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPool(t, pooltest.Modern, c.set)
				held := p.Hold(t, 10)
				for _, conn := range held {
					assert.NoError(t, conn.Close())
				}
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				assert.Equal(t, c.left, p.EndpointStats().Idle)
			})
		})
	}
}
