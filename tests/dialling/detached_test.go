package dialling_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"log/slog"
	"math/rand/v2"
	"sync"
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

func TestBorrowersWithLessTimeThanADialTakesGetAConnectionInTheEnd(t *testing.T) {
	tests := []struct {
		name    string
		caller  time.Duration // 0: no limit
		change  func(*policy.Pool)
		wantErr error
	}{
		{"the caller's context", 50 * time.Millisecond, func(s *policy.Pool) { s.MaxConns = 1 }, context.DeadlineExceeded},
		{"pool_acquire_timeout", 0, func(s *policy.Pool) { s.MaxConns, s.AcquireTimeout = 1, 50*time.Millisecond }, pooled.ErrAcquireTimeout},
		{"one dial at a time", 50 * time.Millisecond, func(s *policy.Pool) { s.MaxDials = 1 }, context.DeadlineExceeded},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPool(t, pooltest.Modern, tc.change)
				p.Fault.Hook(faultdriver.Connect, pooltest.Takes(120*time.Millisecond))
				for call := 1; ; call++ {
					ctx, cancel := context.WithCancel(t.Context())
					if tc.caller > 0 {
						ctx, cancel = context.WithTimeout(t.Context(), tc.caller)
					}
					_, err := p.ExecContext(ctx, "exec")
					cancel()
					if call == 3 {
						require.NoError(t, err)
						break
					}
					require.ErrorIs(t, err, tc.wantErr)
				}
				assert.EqualValues(t, 1, p.EndpointStats().Dials)
				assert.Zero(t, p.EndpointStats().FailedDials)
			})
		})
	}
}

func TestAnAbandonedDialEndsAfterItsGraceAndItsPermitIsFree(t *testing.T) {
	const patience = 50 * time.Millisecond
	tests := []struct {
		name   string
		change func(*policy.Pool)
		free   time.Duration
	}{
		{"of a silent server nobody knows whether it ever answers", func(s *policy.Pool) { s.MaxConns = 1 }, patience + pooltest.Grace},
		{"its turn is free then, too", func(s *policy.Pool) { s.MaxDials = 1 }, patience + pooltest.Grace},
		{"pool_connect_timeout may be over before", func(s *policy.Pool) { s.MaxConns, s.ConnectTimeout = 1, pooltest.Grace/2 }, pooltest.Grace / 2},
		{"or there is none", func(s *policy.Pool) { s.MaxConns, s.ConnectTimeout = 1, 0 }, patience + pooltest.Grace},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewPool(t, pooltest.Modern, tc.change)
				p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
				began := time.Now()
				p.GiveUp(t, patience)
				p.MustExec(t)
				assert.Equal(t, tc.free, time.Since(began))
				assert.EqualValues(t, 2, p.EndpointStats().Dials)
				assert.EqualValues(t, 1, p.EndpointStats().FailedDials)
			})
		})
	}
}

func TestAConnectionWhoseBorrowerWentAwayIsCheckedAsOthersAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Fault.Hook(faultdriver.Connect, pooltest.Takes(100*time.Millisecond))
		p.GiveUp(t, 50*time.Millisecond)
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		require.Equal(t, 1, p.EndpointStats().Idle)
		time.Sleep(time.Minute)
		p.Fault.Next(faultdriver.Ping, faultdriver.Outcome{Err: driver.ErrBadConn})
		p.MustExec(t)
		assert.Equal(t, []int{2}, p.Fault.OpenConns())
	})
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConnIdleTime = time.Minute })
		p.Fault.Hook(faultdriver.Connect, pooltest.Takes(100*time.Millisecond))
		p.GiveUp(t, 50*time.Millisecond)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, 1, p.EndpointStats().Idle)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Empty(t, p.Fault.OpenConns())
		assert.EqualValues(t, 1, p.EndpointStats().Closed.IdleTime)
	})
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxIdleConns = 0 })
		p.Fault.Hook(faultdriver.Connect, pooltest.Takes(100*time.Millisecond))
		p.GiveUp(t, 50*time.Millisecond)
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		assert.Empty(t, p.Fault.OpenConns())
		assert.EqualValues(t, 1, p.EndpointStats().Closed.IdleLimit)
	})
}

func TestCloseEndsAnAbandonedDialAndWaitsForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 1 })
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
		p.GiveUp(t, 50*time.Millisecond)
		began := time.Now()
		require.NoError(t, p.Close())
		assert.Zero(t, time.Since(began))
		assert.EqualValues(t, 1, p.EndpointStats().FailedDials)
	})
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.MaxConns = 1 })
		p.Fault.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			time.Sleep(150 * time.Millisecond)
			return faultdriver.Outcome{}
		})
		p.GiveUp(t, 50*time.Millisecond)
		began := time.Now()
		require.NoError(t, p.Close())
		assert.Equal(t, 100*time.Millisecond, time.Since(began), "the driver does not look at its context")
		assert.Empty(t, p.Fault.OpenConns())
	})
}

func TestBorrowerWhoseDialIsEndedByCloseIsToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPool(t, pooltest.Modern, nil)
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
		told := make(chan error)
		go func() {
			_, err := p.ExecContext(t.Context(), "exec")
			told <- err
		}()
		synctest.Wait()
		require.NoError(t, p.Close())
		require.EqualError(t, <-told, "sql: database is closed")
		assert.EqualValues(t, 1, p.EndpointStats().Dials)
	})
}

