package routetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/routing"
)

// traffic is writers and readers that go on whatever happens to the servers.
type traffic struct {
	stop  context.CancelFunc
	group sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[int64]time.Time // writes by their number, and when they were acknowledged
	unknown      map[int64]error     // those that failed
	failedReads  []error
	reads        atomic.Int64
	lastWrite    time.Time
}

// begin starts writers of unique numbers, and readers, each read in a session of its own.
func (r *routed) begin(t *testing.T, writers, readers int) *traffic {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	tr := &traffic{stop: stop, acknowledged: map[int64]time.Time{}, unknown: map[int64]error{}}
	var number atomic.Int64
	for range writers {
		tr.group.Go(func() {
			for ctx.Err() == nil {
				n := number.Add(1)
				_, err := r.ExecContext(ctx, fmt.Sprintf("insert into ledger values (%d)", n))
				tr.noteWrite(ctx, n, err)
			}
		})
	}
	for range readers {
		tr.group.Go(func() {
			for ctx.Err() == nil {
				var n int64
				err := r.QueryRowContext(routing.NewSession(ctx), "select count(*) from counter").Scan(&n)
				tr.noteRead(ctx, err)
			}
		})
	}
	return tr
}

func (tr *traffic) noteWrite(ctx context.Context, n int64, err error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	switch {
	case err == nil:
		tr.acknowledged[n] = time.Now()
		tr.lastWrite = time.Now()
	case ctx.Err() == nil:
		tr.unknown[n] = err
	}
}

func (tr *traffic) noteRead(ctx context.Context, err error) {
	tr.reads.Add(1)
	if err != nil && ctx.Err() == nil {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.failedReads = append(tr.failedReads, err)
	}
}

// writtenSince waits for a write that is acknowledged after a moment.
func (tr *traffic) writtenSince(t *testing.T, moment time.Time) time.Time {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(time.Millisecond) { // between two looks
		tr.mu.Lock()
		last := tr.lastWrite
		tr.mu.Unlock()
		if last.After(moment) {
			return last
		}
		require.False(t, time.Now().After(deadline), "nothing is written any more")
	}
}

// readMore waits for so many reads.
func (tr *traffic) readMore(t *testing.T, n int64) {
	t.Helper()
	want := tr.reads.Load() + n
	for deadline := time.Now().Add(40 * time.Second); tr.reads.Load() < want; time.Sleep(time.Millisecond) { // between two looks
		require.False(t, time.Now().After(deadline), "nothing is read any more")
	}
}

func (tr *traffic) end() {
	tr.stop()
	tr.group.Wait()
}

// numbers reads what a server has, over a bare connection.
func numbers(t *testing.T, driver, dsn string) map[int64]int {
	t.Helper()
	db, err := sql.Open(driver, dsn)
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "select n from ledger")
	require.NoError(t, err)
	defer rows.Close()
	all := map[int64]int{}
	for rows.Next() {
		var n int64
		require.NoError(t, rows.Scan(&n))
		all[n]++
	}
	require.NoError(t, rows.Err())
	return all
}

func TestWritesFollowThePrimaryAndReadsGoOn(t *testing.T) {
	forEachRouted(t, 2, func(c *pooled.Config) { c.Pool.MaxConns = 8 }, func(t *testing.T, r *routed) {
		r.Nodes[0].Exec("create table ledger (n bigint not null)")
		r.ready(t)
		tr := r.begin(t, 4, 4)
		tr.readMore(t, 200)
		tr.writtenSince(t, time.Now())

		r.Nodes[0].Kill()
		tr.readMore(t, 500) // while there is no primary
		r.Nodes[1].Promote()
		promoted := time.Now()
		kept := numbers(t, r.family.driver, r.Nodes[1].DSN()) // what replication had brought, and what was written since
		first := tr.writtenSince(t, promoted)
		r.Nodes[2].Follow(r.Nodes[1])
		tr.readMore(t, 500)
		tr.writtenSince(t, time.Now())
		tr.end()

		t.Logf("first write %v after the promotion (pool_monitor_interval 1s); %d reads, %d failed; %d writes acknowledged, %d failed",
			first.Sub(promoted).Round(time.Millisecond), tr.reads.Load(), len(tr.failedReads), len(tr.acknowledged), len(tr.unknown))
		assert.Empty(t, tr.failedReads)
		stored := numbers(t, r.family.driver, r.Nodes[1].DSN())
		lost := 0
		for n, at := range tr.acknowledged {
			switch {
			case stored[n] == 0 && (at.After(promoted) || kept[n] > 0):
				assert.Fail(t, "a write is lost", n)
			case stored[n] == 0:
				lost++ // by asynchronous replication
			}
		}
		for n, times := range stored {
			assert.Equal(t, 1, times, "write %d", n)
		}
		t.Logf("%d acknowledged writes had not reached the promoted server", lost)
	})
}

