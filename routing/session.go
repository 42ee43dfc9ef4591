package routing

import (
	"context"
	"slices"
	"strings"
	"sync"
)

// Session is what a series of calls must see. The zero value has seen nothing. It is made by [NewSession] and [WithToken], and safe for
// concurrent use.
type Session struct {
	mu     sync.Mutex
	states []*sessionState // one for each pool that it was used with
	token  string          // not read yet by pools that are not in states
}

// sessionState is a session in one pool.
type sessionState struct {
	router *Router
	mark   int64 // stamp: what was written before must be seen
	// last is the replica that answered the last read, at readAt. Another one must have what that one may have had.
	last        *member
	incarnation uint64 // of last
	readAt      int64
}

// of returns the session's state in a pool. The caller holds mu.
func (s *Session) of(r *Router) *sessionState {
	for _, st := range s.states {
		if st.router == r {
			return st
		}
	}
	st := &sessionState{router: r}
	if s.token != "" {
		st.mark = r.markOf(s.token)
		r.outstanding(st.mark)
	}
	s.states = append(s.states, st)
	return st
}

// need is what a read of the session needs: any replica that has everything as of mark or, of the last one, only as of own.
func (s *Session) need(r *Router) (mark int64, last *member, own int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.of(r)
	if st.last != nil && st.incarnation == st.last.incarnation.Load() {
		return max(st.mark, st.readAt), st.last, st.mark
	}
	return max(st.mark, st.readAt), nil, 0
}

// wrote marks the moment.
func (s *Session) wrote(r *Router, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.of(r)
	st.mark = max(st.mark, now)
}

// read notes which replica has answered.
func (s *Session) read(r *Router, m *member, incarnation uint64, now int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.of(r)
	if st.last != nil && (st.last != m || st.incarnation != incarnation) {
		st.mark = max(st.mark, st.readAt) // what the other one has shown, this one may not have shown yet
	}
	st.last, st.incarnation, st.readAt = m, incarnation, max(st.readAt, now)
}

// Token writes down what the context's session has written, or may have seen on the primary, for another process, which continues the session with
// [WithToken]. It is short and can stand in a header or a cookie. Without a session, or if there is nothing to say, it is empty. What the session has
// seen on replicas is not in it.
//
// The position that the primary had after the last write is known some milliseconds later, see pool_monitor_burst. A token that was made earlier says
// only that something was written: its receiver reads from the primary until the replicas have everything of that moment.
func Token(ctx context.Context) string {
	s := optionsOf(ctx).session
	if s == nil {
		return ""
	}
	s.markUnsettled()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.states) == 0 {
		return s.token
	}
	var parts []string
	for _, st := range s.states {
		if st.mark != 0 {
			parts = append(parts, st.router.clusterName(), st.router.positionOf(st.mark))
		}
	}
	return strings.Join(parts, tokenSeparator)
}

// markUnsettled marks the moment for calls of the session that may have committed by now, in each pool that it was used with.
func (s *Session) markUnsettled() {
	s.mu.Lock()
	states := slices.Clone(s.states) // marking takes the lock again
	s.mu.Unlock()
	for _, st := range states {
		st.router.markUnsettled()
	}
}

const (
	// tokenSeparator stands between the parts of a token: a cluster and a position, for each pool.
	tokenSeparator = "|"
	// longestToken is the longest token that is read: who writes a longer one has not got it from here.
	longestToken = 4 << 10
	// tokenNow stands for a position that is not known yet.
	tokenNow = "now"
)

// WithToken continues a session of another process, or of an earlier request, as [NewSession] begins one. What is not a token of this cluster
// counts as one that says only that something was written.
func WithToken(ctx context.Context, token string) context.Context {
	o := optionsOf(ctx)
	o.session = &Session{token: token}
	return with(ctx, o)
}

// markOf turns a token into a mark of this process.
func (r *Router) markOf(token string) int64 {
	if len(token) > longestToken {
		return r.now()
	}
	parts := strings.Split(token, tokenSeparator)
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
