package routing_test

import (
	"context"
	"database/sql"
	"flag"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/routing"
)

var pairs = flag.Int("pairs", 600, "how many writes are read again while the replicas do not apply them")

// reader reads what was written before, in one of the ways in which a program says that it belongs together.
type reader struct {
	name string
	// pair runs write and then read; both may be told contexts that continue each other.
	pair func(ctx context.Context, db *sql.DB, write, read func(context.Context, querier) error) error
}

var readers = []reader{
	{"the whole program", func(ctx context.Context, db *sql.DB, write, read func(context.Context, querier) error) error {
		if err := write(ctx, db); err != nil {
			return err
		}
		return read(ctx, db)
	}},
	{"a session", func(ctx context.Context, db *sql.DB, write, read func(context.Context, querier) error) error {
		ctx = routing.NewSession(ctx)
		if err := write(ctx, db); err != nil {
			return err
		}
		return read(ctx, db)
	}},
	{"a token", func(ctx context.Context, db *sql.DB, write, read func(context.Context, querier) error) error {
		writing := routing.NewSession(ctx)
		if err := write(writing, db); err != nil {
			return err
		}
		return read(routing.WithToken(ctx, routing.Token(writing)), db)
	}},
	{"a transaction, and then a read-only one", func(ctx context.Context, db *sql.DB, write, read func(context.Context, querier) error) error {
		if err := inTx(ctx, db, nil, write); err != nil {
			return err
		}
		return inTx(ctx, db, &sql.TxOptions{ReadOnly: true}, read)
	}},
}

func inTx(ctx context.Context, db *sql.DB, opts *sql.TxOptions, f func(context.Context, querier) error) error {
	tx, err := db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

func TestNoReadIsStaleWhileTheReplicasStandStill(t *testing.T) {
	forEachFamily(t, 2, func(c *pooled.Config) { c.Pool.MaxConns = 8 }, func(t *testing.T, p *pool) {
		const workers = 4
		for id := range workers {
			_, err := p.ExecContext(t.Context(), "insert into register values ("+string(rune('0'+id))+", 0)")
			require.NoError(t, err)
		}
		p.readsReturn(t)
		for _, node := range p.Nodes[1:] {
			node.Pause()
		}
		var wg sync.WaitGroup
		for id := range workers {
			wg.Go(func() {
				for n := 1; n <= *pairs/workers && !t.Failed(); n++ {
					way := readers[n%len(readers)]
					var got int
					err := way.pair(t.Context(), p.DB, func(ctx context.Context, q querier) error {
						_, err := q.ExecContext(ctx, "update register set n = n + 1 where id = "+string(rune('0'+id)))
						return err
					}, func(ctx context.Context, q querier) error {
						return q.QueryRowContext(ctx, "select n from register where id = "+string(rune('0'+id))).Scan(&got)
					})
					if !assert.NoError(t, err, way.name) || !assert.Equal(t, n, got, "stale: %s", way.name) {
						return
					}
				}
			})
		}
		wg.Wait()
		for _, node := range p.Nodes[1:] {
			node.Resume()
		}
		resumed := time.Now()
		p.readsReturn(t)
		t.Logf("%d pairs; reads returned to the replicas %v after they went on (pool_monitor_interval 1s)", *pairs, time.Since(resumed).Round(time.Millisecond))
	})
}

func TestSessionThatOnlyReadsUsesReplicasWhileOthersWrite(t *testing.T) {
	forEachFamily(t, 1, nil, func(t *testing.T, p *pool) {
		_, err := p.ExecContext(t.Context(), "insert into register values (1, 0)")
		require.NoError(t, err)
		p.Nodes[1].Pause()
		_, err = p.ExecContext(t.Context(), "update register set n = 1")
		require.NoError(t, err)
		assert.Zero(t, p.node(t.Context(), t, p), "the program has written")
		assert.Equal(t, 1, p.node(routing.NewSession(t.Context()), t, p), "the session has not")
		p.Nodes[1].Resume()
	})
}

func TestTokenOfAnEarlierRequestCostsNothingOnceTheReplicasHaveIt(t *testing.T) {
	forEachFamily(t, 1, nil, func(t *testing.T, p *pool) {
		writing := routing.NewSession(t.Context())
		_, err := p.ExecContext(writing, "insert into register values (1, 5)")
		require.NoError(t, err)
		p.eventually(t, "the token has a position", func() bool { return !strings.Contains(routing.Token(writing), "now") })
		token := routing.Token(writing)
		p.eventually(t, "the session's own reads return", func() bool { return p.node(writing, t, p) == 1 })

		reading := routing.WithToken(t.Context(), token)
		assert.Equal(t, 1, p.node(reading, t, p))
		assert.Equal(t, 5, value(reading, t, p))
		assert.Zero(t, p.node(routing.WithToken(t.Context(), "not|a|token"), t, p), "nobody knows what it stands for")
	})
}
