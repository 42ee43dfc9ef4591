package stress_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	_ "github.com/gopooled/pooled/mysql"
	"github.com/gopooled/pooled/policy"
	_ "github.com/gopooled/pooled/postgres"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

var stressTime = flag.Duration("stress", 30*time.Second, "how long each stress test runs at least; with -short a tenth of it")

// stressPatience is how many times as long a stress test runs at most, on a machine that is too busy for everything to have happened before.
const stressPatience = 10

// stressCase is what differs between the servers.
type stressCase struct {
	driver, dsn   string
	insert, sleep string
	self, victims string // the session's own server id; ids of the sessions of the test
	kill          string // format for one id
	create        string
}

func TestStressPostgresLosesNoPermitAndWritesNothingTwice(t *testing.T) {
	stress(t, stressCase{
		driver:  "pgx",
		dsn:     testserver.PostgresDatabase(t),
		create:  "create table stress (id bigint not null)",
		insert:  "insert into stress values ($1)",
		sleep:   "select pg_sleep(0.005)",
		self:    "select pg_backend_pid()",
		victims: "select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'",
		kill:    "select pg_terminate_backend(%d)",
	})
}

func TestStressMySQLLosesNoPermitAndWritesNothingTwice(t *testing.T) {
	t.Parallel()
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		stress(t, stressCase{
			driver:  "mysql",
			dsn:     s.Database(t),
			create:  "create table stress (id bigint not null) engine=innodb",
			insert:  "insert into stress values (?)",
			sleep:   "select sleep(0.005)",
			self:    "select connection_id()",
			victims: "select id from information_schema.processlist where db = database() and id <> connection_id()",
			kill:    "kill %d",
		})
	})
}

// stress lets 200 goroutines share 4 permits while callers give up at random and the server kills connections.
func stress(t *testing.T, c stressCase) {
	t.Parallel()
	const workers, permits = 200, 4
	duration := *stressTime
	if testing.Short() {
		duration /= 10
	}

	admin := realtest.Open(t, c.driver, c.dsn)
	admin.SetMaxOpenConns(1)
	_, err := admin.Exec(c.create)
	require.NoError(t, err)

	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = c.driver, c.dsn
	cfg.Pool.MaxConns = permits
	cfg.Leak = policy.Leak{Threshold: time.Hour, Sample: 1, Reclaim: policy.ReclaimAll}
	cfg.Logger = slog.New(slog.DiscardHandler)
	var owners pooltest.Handouts
	db, connector := pooltest.Open(t, cfg, owners.Middleware())

	ctx, stop := context.WithTimeout(t.Context(), stressPatience*duration)
	defer stop()
	w := &stressWorker{stressCase: c, db: db}
	source := pooltest.SourceOf(t, connector)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for ctx.Err() == nil {
				w.once(ctx, t)
			}
		})
	}
	var kills atomic.Int64
	wg.Go(func() {
		for ctx.Err() == nil {
			kills.Add(killOne(ctx, admin, c))
		}
	})
	wg.Go(func() {
		every := time.NewTicker(unusedFor)
		defer every.Stop()
		for ctx.Err() == nil {
			pooltest.ReclaimUnused(source)
			<-every.C
		}
	})
	wg.Go(func() {
		defer stop()
		for enough := time.After(duration); ctx.Err() == nil; enough = time.After(unusedFor) {
			select {
			case <-enough:
			case <-ctx.Done():
			}
			if kills.Load() > 0 && w.sawAll() && connector.Stats().Endpoints[0].Closed.Reclaimed > 0 {
				return
			}
		}
	})
	wg.Wait()

	var rows, distinct int64
	require.NoError(t, admin.QueryRow("select count(*), count(distinct id) from stress").Scan(&rows, &distinct))
	assert.Equal(t, distinct, rows, "a write was executed twice")
	assert.GreaterOrEqual(t, rows, w.written.Load(), "a write was reported and is not there")
	assert.Empty(t, owners.Violations(), "a connection was handed to two borrowers")

	require.Eventually(t, func() bool { return connector.Stats().Endpoints[0].InUse == 0 }, time.Minute, time.Millisecond, "the last ones are made clean, or closed")
	stats := connector.Stats().Endpoints[0]
	assert.Zero(t, stats.Waiting)
	assert.LessOrEqual(t, owners.Most.Load(), int64(permits))
	pooltest.RequireAllPermits(t, db, connector, permits)

	require.NoError(t, db.Close())
	assert.Zero(t, connector.Stats().Endpoints[0].Open)
	t.Logf("%d writes, %d failed calls, %d cancelled, %d kills, %d dials, %d waits, %d connections reclaimed, %d holders told",
		w.written.Load(), w.failed.Load(), w.cancelled.Load(), kills.Load(), stats.Dials, stats.Waits, stats.Closed.Reclaimed, w.reclaimed.Load())
	assert.NotZero(t, stats.Closed.Reclaimed)
	assert.NotZero(t, w.reclaimed.Load())
	assert.GreaterOrEqual(t, stats.Closed.Reclaimed, uint64(w.reclaimed.Load()))
	assert.NotZero(t, w.cancelled.Load())
	assert.NotZero(t, kills.Load())
	assert.NotZero(t, w.failed.Load())
	assert.NotZero(t, w.written.Load())
}

