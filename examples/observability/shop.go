package main

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/routing"
)

// schema is what the shop needs.
const schema = `
create table goods (id int primary key, name text not null);
insert into goods select n, 'thing ' || n from generate_series(1, 1000) n;
create table orders (id serial primary key, good int not null);
`

// shop is a service with customers and with bugs.
type shop struct {
	db      *sql.DB
	numbers atomic.Int64 // of requests

	mu        sync.Mutex // guards what follows
	forgotten []*sql.Rows
}

func openShop(ctx context.Context, db *sql.DB) (*shop, error) {
	_, err := db.ExecContext(ctx, schema)
	return &shop{db: db}, err
}

// habit is something that customers or programmers do again and again.
type habit struct {
	every   time.Duration
	atOnce  int // how many do it at the same moment
	request func(*shop, context.Context) error
}

var habits = []habit{
	{30 * time.Millisecond, 1, (*shop).look},
	{70 * time.Millisecond, 1, (*shop).order},
	{500 * time.Millisecond, 1, (*shop).report},
	{300 * time.Millisecond, 1, (*shop).switchTenant},
	{time.Second, 1, (*shop).sortOut},
	{400 * time.Millisecond, 1, (*shop).orderTwice},
	{700 * time.Millisecond, 1, (*shop).giveUp},
	{2 * time.Second, 1, (*shop).crash},
	{4700 * time.Millisecond, 40, (*shop).report}, // everybody wants the figures at once
	{4700 * time.Millisecond, 60, (*shop).hurry},  // while others want something in a hurry
	{6 * time.Second, 1, (*shop).forget},
	{6 * time.Second, 1, (*shop).haveCoffee},
}

// The replica is dead for as long every time.
const (
	incidentEvery = 15 * time.Second
	incidentLasts = 4 * time.Second
)

// work lets everybody follow their habits until ctx ends.
func (s *shop) work(ctx context.Context, servers *servers) {
	var running sync.WaitGroup
	defer running.Wait()
	for _, h := range habits {
		running.Go(func() {
			again(ctx, h.every, func() {
				for range h.atOnce {
					// A goroutine for each request, which ends with it, as in net/http. What becomes of it, the metrics tell.
					running.Go(func() { _ = h.request(s, routing.NewSession(ctx)) })
				}
			})
		})
	}
	running.Go(func() {
		again(ctx, incidentEvery, func() {
			if servers.kill() != nil {
				return
			}
			pause(ctx, incidentLasts)
			_ = servers.revive() // where it fails, the panels show that it is dead
		})
	})
}

// look is a read, which a replica may answer.
func (s *shop) look(ctx context.Context) error {
	var name string
	return s.db.QueryRowContext(ctx, "select name from goods where id = $1", 1+s.numbers.Add(1)%1000).Scan(&name)
}

// order is a transaction on the primary.
func (s *shop) order(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "insert into orders (good) values ($1)", 1+s.numbers.Add(1)%1000); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, "update goods set name = name where id = $1", 1+s.numbers.Add(1)%1000); err != nil {
		return err
	}
	return tx.Commit()
}

// report is slow.
func (s *shop) report(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "select count(*), pg_sleep(0.2) from orders")
	return err
}

// switchTenant leaves a setting and a lock behind, which the next borrower must not find.
func (s *shop) switchTenant(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "set app.tenant = 'blue'"); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, "select pg_advisory_lock_shared(7)")
	return err
}

// sortOut leaves a temporary table behind. It can wait for people.
func (s *shop) sortOut(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "create temporary table sorted as select * from goods where id < 10 /* pool:class=cleaning */")
	return err
}

// orderTwice fails.
func (s *shop) orderTwice(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "insert into goods values (1, 'a second one')")
	return err
}

// giveUp is not patient enough for a report.
func (s *shop) giveUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	return s.report(ctx)
}

// hurry is a look that has as much time as a report takes, more or less, so that some are too late by the time when it is their turn.
func (s *shop) hurry(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(190+s.numbers.Add(1)%60)*time.Millisecond)
	defer cancel()
	return s.look(ctx)
}

// crash ends its connection.
func (s *shop) crash(ctx context.Context) error {
	_, err := s.db.ExecContext(ctx, "select pg_terminate_backend(pg_backend_pid())")
	return err
}

// forget never closes its rows, and its goroutine ends. A real service would not know of them: the shop does, so that it can close them in the end.
func (s *shop) forget(context.Context) error {
	rows, err := s.db.Query("select name from goods limit 2") //nolint:rowserrcheck,sqlclosecheck // the bug
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgotten = append(s.forgotten, rows)
	return nil
}

// haveCoffee does nothing for long with a connection in its hands.
func (s *shop) haveCoffee(ctx context.Context) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "select count(*) from orders"); err != nil {
		return err
	}
	pause(ctx, 4*time.Second)
	return tx.Commit()
}

// close gives back what was forgotten, so that db.Close closes every connection.
func (s *shop) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, rows := range s.forgotten {
		rows.Close() // those that were reclaimed say so
	}
}

// again does something now, and then every so often, until ctx ends.
func again(ctx context.Context, every time.Duration, f func()) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for ctx.Err() == nil {
		f()
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
