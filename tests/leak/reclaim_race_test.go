package leak_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// Holders use, give back and cancel, while somebody reclaims all that is not busy, all the time.
func TestReclaimAtTheMomentOfUseLosesNothing(t *testing.T) {
	t.Run("fault driver", func(t *testing.T) {
		fault := faultdriver.New(pooltest.Modern, faultdriver.EveryStmt)
		cfg := pooled.NewConfig()
		cfg.Connector = &pooltest.SocketDriver{Fault: fault}
		raceReclaims(t, cfg, 2_000)
		assert.Empty(t, fault.Violations(), "two used one connection at once")
	})
	for _, s := range leakServers {
		t.Run(s.name, func(t *testing.T) {
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN = s.driver, s.dsn(t)
			raceReclaims(t, cfg, 100)
		})
	}
}

// raceReclaims goes on until so many connections were reclaimed.
func raceReclaims(t *testing.T, cfg pooled.Config, enough uint64) {
	const permits, workers = 4, 12
	cfg.Pool.MaxConns = permits
	cfg.Leak = policy.Leak{Threshold: time.Hour, Sample: 1, Reclaim: policy.ReclaimAll}
	cfg.Logger = slog.New(slog.DiscardHandler)
	var owners pooltest.Handouts
	db, connector := pooltest.Open(t, cfg, owners.Middleware())

	source := pooltest.SourceOf(t, connector)
	stop, reclaimer := make(chan struct{}), sync.WaitGroup{}
	reclaimer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				pooltest.ReclaimUnused(source)
				for range rand.IntN(100) {
					runtime.Gosched()
				}
			}
		}
	})
	var holders sync.WaitGroup
	for range workers {
		holders.Go(func() {
			for connector.Stats().Endpoints[0].Closed.Reclaimed < enough {
				if err := holdAndUse(db); err != nil {
					t.Errorf("%T %v", err, err)
				}
			}
		})
	}
	holders.Wait()
	close(stop)
	reclaimer.Wait()

	stats := connector.Stats().Endpoints[0]
	t.Logf("%d acquires, %d reclaimed, %d discarded, %d dials", stats.Acquires, stats.Closed.Reclaimed, stats.Closed.Discarded, stats.Dials)
	assert.Greater(t, stats.Acquires, stats.Closed.Reclaimed, "some were used without being reclaimed")
	assert.Empty(t, owners.Violations(), "a connection was handed to two borrowers")
	assert.LessOrEqual(t, owners.Most.Load(), int64(permits))
	pooltest.RequireAllPermits(t, db, connector, permits)
	require.NoError(t, db.Close())
	assert.Zero(t, connector.Stats().Endpoints[0].Open)
	assert.Zero(t, owners.Now.Load(), "each acquisition was released once")
}

// holdAndUse holds a connection, with or without a transaction, uses it a few times, and gives it back, or has it given back by a
// cancelled context. It returns an error that nobody expects.
func holdAndUse(db *sql.DB) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if rand.IntN(4) == 0 {
		go func() {
			for range rand.IntN(50) {
				runtime.Gosched()
			}
			cancel()
		}()
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return unexpected(ctx, err)
	}
	defer conn.Close()
	if rand.IntN(2) == 0 {
		return unexpected(ctx, use(ctx, conn))
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return unexpected(ctx, err)
	}
	if err := use(ctx, tx); err != nil {
		return errors.Join(unexpected(ctx, err), unexpected(ctx, tx.Rollback()))
	}
	return unexpected(ctx, tx.Commit())
}

func use(ctx context.Context, c interface {
	ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error)
},
) error {
	for range 1 + rand.IntN(4) {
		if _, err := c.ExecContext(ctx, "select 1"); err != nil {
			return err
		}
		for range rand.IntN(20) {
			runtime.Gosched()
		}
	}
	return nil
}

// unexpected returns err unless it is one of what may happen here. driver.ErrBadConn may, once the transaction has ended badly; and if the
// context was cancelled, whatever the driver says of a connection that it closed.
func unexpected(ctx context.Context, err error) error {
	expected := []error{pooled.ErrReclaimed, sql.ErrTxDone, driver.ErrBadConn, sql.ErrConnDone}
	if ctx.Err() != nil || slices.ContainsFunc(expected, func(target error) bool { return errors.Is(err, target) }) {
		err = nil
	}
	return err
}
