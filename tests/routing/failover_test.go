package routing_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/routing"
)

// traffic is writers and readers that go on whatever happens to the servers.
type traffic struct {
	pool  *pool
	stop  context.CancelFunc
	group sync.WaitGroup

	mu           sync.Mutex
	acknowledged map[int64]time.Time // writes by their number, and when they were acknowledged
	unknown      map[int64]error     // those that failed
	failedReads  []error
	reads        atomic.Int64
	lastWrite    time.Time
}

// begin starts writers of unique numbers into a ledger, and readers, each read in a session of its own.
func (p *pool) begin(t *testing.T, writers, readers int) *traffic {
	t.Helper()
	_, err := p.ExecContext(t.Context(), "create table ledger (n bigint not null)")
	require.NoError(t, err)
	p.readable(t, countRegisters)
	ctx, stop := context.WithCancel(t.Context())
	tr := &traffic{pool: p, stop: stop, acknowledged: map[int64]time.Time{}, unknown: map[int64]error{}}
	var number atomic.Int64
	for range writers {
		tr.group.Go(func() {
			for ctx.Err() == nil {
				n := number.Add(1)
				_, err := p.ExecContext(ctx, fmt.Sprintf("insert into ledger values (%d)", n))
				tr.noteWrite(ctx, n, err)
			}
		})
	}
	for range readers {
		tr.group.Go(func() {
			for ctx.Err() == nil {
				var n int64
				err := p.QueryRowContext(routing.NewSession(ctx), countRegisters).Scan(&n)
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
func (tr *traffic) writtenSince(t *testing.T, moment time.Time) (last time.Time) {
	t.Helper()
	tr.pool.eventually(t, "something is written", func() bool {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		last = tr.lastWrite
		return last.After(moment)
	})
	return last
}

// readMore waits for so many reads.
func (tr *traffic) readMore(t *testing.T, n int64) {
	t.Helper()
	want := tr.reads.Load() + n
	tr.pool.eventually(t, "reads go on", func() bool { return tr.reads.Load() >= want })
}

// stored counts how often a server has each number.
func (tr *traffic) stored(t *testing.T, node *testserver.Node) map[int64]int64 {
	t.Helper()
	return tr.pool.rows(t, node, "select n, count(*) from ledger group by n")
}

func (tr *traffic) end() {
	tr.stop()
	tr.group.Wait()
}

func TestWritesFollowThePrimaryAndReadsGoOn(t *testing.T) {
	forEachFamily(t, 2, func(c *pooled.Config) { c.Pool.MaxConns = 8 }, func(t *testing.T, p *pool) {
		tr := p.begin(t, 4, 4)
		tr.readMore(t, 200)
		tr.writtenSince(t, time.Now())

		p.Nodes[0].Kill()
		tr.readMore(t, 500) // while there is no primary
		p.Nodes[1].Promote()
		promoted := time.Now()
		kept := tr.stored(t, p.Nodes[1]) // what replication had brought, and what was written since
		first := tr.writtenSince(t, promoted)
		p.Nodes[2].Follow(p.Nodes[1])
		tr.readMore(t, 500)
		tr.writtenSince(t, time.Now())
		tr.end()

		t.Logf("first write %v after the promotion (pool_monitor_interval 1s); %d reads, %d failed; %d writes acknowledged, %d failed",
			first.Sub(promoted).Round(time.Millisecond), tr.reads.Load(), len(tr.failedReads), len(tr.acknowledged), len(tr.unknown))
		assert.Empty(t, tr.failedReads)
		stored := tr.stored(t, p.Nodes[1])
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
			assert.EqualValues(t, 1, times, "write %d", n)
		}
		t.Logf("%d acknowledged writes had not reached the promoted server", lost)
	})
}

func TestReplicasThatFailAreLeftAndComeBack(t *testing.T) {
	for _, fault := range []struct {
		name       string
		begin, end func(p *pool)
	}{
		{"killed", func(p *pool) { p.Nodes[1].Kill() }, func(p *pool) { p.Nodes[1].Start() }},
		{"silent", func(p *pool) { p.Nodes[1].Stop() }, func(p *pool) { p.Nodes[1].Continue() }},
	} {
		t.Run(fault.name, func(t *testing.T) {
			forEachFamily(t, 2, func(c *pooled.Config) { c.Pool.MaxConns = 8 }, func(t *testing.T, p *pool) {
				tr := p.begin(t, 1, 6)
				tr.readMore(t, 200)
				fault.begin(p)
				began := time.Now()
				p.eventually(t, "the replica is left", func() bool { return !p.stats().Servers[1].Readable })
				t.Logf("left after %v (pool_monitor_interval 1s)", time.Since(began).Round(time.Millisecond))
				tr.readMore(t, 300)
				fault.end(p)
				p.eventually(t, "the replica is back", func() bool { return p.stats().Servers[1].Readable })
				tr.readMore(t, 300)
				tr.end()
				assert.Empty(t, tr.failedReads)
				assert.Empty(t, tr.unknown)
			})
		})
	}
}

func TestEverythingDownAndBack(t *testing.T) {
	forEachFamily(t, 1, func(c *pooled.Config) { c.Pool.MaxConns = 8 }, func(t *testing.T, p *pool) {
		tr := p.begin(t, 2, 2)
		tr.readMore(t, 100)
		for _, node := range p.Nodes {
			node.Kill()
		}
		p.eventually(t, "it is known that all are down", func() bool { s := p.stats().Servers; return !s[0].Up && !s[1].Up })
		for _, node := range p.Nodes {
			node.Start()
		}
		tr.writtenSince(t, time.Now())
		tr.readMore(t, 100)
		tr.end()
		stored := tr.stored(t, p.Nodes[0])
		for n := range tr.acknowledged {
			assert.EqualValues(t, 1, stored[n], "write %d", n)
		}
	})
}

func TestWritesAreRefusedWhenThereIsNoPrimaryForTooLong(t *testing.T) {
	forEachFamily(t, 1, func(c *pooled.Config) { c.Routing.FailoverTimeout = 300 * time.Millisecond }, func(t *testing.T, p *pool) {
		p.Nodes[0].Kill()
		_, err := p.ExecContext(t.Context(), "insert into register values (1, 1)")
		for err != nil && !errors.Is(err, pooled.ErrNoPrimary) { // a connection that died with the server
			_, err = p.ExecContext(t.Context(), "insert into register values (1, 1)")
		}
		var refused *pooled.NoPrimaryError
		require.ErrorAs(t, err, &refused)
		assert.Contains(t, err.Error(), p.Nodes[0].Address())
		assert.NotContains(t, err.Error(), "p@ss")
		assert.Equal(t, 1, p.node(routing.NewSession(t.Context()), t, p), "reads go on")

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // less than pool_failover_timeout, and more than a refused dial takes
		defer cancel()
		_, err = p.ExecContext(ctx, "insert into register values (1, 1)")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestTwoPrimariesOfOneTimelineAreNotWrittenTo(t *testing.T) {
	for _, f := range []*family{mariaDBFamily, mysqlFamily} {
		t.Run(f.name, func(t *testing.T) {
			p := open(t, f, f.cluster(t, 1), func(c *pooled.Config) { c.Routing.FailoverTimeout = 300 * time.Millisecond })
			p.Nodes[1].Promote()
			p.eventually(t, "both are seen", func() bool { return p.stats().Primary == "" })
			_, err := p.ExecContext(t.Context(), "insert into register values (1, 1)")
			require.ErrorIs(t, err, pooled.ErrNoPrimary)
			assert.Contains(t, err.Error(), "both "+p.Nodes[0].Address()+" and "+p.Nodes[1].Address()+" say that they are the primary")
		})
	}
}

func TestThePrimaryOfTheLaterTimelineIsWrittenTo(t *testing.T) {
	p := open(t, postgresFamily, postgresFamily.cluster(t, 1), nil)
	p.Nodes[1].Promote()
	p.eventually(t, "the new primary is seen", func() bool { return p.stats().Primary == p.Nodes[1].Address() })
	_, err := p.ExecContext(t.Context(), "insert into register values (1, 1)")
	require.NoError(t, err)
	assert.Equal(t, 1, p.node(routing.WithPrimary(t.Context()), t, p))
}
