package breaker_test

import (
	"context"
	"database/sql/driver"
	"sync"
	"syscall"
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

// NewBreakerPool is [NewPoolOf] with the breaker on.

func TestBreakerOpensAfterFailuresInARowAndRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, nil)
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 4)
		p.MustExec(t) // in between
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 4)
		assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State)
		began := time.Now()
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 1)
		open := p.RequireOpen(t)
		assert.Equal(t, began, open.Since)
		assert.Equal(t, pooltest.ErrReset, open.Cause)
		assert.InDelta(t, 5*time.Second, open.NextProbe.Sub(began), float64(500*time.Millisecond))
		require.ErrorIs(t, open, syscall.ECONNRESET)
		assert.Equal(t, began, time.Now(), "no time passed")
		stats := p.EndpointStats().Breaker
		assert.Equal(t, policy.BreakerOpen, stats.State)
		assert.EqualValues(t, 1, stats.Trips)
		assert.EqualValues(t, 1, stats.Refused)
		assert.Equal(t, []string{"closed to open"}, p.States())
		assert.Contains(t, p.Log.String(), "level=ERROR")
	})
}

func TestBreakerCountsADialThatFailsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, nil)
		p.Fail(t, faultdriver.Connect, pooltest.ErrNobody, 4)
		assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State)
		p.Fail(t, faultdriver.Connect, pooltest.ErrNobody, 1)
		p.RequireOpen(t)
	})
}

func TestDialIsNotTriedAgainOnceTheBreakerIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Pool.AcquireTimeout = time.Minute })
		p.Fault.Always(faultdriver.Connect, faultdriver.Outcome{Err: pooltest.ErrNobody})
		began := time.Now()
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				_, err := p.Exec("exec")
				assert.ErrorIs(t, err, syscall.ECONNREFUSED)
			})
		}
		wg.Wait()
		assert.Less(t, time.Since(began), time.Second)
	})
}

func TestBreakerCountsServersThatDoNotAnswerADialInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures = 1 })
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrConnectTimeout)
		p.RequireOpen(t)
	})
}

func TestBreakerCountsServersThatDoNotAnswerADialInTheTimeOfAnAcquisition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) {
			c.Breaker.Failures, c.Pool.MaxConns, c.Pool.AcquireTimeout = 1, 1, 2*time.Second // and 10 s for a dial
		})
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		time.Sleep(pooltest.Grace) // the dial goes on
		require.ErrorIs(t, p.RequireOpen(t), pooled.ErrConnectTimeout)
	})
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) {
			c.Breaker.Failures, c.Pool.MaxConns, c.Pool.AcquireTimeout = 1, 1, 2*time.Second
			c.Nested = policy.NestedOff // what holds the connection waits, and a timer gives it back
		})
		held := p.Hold(t, 1)[0]
		answer := make(chan struct{})
		time.AfterFunc(1500*time.Millisecond, func() {
			p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: answer})
			assert.NoError(t, p.Connector.Evict(""))
			assert.NoError(t, held.Close())
		})
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		time.Sleep(pooltest.Grace - 1)
		close(answer)
		p.MustExec(t) // what counts is that the server has answered
		assert.Zero(t, p.EndpointStats().FailedDials)
	})
}

func TestBreakerCountsNothingThatSaysNothingAboutTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures = 1 })
		for _, err := range []error{context.Canceled, context.DeadlineExceeded, assert.AnError} {
			p.Fail(t, faultdriver.Exec, err, 1)
		}
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrSkip})
		p.MustExec(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Wait: make(chan struct{})})
		_, err := p.ExecContext(ctx, "slow")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, p.Close())
		assert.Empty(t, p.States())
	})
}

func TestBreakerProbesByItselfWithLongerPausesUntilTheServerIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, nil)
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		synctest.Wait()
		p.Fault.Always(faultdriver.Connect, faultdriver.Outcome{Err: pooltest.ErrNobody})
		var probes []time.Duration
		last := time.Now()
		p.Fault.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			probes = append(probes, time.Since(last))
			last = time.Now()
			return faultdriver.Outcome{Err: pooltest.ErrNobody}
		})
		time.Sleep(5 * time.Minute)
		open := p.RequireOpen(t)
		assert.Equal(t, pooltest.ErrNobody, open.Cause, "that of the last probe")
		want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}
		require.GreaterOrEqual(t, len(probes), len(want))
		for i, w := range want {
			assert.InDelta(t, w, probes[i], float64(w/10), "probe %d", i)
		}
		p.Fault.Hook(faultdriver.Connect, nil)
		time.Sleep(70 * time.Second)
		assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State)
		dials := p.EndpointStats().Dials
		p.MustExec(t)
		assert.Equal(t, dials, p.EndpointStats().Dials, "the connection of the probe is used")
		states := p.States()
		assert.Equal(t, []string{"open to half-open", "half-open to closed"}, states[len(states)-2:])

		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		open = p.RequireOpen(t)
		assert.InDelta(t, 5*time.Second, time.Until(open.NextProbe), float64(500*time.Millisecond), "the cooldown begins anew")
	})
}

func TestBreakerIsHalfOpenForProbesOnlyAndWantsAsManyAsAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Breaker.Probes = 3 })
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		answer := make(chan struct{})
		p.Fault.Always(faultdriver.Ping, faultdriver.Outcome{Wait: answer})
		time.Sleep(6 * time.Second)
		assert.Equal(t, policy.BreakerHalfOpen, p.EndpointStats().Breaker.State)
		p.RequireOpen(t)
		dials := p.EndpointStats().Dials
		close(answer)
		synctest.Wait()
		assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State)
		assert.EqualValues(t, 2, p.EndpointStats().Dials-dials)
		assert.Equal(t, 3, p.Calls(faultdriver.Ping))
	})
}

func TestBreakerCanBeAskedWhileAProbeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, nil)
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		p.Fault.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			time.Sleep(time.Second)
			return faultdriver.Outcome{Err: pooltest.ErrNobody}
		})
		for range 200 {
			go func() {
				_, err := p.Exec("exec")
				assert.ErrorIs(t, err, pooled.ErrBreakerOpen)
			}()
			time.Sleep(50 * time.Millisecond)
		}
	})
}

func TestBreakerLeavesTheConnectionsThatAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, nil)
		tx, err := p.Begin()
		require.NoError(t, err)
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		p.RequireOpen(t)
		_, err = tx.Exec("update")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
	})
}

func TestBreakerOpensAtARatioOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures, c.Breaker.Ratio = 0, 0.5 })
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 9)
		assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State, "nine calls say nothing")
		time.Sleep(20 * time.Second) // out of the window
		for range 10 {
			p.MustExec(t)
		}
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 9)
		assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State)
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 1)
		p.RequireOpen(t)
		time.Sleep(10 * time.Second)
		assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State)
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 9)
		assert.Equal(t, policy.BreakerClosed, p.EndpointStats().Breaker.State, "what was before the outage does not count")
	})
}

func TestPanicOfOnStateChangeIsLoggedAndTheServerIsProbedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.OnStateChange = func(policy.BreakerChange) { panic("oops") } })
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		time.Sleep(10 * time.Second)
		p.MustExec(t)
		assert.Contains(t, p.Log.String(), "OnStateChange panicked")
	})
}

func TestCloseEndsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, nil)
		p.Fail(t, faultdriver.Exec, pooltest.ErrReset, 5)
		require.NoError(t, p.Close())
	})
}
