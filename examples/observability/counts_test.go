package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/metric"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

// TestMetricsAreWhatWasDone does things to pools over real servers, counts them by itself, and holds each value of a scrape against its count.
func TestMetricsAreWhatWasDone(t *testing.T) {
	cluster := testserver.PostgresCluster(t, 1)
	meters, handler, err := newMeters()
	require.NoError(t, err)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	metrics := newScraper(t, server.URL)

	routed := newRoutedPool(t, cluster, meters)
	routed.work(t)
	routed.wait(t, metrics)
	routed.lose(t)
	routed.lag(t, metrics)
	cut := newCutOff(t, meters)
	leaky := newLeaky(t, cluster.Nodes[0], meters)

	metrics.eventually(func() {
		routed.check(metrics)
		cut.check(metrics)
		leaky.check(metrics)
	})
	metrics.allAreChecked()
}

// routedPool is a pool over a primary and its replica, and what was done with it.
type routedPool struct {
	*sql.DB
	*witness
	connector *pooled.Connector
	cluster   *testserver.Cluster
	ctx       context.Context // of what the test does
	conns     []*sql.Conn     // held
}

// How often the test does something, and how the pool is set.
const (
	reads, writes, failures, changed, tempTables, permanent, timeouts, waiters, refusals = 25, 7, 4, 5, 3, 2, 2, 3, 6

	maxConns, maxIdle, minIdle = 4, 3, 1
)

func newRoutedPool(t *testing.T, cluster *testserver.Cluster, meters metric.MeterProvider) *routedPool {
	cluster.Nodes[0].Exec("create table people (id int primary key, name text not null)")
	p := &routedPool{cluster: cluster, witness: newWitness()}
	p.ctx = routing.WithDecisions(t.Context(), func(d routing.Decision) { p.note("decision " + d.Reason.String()) })
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = "pgx", cluster.Nodes[0].DSN()+"&application_name=routed"
	cfg.Name, cfg.Routing.Replicas = "routed", []pooled.Replica{{Address: p.cluster.Nodes[1].Address()}}
	cfg.Pool.MaxConns, cfg.Pool.MaxIdleConns, cfg.Pool.MinIdleConns = maxConns, maxIdle, minIdle
	cfg.Queue.MaxWaiters = waiters
	cfg.Tracing.MeterProvider = meters
	connector, err := pooled.NewConnector(cfg, p.middleware())
	require.NoError(t, err)
	p.connector, p.DB = connector, sql.OpenDB(connector)
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	require.NoError(t, connector.Warm(t.Context()))
	return p
}

// What metrics call the connections to each server.
func (p *routedPool) primary() string { return "routed/" + p.cluster.Nodes[0].Address() }
func (p *routedPool) replica() string { return "routed/" + p.cluster.Nodes[1].Address() }

func (p *routedPool) exec(t *testing.T, times int, text string) {
	for range times {
		_, err := p.ExecContext(p.ctx, text)
		require.NoError(t, err)
	}
}

// work runs statements, well and not so well, some of which leave something on their sessions.
func (p *routedPool) work(t *testing.T) {
	for id := range writes {
		_, err := p.ExecContext(p.ctx, "insert into people (id, name) values ($1, $2)", id, "Ada")
		require.NoError(t, err)
	}
	for range failures {
		_, err := p.ExecContext(p.ctx, "insert into people (id, name) values ($1, $2)", 0, "Ada")
		require.Error(t, err)
	}
	for range reads {
		var n int
		require.NoError(t, p.QueryRowContext(p.ctx, "select count(*) from people where name = $1", "Ada").Scan(&n))
	}
	p.exec(t, changed, "set statement_timeout = '1min'")
	p.exec(t, tempTables, "create temp table scratch (id int)")
	p.exec(t, permanent, "load 'plpgsql'") // which nothing undoes
}

// wait takes all connections to the primary, so that others wait, some of them in vain.
func (p *routedPool) wait(t *testing.T, metrics *scraper) {
	const text = "delete from people where false"
	for range maxConns {
		conn, err := p.Conn(p.ctx)
		require.NoError(t, err)
		p.conns = append(p.conns, conn)
		_, err = conn.ExecContext(p.ctx, text)
		require.NoError(t, err)
	}
	for range timeouts {
		ctx, cancel := context.WithTimeout(p.ctx, time.Millisecond)
		_, err := p.ExecContext(ctx, text)
		cancel()
		require.ErrorIs(t, err, pooled.ErrAcquireTimeout)
	}
	ctx, cancel := context.WithCancel(p.ctx)
	var waiting sync.WaitGroup
	for range waiters {
		waiting.Go(func() {
			_, err := p.ExecContext(ctx, text)
			assert.ErrorIs(t, err, context.Canceled)
		})
	}
	metrics.eventually(func() {
		metrics.is(waiters, "db_client_connection_pending_requests", pool, p.primary())
	})
	for range refusals {
		_, err := p.ExecContext(p.ctx, text)
		require.ErrorIs(t, err, pooled.ErrOverloaded)
	}
	cancel()
	waiting.Wait()
}

