package dialling_test

import (
	"context"
	"database/sql/driver"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// The spike that HikariCP describes: a dial would come too late for all.
func TestSpikeIsServedByTheConnectionsThatComeBackBeforeADialWouldEnd(t *testing.T) {
	for name, maxConns := range map[string]int{"without a limit": 0, "with pool_max_conns": 50} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = maxConns })
				p.Fault.Hook(faultdriver.Connect, pooltest.Takes(150*time.Millisecond))
				p.Fault.Hook(faultdriver.Exec, pooltest.Takes(2*time.Millisecond))
				p.Idle(t, 5)
				took := pooltest.Crowd(50, func(int) {
					_, err := p.Exec("exec")
					assert.NoError(t, err)
				})
				assert.Equal(t, 20*time.Millisecond, took)
				assert.EqualValues(t, 5, p.EndpointStats().Dials)
			})
		})
	}
}

// A machine that is busy with something else prolongs a hold now and then, which says nothing of the next ones.
func TestHoldThatWasProlongedByAccidentBeginsNoDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Fault.Hook(faultdriver.Connect, pooltest.Takes(150*time.Millisecond))
		p.Fault.Hook(faultdriver.Exec, pooltest.Takes(2*time.Millisecond))
		p.Idle(t, 5)
		for range 400 { // not each of them counts
			p.MustExec(t)
		}
		p.Fault.Hook(faultdriver.Exec, pooltest.Takes(300*time.Millisecond))
		for range 8 {
			p.MustExec(t)
		}
		p.Fault.Hook(faultdriver.Exec, pooltest.Takes(2*time.Millisecond))
		took := pooltest.Crowd(50, func(int) {
			_, err := p.Exec("exec")
			assert.NoError(t, err)
		})
		assert.Equal(t, 20*time.Millisecond, took)
		assert.EqualValues(t, 5, p.EndpointStats().Dials)
	})
}

// What was held for a moment so far may be held for long now.
func TestBorrowerDialsWhereConnectionsDoNotComeBackAsTheyUsedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Fault.Hook(faultdriver.Connect, pooltest.Takes(100*time.Millisecond))
		p.Fault.Hook(faultdriver.Exec, pooltest.Takes(2*time.Millisecond))
		p.Idle(t, 1)
		held, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, held.PingContext(t.Context()))
		began := time.Now()
		_, err = p.Exec("exec")
		require.NoError(t, err)
		assert.Less(t, time.Since(began), 130*time.Millisecond)
		assert.EqualValues(t, 2, p.EndpointStats().Dials)
		require.NoError(t, held.Close())
	})
}

// Each of them waits for a moment only, but there is always somebody who waits.
func TestPoolGrowsToWhatIsWantedForLong(t *testing.T) {
	for _, callers := range []int{2, 20} {
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxDials = 0 })
			p.Fault.Hook(faultdriver.Connect, pooltest.Takes(50*time.Millisecond))
			p.Fault.Hook(faultdriver.Exec, pooltest.Takes(2*time.Millisecond))
			p.Idle(t, 1)
			began := time.Now()
			pooltest.Crowd(callers, func(int) {
				for time.Since(began) < 2*time.Second {
					_, err := p.Exec("exec")
					assert.NoError(t, err)
				}
			})
			assert.Equal(t, callers, p.EndpointStats().Open)
			before := p.EndpointStats().Acquires
			took := pooltest.Crowd(callers, func(int) {
				for range 100 {
					_, err := p.Exec("exec")
					assert.NoError(t, err)
				}
			})
			assert.Equal(t, 200*time.Millisecond, took, "nobody waits any more")
			assert.EqualValues(t, 100*callers, p.EndpointStats().Acquires-before)
		})
	}
}

// One caller has one connection, as with a bare sql.DB, if it is made clean before another one would be there. Longer he does not wait.
func TestNobodyDialsWhereWhatIsMadeCleanComesBackBeforeADialWouldEnd(t *testing.T) {
	for cleans, dials := range map[time.Duration]uint64{100 * time.Microsecond: 1, 40 * time.Millisecond: 1, 60 * time.Millisecond: 2} {
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.NewPoolOf(t, pooltest.Modern, nil, cleaning(cleans, false))
			p.Fault.Hook(faultdriver.Connect, pooltest.Takes(50*time.Millisecond))
			for range 1000 {
				p.MustExec(t)
			}
			assert.Equal(t, dials, p.EndpointStats().Dials)
		})
	}
}

// A line that is empty for most of the time is no reason to dial.
func TestPoolDoesNotGrowByShortSpikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Fault.Hook(faultdriver.Connect, pooltest.Takes(100*time.Millisecond))
		p.Fault.Hook(faultdriver.Exec, pooltest.Takes(2*time.Millisecond))
		p.Idle(t, 2)
		for range 50 {
			pooltest.Crowd(10, func(int) {
				_, err := p.Exec("exec")
				assert.NoError(t, err)
			})
			time.Sleep(100 * time.Millisecond)
		}
		assert.EqualValues(t, 2, p.EndpointStats().Dials)
	})
}

