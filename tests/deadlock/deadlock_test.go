package deadlock_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
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
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// Ways to hold a connection until end is called.
var holds = map[string]func(ctx context.Context, db *sql.DB) (end func() error, err error){
	"transaction": func(ctx context.Context, db *sql.DB) (func() error, error) {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return nil, err
		}
		return tx.Rollback, nil
	},
	"rows": func(ctx context.Context, db *sql.DB) (func() error, error) {
		rows, err := db.QueryContext(ctx, "select holding")
		if err != nil {
			return nil, err
		}
		rows.Next()
		return func() error { return errors.Join(rows.Close(), rows.Err()) }, nil
	},
	"conn": func(ctx context.Context, db *sql.DB) (func() error, error) {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		if err := conn.PingContext(ctx); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return conn.Close, nil
	},
}

// Ways to want one for a moment.
var wants = map[string]func(ctx context.Context, db *sql.DB) error{
	"query": func(ctx context.Context, db *sql.DB) error {
		return realtest.ReadAll(db.QueryContext(ctx, "select 'nested'"))
	},
	"exec": func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, "exec 'nested'")
		return err
	},
	"first prepare": func(ctx context.Context, db *sql.DB) error {
		stmt, err := db.PrepareContext(ctx, "prepare")
		if err != nil {
			return err
		}
		return stmt.Close()
	},
	"begin": func(ctx context.Context, db *sql.DB) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		return tx.Commit()
	},
}

func TestGoroutineThatWaitsForItselfIsToldSoAtOnce(t *testing.T) {
	for holding, hold := range holds {
		for wanting, want := range wants {
			t.Run(holding+", "+wanting, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, log := pooltest.NewNarrowPool(t, 1, nil)
					end, err := hold(t.Context(), p.DB)
					require.NoError(t, err)
					began := time.Now()
					err = want(t.Context(), p.DB)
					require.ErrorIs(t, err, pooled.ErrDeadlock)
					assert.Less(t, time.Since(began), aFewLooks)
					assert.NotErrorIs(t, err, driver.ErrBadConn)
					assert.NotErrorIs(t, err, context.Canceled)
					var deadlock *pooled.DeadlockError
					require.ErrorAs(t, err, &deadlock)
					assert.Equal(t, 1, deadlock.MaxConns)
					assert.Len(t, deadlock.Cycle, 1)
					assert.Len(t, deadlock.Cycle[0].Holds, 1)
					assert.Contains(t, deadlock.Cycle[0].CallSite(), "deadlock_test.go")
					assert.Contains(t, deadlock.Cycle[0].Holds[0].CallSite(), "deadlock_test.go")
					assert.NotContains(t, err.Error(), "'nested'", "literals are masked")
					assert.ErrorContains(t, err, "use the *sql.Tx, not the *sql.DB")
					assert.EqualValues(t, 1, p.EndpointStats().Nested.Deadlocks)
					assert.Contains(t, log.String(), "level=ERROR msg=\"pooled: a deadlock was ended")

					require.NoError(t, end())
					require.NoError(t, want(t.Context(), p.DB))
				})
			})
		}
	}
}

func TestOneOfThoseWhoWaitForEachOtherIsRefusedAndTheOthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 5
		p, _ := pooltest.NewNarrowPool(t, many, nil)
		var held, all sync.WaitGroup
		held.Add(many)
		outcomes := make(chan error, many)
		for range many {
			all.Go(func() {
				end, err := holds["transaction"](t.Context(), p.DB)
				assert.NoError(t, err)
				held.Done()
				held.Wait()
				outcomes <- wants["query"](t.Context(), p.DB)
				assert.NoError(t, end())
			})
		}
		all.Wait()
		refused := 0
		for range many {
			if err := <-outcomes; err != nil {
				refused++
				var deadlock *pooled.DeadlockError
				require.ErrorAs(t, err, &deadlock)
				assert.Len(t, deadlock.Cycle, many)
			}
		}
		assert.Equal(t, 1, refused)
	})
}

// Somebody fails in any case, and it is the one that would have failed without a pool that looks.
func TestTheOneThatWouldFailFirstAnywayIsRefused(t *testing.T) {
	for name, contexts := range map[string]func(t *testing.T) (hold, want context.Context){
		"the wait has a deadline":        func(t *testing.T) (hold, want context.Context) { return context.Background(), soon(t) },
		"the transaction has a deadline": func(t *testing.T) (hold, want context.Context) { return soon(t), context.Background() },
		"somebody may cancel it": func(t *testing.T) (hold, want context.Context) {
			return context.Background(), t.Context()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _ := pooltest.NewNarrowPool(t, 2, nil)
				hold, want := contexts(t)
				outcomes := [2]chan error{make(chan error, 1), make(chan error, 1)}
				var held sync.WaitGroup
				held.Add(2)
				for i, ctxs := range [2][2]context.Context{{hold, want}, {context.Background(), context.Background()}} {
					go func() {
						end, err := holds["transaction"](ctxs[0], p.DB)
						assert.NoError(t, err)
						held.Done()
						held.Wait()
						time.Sleep(time.Duration(i) * time.Millisecond) // the other one comes last
						outcomes[i] <- wants["exec"](ctxs[1], p.DB)
						assert.NoError(t, end())
					}()
				}
				assert.ErrorIs(t, <-outcomes[0], pooled.ErrDeadlock)
				assert.NoError(t, <-outcomes[1])
			})
		})
	}
}