// lose gives two of the connections back, of which the server has ended one, and evicts those that nobody holds.
func (p *routedPool) lose(t *testing.T) {
	var pid int
	require.NoError(t, p.conns[0].QueryRowContext(p.ctx, "select pg_backend_pid()").Scan(&pid))
	p.cluster.Nodes[0].Exec(fmt.Sprintf("select pg_terminate_backend(%d)", pid))
	_, err := p.conns[0].ExecContext(p.ctx, "delete from people where false")
	require.Error(t, err)
	for range 2 {
		require.NoError(t, p.conns[0].Close())
		p.conns = p.conns[1:]
	}
	require.NoError(t, p.connector.Evict(p.cluster.Nodes[0].Address()))
}

// lag makes the replica fall behind.
func (p *routedPool) lag(t *testing.T, metrics *scraper) {
	p.cluster.Nodes[1].Pause()
	paused := time.Now()
	p.exec(t, 1, "insert into people values (1000, 'Bob')")
	metrics.eventually(func() {
		lag := metrics.value("pooled_replication_lag_seconds", pool, p.replica())
		assert.Positive(metrics, lag)
		assert.Less(metrics, lag, time.Since(paused).Seconds()+2*time.Second.Seconds(), "its monitor has asked a second before the pause at least")
	})
}

// check holds the metrics against what was counted, and what the servers know.
func (p *routedPool) check(m *scraper) {
	for i, node := range p.cluster.Nodes {
		address, name := node.Address(), "routed/"+node.Address()
		dials, backends := p.count("dial "+address), askServer(m.T, node, "select count(*) - 1 from pg_stat_activity where application_name = 'routed'") // but the monitor's
		m.is(dials, "db_client_connection_create_time_seconds", pool, name)
		m.is(p.count("acquire "+address), "db_client_connection_wait_time_seconds", pool, name)
		m.is(p.count("release "+address), "db_client_connection_use_time_seconds", pool, name)
		m.is(backends, "db_client_connection_count", pool, name)
		lost := m.value("pooled_connection_discards_total", pool, name) + m.value("pooled_connection_evictions_total", pool, name)
		assert.InDelta(m, dials-backends, lost, 0, "connections to %s that were closed", name)
		m.is(maxConns, "db_client_connection_max", pool, name)
		m.is(maxIdle, "db_client_connection_idle_max", pool, name)
		m.is(minIdle, "db_client_connection_idle_min", pool, name)
		m.is(0, "db_client_connection_pending_requests", pool, name)
		m.is(0, "pooled_connection_dial_failures_total", pool, name)
		replica := askServer(m.T, node, "select pg_is_in_recovery()::int")
		m.is(replica, "pooled_endpoint_status", pool, name, "pooled_endpoint_role", "replica")
		m.is(1-replica, "pooled_endpoint_status", pool, name, "pooled_endpoint_role", "primary")
		assert.Equal(m, i, replica)
	}
	m.is(len(p.conns), "db_client_connection_count", pool, p.primary(), "db_client_connection_state", "used")
	m.is(timeouts, "db_client_connection_timeouts_total", pool, p.primary())

	m.is(p.count("call"), "db_client_operation_duration_seconds", "db_system_name", "postgresql", "db_namespace", "postgres")
	m.is(writes+failures+1, "db_client_operation_duration_seconds", "db_query_summary", "insert people")
	m.is(failures, "db_client_operation_duration_seconds", "db_response_status_code", "23505", "error_type", "23505")
	m.is(reads, "db_client_operation_duration_seconds", "db_query_summary", "select people")
	m.is(timeouts, "db_client_operation_duration_seconds", "error_type", "acquire_timeout")
	m.is(refusals, "db_client_operation_duration_seconds", "error_type", "overloaded")
	m.is(refusals, "pooled_connection_overloads_total", pool, p.primary())
	m.is(0, "pooled_connection_passed_over_total", pool, p.primary())                         // TestHopelessCallersArePassedOver has some
	m.is(maxConns-1+timeouts+refusals+1, "pooled_connection_nested_total", pool, p.primary()) // the last by lag
	m.is(0, "pooled_connection_deadlocks_total", pool, p.primary())                           // TestGoroutineThatWaitsForItselfIsToldSoAtOnce has some

	m.is(1, "pooled_connection_discards_total", pool, p.primary(), "pooled_close_reason", "failed")
	m.is(permanent, "pooled_connection_discards_total", pool, p.primary(), "pooled_close_reason", "discarded")
	unknown := int(m.value("pooled_session_effects_total", pool, p.primary(), "pooled_session_effect", "unknown")) // while the catalogue was read
	m.is(changed+tempTables+unknown, "pooled_session_resets_total", pool, p.primary(), "pooled_reset_outcome", "reset")
	m.is(permanent, "pooled_session_resets_total", pool, p.primary(), "pooled_reset_outcome", "permanent")
	m.is(changed, "pooled_session_effects_total", pool, p.primary(), "pooled_session_effect", "setting")
	m.is(tempTables, "pooled_session_effects_total", pool, p.primary(), "pooled_session_effect", "temp_table")
	for _, reason := range []string{"read", "write", "fallback", "bound", "no_statement", "tx"} {
		m.is(p.count("decision "+reason), "pooled_route_decisions_total", "pooled_route_reason", reason)
	}
}

