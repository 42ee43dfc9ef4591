package main

import (
	"context"
	"database/sql"
	"sync"
	"time"
)

// A burst is 20 requests that come at the same moment, as when many users open a page. Then there is a pause.
const (
	bursts   = 50
	requests = 20
	pause    = 2 * time.Millisecond
	ownWork  = time.Millisecond
)

// side is one of the two that are compared: a database, and what happened on it.
type side struct {
	name string
	db   *sql.DB

	time  time.Duration // of all bursts, without the pauses
	dials int

	mu      sync.Mutex // guards what follows
	waited  time.Duration
	longest time.Duration
}

// burst sends 20 requests at once and waits until all are answered.
func (s *side) burst(ctx context.Context) error {
	errs := make([]error, requests)
	var running sync.WaitGroup
	start := time.Now()
	for i := range requests {
		running.Go(func() { errs[i] = s.request(ctx) })
	}
	running.Wait()
	s.time += time.Since(start)
	time.Sleep(pause)
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// request does what a request does in many programs: a transaction that reads, some work of the program's own, another read.
func (s *side) request(ctx context.Context) error {
	start := time.Now()
	tx, err := s.db.BeginTx(ctx, nil) // takes a connection, or dials one
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	s.note(time.Since(start))

	var one int
	if err := tx.QueryRowContext(ctx, "select 1").Scan(&one); err != nil {
		return err
	}
	time.Sleep(ownWork)
	if err := tx.QueryRowContext(ctx, "select 1").Scan(&one); err != nil {
		return err
	}
	return tx.Commit() // gives the connection back
}

// note adds up how long requests waited until they could begin.
func (s *side) note(wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waited += wait
	s.longest = max(s.longest, wait)
}
