package pooled_test

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"net"
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
)

var (
	errReset  = &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	errNobody = &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
)

// breakerPool is a pool with a breaker, whose changes are collected.
type breakerPool struct {
	pool
	log     logBuffer
	mu      sync.Mutex // guards changes
	changes []policy.BreakerChange
}

func newBreakerPool(t *testing.T, change func(*pooled.Config)) *breakerPool {
	t.Helper()
	p := &breakerPool{}
	p.pool = newPoolOf(t, modern, func(c *pooled.Config) {
		c.Breaker.On = true
		c.Logger = slog.New(slog.NewTextHandler(&p.log, nil))
		c.OnStateChange = func(change policy.BreakerChange) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.changes = append(p.changes, change)
		}
		if change != nil {
			change(c)
		}
	})
	return p
}

// states are the changes so far, as words.
func (p *breakerPool) states() (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.changes {
		all = append(all, c.From.String()+" to "+c.To.String())
	}
	return all
}

// fail makes n calls that fail with err.
func (p *breakerPool) fail(t *testing.T, op faultdriver.Op, err error, n int) {
	t.Helper()
	for range n {
		p.driver.Next(op, faultdriver.Outcome{Err: err})
		_, got := p.Exec("exec")
		require.Equal(t, err, got)
	}
}

func (p *breakerPool) requireOpen(t *testing.T) *pooled.BreakerOpenError {
	t.Helper()
	synctest.Wait()
	calls := len(p.driver.Calls())
	_, err := p.Exec("exec")
	var open *pooled.BreakerOpenError
	require.ErrorAs(t, err, &open)
	require.ErrorIs(t, err, pooled.ErrBreakerOpen)
	require.NotErrorIs(t, err, driver.ErrBadConn)
	assert.Len(t, p.driver.Calls(), calls, "nothing reaches the driver")
	return open
}

func TestBreakerOpensAfterFailuresInARowAndRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, nil)
		p.fail(t, faultdriver.Exec, errReset, 4)
		p.exec(t) // in between
		p.fail(t, faultdriver.Exec, errReset, 4)
		assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State)
		began := time.Now()
		p.fail(t, faultdriver.Exec, errReset, 1)
		open := p.requireOpen(t)
		assert.Equal(t, began, open.Since)
		assert.Equal(t, errReset, open.Cause)
		assert.InDelta(t, 5*time.Second, open.NextProbe.Sub(began), float64(500*time.Millisecond))
		require.ErrorIs(t, open, syscall.ECONNRESET)
		assert.Equal(t, began, time.Now(), "no time passed")
		stats := p.stats().Breaker
		assert.Equal(t, policy.BreakerOpen, stats.State)
		assert.EqualValues(t, 1, stats.Trips)
		assert.EqualValues(t, 1, stats.Refused)
		assert.Equal(t, []string{"closed to open"}, p.states())
		assert.Contains(t, p.log.String(), "level=ERROR")
	})
}

func TestBreakerCountsADialThatFailsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, nil)
		p.fail(t, faultdriver.Connect, errNobody, 4)
		assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State)
		p.fail(t, faultdriver.Connect, errNobody, 1)
		p.requireOpen(t)
	})
}

func TestDialIsNotTriedAgainOnceTheBreakerIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) { c.Pool.AcquireTimeout = time.Minute })
		p.driver.Always(faultdriver.Connect, faultdriver.Outcome{Err: errNobody})
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
		p := newBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures = 1 })
		p.driver.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrConnectTimeout)
		p.requireOpen(t)
	})
}

func TestBreakerCountsServersThatDoNotAnswerADialInTheTimeOfAnAcquisition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) {
			c.Breaker.Failures, c.Pool.MaxConns, c.Pool.AcquireTimeout = 1, 1, 2*time.Second // and 10 s for a dial
		})
		p.driver.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		time.Sleep(grace) // the dial goes on
		require.ErrorIs(t, p.requireOpen(t), pooled.ErrConnectTimeout)
	})
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) {
			c.Breaker.Failures, c.Pool.MaxConns, c.Pool.AcquireTimeout = 1, 1, 2*time.Second
			c.Nested = policy.NestedOff // what holds the connection waits, and a timer gives it back
		})
		held := p.hold(t, 1)[0]
		answer := make(chan struct{})
		time.AfterFunc(1500*time.Millisecond, func() {
			p.driver.Next(faultdriver.Connect, faultdriver.Outcome{Wait: answer})
			assert.NoError(t, p.connector.Evict(""))
			assert.NoError(t, held.Close())
		})
		_, err := p.Exec("exec")
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
		time.Sleep(grace - 1)
		close(answer)
		p.exec(t) // what counts is that the server has answered
		assert.Zero(t, p.stats().FailedDials)
	})
}

