package overload_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// wait has n callers wait for a connection who have no deadline, until end is called. What becomes of them is sent.
func wait(p pooltest.Pool, n int) (outcomes chan error, end func()) {
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
		{policy.NoWaiters, 0, "all 1 permits (pool_max_conns) are taken, and nobody may wait (pool_max_waiters=none); held longest: "},
		{2, 2, "all 1 permits (pool_max_conns) are taken, and 2 are waiting already, as many as may (pool_max_waiters); held longest: "},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) { cfg.Pool.MaxConns, cfg.Queue.MaxWaiters = 1, c.most })
			held := p.Hold(t, 1)
			_, end := wait(p, c.waiting)
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
			assert.EqualValues(t, 1, p.EndpointStats().Overloaded, "database/sql must not try again")

			require.NoError(t, held[0].Close())
			synctest.Wait()
			_, err = p.ExecContext(t.Context(), "there is room")
			assert.NoError(t, err)
		})
	}
}

// The callers have errors, which their program may keep to itself.
func TestWhoRunsTheServiceIsToldOnceThatCallersGoWithoutAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log pooltest.LogBuffer
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) {
			cfg.Pool.MaxConns, cfg.Pool.AcquireTimeout, cfg.Queue.MaxWaiters = 1, time.Second, 1
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		})
		held := p.Hold(t, 1)
		for range 3 {
			_, end := wait(p, 1)
			_, err := p.ExecContext(t.Context(), "refused")
			require.ErrorIs(t, err, pooled.ErrOverloaded)
			time.Sleep(2 * time.Second) // and the one who waits has waited in vain
			end()
		}
		const began, over = "callers go without a connection", "callers get connections again"
		assert.Equal(t, 1, strings.Count(log.String(), began), log.String())
		assert.NotContains(t, log.String(), over)
		require.NoError(t, held[0].Close())
		time.Sleep(20 * time.Second)
		synctest.Wait()
		assert.Contains(t, log.String(), over)
		assert.Contains(t, log.String(), "lasted=5s timed_out=3 refused=3")

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p.Hold(t, 1)
		_, err := p.ExecContext(ctx, "gone")
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, strings.Count(log.String(), began), "who goes away by himself goes without nothing")
	})
}

func TestQueueThatStandsIsShortenedWithPoolShed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) {
			cfg.Pool.MaxConns, cfg.Queue.Shed, cfg.Queue.Target, cfg.Queue.Interval = 1, true, time.Second, 5*time.Second
		})
		p.Hold(t, 1)
		outcomes, end := wait(p, 50)
		defer end()
		time.Sleep(2 * time.Second) // longer than the target
		more, endMore := wait(p, 1)
		defer endMore()
		time.Sleep(2 * time.Second)
		assert.Empty(t, outcomes, "nobody is refused in a burst shorter than the interval")
		time.Sleep(4 * time.Second) // and up to two seconds in which nobody is served do not count
		last, endLast := wait(p, 1)
		defer endLast()

		require.NotEmpty(t, outcomes)
		err := <-outcomes
		require.ErrorIs(t, err, pooled.ErrOverloaded)
		assert.ErrorContains(t, err, "more have come than can be served, for longer than pool_queue_interval (pool_shed=on): refused after 8s")
		assert.Empty(t, more, "the oldest are refused first")
		assert.Empty(t, last)
		assert.Positive(t, p.EndpointStats().Waiting, "there is somebody for the permit that comes back")
		assert.Equal(t, uint64(len(outcomes)+1), p.EndpointStats().Overloaded)
		assert.Equal(t, p.EndpointStats().Overloaded, p.EndpointStats().Shed)
	})
}

