package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/gopooled/pooled/internal/testserver/process"
)

// fault is something that befalls a server while a service works.
type fault struct {
	name    string
	workers int
	think   time.Duration        // of each between two calls
	network network              // what befalls the network; well: it is the server
	codes   map[*family][]string // of errors of the server that callers may see
	silent  bool                 // nobody gets an answer, not even a refusal
	gentle  bool                 // no call may fail

	begin func(ctx context.Context, t *trial) error // breaks the server
	keep  func(ctx context.Context, t *trial) error // keeps it broken, again and again until the end; nil: it stays so by itself
	end   func(ctx context.Context, t *trial) error // returns when the server answers
}

// The number of workers: more than there are permits, and many more.
const (
	workers         = 40
	stampedeWorkers = 200
)

var (
	starting = map[*family][]string{postgres: {"57P03"}}
	ending   = map[*family][]string{postgres: {"57P01", "57P03"}, mariadb: {"1053", "1927"}, mysqlFamily: {"1053"}}
	noRoom   = map[*family][]string{postgres: {"53300"}, mariadb: {"1040"}, mysqlFamily: {"1040"}}
)

// faults are all of them.
var faults = []fault{
	{name: "SIGKILL of the server", workers: workers, think: thinkTime, codes: starting, begin: kill, end: start},
	{name: "SIGSTOP, then SIGCONT", workers: workers, think: thinkTime, silent: true, begin: halt, end: resume},
	{name: "orderly restart", workers: workers, think: thinkTime, codes: ending, begin: shutDown, end: start},
	{name: "restart, 200 workers", workers: stampedeWorkers, codes: ending, begin: shutDown, end: start},
	{name: "out of connections", workers: workers, think: thinkTime, codes: noRoom, begin: takeAll, keep: takeFreed, end: leave},
	{name: "network cut", workers: workers, think: thinkTime, network: cut},
	{name: "network a black hole", workers: workers, think: thinkTime, network: blackhole, silent: true},
	{name: "connections reset", workers: workers, think: thinkTime, network: reset},
	{name: "100 ms of latency", workers: workers, think: thinkTime, network: slow, gentle: true},
}

// withNetwork fills in how a fault of the network begins and ends.
func (f fault) withNetwork() fault {
	if f.network != well {
		f.begin = func(_ context.Context, t *trial) error { return t.proxy.set(f.network) }
		f.end = func(_ context.Context, t *trial) error { return t.proxy.set(well) }
	}
	return f
}

func kill(_ context.Context, t *trial) error { return t.server.process.Kill() }

func start(ctx context.Context, t *trial) error { return t.server.start(ctx) }

func halt(_ context.Context, t *trial) error { return t.server.process.Stop() }

func resume(ctx context.Context, t *trial) error {
	return errors.Join(t.server.process.Continue(), t.server.answers(ctx))
}

func shutDown(ctx context.Context, t *trial) error { return t.server.stop(ctx) }

// takeAll has other clients take all connections. The service has its own replaced meanwhile, as it would have to be at their age sooner
// or later, until it finds no room.
func takeAll(ctx context.Context, t *trial) error {
	db, err := t.server.bare(othersUser)
	if err != nil {
		return err
	}
	t.others = &others{db: db}
	var failed error
	err = process.Until(ctx, func() bool {
		failed = takeFreed(ctx, t)
		return failed != nil || t.watch.refused.Load() > 0 && (t.connector.Stats().Endpoints[0].Open == 0 || t.breakerOpen())
	})
	return errors.Join(err, failed)
}

// takeFreed has the other clients take what the service gives up. A single connection that it kept would do for all its workers.
func takeFreed(ctx context.Context, t *trial) error {
	return errors.Join(t.connector.Evict(""), t.others.take(ctx, t.server.full))
}

// leave has the other clients leave, and waits until the server knows.
func leave(ctx context.Context, t *trial) error {
	if err := t.others.close(); err != nil {
		return err
	}
	var failed error
	err := process.Until(ctx, func() bool {
		var n int
		failed = t.server.control.QueryRowContext(ctx, t.server.family.others).Scan(&n)
		return failed != nil || n == 0
	})
	return errors.Join(err, failed)
}

// others are other clients of a server.
type others struct {
	db    *sql.DB
	conns []*sql.Conn
}

// take takes connections until the server has no more.
func (o *others) take(ctx context.Context, full string) error {
	for {
		conn, err := o.db.Conn(ctx)
		if err != nil && kindOf(err) == full {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the other clients: %w", err)
		}
		o.conns = append(o.conns, conn)
	}
}

func (o *others) close() error {
	if o == nil {
		return nil
	}
	for _, c := range o.conns {
		_ = c.Close() // it is closed with the database
	}
	return o.db.Close()
}
