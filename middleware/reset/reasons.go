package reset

import (
	"sync"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/policy"
)

// told is what was logged of what is logged once.
type told struct {
	mu      sync.Mutex // guards what follows
	reasons map[string]bool
}

// isNew reports whether something was not logged yet, and notes that it was.
func (t *told) isNew(what string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reasons == nil {
		t.reasons = map[string]bool{}
	}
	isNew := !t.reasons[what]
	t.reasons[what] = true
	return isNew
}

// declared is what the policy declares, and who is told what the catalogue shows.
func (r *Reset) declared() dialect.Declared {
	d := dialect.Declared{Missing: r.tellMissing}
	for _, routine := range r.Policy.Harmless {
		d.Harmless = append(d.Harmless, dialect.Routine(routine))
	}
	return d
}

// tellMissing logs that a routine which is declared to be harmless does not exist.
func (r *Reset) tellMissing(routine dialect.Routine) {
	if name := policy.Routine(routine).String(); r.told.isNew(name) {
		r.Logger.Warn("pooled: pool_harmless names a routine that the server does not have, or does not show to the user", "endpoint", r.Endpoint, "routine", name)
	}
}
