package reset

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/policy"
)

// What costs sessions more than it might is logged once, by the reason that the dialect gives. What is not logged yet costs a lock, which no session takes
// that is clean or undone one by one.

const (
	// mostTold is how many reasons are logged. A program that has more of them has no use for the rest.
	mostTold = 100
	// toldAtOnce is how many are logged however soon they come one after the other, as the log would leave others out; those that are not wait until
	// they come again.
	toldAtOnce = 15
	// toldEvery is how soon the next one is logged.
	toldEvery = time.Second
)

// told is what was logged.
type told struct {
	mu      sync.Mutex // guards what follows
	reasons map[string]bool
	last    time.Time // when the last one was
}

// isNew reports whether a reason is to be logged now, and notes that it was; last says that it is the first one beyond the limit.
func (t *told) isNew(what string, now time.Time) (isNew, last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(t.reasons)
	switch {
	case what == "" || t.reasons[what] || n > mostTold:
		return false, false
	case n >= toldAtOnce && now.Sub(t.last) < toldEvery:
		return false, false
	case t.reasons == nil:
		t.reasons = map[string]bool{}
	}
	t.reasons[what], t.last = true, now
	return n < mostTold, n == mostTold
}

// isNewReason reports whether a reason is to be logged. When there are too many, that is logged instead.
func (r *Reset) isNewReason(what string) bool {
	if !r.judges() {
		return false
	}
	isNew, last := r.told.isNew(what, time.Now())
	if last {
		r.Logger.Warn("pooled: sessions are reset in full or closed for more reasons than are told", "endpoint", r.Endpoint, "limit", mostTold)
	}
	return isNew
}

// tellReset logs why a session was reset in full.
func (r *Reset) tellReset(why dialect.Reason) {
	if why.What != "" && r.isNewReason(why.What) { // the first one needs no lock
		r.Logger.LogAttrs(context.Background(), slog.LevelInfo, "pooled: a statement may have left anything in its session: each session that runs it is reset in full", reasonAttributes(r.Endpoint, why)...)
	}
}

// tellClosed logs why a connection is closed.
func (r *Reset) tellClosed(why dialect.Reason) {
	if why.What != "" && r.isNewReason(why.What) {
		r.Logger.LogAttrs(context.Background(), slog.LevelWarn, "pooled: nobody can undo what a statement may have left in its session: the connection of each session that runs it is closed", reasonAttributes(r.Endpoint, why)...)
	}
}

// reasonAttributes is a reason for the log.
func reasonAttributes(endpoint string, why dialect.Reason) []slog.Attr {
	attributes := []slog.Attr{slog.String("endpoint", endpoint), slog.String("why", why.What)}
	if c := cure(why); c != "" {
		attributes = append(attributes, slog.String("cure", c))
	}
	return attributes
}

// declared is what the policy declares, and who is told what the catalogue shows.
func (r *Reset) declared() dialect.Declared {
	d := dialect.Declared{Missing: r.tellMissing, Global: r.tellGlobal, Unseen: r.tellUnseen}
	for _, routine := range r.Policy.Harmless {
		d.Harmless = append(d.Harmless, dialect.Routine(routine))
	}
	return d
}

// tellMissing logs that a routine which is declared to be harmless does not exist.
func (r *Reset) tellMissing(routine dialect.Routine) {
	name := policy.Routine(routine).String()
	if r.isNewReason("pool_harmless=" + name) {
		r.Logger.Warn("pooled: pool_harmless names a routine that the server does not have, or does not show to the user", "endpoint", r.Endpoint, "routine", name)
	}
}

// tellGlobal logs what costs something though no statement names it.
func (r *Reset) tellGlobal(why dialect.Reason, statements string) {
	if r.isNewReason(why.What) {
		r.Logger.LogAttrs(context.Background(), slog.LevelWarn, "pooled: the server may run something that statements do not name: each session that runs them is reset in full",
			globalAttributes(r.Endpoint, why, statements)...)
	}
}

// tellUnseen logs that nobody knows what triggers do.
func (r *Reset) tellUnseen(database, cure string) {
	if r.isNewReason("unseen triggers of " + database) {
		r.Logger.Info("pooled: the user may not see the triggers of a database: sessions that write to its tables are taken for clean, whatever triggers leave in them",
			"endpoint", r.Endpoint, "database", database, "cure", cure)
	}
}

// globalAttributes is such a reason for the log.
func globalAttributes(endpoint string, why dialect.Reason, statements string) []slog.Attr {
	attributes := []slog.Attr{slog.String("endpoint", endpoint), slog.String("why", why.What), slog.String("statements", statements)}
	if c := cure(why); c != "" {
		attributes = append(attributes, slog.String("cure", c))
	}
	return attributes
}

// cure says what to do about a reason, as far as that is known.
func cure(why dialect.Reason) string {
	declare := ""
	if why.Routine != (dialect.Routine{}) {
		declare = "pool_harmless=" + policy.Routine(why.Routine).String() + " if it leaves nothing in the session"
	}
	switch {
	case declare == "":
		return why.Cure
	case why.Cure == "":
		return declare
	default:
		return why.Cure + ", or " + declare
	}
}
