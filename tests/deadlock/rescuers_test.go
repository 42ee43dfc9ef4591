package deadlock_test

import (
	"context"
	"database/sql"
	"sync"
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

// A *sql.Conn outlives the context of its first statement.
func TestDeadlockOfAConnWhoseFirstContextIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 1, nil)
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = conn.ExecContext(ctx, "first")
		cancel()
		require.NoError(t, err)
		_, err = conn.ExecContext(t.Context(), "second")
		require.NoError(t, err)
		began := time.Now()
		err = wants["query"](soon(t), p.DB)
		assert.ErrorIs(t, err, pooled.ErrDeadlock)
		assert.Less(t, time.Since(began), aFewLooks)
		require.NoError(t, conn.Close())
	})
}

// Who is refused is whom its own deadline would have ended first: not whose *sql.Conn had a first statement with a deadline.
func TestWhoIsRefusedIsNotChosenByTheFirstStatementOfAConn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 2, nil)
		var held, all sync.WaitGroup
		held.Add(2)
		var a, b error
		all.Go(func() {
			conn, err := p.Conn(context.Background())
			assert.NoError(t, err)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			_, err = conn.ExecContext(ctx, "first")
			assert.NoError(t, err)
			held.Done()
			held.Wait()
			a = wants["query"](context.Background(), p.DB) // would never end by itself
			assert.NoError(t, conn.Close())
		})
		all.Go(func() {
			tx, err := p.Begin()
			assert.NoError(t, err)
			held.Done()
			held.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			b = wants["query"](ctx, p.DB)
			assert.NoError(t, tx.Rollback())
		})
		all.Wait()
		assert.NoError(t, a)
		assert.ErrorIs(t, b, pooled.ErrDeadlock)
	})
}

// A child of the holder waits at the gate too, but only for a second, and gives back what the holder has handed it.
func TestNoDeadlockWhereAChildThatWaitsGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 1, nil)
		var all sync.WaitGroup
		all.Go(func() {
			tx, err := p.Begin()
			assert.NoError(t, err)
			all.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
				defer cancel()
				_, err := p.ExecContext(ctx, "audit")
				assert.ErrorIs(t, err, context.DeadlineExceeded)
				assert.NoError(t, tx.Rollback())
			})
			assert.NoError(t, wants["query"](context.Background(), p.DB)) // bare: after three seconds
		})
		all.Wait()
		assert.Zero(t, p.EndpointStats().Nested.Deadlocks)
	})
}

// Somebody who was handed the transaction waits for a connection of another pool.
func TestNoDeadlockWhereARescuerWaitsAtAnotherPool(t *testing.T) {
	for name, block := range map[string]func(t *testing.T, other pooltest.Pool) func(){
		"gate": func(t *testing.T, other pooltest.Pool) func() {
			conns := other.Hold(t, 1)
			return func() { assert.NoError(t, conns[0].Close()) }
		},
		"dial": func(t *testing.T, other pooltest.Pool) func() {
			end := make(chan struct{})
			other.Fault.Next(faultdriver.Connect, faultdriver.Outcome{Wait: end})
			return func() { close(end) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				jobs := make(chan func())
				defer close(jobs)
				go func() {
					for job := range jobs {
						job()
					}
				}()
				p, _ := pooltest.NewNarrowPool(t, 1, nil)
				other, _ := pooltest.NewNarrowPool(t, 1, nil)
				free := block(t, other)
				var all sync.WaitGroup
				all.Go(func() {
					tx, err := p.Begin()
					assert.NoError(t, err)
					all.Add(1)
					jobs <- func() {
						defer all.Done()
						_, err := other.ExecContext(context.Background(), "elsewhere")
						assert.NoError(t, err)
						assert.NoError(t, tx.Rollback())
					}
					assert.NoError(t, wants["query"](context.Background(), p.DB))
				})
				all.Go(func() {
					time.Sleep(5 * time.Second)
					free()
				})
				all.Wait()
				assert.Zero(t, p.EndpointStats().Nested.Deadlocks)
			})
		})
	}
}

// Bare database/sql closes rows when their context ends.
func TestNoDeadlockWhereRowsEndByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 1, nil)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		rows, err := p.QueryContext(ctx, "select")
		require.NoError(t, err)
		rows.Next() // all that the program wants, and it forgets to close them
		assert.NoError(t, wants["query"](context.Background(), p.DB))
		_ = rows.Close()
	})
}

// A statement of a transaction is cancelled, the caller says Rollback, and tries again.
func TestNoNestedErrorAfterACancelledTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 2, func(c *pooled.Config) { c.Nested = policy.NestedError })
		slow := make(chan struct{})
		p.Fault.Always(faultdriver.Rollback, faultdriver.Outcome{Wait: slow})
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := p.BeginTx(ctx, nil)
		require.NoError(t, err)
		cancel()
		synctest.Wait()
		t.Log(tx.Rollback(), p.Fault.Calls())
		_, err = p.ExecContext(t.Context(), "next")
		assert.NoError(t, err)
		close(slow)
	})
}

// Nested counts goroutines that hold a connection, also beside one that holds many.
func TestNestedCountsOnlyWhoHolds(t *testing.T) {
	p, _ := pooltest.NewNarrowPool(t, 20, nil)
	end := make(chan struct{})
	var all, done sync.WaitGroup
	for i := range 11 {
		done.Add(1)
		all.Go(func() {
			var conns []*sql.Conn
			if i == 0 {
				conns = p.Hold(t, 6)
			}
			p.MustExec(t)
			done.Done()
			<-end
			for _, c := range conns {
				assert.NoError(t, c.Close())
			}
		})
		done.Wait()
		if i == 0 {
			assert.EqualValues(t, 6, p.EndpointStats().Nested.Nested, "five of hold, and one of exec")
		}
	}
	assert.EqualValues(t, 6, p.EndpointStats().Nested.Nested, "the other ten hold nothing")
	close(end)
	all.Wait()
}

// A goroutine that is at work for a while might come to the rescue, but those that it had started before it could have been handed anything do not.
func TestDeadlockEndsWhenNobodyIsAtWorkAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := pooltest.NewNarrowPool(t, 1, nil)
		stop, ready := make(chan struct{}), make(chan struct{})
		work := func() { time.Sleep(5 * time.Second) }
		go func() {
			go func() {
				close(ready)
				<-stop
			}()
			<-ready
			work()
			<-stop
		}()
		synctest.Wait()
		var holder sync.WaitGroup
		holder.Go(func() {
			tx, err := p.Begin()
			assert.NoError(t, err)
			began := time.Now()
			assert.ErrorIs(t, wants["query"](soon(t), p.DB), pooled.ErrDeadlock)
			assert.GreaterOrEqual(t, time.Since(began), 5*time.Second)
			assert.Less(t, time.Since(began), 5*time.Second+aFewLooks)
			assert.NoError(t, tx.Rollback())
		})
		holder.Wait()
		close(stop)
	})
}
