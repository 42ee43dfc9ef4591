package gate

import (
	"context"
	"sync"
)

// caller is who wants a permit.
type caller struct {
	class  string // one of the gate's, or empty
	tenant string // whose call it is; empty: nobody's in particular
}

type (
	classKey  struct{}
	tenantKey struct{}
)

// WithClass has the calls of a context belong to a class.
func WithClass(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, classKey{}, name)
}

// NamesClass reports whether the calls of a context belong to a class.
func NamesClass(ctx context.Context) bool {
	name, _ := ctx.Value(classKey{}).(string)
	return name != ""
}

// WithTenant has the calls of a context belong to a tenant.
func WithTenant(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, tenantKey{}, name)
}

// callerOf tells who calls.
func (g *Gate) callerOf(ctx context.Context) caller {
	tenant, _ := ctx.Value(tenantKey{}).(string)
	if tenant == "" {
		tenant = g.Tenant
	}
	class, _ := ctx.Value(classKey{}).(string)
	if class != "" && g.shares.find(class).Name != class {
		g.strangers.tell(class, g.Unknown)
		class = ""
	}
	if class == "" {
		class = g.Class
	}
	return caller{class, tenant}
}

// strangers are the names that somebody was told of.
type strangers struct {
	mu   sync.Mutex // guards what follows
	told map[string]bool
}

// mostStrangers is of how many names somebody is told: who makes them up for each call makes any number of them.
const mostStrangers = 16

func (s *strangers) tell(name string, who func(string)) {
	if who == nil {
		return
	}
	s.mu.Lock()
	isNew := !s.told[name] && len(s.told) < mostStrangers
	if isNew {
		if s.told == nil {
			s.told = map[string]bool{}
		}
		s.told[name] = true
	}
	s.mu.Unlock()
	if isNew {
		who(name)
	}
}
