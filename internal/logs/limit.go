package logs

import (
	"log/slog"
	"sync"
	"time"
)

const (
	burst     = 20          // so many records of a kind pass at once: each of the first leaks has its own stack to show
	every     = time.Second // and then one in this time
	mostKinds = 2048        // more than pooled has messages for 64 endpoints
)

// kind is what one limit is for.
type kind struct {
	level             slog.Level
	message, endpoint string
}

// limits are those of all kinds.
type limits struct {
	mu    sync.Mutex // guards what follows
	kinds map[kind]*limit
}

// limit is an allowance of burst records, of which one comes back in every.
type limit struct {
	whole      time.Time // when the allowance is whole again
	suppressed uint64    // since the last record that passed
}

// pass reports whether a record may be written now, and how many of its kind were not since the last one.
func (l *limits) pass(k kind, now time.Time) (ok bool, suppressed uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of(k).pass(now)
}

// of finds the limit of a kind. Those that there is no room for share one.
func (l *limits) of(k kind) *limit {
	if l.kinds[k] == nil && len(l.kinds) >= mostKinds {
		k = kind{}
	}
	if l.kinds[k] == nil {
		l.kinds[k] = &limit{}
	}
	return l.kinds[k]
}

func (l *limit) pass(now time.Time) (ok bool, suppressed uint64) {
	if l.whole.Before(now) {
		l.whole = now
	}
	if l.whole.Sub(now) > (burst-1)*every {
		l.suppressed++
		return false, 0
	}
	l.whole = l.whole.Add(every)
	suppressed, l.suppressed = l.suppressed, 0
	return true, suppressed
}