// aFewLooks is how long a deadlock lasts at most where nobody can come to the rescue. The time of a bubble does not wait for the goroutines outside of it, so that one of
// them, which is about to rest, may seem to be at work at the first looks.
const aFewLooks = 5 * time.Second

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Whoever keeps what it holds, and wants one more again, is refused again.
func TestGoroutineThatDoesNotGiveBackIsRefusedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 1, nil)
		end, err := holds["transaction"](t.Context(), p.DB)
		require.NoError(t, err)
		for range 3 {
			require.ErrorIs(t, wants["query"](t.Context(), p.DB), pooled.ErrDeadlock)
			time.Sleep(time.Second)
		}
		require.NoError(t, end())
		assert.EqualValues(t, 3, p.EndpointStats().Nested.Deadlocks)
	})
}

// rescues are what happens beside a goroutine that holds the only connection and wants one more, and ends its wait. What it is given is what the goroutine holds.
var rescues = map[string]func(p pooltest.Pool, tx *sql.Tx){
	"a goroutine of its own": func(_ pooltest.Pool, tx *sql.Tx) {
		go func() {
			time.Sleep(time.Minute)
			_ = tx.Rollback()
		}()
	},
	"one that such a goroutine has started, and has ended since": func(_ pooltest.Pool, tx *sql.Tx) {
		go func() {
			go func() {
				time.Sleep(time.Minute)
				_ = tx.Rollback()
			}()
		}()
	},
	"a goroutine that was there before, and uses the transaction": func(_ pooltest.Pool, tx *sql.Tx) {
		jobs <- func() {
			_, _ = tx.Exec("job")
			time.Sleep(time.Minute)
			_ = tx.Rollback()
		}
	},
	"a statement that another goroutine has sent": func(p pooltest.Pool, tx *sql.Tx) {
		end := make(chan struct{})
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Wait: end})
		jobs <- func() {
			_, _ = tx.Exec("job")
			_ = tx.Rollback()
		}
		time.AfterFunc(time.Minute, func() { close(end) })
	},
	"rows that another goroutine reads": func(_ pooltest.Pool, tx *sql.Tx) {
		rows, err := tx.Query("select")
		if err != nil {
			panic(err)
		}
		jobs <- func() {
			for rows.Next() {
				time.Sleep(time.Second)
			}
			_ = tx.Commit()
		}
	},
}

// jobs are done by a goroutine that nobody of those who wait has started.
var jobs chan func()

func TestWhereSomebodyMayComeToTheRescueNobodyIsRefused(t *testing.T) {
	for name, rescue := range rescues {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				jobs = make(chan func())
				defer close(jobs)
				go func() {
					for job := range jobs {
						job()
					}
				}()
				p, _ := pooltest.NewNarrowPool(t, 1, nil)
				var waits sync.WaitGroup
				waits.Go(func() {
					tx, err := p.Begin()
					assert.NoError(t, err)
					rescue(p, tx)
					assert.NoError(t, wants["query"](t.Context(), p.DB))
				})
				waits.Wait()
				assert.Zero(t, p.EndpointStats().Nested.Deadlocks)
				assert.EqualValues(t, 1, p.EndpointStats().Nested.Nested)
			})
		})
	}
}

func TestWaitForWhoDoesNotWaitIsNoDeadlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 2, nil)
		var all sync.WaitGroup
		all.Go(func() { // works, with a connection that it does not use for so long
			end, err := holds["rows"](t.Context(), p.DB)
			assert.NoError(t, err)
			time.Sleep(time.Minute)
			assert.NoError(t, end())
		})
		all.Go(func() {
			end, err := holds["transaction"](t.Context(), p.DB)
			assert.NoError(t, err)
			time.Sleep(time.Second)
			assert.NoError(t, wants["exec"](t.Context(), p.DB))
			assert.NoError(t, end())
		})
		all.Wait()
		assert.Zero(t, p.EndpointStats().Nested.Deadlocks)
	})
}

// Whoever comes meanwhile, and does the same, does not bring the next deadlock about.
func TestTheOthersGoOnWhereManyMoreDoTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const workers, rounds, nestings = 20, 10, 5
		p, _ := pooltest.NewNarrowPool(t, 3, nil)
		var all sync.WaitGroup
		var refused atomic.Int64
		work := func() error {
			end, err := holds["transaction"](t.Context(), p.DB)
			if err != nil {
				return err
			}
			for range nestings {
				time.Sleep(time.Millisecond)
				if err := wants["query"](t.Context(), p.DB); err != nil {
					return errors.Join(err, end())
				}
			}
			return end()
		}
		for range workers {
			all.Go(func() {
				for done := 0; done < rounds; done++ {
					if err := work(); err != nil {
						assert.ErrorIs(t, err, pooled.ErrDeadlock)
						refused.Add(1)
						done--
					}
				}
			})
		}
		all.Wait()
		assert.Positive(t, refused.Load())
		assert.Less(t, refused.Load(), int64(5), "of 200 transactions with 5 nested queries each")
	})
}

// What is kept free for another class is no way out.
func TestDeadlockOfAClassBesideWhatIsKeptForAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 3, func(c *pooled.Config) {
			c.Queue.Classes = []policy.Class{{Name: "web", Weight: 8}, {Name: "admin", Weight: 1, Reserve: 2}}
		})
		end, err := holds["transaction"](t.Context(), p.DB)
		require.NoError(t, err)
		err = wants["query"](soon(t), p.DB)
		assert.ErrorIs(t, err, pooled.ErrDeadlock)
		assert.ErrorContains(t, err, "(pool_max_conns=3, 2 kept for others) are held by goroutines that wait")
		require.NoError(t, end())
		end, err = holds["transaction"](pooled.WithClass(t.Context(), "admin"), p.DB)
		require.NoError(t, err)
		require.NoError(t, wants["query"](pooled.WithClass(soon(t), "admin"), p.DB))
		require.NoError(t, end())
	})
}
