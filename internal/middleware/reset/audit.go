package reset

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// audits counts the sessions of which some are audited. An audit asks the server whether resets forget anything, and whether sessions are rightly judged
// clean, by comparing what it tells of a session with what it told of the first one that was dialled.
type audits struct{ reset, clean atomic.Uint64 }

// isAudited reports whether the next of the sessions that n counts is to be audited: one in pool_reset_audit.
func (r *Reset) isAudited(n *atomic.Uint64) bool {
	return r.Policy.Audit > 0 && n.Add(1)%uint64(r.Policy.Audit) == 0
}

// audit reports what is left of a session that counts as clean. The values are not shown: they are a borrower's own.
func (r *Reset) audit(ctx context.Context, event *middleware.Release, wasReset bool) reason {
	baseline, conn := r.baseline.Load(), event.Conn
	if baseline == nil || baseline.state == nil || conn.DialledAt().Before(baseline.at) || conn.Changes().Way == dialect.Proxied {
		return none // nobody knows what it began with
	}
	limited, cancel := r.limit(ctx)
	defer cancel()
	left, err := r.leftovers(limited, conn)
	if err != nil {
		if r.isNews(ctx, err) {
			r.Logger.Warn("pooled: a session could not be audited; its connection is closed", "endpoint", conn.Endpoint().Name,
				"connection", conn.ID(), "error", err)
		}
		return failed
	}
	names := differences(baseline.state, left)
	if len(names) == 0 {
		return none
	}
	r.counters.auditFailures.Add(1)
	if wasReset {
		r.Logger.Error("pooled: a session was not clean after its reset; its connection is closed",
			"endpoint", conn.Endpoint().Name, "connection", conn.ID(), "leftovers", names)
	} else {
		r.Logger.Error("pooled: a session was judged clean by its statements, and was not; its connection is closed",
			"endpoint", conn.Endpoint().Name, "connection", conn.ID(), "leftovers", names)
	}
	return unclean
}

// leftovers asks the server what it tells of a session, without what was left on purpose.
func (r *Reset) leftovers(ctx context.Context, conn middleware.ServerConn) (map[string]string, error) {
	if conn.Changes().Inherited != 0 {
		if err := r.undoInherited(ctx, conn); err != nil {
			return nil, err
		}
	}
	return r.Sessions.Leftovers(ctx, conn.Real())
}

// differences lists what the server told differently of two sessions, sorted.
func differences(baseline, left map[string]string) []string {
	var names []string
	for name, value := range left {
		if was, ok := baseline[name]; !ok || was != value {
			names = append(names, name)
		}
	}
	for name := range baseline {
		if _, ok := left[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
