package reset

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/gopooled/pooled/middleware"
)

// audit asks the server whether resets forget anything, by comparing what it tells of a session with what it told of the first
// one that was dialled.
type audit struct{ resets atomic.Uint64 }

// check audits one reset in pool_reset_audit, and reports what it finds. The values are not shown: they are a borrower's own.
func (a *audit) check(ctx context.Context, r *Reset, event *middleware.Release) reason {
	fresh := r.fresh.Load()
	if r.Policy.Audit == 0 || fresh == nil || fresh.state == nil || a.resets.Add(1)%uint64(r.Policy.Audit) != 0 {
		return none
	}
	left, err := r.Sessions.Leftovers(ctx, event.Conn.Real())
	if err != nil {
		return failed
	}
	names := differences(fresh.state, left)
	if len(names) == 0 {
		return none
	}
	r.counters.auditFailures.Add(1)
	r.Logger.Error("pooled: a session was not clean after its reset; its connection is closed",
		"endpoint", event.Conn.Endpoint().Name, "connection", event.Conn.ID(), "leftovers", names)
	return unclean
}

// differences lists what the server told differently of two sessions, sorted.
func differences(fresh, left map[string]string) []string {
	var names []string
	for name, value := range left {
		if was, ok := fresh[name]; !ok || was != value {
			names = append(names, name)
		}
	}
	for name := range fresh {
		if _, ok := left[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
