package router

import (
	"strings"

	"github.com/gopooled/pooled/internal/routecontext"
)

// sessionState is a session in one pool.
type sessionState struct {
	router *Router
	mark   int64 // stamp: what was written before must be seen
	// last is the replica that answered the last read, at readAt. Another one must have what that one may have had.
	last        *member
	incarnation uint64 // of last
	readAt      int64
}

var _ routecontext.State = (*sessionState)(nil)

// state returns a session's state in the pool. The caller has locked the session.
func (r *Router) state(s *routecontext.Session) *sessionState {
	for _, st := range s.States {
		if st, ok := st.(*sessionState); ok && st.router == r {
			return st
		}
	}
	st := &sessionState{router: r}
	if s.Token != "" {
		st.mark = r.markOf(s.Token)
		r.outstanding(st.mark)
	}
	s.States = append(s.States, st)
	return st
}

// seen is what a read of a session needs: any replica that has everything as of mark or, of the last one, only as of own.
func (r *Router) seen(s *routecontext.Session) (mark int64, last *member, own int64) {
	s.Lock()
	defer s.Unlock()
	st := r.state(s)
	if st.last != nil && st.incarnation == st.last.incarnation.Load() {
		return max(st.mark, st.readAt), st.last, st.mark
	}
	return max(st.mark, st.readAt), nil, 0
}

// hasWritten marks the moment for a session.
func (r *Router) hasWritten(s *routecontext.Session, now int64) {
	s.Lock()
	defer s.Unlock()
	st := r.state(s)
	st.mark = max(st.mark, now)
}

// hasRead notes for a session which replica has answered.
func (r *Router) hasRead(s *routecontext.Session, m *member, incarnation uint64, now int64) {
	s.Lock()
	defer s.Unlock()
	st := r.state(s)
	if st.last != nil && (st.last != m || st.incarnation != incarnation) {
		st.mark = max(st.mark, st.readAt) // what the other one has shown, this one may not have shown yet
	}
	st.last, st.incarnation, st.readAt = m, incarnation, max(st.readAt, now)
}

// Settle marks the moment for calls that may have committed by now.
func (st *sessionState) Settle() { st.router.markUnsettled() }

// Written is what the session has written, or may have seen on the primary.
func (st *sessionState) Written() (cluster, position string, ok bool) {
	if st.mark == 0 {
		return "", "", false
	}
	return st.router.clusterName(), st.router.positionOf(st.mark), true
}

const (
	// longestToken is the longest token that is read: who writes a longer one has not got it from here.
	longestToken = 4 << 10
	// tokenNow stands for a position that is not known yet.
	tokenNow = "now"
)

// markOf turns a token into a mark of this process.
func (r *Router) markOf(token string) int64 {
	if len(token) > longestToken {
		return r.now()
	}
	parts := strings.Split(token, routecontext.TokenSeparator)
	r.mu.Lock()
	defer r.mu.Unlock()
	found := false
	for i := 0; i+1 < len(parts); i += 2 {
		if parts[i] != r.cluster {
			continue
		}
		found = true
		if p, err := r.Cluster.Position(parts[i+1]); err == nil {
			if at, known := r.samples.covering(p); known {
				return at
			}
		}
	}
	if !found && len(parts) > 1 && len(parts)%2 == 0 && r.cluster != "" {
		return 0 // it is about other clusters
	}
	return r.now() // it was written before the token came here
}

// positionOf writes the position that the primary had told at or after the mark.
func (r *Router) positionOf(mark int64) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.samples.after(mark); p != nil {
		return p.String()
	}
	return tokenNow
}

func (r *Router) clusterName() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cluster
}