func TestBreakerCountsNothingThatSaysNothingAboutTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures = 1 })
		for _, err := range []error{context.Canceled, context.DeadlineExceeded, assert.AnError} {
			p.fail(t, faultdriver.Exec, err, 1)
		}
		p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Err: driver.ErrSkip})
		p.exec(t)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		p.driver.Next(faultdriver.Exec, faultdriver.Outcome{Wait: make(chan struct{})})
		_, err := p.ExecContext(ctx, "slow")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, p.Close())
		assert.Empty(t, p.states())
	})
}

func TestBreakerProbesByItselfWithLongerPausesUntilTheServerIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, nil)
		p.fail(t, faultdriver.Exec, errReset, 5)
		synctest.Wait()
		p.driver.Always(faultdriver.Connect, faultdriver.Outcome{Err: errNobody})
		var probes []time.Duration
		last := time.Now()
		p.driver.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			probes = append(probes, time.Since(last))
			last = time.Now()
			return faultdriver.Outcome{Err: errNobody}
		})
		time.Sleep(5 * time.Minute)
		open := p.requireOpen(t)
		assert.Equal(t, errNobody, open.Cause, "that of the last probe")
		want := []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, time.Minute, time.Minute}
		require.GreaterOrEqual(t, len(probes), len(want))
		for i, w := range want {
			assert.InDelta(t, w, probes[i], float64(w/10), "probe %d", i)
		}
		p.driver.Hook(faultdriver.Connect, nil)
		time.Sleep(70 * time.Second)
		assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State)
		dials := p.stats().Dials
		p.exec(t)
		assert.Equal(t, dials, p.stats().Dials, "the connection of the probe is used")
		states := p.states()
		assert.Equal(t, []string{"open to half-open", "half-open to closed"}, states[len(states)-2:])

		p.fail(t, faultdriver.Exec, errReset, 5)
		open = p.requireOpen(t)
		assert.InDelta(t, 5*time.Second, time.Until(open.NextProbe), float64(500*time.Millisecond), "the cooldown begins anew")
	})
}

func TestBreakerIsHalfOpenForProbesOnlyAndWantsAsManyAsAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) { c.Breaker.Probes = 3 })
		p.fail(t, faultdriver.Exec, errReset, 5)
		answer := make(chan struct{})
		p.driver.Always(faultdriver.Ping, faultdriver.Outcome{Wait: answer})
		time.Sleep(6 * time.Second)
		assert.Equal(t, policy.BreakerHalfOpen, p.stats().Breaker.State)
		p.requireOpen(t)
		dials := p.stats().Dials
		close(answer)
		synctest.Wait()
		assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State)
		assert.EqualValues(t, 2, p.stats().Dials-dials)
		assert.Equal(t, 3, p.calls(faultdriver.Ping))
	})
}

func TestBreakerCanBeAskedWhileAProbeFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, nil)
		p.fail(t, faultdriver.Exec, errReset, 5)
		p.driver.Hook(faultdriver.Ping, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			time.Sleep(time.Second)
			return faultdriver.Outcome{Err: errNobody}
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
		p := newBreakerPool(t, nil)
		tx, err := p.Begin()
		require.NoError(t, err)
		p.fail(t, faultdriver.Exec, errReset, 5)
		p.requireOpen(t)
		_, err = tx.Exec("update")
		require.NoError(t, err)
		require.NoError(t, tx.Commit())
	})
}

func TestBreakerOpensAtARatioOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures, c.Breaker.Ratio = 0, 0.5 })
		p.fail(t, faultdriver.Exec, errReset, 9)
		assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State, "nine calls say nothing")
		time.Sleep(20 * time.Second) // out of the window
		for range 10 {
			p.exec(t)
		}
		p.fail(t, faultdriver.Exec, errReset, 9)
		assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State)
		p.fail(t, faultdriver.Exec, errReset, 1)
		p.requireOpen(t)
		time.Sleep(10 * time.Second)
		assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State)
		p.fail(t, faultdriver.Exec, errReset, 9)
		assert.Equal(t, policy.BreakerClosed, p.stats().Breaker.State, "what was before the outage does not count")
	})
}

func TestPanicOfOnStateChangeIsLoggedAndTheServerIsProbedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, func(c *pooled.Config) { c.OnStateChange = func(policy.BreakerChange) { panic("oops") } })
		p.fail(t, faultdriver.Exec, errReset, 5)
		time.Sleep(10 * time.Second)
		p.exec(t)
		assert.Contains(t, p.log.String(), "OnStateChange panicked")
	})
}

func TestCloseEndsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newBreakerPool(t, nil)
		p.fail(t, faultdriver.Exec, errReset, 5)
		require.NoError(t, p.Close())
	})
}
