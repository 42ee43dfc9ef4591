package pooled_test

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
	"github.com/gopooled/pooled/policy"
)

// wait has n callers wait for a connection who have no deadline, until end is called. What becomes of them is sent.
func (p pool) wait(n int) (outcomes chan error, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	outcomes = make(chan error, n)
	for range n {
		go func() {
			_, err := p.ExecContext(ctx, "wait")
			outcomes <- err
		}()
		synctest.Wait()
	}
	return outcomes, cancel
}

func TestWhoMayNotWaitIsRefusedAtOnce(t *testing.T) {
	for _, c := range []struct {
		most    int
		waiting int
		says    string
	}{
		{policy.NoWaiters, 0, "all 1 permits (pool_max_conns) are taken, and nobody may wait (pool_max_waiters=none); try again in"},
		{2, 2, "all 1 permits (pool_max_conns) are taken, and 2 are waiting already, as many as may (pool_max_waiters); try again in"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPoolOf(t, modern, func(cfg *pooled.Config) { cfg.Pool.MaxConns, cfg.Queue.MaxWaiters = 1, c.most })
			held := p.hold(t, 1)
			_, end := p.wait(c.waiting)
			defer end()

			began := time.Now()
			_, err := p.ExecContext(t.Context(), "refused")
			assert.Zero(t, time.Since(began))
			require.ErrorIs(t, err, pooled.ErrOverloaded)
			assert.NotErrorIs(t, err, driver.ErrBadConn)
			var overloaded *pooled.OverloadedError
			require.ErrorAs(t, err, &overloaded)
			assert.Equal(t, c.most, overloaded.MaxWaiters)
			assert.Equal(t, c.waiting, overloaded.Waiters)
			assert.Positive(t, overloaded.RetryAfter)
			assert.ErrorContains(t, err, c.says)
			assert.EqualValues(t, 1, p.stats().Overloaded, "database/sql must not try again")

			require.NoError(t, held[0].Close())
			synctest.Wait()
			_, err = p.ExecContext(t.Context(), "there is room")
			assert.NoError(t, err)
		})
	}
}

func TestQueueThatStandsIsShortenedWithPoolShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoolOf(t, modern, func(cfg *pooled.Config) {
			cfg.Pool.MaxConns, cfg.Queue.Shed, cfg.Queue.Target, cfg.Queue.Interval = 1, true, time.Second, 5*time.Second
		})
		p.hold(t, 1)
		outcomes, end := p.wait(50)
		defer end()
		time.Sleep(2 * time.Second) // longer than the target
		more, endMore := p.wait(1)
		defer endMore()
		time.Sleep(2 * time.Second)
		assert.Empty(t, outcomes, "nobody is refused in a burst shorter than the interval")
		time.Sleep(2 * time.Second)
		last, endLast := p.wait(1)
		defer endLast()

		require.NotEmpty(t, outcomes)
		err := <-outcomes
		require.ErrorIs(t, err, pooled.ErrOverloaded)
		assert.ErrorContains(t, err, "more have come than can be served, for longer than pool_queue_interval (pool_shed=on): refused after 6s")
		assert.Empty(t, more, "the oldest are refused first")
		assert.Empty(t, last)
		assert.Positive(t, p.stats().Waiting, "there is somebody for the permit that comes back")
		assert.Equal(t, uint64(len(outcomes)+1), p.stats().Overloaded)
	})
}

func TestNobodyIsRefusedByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoolOf(t, modern, func(cfg *pooled.Config) { cfg.Pool.MaxConns, cfg.Leak.Threshold = 1, 0 })
		held := p.hold(t, 1)
		outcomes, end := p.wait(300)
		defer end()
		time.Sleep(time.Hour)
		_, endMore := p.wait(1)
		defer endMore()
		assert.Empty(t, outcomes)
		require.NoError(t, held[0].Close())
		for range 300 {
			assert.NoError(t, <-outcomes)
		}
	})
}

func TestPressureTellsHowFullThePoolIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPoolOf(t, modern, func(cfg *pooled.Config) {
			cfg.Pool.MaxConns, cfg.Queue.Shed, cfg.Queue.Target, cfg.Queue.Interval = 4, true, time.Second, 4*time.Second
		})
		pressure := p.connector.Pressure
		assert.Zero(t, pressure())
		p.hold(t, 2)
		assert.InDelta(t, 0.25, pressure(), 1e-9)
		p.hold(t, 2)
		assert.InDelta(t, 0.5, pressure(), 1e-9)
		_, end := p.wait(1)
		defer end()
		assert.InDelta(t, 0.5, pressure(), 1e-9, "nobody has waited for long")
		time.Sleep(3 * time.Second)
		assert.InDelta(t, 0.75, pressure(), 1e-9)
		time.Sleep(2 * time.Second)
		assert.InDelta(t, 1, pressure(), 1e-9)
	})
	unlimited := newPool(t, modern, nil)
	unlimited.hold(t, 3)
	assert.Zero(t, unlimited.connector.Pressure())
}

// Who has less time left than connections are held for would have its statement cancelled half way.
func TestHopelessCallersArePassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t, modern, func(c *policy.Pool) { c.MaxConns = 1 })
		held := p.hold(t, 1)
		time.Sleep(time.Second) // what is known of how long connections are held
		require.NoError(t, held[0].Close())
		held = p.hold(t, 1)
		var served []string
		call := func(name string, within time.Duration) {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), within)
				defer cancel()
				_, err := p.ExecContext(ctx, name)
				if !errors.Is(err, context.DeadlineExceeded) {
					served = append(served, name) // one at a time, as there is one connection
				}
			}()
			synctest.Wait()
		}
		call("hopeless", 500*time.Millisecond)
		call("hopeful", 10*time.Second)
		require.NoError(t, held[0].Close())
		synctest.Wait()
		assert.Equal(t, []string{"hopeful", "hopeless"}, served)
		assert.EqualValues(t, 1, p.stats().PassedOver)
	})
}
