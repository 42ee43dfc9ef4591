package leak_test

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// leakServer is what differs between the servers.
type leakServer struct {
	name, driver string
	dsn          func(testing.TB) string
	self         string // the session's own server id
	alive        string // counts the sessions with the id of the first argument
}

var leakServers = []leakServer{
	{
		"PostgreSQL", "pgx", testserver.PostgresDatabase,
		"select pg_backend_pid()", "select count(*) from pg_stat_activity where pid = $1",
	},
	{
		"MariaDB", "mysql", testserver.MariaDBDatabase,
		"select connection_id()", "select count(*) from information_schema.processlist where id = ?",
	},
	{
		"MySQL", "mysql", testserver.MySQLDatabase,
		"select connection_id()", "select count(*) from information_schema.processlist where id = ?",
	},
}

// realLeakPool is a pool on a server whose leaks come through a channel.
type realLeakPool struct {
	*sql.DB
	connector *pooled.Connector
	leaks     chan held.Leak
}

// realThreshold is pool_leak here. It is short, as these tests wait for it.
const realThreshold = 50 * time.Millisecond

func openLeakPool(t *testing.T, s leakServer, change func(*pooled.Config)) realLeakPool {
	t.Helper()
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = s.driver, s.dsn(t)
	cfg.Leak = policy.Leak{Threshold: realThreshold, Sample: 1}
	cfg.Logger = slog.New(slog.DiscardHandler)
	leaks := make(chan held.Leak, 100)
	cfg.OnLeak = func(l held.Leak) { leaks <- l }
	if change != nil {
		change(&cfg)
	}
	db, connector := pooltest.Open(t, cfg)
	return realLeakPool{db, connector, leaks}
}

// next waits for a report.
func (p realLeakPool) next(t *testing.T) held.Leak {
	t.Helper()
	select {
	case l := <-p.leaks:
		return l
	case <-time.After(time.Minute):
		require.Fail(t, "no leak was reported")
		return held.Leak{}
	}
}

// requireOnce makes sure that nothing else is reported: a leak that begins now is the next one.
func (p realLeakPool) requireOnce(t *testing.T, reported held.Leak) {
	t.Helper()
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, conn.PingContext(t.Context()))
	other := p.next(t)
	assert.True(t, other.Since.After(reported.Since.Add(time.Millisecond)), "the same borrow again") // Since is computed anew each time
	assert.Equal(t, "ping", other.Op)
	require.NoError(t, conn.Close())
}

func TestLeaksOnRealServersAreReportedOnceWithTheirCallersAndFates(t *testing.T) {
	for _, s := range leakServers {
		p := openLeakPool(t, s, nil)
		for _, l := range leakers {
			t.Run(s.name+", "+l.name+", goroutine gone", func(t *testing.T) {
				var giveBack func() error
				done := make(chan struct{})
				go func() { defer close(done); giveBack = l.leak(context.Background(), p.DB) }()
				<-done
				leak := p.next(t)
				assert.Equal(t, held.Gone, leak.Fate)
				assert.Equal(t, l.last, leak.Op)
				assert.Equal(t, l.inTx, leak.InTx)
				assertBorrowedIn(t, l.function, leak.Conn)
				p.requireOnce(t, leak)
				require.NoError(t, giveBack())
			})
			t.Run(s.name+", "+l.name+", goroutine blocked", func(t *testing.T) {
				end := leakAndWait(t, p.DB, l.leak)
				leak := p.next(t)
				assert.Equal(t, held.Alive, leak.Fate)
				assert.Contains(t, leak.Where, "leak_test.waitHere")
				assertBorrowedIn(t, l.function, leak.Conn)
				p.requireOnce(t, leak)
				end()
			})
			t.Run(s.name+", "+l.name+", context cancelled later", func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				giveBack := l.leak(ctx, p.DB)
				leak := p.next(t)
				cancel()
				_ = giveBack() // some say that it was done already
				p.requireOnce(t, leak)
			})
		}
	}
}

// A connection on which bytes come and go is in use, though rows are read without a call that could be seen.
func TestRowsThatAreReadForLongOnRealServersAreNoLeak(t *testing.T) {
	const manyRows = `with recursive n (i) as (select 1 union all select i + 1 from n where i < 200) select a.i, repeat('x', 4000) from n a, n b`
	for _, s := range leakServers {
		t.Run(s.name, func(t *testing.T) {
			p := openLeakPool(t, s, func(c *pooled.Config) { c.Leak.Reclaim = policy.ReclaimOrphaned }) // which has MySQL's sockets watched
			for !p.readWhileAnotherIsForgotten(t, manyRows) {
				t.Log("this machine made a pause that is as long as that of a leak: once more")
			}
		})
	}
}

// readWhileAnotherIsForgotten reads rows until a connection that nobody uses meanwhile is reported, and requires that the one of the rows is not. That it was is no
// mistake, and told by false, if the reading itself has paused for so long.
func (p realLeakPool) readWhileAnotherIsForgotten(t *testing.T, query string) (ok bool) {
	t.Helper()
	forgotten, err := p.Conn(t.Context())
	require.NoError(t, err)
	defer forgotten.Close()
	require.NoError(t, forgotten.PingContext(t.Context()))
	last, pause := time.Now(), time.Duration(0)
	rows, err := p.Query(query)
	require.NoError(t, err)
	defer rows.Close()
	for {
		now := time.Now()
		last, pause = now, max(pause, now.Sub(last))
		select {
		case l := <-p.leaks:
			if l.Op == "query" && pause >= realThreshold {
				return false
			}
			assert.Equal(t, "ping", l.Op)
			return true
		default:
			require.True(t, rows.Next(), "there are not enough rows")
		}
	}
}

func TestReclaimOnRealServersClosesTheSessionAndFreesThePermit(t *testing.T) {
	for _, s := range leakServers {
		for _, l := range leakers {
			t.Run(s.name+", "+l.name, func(t *testing.T) {
				p := openLeakPool(t, s, func(c *pooled.Config) {
					c.Pool.MaxConns, c.Leak.Reclaim = 1, policy.ReclaimOrphaned
				})
				id := realtest.ScanInt(t, p, s.self)
				var giveBack func() error
				done := make(chan struct{})
				go func() { defer close(done); giveBack = l.leak(context.Background(), p.DB) }()
				<-done
				assert.NotEqual(t, id, realtest.ScanInt(t, p, s.self), "the permit is free, for another connection")
				assert.True(t, p.next(t).Reclaimed)
				for alive := 1; alive > 0; { // the server takes a moment to see it
					require.NoError(t, p.QueryRow(s.alive, id).Scan(&alive))
				}
				err := giveBack()
				if l.inTx {
					require.ErrorIs(t, err, pooled.ErrReclaimed)
				}
				assert.Equal(t, 1, realtest.ScanInt(t, p, "select 1"))
				assert.Equal(t, 1, p.connector.Stats().Endpoints[0].Open)
			})
		}
	}
}
