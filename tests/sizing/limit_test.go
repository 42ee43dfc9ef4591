package sizing_test

import (
	"database/sql"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestUntilTheServerHasToldTheLimitIsTen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.UseProfile(pooled.ProfileService) })
		p.Hold(t, 10)
		assert.Equal(t, 10, p.EndpointStats().MaxConns)
		failed := make(chan error)
		go func() {
			_, err := p.ExecContext(t.Context(), "write")
			failed <- err
		}()
		err := <-failed
		timeout := (*pooled.AcquireTimeoutError)(nil)
		require.ErrorAs(t, err, &timeout)
		assert.Equal(t, 10, timeout.MaxConns)
		assert.Equal(t, 2*time.Second, timeout.Timeout)
	})
}

func TestAReserveLeavesOneForOthersBeforeTheServerHasTold(t *testing.T) {
	p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
		c.Pool.MaxConns = policy.AutoConns
		c.Queue.Classes = []policy.Class{{Name: "web", Weight: 1}, {Name: "admin", Weight: 1, Reserve: 30}}
	})
	p.Hold(t, 1)
	assert.Equal(t, 31, p.EndpointStats().MaxConns)
}

func TestALowerLimitClosesWhatIsIdleNowAndTheRestWhenItComesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Pool.MaxConns, c.Pool.MaxIdleConns = policy.AutoConns, policy.AllIdle })
		conns := p.Hold(t, 8)
		for _, conn := range conns[5:] {
			require.NoError(t, conn.Close())
		}
		synctest.Wait()
		require.Equal(t, 3, p.EndpointStats().Idle)
		pooltest.EndpointOf(t, p.Connector).SetLimit(2)
		synctest.Wait()
		assert.Equal(t, []int{2, 5, 0}, []int{p.EndpointStats().MaxConns, p.EndpointStats().InUse, p.EndpointStats().Idle})
		waits := make(chan error)
		go func() {
			_, err := p.ExecContext(t.Context(), "write")
			waits <- err
		}()
		synctest.Wait()
		for i, conn := range conns[:3] {
			require.Equal(t, 1, p.EndpointStats().Waiting)
			require.NoError(t, conn.Close())
			synctest.Wait()
			assert.Equal(t, 4-i, p.EndpointStats().Open)
		}
		require.Equal(t, 1, p.EndpointStats().Waiting, "two hold one each")
		require.NoError(t, conns[3].Close())
		require.NoError(t, <-waits)
		require.NoError(t, conns[4].Close())
		synctest.Wait()
		assert.Equal(t, 2, p.EndpointStats().Idle, "and these are kept")
		assert.EqualValues(t, 6, p.EndpointStats().Closed.IdleLimit)
		assert.EqualValues(t, 8, p.EndpointStats().Dials)
	})
}

func TestAHigherLimitLetsThoseInWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Pool.MaxConns = policy.AutoConns })
		p.Hold(t, 10)
		var wg sync.WaitGroup
		var more [4]*sql.Conn
		for i := range more {
			wg.Go(func() { more[i] = p.Hold(t, 1)[0] })
		}
		synctest.Wait()
		require.Equal(t, 4, p.EndpointStats().Waiting)
		pooltest.EndpointOf(t, p.Connector).SetLimit(14)
		wg.Wait()
		assert.Equal(t, 14, p.EndpointStats().InUse)
	})
}

// The limit goes up and down while workers come and go. The fault driver tells if two ever have one connection.
func TestNoConnectionIsLostWhileTheLimitChanges(t *testing.T) {
	p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Pool.MaxConns = policy.AutoConns })
	server := pooltest.EndpointOf(t, p.Connector)
	var workers sync.WaitGroup
	for range 16 {
		workers.Go(func() {
			for range 200 {
				_, err := p.ExecContext(t.Context(), "write")
				assert.NoError(t, err)
			}
		})
	}
	done := make(chan struct{})
	var changes sync.WaitGroup
	changes.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
				server.SetLimit(1 + i%12)
			}
		}
	})
	workers.Wait()
	close(done)
	changes.Wait()
	server.SetLimit(3)
	server.LookAfter()
	assert.Zero(t, p.EndpointStats().InUse)
	assert.LessOrEqual(t, p.EndpointStats().Open, 3)
	conns := p.Hold(t, 3)
	assert.Equal(t, 3, p.EndpointStats().InUse)
	for _, conn := range conns {
		require.NoError(t, conn.Close())
	}
}

func TestAServiceWithoutALimitIsToldOnceAndAToolIsNot(t *testing.T) {
	const message = `level=INFO msg="pooled: nothing limits the server connections but SetMaxOpenConns, if that is set: set pool_max_conns, or pool_profile=service"`
	for _, c := range []struct {
		name    string
		change  func(*policy.Pool)
		conns   int // at once
		minutes int // for which it lives
		told    int
	}{
		{"tool", nil, 20, 0, 0},
		{"many connections at once", nil, 21, 0, 1},
		{"many more", nil, 60, 0, 1},
		{"for long", func(s *policy.Pool) { s.MaxIdleConns = 0 }, 1, 3, 1},
		{"that does not dial any more", func(s *policy.Pool) { s.Keepalive = 0 }, 1, 3, 0},
		{"with a limit", func(s *policy.Pool) { s.MaxConns = 60 }, 60, 3, 0},
		{"with a limit by the server's figures", func(s *policy.Pool) { s.MaxConns = policy.AutoConns }, 10, 3, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log pooltest.LogBuffer
				p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) {
					cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
					cfg.Leak.Threshold = 0
					if c.change != nil {
						c.change(&cfg.Pool)
					}
				})
				for range c.minutes + 1 {
					for _, conn := range p.Hold(t, c.conns) {
						require.NoError(t, conn.Close())
					}
					time.Sleep(time.Minute)
				}
				assert.Equal(t, c.told, strings.Count(log.String(), message), log.String())
			})
		})
	}
}
