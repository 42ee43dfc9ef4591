// Leak runs a careless service for two simulated hours: one request in a hundred forgets to close its rows or its transaction. In the first
// hour it starves. In the second, pooled takes back what was forgotten (pool_leak_reclaim=orphaned), and every request is served:
//
//	go run ./examples/leak                                                 # needs no database: it has a pretend one
//	go run ./examples/leak -dsn 'postgres://user:password@host/database'   # on a real PostgreSQL, where it only reads
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/gopooled/pooled"
	_ "github.com/gopooled/pooled/postgres"
)

// Time runs faster than it should, so that nobody has to wait for two hours: a simulated second takes 2 ms.
const faster = 500

// The settings of the pool, in simulated time. A service should wait for seconds, not for minutes. But a minute is short here, and a
// machine that takes its time to make a connection must not look like a service that starves.
const (
	maxConns       = 10
	unusedFor      = time.Minute
	acquireTimeout = 15 * time.Minute
)

// forgetful is how many requests there are for each that forgets to close something.
const forgetful = 100

func main() {
	dsn := flag.String("dsn", "", "the `URL` of a PostgreSQL; without it, a part of this program pretends to be one")
	length := flag.Duration("for", time.Hour, "how long the service runs each time, in simulated time")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *dsn, *length, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "leak:", err)
		stop()
		os.Exit(1)
	}
}

// run lets the service run without reclaiming and with it, and compares.
func run(ctx context.Context, dsn string, length time.Duration, out io.Writer) error {
	introduce(out, dsn, length)
	var hours []*hour
	for _, reclaim := range []string{"off", "orphaned"} {
		h, err := play(ctx, dsn, reclaim, length, out)
		if err != nil {
			return err
		}
		hours = append(hours, h)
	}
	return summarize(out, hours)
}

// play is one run of the service.
func play(ctx context.Context, dsn, reclaim string, length time.Duration, out io.Writer) (*hour, error) {
	server, err := open(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer server.Close()

	h := &hour{reclaim: reclaim, length: length, server: server, out: out}
	cfg, err := pooled.ParseDSN(with(server.DSN(),
		fmt.Sprint("pool_max_conns=", maxConns),
		fmt.Sprint("pool_acquire_timeout=", acquireTimeout/faster),
		fmt.Sprint("pool_leak=", unusedFor/faster),
		"pool_leak_sample=1", // the call site of every borrower, not of one in 16
		"pool_leak_reclaim="+reclaim))
	if err != nil {
		return nil, err
	}
	h.listen(&cfg)
	h.pool, err = pooled.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(h.pool) // without SetMaxOpenConns: pool_max_conns is the limit
	defer db.Close()
	h.shop = &shop{db: db}
	defer h.shop.tidyUp()
	if err := warmUp(ctx, db); err != nil {
		return nil, err
	}
	err = h.run(ctx)
	return h, err
}

// warmUp makes all connections, one after the other: on a busy machine the first requests could wait too long for them.
func warmUp(ctx context.Context, db *sql.DB) error {
	var conns [maxConns]*sql.Conn
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close()
			}
		}
	}()
	for i := range conns {
		var err error
		if conns[i], err = db.Conn(ctx); err != nil {
			return err
		}
		if err := conns[i].PingContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// with adds parameters to a URL.
func with(dsn string, parameters ...string) string {
	separator := "?"
	if strings.Contains(dsn, "?") {
		separator = "&"
	}
	return dsn + separator + strings.Join(parameters, "&")
}

// shop is the service.
type shop struct {
	db *sql.DB

	mu        sync.Mutex     // guards what follows
	forgotten []func() error // what would have given the connections back. A real service has lost it.
}

// query needs no table, so that it runs on any PostgreSQL.
const query = "select name from (values ('ink')) as goods (name)"

// request handles a request: two searches for each order.
func (s *shop) request(number int) error {
	unlucky := number%forgetful == 0
	if number%3 == 0 {
		return s.order(unlucky)
	}
	return s.search(unlucky)
}

// search closes its rows at its end, without a defer: so not where it returns early.
func (s *shop) search(found bool) error {
	rows, err := s.db.Query(query)
	if err != nil {
		return err
	}
	if rows.Next() && found {
		return s.forget(rows.Close) // the bug
	}
	work()
	return errors.Join(rows.Err(), rows.Close()) //nolint:sqlclosecheck // it wants a defer, and is right
}

// order ends its transaction, but not where there is nothing to commit. Begin, as Query above, takes no context: with that of an HTTP
// request, database/sql would give back what was forgotten when the request ends.
func (s *shop) order(soldOut bool) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	var name string
	if err := tx.QueryRow(query).Scan(&name); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	if soldOut {
		return s.forget(tx.Rollback) // the bug
	}
	work()
	return tx.Commit()
}

// work is what a request does besides, for a simulated second.
func work() { time.Sleep(time.Second / faster) }

// forget stands for doing nothing. It remembers what was not done only for leaked and tidyUp.
func (s *shop) forget(giveBack func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgotten = append(s.forgotten, giveBack)
	return nil
}

// leaked is how often something was forgotten.
func (s *shop) leaked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.forgotten)
}

// tidyUp gives back what was forgotten, so that db.Close closes every connection.
func (s *shop) tidyUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, giveBack := range s.forgotten {
		_ = giveBack() // that of a transaction which was reclaimed says so
	}
}