func TestNobodyIsRefusedByDefault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) { cfg.Pool.MaxConns, cfg.Leak.Threshold = 1, 0 })
		held := p.Hold(t, 1)
		outcomes, end := wait(p, 300)
		defer end()
		time.Sleep(time.Hour)
		_, endMore := wait(p, 1)
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
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) {
			cfg.Pool.MaxConns, cfg.Queue.Shed, cfg.Queue.Target, cfg.Queue.Interval = 4, true, time.Second, 4*time.Second
		})
		pressure := p.Connector.Pressure
		assert.Zero(t, pressure())
		p.Hold(t, 2)
		assert.InDelta(t, 0.25, pressure(), 1e-9)
		p.Hold(t, 2)
		assert.InDelta(t, 0.5, pressure(), 1e-9)
		_, end := wait(p, 1)
		defer end()
		assert.InDelta(t, 0.5, pressure(), 1e-9, "nobody has waited for long")
		time.Sleep(5 * time.Second)
		assert.InDelta(t, 0.75, pressure(), 1e-9)
		time.Sleep(2 * time.Second)
		assert.InDelta(t, 1, pressure(), 1e-9)
	})
	unlimited := pooltest.NewPool(t, pooltest.Modern, nil)
	unlimited.Hold(t, 3)
	assert.Zero(t, unlimited.Connector.Pressure())
}

// Who has less time left than connections are held for would have its statement cancelled half way.
func TestHopelessCallersArePassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passedOver := make(chan string, 1)
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) { c.Pool.MaxConns = 1 }, pooled.Middleware{Call: func(next middleware.CallFunc) middleware.CallFunc {
			return func(ctx context.Context, c *middleware.Call) error {
				err := next(ctx, c)
				if c.PassedOver {
					passedOver <- c.Text
				}
				return err
			}
		}})
		held := p.Hold(t, 1)
		for range 2 { // for so long connections are held
			holding, give := make(chan struct{}), make(chan struct{})
			go func() {
				conn, err := p.Conn(t.Context())
				assert.NoError(t, err)
				_, err = conn.ExecContext(t.Context(), "hold")
				assert.NoError(t, err)
				close(holding)
				<-give
				assert.NoError(t, conn.Close())
			}()
			synctest.Wait()
			for _, conn := range held {
				require.NoError(t, conn.Close())
			}
			<-holding
			time.Sleep(time.Second)
			close(give)
			synctest.Wait()
			held = p.Hold(t, 1)
		}
		served := make(chan string, 2)
		call := func(name string, within time.Duration) {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), within)
				defer cancel()
				_, err := p.ExecContext(ctx, name)
				if !errors.Is(err, context.DeadlineExceeded) {
					served <- name // one at a time, as there is one connection
				}
			}()
			synctest.Wait()
		}
		time.Sleep(time.Second)
		call("hopeless", 500*time.Millisecond)
		call("hopeful", 10*time.Second)
		require.NoError(t, held[0].Close())
		synctest.Wait()
		assert.Equal(t, "hopeful", <-served)
		assert.Equal(t, "hopeless", <-served)
		assert.EqualValues(t, 1, p.EndpointStats().PassedOver)
		assert.Equal(t, "hopeless", <-passedOver)
	})
}

// queueOf has callers wait, one after the other, and notes who is served. Whoever is served holds his connection until next is called.
type queueOf struct {
	pooltest.Pool
	next chan struct{}

	mu  sync.Mutex // guards what follows
	all []string
}

func (q *queueOf) join(ctx context.Context, name string) {
	go func() {
		conn, err := q.Conn(ctx)
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, name); err == nil {
			q.mu.Lock()
			q.all = append(q.all, name)
			q.mu.Unlock()
			<-q.next
		}
	}()
	synctest.Wait()
}

// served are those who were served, in this order.
func (q *queueOf) served() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.all)
}

// serve has those who are served give back their connections, one after the other.
func (q *queueOf) serve(n int) []string {
	for range n {
		q.next <- struct{}{}
		synctest.Wait()
		time.Sleep(10 * time.Millisecond) // for which the next one has it
	}
	return q.served()
}