type stressWorker struct {
	stressCase
	db                         *sql.DB
	lastID                     atomic.Int64
	written, failed, cancelled atomic.Int64
	reclaimed                  atomic.Int64
}

// sawAll reports whether everything that is to happen has happened to the workers.
func (w *stressWorker) sawAll() bool {
	return w.written.Load() > 0 && w.failed.Load() > 0 && w.cancelled.Load() > 0 && w.reclaimed.Load() > 0
}

// once does one random thing, often with too little time for it.
func (w *stressWorker) once(parent context.Context, t *testing.T) {
	ctx, cancel := context.WithTimeout(parent, time.Duration(1+rand.IntN(200))*time.Millisecond)
	defer cancel()
	var err error
	switch id := w.lastID.Add(1); rand.IntN(6) {
	case 0:
		_, err = w.db.ExecContext(ctx, w.insert, id)
		w.wrote(err)
	case 1:
		err = w.transaction(ctx, id)
		w.wrote(err)
	case 2:
		var st *sql.Stmt
		if st, err = w.db.PrepareContext(ctx, w.insert); err == nil {
			_, err = st.ExecContext(ctx, id)
			w.wrote(err)
			st.Close()
		}
	case 3:
		_, err = w.db.ExecContext(ctx, w.sleep)
	case 4:
		err = w.sameServer(ctx, t)
	case 5:
		err = w.forget(ctx)
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		w.cancelled.Add(1)
	default:
		w.failed.Add(1)
	}
}

func (w *stressWorker) wrote(err error) {
	if err == nil {
		w.written.Add(1)
	}
}

func (w *stressWorker) transaction(ctx context.Context, id int64) error {
	tx, err := w.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, w.insert, id); err != nil {
		return err
	}
	return tx.Commit()
}

// sameServer checks that a borrower stays on one server connection.
func (w *stressWorker) sameServer(ctx context.Context, t *testing.T) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	var first int64
	if err := conn.QueryRowContext(ctx, w.self).Scan(&first); err != nil {
		return err
	}
	for range 3 {
		var now int64
		if err := conn.QueryRowContext(ctx, w.self).Scan(&now); err != nil {
			return err
		}
		assert.Equal(t, first, now, "the connection changed under its borrower")
	}
	return nil
}

// unusedFor is how often all connections are reclaimed that are not in use at that moment.
const unusedFor = 10 * time.Millisecond

// forget holds a connection about as long as it may, and then uses it or gives it back, at the moment when it is reclaimed or not.
func (w *stressWorker) forget(ctx context.Context) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.PingContext(ctx); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(unusedFor + rand.N(2*unusedFor)):
	}
	if rand.IntN(3) == 0 {
		return nil
	}
	_, err = conn.ExecContext(ctx, w.self)
	if errors.Is(err, pooled.ErrReclaimed) {
		w.reclaimed.Add(1)
		return nil
	}
	return err
}

// killOne kills one of the test's server connections, and returns how many that were.
func killOne(ctx context.Context, admin *sql.DB, c stressCase) int64 {
	var ids []int64
	rows, err := admin.QueryContext(ctx, c.victims)
	if err != nil {
		return 0
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if rows.Scan(&id) == nil {
			ids = append(ids, id)
		}
	}
	if rows.Close() != nil || len(ids) == 0 {
		return 0
	}
	if _, err := admin.ExecContext(ctx, fmt.Sprintf(c.kill, ids[rand.IntN(len(ids))])); err != nil {
		return 0
	}
	admin.ExecContext(ctx, c.sleep) // a pause that the server keeps
	return 1
}

// Goroutines of database/sql and of drivers end a moment after Close; the test waits for that, up to a limit.
func TestNoGoroutineIsLeftAfterClose(t *testing.T) {
	before := runtime.NumGoroutine()
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = "pgx", testserver.Postgres(t)
	connector, err := pooled.NewConnector(cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			for range 20 {
				_, err := db.Exec("select 1")
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	require.NoError(t, pooled.Raw(t.Context(), conn, func(driver.Conn) error { return nil }))
	require.ErrorIs(t, conn.Raw(func(any) error { return driver.ErrBadConn }), driver.ErrBadConn) // closed off the caller's path
	require.NoError(t, db.Close())
	for deadline := time.Now().Add(30 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}
