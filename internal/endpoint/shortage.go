package endpoint

import (
	"context"
	"sync"
	"time"
)

// shortageOver is for how long nobody has gone without a connection when a shortage is over.
const shortageOver = 10 * time.Second

// shortage is a time in which callers go without a connection, because all are taken: each of them gets an error, which its program may keep to itself, and the
// operator is told once when it begins, and once when it is over.
type shortage struct {
	mu       sync.Mutex // guards what follows
	since    int64      // stamp: when it began; 0: there is none
	last     int64      // stamp: when somebody went without one last
	timeouts int        // those who have waited in vain
	refused  int        // those who were not to wait (pool_shed, pool_max_waiters)
}

// note counts somebody who goes without a connection, and reports whether the shortage begins with him.
func (s *shortage) note(now int64, refused bool) (begins bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if begins = s.since == 0; begins {
		s.since = now
	}
	s.last = now
	if refused {
		s.refused++
	} else {
		s.timeouts++
	}
	return begins
}

// end ends the shortage if nobody has gone without a connection for a while, and returns what it was.
func (s *shortage) end(now int64) (lasted time.Duration, timeouts, refused int, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since == 0 || time.Duration(now-s.last) < shortageOver {
		return 0, 0, 0, false
	}
	lasted, timeouts, refused = time.Duration(s.last-s.since), s.timeouts, s.refused
	s.since, s.timeouts, s.refused = 0, 0, 0
	return lasted, timeouts, refused, true
}

// tellShortage says that somebody got no permit: he has waited in vain, or was refused.
func (e *Endpoint) tellShortage(ctx context.Context, refused bool) {
	if !e.shortage.note(e.now(), refused) {
		return
	}
	queue := e.gate.Counts()
	held, oldest := e.held()
	e.Logger.WarnContext(ctx, "pooled: callers go without a connection: all are taken, for longer than they can wait", "endpoint", e.info.Name,
		"in_use", held, "max_conns", e.Limit(), "waiting", queue.Waiting, "oldest_held", oldest)
}

// tellShortageOver says that there is enough again.
func (e *Endpoint) tellShortageOver() {
	if lasted, timeouts, refused, over := e.shortage.end(e.now()); over {
		e.Logger.Info("pooled: callers get connections again", "endpoint", e.info.Name, "lasted", lasted, "timed_out", timeouts, "refused", refused)
	}
}