func TestReplicasThatFailAreLeftAndComeBack(t *testing.T) {
	for _, fault := range []struct {
		name       string
		begin, end func(r *routed)
	}{
		{"killed", func(r *routed) { r.Nodes[1].Kill() }, func(r *routed) { r.Nodes[1].Start() }},
		{"silent", func(r *routed) { r.Nodes[1].Stop() }, func(r *routed) { r.Nodes[1].Continue() }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			forEachRouted(t, 2, func(c *pooled.Config) { c.Pool.MaxConns = 8 }, func(t *testing.T, r *routed) {
				r.Nodes[0].Exec("create table ledger (n bigint not null)")
				r.ready(t)
				tr := r.begin(t, 1, 6)
				tr.readMore(t, 200)
				fault.begin(r)
				began := time.Now()
				r.poll(t, "the replica is left", func(s *pooled.RoutingStats) bool { return !s.Servers[1].Readable })
				t.Logf("left after %v (pool_monitor_interval 1s)", time.Since(began).Round(time.Millisecond))
				tr.readMore(t, 300)
				fault.end(r)
				r.poll(t, "the replica is back", func(s *pooled.RoutingStats) bool { return s.Servers[1].Readable })
				tr.readMore(t, 300)
				tr.end()
				assert.Empty(t, tr.failedReads)
				assert.Empty(t, tr.unknown)
			})
		})
	}
}

func TestEverythingDownAndBack(t *testing.T) {
	forEachRouted(t, 1, func(c *pooled.Config) { c.Pool.MaxConns = 8 }, func(t *testing.T, r *routed) {
		r.Nodes[0].Exec("create table ledger (n bigint not null)")
		r.ready(t)
		tr := r.begin(t, 2, 2)
		tr.readMore(t, 100)
		for _, node := range r.Nodes {
			node.Kill()
		}
		r.poll(t, "it is known that all are down", func(s *pooled.RoutingStats) bool { return !s.Servers[0].Up && !s.Servers[1].Up })
		for _, node := range r.Nodes {
			node.Start()
		}
		tr.writtenSince(t, time.Now())
		tr.readMore(t, 100)
		tr.end()
		stored := numbers(t, r.family.driver, r.Nodes[0].DSN())
		for n := range tr.acknowledged {
			assert.Equal(t, 1, stored[n], "write %d", n)
		}
	})
}

func TestWritesAreRefusedWhenThereIsNoPrimaryForTooLong(t *testing.T) {
	forEachRouted(t, 1, func(c *pooled.Config) { c.Routing.FailoverTimeout = 300 * time.Millisecond }, func(t *testing.T, r *routed) {
		r.ready(t)
		r.Nodes[0].Kill()
		_, err := r.ExecContext(t.Context(), "insert into counter values (1, 1)")
		for err != nil && !errors.Is(err, pooled.ErrNoPrimary) { // a connection that died with the server
			_, err = r.ExecContext(t.Context(), "insert into counter values (1, 1)")
		}
		var refused *pooled.NoPrimaryError
		require.ErrorAs(t, err, &refused)
		assert.Contains(t, err.Error(), r.Nodes[0].Address())
		assert.NotContains(t, err.Error(), "p@ss")
		assert.Equal(t, 1, r.node(routing.NewSession(t.Context()), t, r.DB), "reads go on")

		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = r.ExecContext(ctx, "insert into counter values (1, 1)")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestTwoPrimariesOfOneTimelineAreNotWrittenTo(t *testing.T) {
	r := openRouted(t, routedFamilies[1], 1, func(c *pooled.Config) { c.Routing.FailoverTimeout = 300 * time.Millisecond })
	r.ready(t)
	r.Nodes[1].Promote()
	r.poll(t, "both are seen", func(s *pooled.RoutingStats) bool { return s.Primary == "" })
	_, err := r.ExecContext(t.Context(), "insert into counter values (1, 1)")
	require.ErrorIs(t, err, pooled.ErrNoPrimary)
	assert.Contains(t, err.Error(), "both "+r.Nodes[0].Address()+" and "+r.Nodes[1].Address()+" say that they are the primary")
}

func TestThePrimaryOfTheLaterTimelineIsWrittenTo(t *testing.T) {
	r := openRouted(t, routedFamilies[0], 1, nil)
	r.ready(t)
	r.Nodes[1].Promote()
	r.poll(t, "the new primary is seen", func(s *pooled.RoutingStats) bool { return s.Primary == r.Nodes[1].Address() })
	_, err := r.ExecContext(t.Context(), "insert into counter values (1, 1)")
	require.NoError(t, err)
	assert.Equal(t, 1, r.node(routing.WithPrimary(t.Context()), t, r.DB))
}
