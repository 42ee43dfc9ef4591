package routing

import (
	"context"
	"slices"
	"strings"

	"github.com/gopooled/pooled/internal/routecontext"
)

// Token writes down what the context's session has written, or may have seen on the primary, for another process, which continues the session with
// [WithToken]. It is short and can stand in a header or a cookie. Without a session, or if there is nothing to say, it is empty. What the session has
// seen on replicas is not in it.
//
// The position that the primary had after the last write is known some milliseconds later, see pool_monitor_burst. A token that was made earlier says
// only that something was written: its receiver reads from the primary until the replicas have everything of that moment.
func Token(ctx context.Context) string {
	s := routecontext.Of(ctx).Session
	if s == nil {
		return ""
	}
	s.Lock()
	states := slices.Clone(s.States)
	s.Unlock()
	for _, st := range states { // which marks the moment in the session, and locks it for that
		st.Settle()
	}
	s.Lock()
	defer s.Unlock()
	if len(s.States) == 0 {
		return s.Token
	}
	var parts []string
	for _, st := range s.States {
		if cluster, position, ok := st.Written(); ok {
			parts = append(parts, cluster, position)
		}
	}
	return strings.Join(parts, routecontext.TokenSeparator)
}

// WithToken continues a session of another process, or of an earlier request, as [NewSession] begins one. What is not a token of this cluster
// counts as one that says only that something was written.
func WithToken(ctx context.Context, token string) context.Context {
	s := routecontext.Of(ctx)
	s.Session = &routecontext.Session{Token: token}
	return routecontext.With(ctx, s)
}