func TestConnectionIsKeptFreeForItsClass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queueOf{next: make(chan struct{}), Pool: pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) {
			cfg.Pool.MaxConns = 3
			cfg.Queue.Classes = []policy.Class{{Name: "web", Weight: 8}, {Name: "admin", Weight: 1, Reserve: 1}}
		})}
		admin := pooled.WithClass(t.Context(), "admin")
		for _, name := range []string{"a", "b", "c"} {
			q.join(t.Context(), name)
		}
		assert.Equal(t, []string{"a", "b"}, q.served(), "the third is kept free")
		q.join(admin, "admin")
		assert.Equal(t, []string{"a", "b", "admin"}, q.served())
		classes := q.EndpointStats().Classes
		assert.Equal(t, []int{2, 1}, []int{classes[0].InUse, classes[1].InUse})
		assert.Equal(t, []int{1, 0}, []int{classes[0].Waiting, classes[1].Waiting})
		q.serve(1)
		q.serve(3)
		assert.Equal(t, []string{"a", "b", "admin", "c"}, q.served())
		assert.Zero(t, q.EndpointStats().InUse)
	})
}

func TestTenantsShareTheConnectionsInEqualParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queueOf{next: make(chan struct{}), Pool: pooltest.NewPool(t, pooltest.Modern, func(c *policy.Pool) { c.MaxConns = 1 })}
		q.join(t.Context(), "first")
		for _, name := range []string{"a1", "a2", "a3", "a4", "b1", "b2"} {
			q.join(pooled.WithTenant(t.Context(), name[:1]), name)
		}
		served := q.serve(7)
		assert.ElementsMatch(t, []string{"first", "a1", "b1"}, served[:3])
		assert.ElementsMatch(t, []string{"a2", "b2"}, served[3:5])
		assert.Equal(t, []string{"a3", "a4"}, served[5:])
	})
}

func TestATenantHasNoMoreConnectionsThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queueOf{next: make(chan struct{}), Pool: pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) { cfg.Pool.MaxConns, cfg.Queue.TenantMax = 4, 0.5 })}
		for _, name := range []string{"a1", "a2", "a3", "b1"} {
			q.join(pooled.WithTenant(t.Context(), name[:1]), name)
		}
		assert.Equal(t, []string{"a1", "a2", "b1"}, q.served())
		q.serve(4)
		assert.Contains(t, q.served(), "a3")
	})
}

func TestClassThatIsNotThereIsToldOfOnceAndCountsAsNone(t *testing.T) {
	var log pooltest.LogBuffer
	p := pooltest.NewPoolOf(t, pooltest.Modern, func(cfg *pooled.Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		cfg.Pool.MaxConns = 1
		cfg.Queue.Classes = []policy.Class{{Name: "web", Weight: 8}, {Name: "batch", Weight: 1}}
		cfg.Queue.Class = "batch"
	})
	for range 3 {
		_, err := p.ExecContext(pooled.WithClass(t.Context(), "bacth"), "x")
		require.NoError(t, err)
	}
	conn := p.Hold(t, 1)
	assert.Equal(t, 1, p.EndpointStats().Classes[1].InUse)
	require.NoError(t, conn[0].Close())
	assert.Equal(t, 1, strings.Count(log.String(), "calls belong to a class that pool_classes does not have"))
	assert.Contains(t, log.String(), "class=bacth")
}

func TestTimeoutTellsWhoWasServedMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queueOf{next: make(chan struct{}), Pool: pooltest.NewPool(t, pooltest.Modern, func(c *policy.Pool) { c.MaxConns, c.AcquireTimeout = 1, 3*time.Second })}
		for _, name := range []string{"first", "second", "third"} {
			q.join(t.Context(), name)
		}
		failed := make(chan error, 1)
		go func() {
			_, err := q.ExecContext(t.Context(), "fourth")
			failed <- err
		}()
		synctest.Wait()
		q.next <- struct{}{}
		synctest.Wait()
		q.next <- struct{}{}
		err := <-failed
		var timeout *pooled.AcquireTimeoutError
		require.ErrorAs(t, err, &timeout)
		assert.EqualValues(t, 2, timeout.Served)
		assert.False(t, timeout.PassedOver)
		assert.ErrorContains(t, err, "0 more waiting, 2 served meanwhile; ")
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		q.next <- struct{}{}
	})
}