func TestPanicInADialIsLoggedAndCostsNoPermitIfItsBorrowerHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log pooltest.LogBuffer
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Pool.MaxConns = 1
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		panics := true
		p.Fault.Hook(faultdriver.Connect, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			if !panics {
				return faultdriver.Outcome{}
			}
			panics = false
			time.Sleep(100 * time.Millisecond)
			return faultdriver.Outcome{Panic: "boom"}
		})
		p.GiveUp(t, 50*time.Millisecond)
		p.MustExec(t)
		assert.EqualValues(t, 1, p.EndpointStats().FailedDials)
		assert.Regexp(t, `level=ERROR msg="pooled: panic while a connection was dialled" pool=\S+ endpoint=\*faultdriver.Driver panic=boom stack=`, log.String())
		assert.Contains(t, log.String(), "faultdriver.Outcome.play")
	})
}

func TestBreakerCountsAnAbandonedDialOnlyIfTheServerNeverAnswers(t *testing.T) {
	const patience = 50 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures = 1 })
		p.Fault.Hook(faultdriver.Connect, pooltest.Takes(patience+pooltest.Grace-1))
		p.GiveUp(t, patience)
		time.Sleep(pooltest.Grace)
		p.MustExec(t)
		assert.Empty(t, p.States())
		assert.EqualValues(t, 1, p.EndpointStats().Dials)
	})
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewBreakerPool(t, func(c *pooled.Config) { c.Breaker.Failures = 1 })
		p.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: make(chan struct{})})
		p.GiveUp(t, patience)
		time.Sleep(pooltest.Grace - 1)
		synctest.Wait()
		assert.Empty(t, p.States())
		time.Sleep(time.Nanosecond)
		require.ErrorIs(t, p.RequireOpen(t), pooled.ErrConnectTimeout)
	})
}

func TestADialHasItsBorrowersValuesAndNotItsDeadline(t *testing.T) {
	type key struct{}
	synctest.Test(t, func(t *testing.T) {
		cfg := pooled.NewConfig()
		cfg.Connector = faultdriver.New(pooltest.Modern, faultdriver.EveryStmt)
		var value any
		var deadline time.Time
		connector, err := pooled.NewConnector(cfg, pooled.Middleware{
			Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
				return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
					value = ctx.Value(key{})
					deadline, _ = ctx.Deadline()
					return next(ctx, d)
				}
			},
		})
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		defer db.Close()
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key{}, "value"), time.Second)
		defer cancel()
		_, err = db.ExecContext(ctx, "exec")
		require.NoError(t, err)
		assert.Equal(t, "value", value)
		assert.Equal(t, cfg.Pool.ConnectTimeout, time.Until(deadline))
	})
}

// Callers give up at random moments, before, during and after dials that take a while, fail, or panic.
func TestAbandonedDialsLoseNoPermit(t *testing.T) {
	const permits, workers = 4, 10
	synctest.Test(t, func(t *testing.T) {
		fault := faultdriver.New(pooltest.Modern, faultdriver.EveryStmt)
		cfg := pooled.NewConfig()
		cfg.Connector = fault
		cfg.Pool.MaxConns, cfg.Pool.MaxDials, cfg.Pool.AcquireTimeout = permits, 2, 250*time.Millisecond
		cfg.Logger = slog.New(slog.DiscardHandler)
		fault.Hook(faultdriver.Connect, func(ctx context.Context, c faultdriver.Call) faultdriver.Outcome {
			assert.LessOrEqual(t, len(fault.OpenConns()), permits-1)
			o := pooltest.Takes(rand.N(100*time.Millisecond))(ctx, c)
			switch rand.IntN(10) {
			case 0:
				o.Wait = make(chan struct{})
			case 1:
				<-o.Wait
				o.Panic = "boom"
			case 2:
				o.Err = pooltest.ErrNobody
			}
			return o
		})
		fault.Hook(faultdriver.Exec, func(context.Context, faultdriver.Call) faultdriver.Outcome {
			return faultdriver.Outcome{Invalid: rand.IntN(3) == 0}
		})
		var owners pooltest.Handouts
		connector, err := pooled.NewConnector(cfg, owners.Middleware())
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		var ok, gaveUp, panicked atomic.Int64
		once := func() {
			defer func() {
				if recover() != nil {
					panicked.Add(1)
				}
			}()
			ctx, cancel := context.WithTimeout(t.Context(), rand.N(300*time.Millisecond))
			defer cancel()
			switch _, err := db.ExecContext(ctx, "exec"); {
			case err == nil:
				ok.Add(1)
			case ctx.Err() != nil:
				gaveUp.Add(1)
			}
		}
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range 500 {
					once()
				}
			})
		}
		wg.Wait()
		t.Logf("%d ok, %d gave up, %d panicked", ok.Load(), gaveUp.Load(), panicked.Load())
		assert.NotZero(t, ok.Load())
		assert.NotZero(t, gaveUp.Load())
		assert.NotZero(t, panicked.Load())
		assert.Empty(t, owners.Violations())

		time.Sleep(pooltest.Grace)
		synctest.Wait()
		assert.Zero(t, connector.Stats().Endpoints[0].InUse)
		fault.Hook(faultdriver.Connect, nil)
		pooltest.RequireAllPermits(t, db, connector, permits)
		require.NoError(t, db.Close())
		assert.Zero(t, connector.Stats().Endpoints[0].Open)
		assert.Empty(t, fault.OpenConns())
		assert.Empty(t, fault.Violations())
	})
}
