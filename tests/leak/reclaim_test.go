package leak_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

func TestPanicOfAMiddlewareWhileReclaimingIsLoggedAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log pooltest.LogBuffer
		p := pooltest.NewPoolOf(t, pooltest.Modern, func(c *pooled.Config) {
			c.Connector = &pooltest.SocketDriver{Fault: c.Connector.(*faultdriver.Driver)}
			c.Pool.MaxConns, c.Leak.Reclaim, c.Nested = 1, policy.ReclaimAll, policy.NestedOff // it waits for itself
			c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		}, pooled.Middleware{
			Release: func(next middleware.ReleaseFunc) middleware.ReleaseFunc {
				return func(r *middleware.Release) {
					if r.Reclaimed {
						panic("oops")
					}
					next(r)
				}
			},
		})
		conn, err := p.Conn(t.Context())
		require.NoError(t, err)
		require.NoError(t, conn.PingContext(t.Context()))
		_, err = p.Exec("exec")
		require.NoError(t, err, "the permit is free")
		synctest.Wait()
		assert.Contains(t, log.String(), "oops")
		require.NoError(t, conn.Close())
	})
}

func TestReclaimLeavesWhatIsUsedWhileOthersAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reclaimed := 0
		var p *pooltest.LeakPool
		p = pooltest.NewLeakPool(t, func(c *pooled.Config) {
			c.Leak.Reclaim = policy.ReclaimAll
			c.OnLeak = func(l held.Leak) {
				if reclaimed++; reclaimed == 1 {
					p.Sockets.Receive(t) // on the first connection
				}
			}
		})
		first := p.Hold(t, 1)[0]
		time.Sleep(30 * time.Second)
		second := p.Hold(t, 1)[0]
		for range 3 {
			time.Sleep(20 * time.Second)
			p.Sockets.Receive(t)
		}
		time.Sleep(20 * time.Second)
		require.ErrorIs(t, second.PingContext(t.Context()), pooled.ErrReclaimed)
		require.NoError(t, first.PingContext(t.Context()))
		require.NoError(t, first.Close())
		require.NoError(t, second.Close())
	})
}

func TestReclaimTakesTheConnectionAndItsPermitFromTheHolder(t *testing.T) {
	for _, mode := range []policy.ReclaimMode{policy.ReclaimOrphaned, policy.ReclaimAll} {
		for _, l := range leakers {
			t.Run(fmt.Sprint(mode, " ", l.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := pooltest.NewLeakPool(t, func(c *pooled.Config) {
						c.Pool.MaxConns, c.Leak.Reclaim = 1, mode
					})
					var giveBack func() error
					done := make(chan struct{})
					go func() { defer close(done); giveBack = l.leak(context.Background(), p.DB) }()
					<-done
					p.MustExec(t) // waits until the connection is reclaimed
					synctest.Wait()
					require.Len(t, p.Reported(), 1)
					assert.True(t, p.Reported()[0].Reclaimed)
					assert.Contains(t, p.Log.String(), "level=WARN msg=\"pooled: a connection was held, but not used: it was reclaimed\"")
					assert.Equal(t, stats.Leak{Reported: 1, Orphaned: 1, Reclaimed: 1}, p.Connector.Stats().Leak)
					assert.EqualValues(t, 1, p.EndpointStats().Closed.Reclaimed)
					assert.Equal(t, 1, p.EndpointStats().Open)
					err := giveBack() // which finds the real connection, or the error
					if l.inTx {
						require.ErrorIs(t, err, pooled.ErrReclaimed)
						require.NotErrorIs(t, err, driver.ErrBadConn)
					}
					assert.Equal(t, 1, p.Calls(faultdriver.Close), "the holder has closed the real connection")
					p.MustExec(t)
				})
			})
		}
	}
}

func TestReclaimLeavesWhatIsUsedOrNotOrphaned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.Leak.Reclaim = policy.ReclaimOrphaned })
		conn := p.Hold(t, 1)[0]
		time.Sleep(10 * time.Minute)
		require.Len(t, p.Reported(), 1)
		assert.False(t, p.Reported()[0].Reclaimed)
		require.NoError(t, conn.PingContext(t.Context()))
		require.NoError(t, conn.Close())
	})
	synctest.Test(t, func(t *testing.T) {
		p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.Leak.Reclaim = policy.ReclaimAll })
		end := make(chan struct{})
		p.Fault.Next(faultdriver.Exec, faultdriver.Outcome{Wait: end})
		time.AfterFunc(10*time.Minute, func() { close(end) })
		p.MustExec(t)
		assert.Empty(t, p.Reported())
	})
}

func TestReclaimedHolderGetsErrReclaimedWhateverItDoes(t *testing.T) {
	ctx := context.Background()
	uses := map[string]func(conn *sql.Conn) error{
		"query":   func(conn *sql.Conn) error { _, err := conn.QueryContext(ctx, "select"); return err },
		"exec":    func(conn *sql.Conn) error { _, err := conn.ExecContext(ctx, "exec"); return err },
		"prepare": func(conn *sql.Conn) error { _, err := conn.PrepareContext(ctx, "select"); return err },
		"begin":   func(conn *sql.Conn) error { _, err := conn.BeginTx(ctx, nil); return err },
		"ping":    func(conn *sql.Conn) error { return conn.PingContext(ctx) },
		"raw": func(conn *sql.Conn) error {
			return pooled.Raw(ctx, conn, func(driver.Conn) error { return nil })
		},
	}
	for name, use := range uses {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := pooltest.NewLeakPool(t, func(c *pooled.Config) { c.Leak.Reclaim = policy.ReclaimAll })
				conn := p.Hold(t, 1)[0]
				time.Sleep(2 * time.Minute)
				calls := len(p.Fault.Calls())
				for range 2 {
					err := use(conn)
					var reclaimed *pooled.ReclaimedError
					require.ErrorAs(t, err, &reclaimed)
					assert.Equal(t, pooled.ReclaimedError{Endpoint: "fault", Conn: 1, Borrowed: 2 * time.Minute}, *reclaimed)
				}
				assert.Len(t, p.Fault.Calls(), calls, "nothing reaches the driver")
				require.NoError(t, conn.Close())
				p.MustExec(t)
			})
		})
	}
}

func TestReclaimNeedsASocketAndAThreshold(t *testing.T) {
	cfg := pooled.NewConfig()
	cfg.Connector = faultdriver.New(pooltest.Modern, faultdriver.EveryStmt)
	cfg.Leak.Reclaim = policy.ReclaimAll
	_, err := pooled.NewConnector(cfg)
	require.ErrorContains(t, err, "pool_leak_reclaim needs a network connection")
	_, err = sql.Open("pooled", "postgres://localhost/x?pool_leak=off&pool_leak_reclaim=all")
	require.ErrorContains(t, err, "pool_leak=off")
}
