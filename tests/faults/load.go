package main

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"
)

const (
	callTimeout  = 2 * time.Second       // of each call's context
	readFor      = 20 * time.Millisecond // how long a reader works on its rows, and so keeps its connection
	thinkTime    = 20 * time.Millisecond // between two calls, so that some connections are idle
	pauseOnError = 10 * time.Millisecond // after an error, so that an open breaker is not asked all the time
)

// phase is what the server is like when a call begins.
type phase int32

const (
	before phase = iota
	during
	after // the server answers again
	phases
)

// call is one call of a worker, and what came of it.
type call struct {
	id         int64 // of the ledger; 0: a read
	phase      phase
	begin, end time.Time
	kind       string    // of the error; empty: it succeeded
	dialled    time.Time // when the connection was dialled that it used last; zero: it got none
}

// callKey finds the call in its context.
type callKey struct{}

// load is workers that call a database. Every second call is a write.
type load struct {
	family *family
	think  time.Duration // of each worker between two calls
	db     *sql.DB
	phase  atomic.Int32
	stop   chan struct{}
	work   sync.WaitGroup
	calls  [][]call // of each worker, which alone may look before the end

	succeeded [phases]atomic.Int64 // calls that began in a phase
	met       atomic.Int64         // workers with a call that failed since the fault began
}

// newLoad starts the workers. The caller ends them.
func newLoad(f *family, db *sql.DB, workers int, think time.Duration) *load {
	l := &load{family: f, think: think, db: db, stop: make(chan struct{}), calls: make([][]call, workers)}
	for w := range workers {
		l.work.Go(func() { l.worker(w) })
	}
	return l
}

// end lets the calls under way end, and returns all.
func (l *load) end() (all []call) {
	close(l.stop)
	l.work.Wait()
	for _, calls := range l.calls {
		all = append(all, calls...)
	}
	return all
}

// worker makes one call after the other.
func (l *load) worker(w int) {
	met := false
	for n := int64(1); ; n++ {
		c := call{phase: phase(l.phase.Load())}
		if n%2 == 0 {
			c.id = int64(w)<<32 | n
		}
		l.do(&c)
		l.calls[w] = append(l.calls[w], c)
		rest := l.think
		if c.kind == "" {
			l.succeeded[c.phase].Add(1)
		} else {
			rest = pauseOnError
			if !met && phase(l.phase.Load()) != before {
				met = true
				l.met.Add(1)
			}
		}
		select {
		case <-l.stop:
			return
		case <-time.After(rest):
		}
	}
}

// do makes a call.
func (l *load) do(c *call) {
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), callKey{}, c), callTimeout)
	defer cancel()
	c.begin = time.Now()
	var err error
	if c.id != 0 {
		_, err = l.db.ExecContext(ctx, l.family.insert, c.id)
	} else {
		err = l.read(ctx)
	}
	c.end = time.Now()
	if err != nil {
		c.kind = kindOf(err)
	}
}

// read looks something up, and works on the rows for a while.
func (l *load) read(ctx context.Context) error {
	rows, err := l.db.QueryContext(ctx, l.family.read, 1)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return err
		}
		select {
		case <-time.After(readFor):
		case <-ctx.Done():
		}
	}
	return rows.Err()
}