// cutOff is a pool whose server hangs up on everybody, until its breaker opens.
type cutOff struct {
	name                     string
	failed, refused, changes int
}

func newCutOff(t *testing.T, meters metric.MeterProvider) *cutOff {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutOff{name: "cut-off"}
	var accepting sync.WaitGroup
	accepting.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	})
	t.Cleanup(func() {
		assert.NoError(t, listener.Close())
		accepting.Wait()
	})
	opened := make(chan struct{})
	cfg := pooled.NewConfig()
	cfg.Name, cfg.DriverName, cfg.DSN = c.name, "pgx", "postgres://app@"+listener.Addr().String()+"/shop?sslmode=disable"
	cfg.Breaker.On, cfg.Breaker.Cooldown, cfg.Breaker.MaxCooldown = true, time.Hour, time.Hour
	cfg.OnStateChange = func(policy.BreakerChange) {
		c.changes++
		close(opened)
	}
	cfg.Tracing.MeterProvider = meters
	connector, err := pooled.NewConnector(cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	for c.refused < 3 {
		_, err := db.ExecContext(t.Context(), "select 1")
		require.Error(t, err)
		if errors.Is(err, pooled.ErrBreakerOpen) {
			c.refused++
		} else {
			c.failed++
		}
	}
	<-opened
	return c
}

func (c *cutOff) check(m *scraper) {
	m.is(c.failed, "pooled_connection_dial_failures_total", pool, c.name)
	m.is(c.refused, "pooled_breaker_refusals_total", pool, c.name)
	m.is(c.changes, "pooled_breaker_transitions_total", pool, c.name)
	m.is(1, "pooled_breaker_status", pool, c.name, "pooled_breaker_state", "open")
	m.is(1, "pooled_breaker_status", pool, c.name)
}

// leaky is a pool of which one connection was held for long and given back, and one left behind by a goroutine that ended.
type leaky struct {
	name                          string
	reported, orphaned, reclaimed int
}

func newLeaky(t *testing.T, node *testserver.Node, meters metric.MeterProvider) *leaky {
	l := &leaky{name: "leaky"}
	leaks := make(chan held.Leak, 2)
	cfg := pooled.NewConfig()
	cfg.Name, cfg.DriverName, cfg.DSN = l.name, "pgx", node.DSN()
	cfg.Leak.Threshold, cfg.Leak.Reclaim = 500*time.Millisecond, policy.ReclaimOrphaned
	cfg.OnLeak = func(leak held.Leak) { leaks <- leak }
	cfg.Tracing.MeterProvider = meters
	connector, err := pooled.NewConnector(cfg)
	require.NoError(t, err)
	db := sql.OpenDB(connector)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	borrow := func() *sql.Conn {
		conn, err := db.Conn(t.Context())
		assert.NoError(t, err)
		assert.NoError(t, conn.PingContext(t.Context()))
		return conn
	}
	mine := borrow()
	var orphan *sql.Conn
	var ending sync.WaitGroup
	ending.Go(func() { orphan = borrow() })
	ending.Wait()
	for range 2 {
		leak := <-leaks
		l.reported++
		if leak.Fate == held.Gone {
			l.orphaned++
		}
		if leak.Reclaimed {
			l.reclaimed++
		}
	}
	require.NoError(t, mine.Close())
	_ = orphan.Close() // nothing is left of it
	return l
}

func (l *leaky) check(m *scraper) {
	m.is(2, "pooled_leak_reported_total", pool, l.name)
	m.is(l.reported, "pooled_leak_reported_total", pool, l.name)
	m.is(l.orphaned, "pooled_leak_orphaned_total", pool, l.name)
	m.is(l.reclaimed, "pooled_leak_reclaimed_total", pool, l.name)
	m.is(1, "pooled_leak_returned_total", pool, l.name)
	m.is(l.reclaimed, "pooled_connection_discards_total", pool, l.name, "pooled_close_reason", "reclaimed")
	m.is(1, "db_client_connection_count", pool, l.name)
}