func TestDialThatIsNotNeededAnyMoreLeavesAnIdleConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Fault.Hook(faultdriver.Connect, pooltest.Takes(100*time.Millisecond))
		held, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, held.PingContext(t.Context()))
		done := make(chan error)
		go func() {
			_, err := p.Exec("exec")
			done <- err
		}()
		time.Sleep(50 * time.Millisecond)
		began := time.Now()
		require.NoError(t, held.Close())
		require.NoError(t, <-done)
		assert.Zero(t, time.Since(began), "it takes the one that came back")
		time.Sleep(time.Second)
		synctest.Wait()
		assert.Equal(t, 2, p.EndpointStats().Idle)
		assert.EqualValues(t, 2, p.EndpointStats().Dials)
		require.NoError(t, p.Ping())
		assert.EqualValues(t, 2, p.EndpointStats().Dials)
	})
}

func TestAllIdleConnectionsAreLookedAtBeforeOneIsDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Idle(t, 10)
		var resets atomic.Int64
		p.Fault.Hook(faultdriver.Reset, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			if resets.Add(1) <= 8 {
				return faultdriver.Outcome{Err: driver.ErrBadConn}
			}
			return faultdriver.Outcome{}
		})
		_, err := p.Exec("exec")
		require.NoError(t, err)
		assert.EqualValues(t, 10, p.EndpointStats().Dials)
		assert.EqualValues(t, 9, resets.Load())
	})
}

// discarding has the pool keep no connection that comes back.
var discarding = pooled.Middleware{Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
	return func(event *middleware.Release) {
		event.Discard = true
		next(event)
	}
}}

// As with a bare sql.DB, the server has a connection until it is closed.
func TestConnectionsThatAreBeingClosedCount(t *testing.T) {
	for _, callers := range []int{1, 2, 10} {
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Pool.MaxDials = 0 }, discarding)
			var open, most atomic.Int64
			p.Fault.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
				most.Store(max(most.Load(), open.Add(1)))
				return faultdriver.Outcome{}
			})
			p.Fault.Hook(faultdriver.Close, func(context.Context, faultdriver.Call) faultdriver.Outcome {
				closed := make(chan struct{})
				time.AfterFunc(10*time.Millisecond, func() { open.Add(-1); close(closed) })
				return faultdriver.Outcome{Wait: closed}
			})
			pooltest.Crowd(callers, func(int) {
				for range 20 {
					_, err := p.Exec("exec")
					assert.NoError(t, err)
				}
			})
			assert.EqualValues(t, callers+1, most.Load())
			assert.EqualValues(t, 20*callers, p.EndpointStats().Dials)
		})
	}
}

func TestConnectionThatDoesNotCloseKeepsNobodyFromDiallingForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, nil, discarding)
		closed := make(chan struct{})
		defer close(closed)
		p.Fault.Hook(faultdriver.Close, func(context.Context, faultdriver.Call) faultdriver.Outcome { return faultdriver.Outcome{Wait: closed} })
		began := time.Now()
		for range 5 {
			p.MustExec(t)
		}
		assert.Equal(t, 2*time.Second, time.Since(began), "each two wait for one that is a second old")
	})
}

// Whoever waits is owed what is given to him, also if he goes away at the same moment.
func TestNoConnectionAndNoPermitIsLostInTheLine(t *testing.T) {
	for name, maxConns := range map[string]int{"without a limit": 0, "with pool_max_conns": 5} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = maxConns })
				p.Fault.Hook(faultdriver.Connect, pooltest.Takes(7*time.Millisecond))
				p.Fault.Hook(faultdriver.Exec, pooltest.Takes(3*time.Millisecond))
				pooltest.Crowd(30, func(caller int) {
					for round := range 200 {
						ctx, cancel := context.WithTimeout(t.Context(), time.Duration((caller*7+round*3)%13)*time.Millisecond)
						_, _ = p.ExecContext(ctx, "exec") // many have no time
						cancel()
						time.Sleep(time.Duration((caller+round)%5) * time.Millisecond)
					}
				})
				time.Sleep(5 * time.Second)
				synctest.Wait()
				s := p.EndpointStats()
				assert.Equal(t, s.Open, s.Idle)
				assert.Zero(t, s.InUse)
				took := pooltest.Crowd(5, func(int) {
					_, err := p.Exec("exec")
					assert.NoError(t, err)
				})
				assert.LessOrEqual(t, took, 11*time.Millisecond, "five can work at once")
			})
		})
	}
}
