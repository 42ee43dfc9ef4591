package pooled

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
)

// registry has what the program has registered of one kind, by name. It is safe for concurrent use.
type registry[T any] struct {
	kind     string // "middleware"
	key      string // of DSNs that name one
	register string // the function that adds one

	mu     sync.RWMutex // guards what follows
	byName map[string]T
}

// What DSNs can name.
var (
	middlewareRegistry = registry[func(Config) (Middleware, error)]{
		kind: "middleware", key: "pool_use", register: "pooled.RegisterMiddleware",
	}
	credentialsRegistry = registry[func(ctx context.Context, endpoint string) (Credentials, error)]{
		kind: "source of credentials", key: "pool_credentials", register: "pooled.RegisterCredentials",
	}
	dialerRegistry = registry[func(ctx context.Context, network, address string) (net.Conn, error)]{
		kind: "dialer", key: "pool_dialer", register: "pooled.RegisterDialer",
	}
)

// RegisterMiddleware makes a middleware available to DSNs as pool_use=name. It is meant for init functions and the beginning of main, and panics when the name is
// empty or taken, or has a comma or a space in it, and when the factory is nil. The factory runs once for each connector that names the middleware, before its first connection.
func RegisterMiddleware(name string, factory func(cfg Config) (Middleware, error)) {
	middlewareRegistry.add(name, factory, factory == nil)
}

// RegisterCredentials makes a function available to DSNs as pool_credentials=name: see Config.Credentials. It is meant for init functions and the beginning of main, and
// panics when the name is empty or taken, or has a comma or a space in it, and when the function is nil.
func RegisterCredentials(name string, ask func(ctx context.Context, endpoint string) (Credentials, error)) {
	credentialsRegistry.add(name, ask, ask == nil)
}

// RegisterDialer makes a function available to DSNs as pool_dialer=name: see Config.Dial. It is meant for init functions and the beginning of main, and panics when the name is
// empty or taken, or has a comma or a space in it, and when the function is nil.
func RegisterDialer(name string, dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	dialerRegistry.add(name, dial, dial == nil)
}

// add takes one, or panics.
func (r *registry[T]) add(name string, what T, isNil bool) {
	if name == "" || strings.ContainsAny(name, ", \t\n") {
		panic(fmt.Sprintf("pooled: %q cannot name a %s: it must not be empty, nor hold commas or spaces", name, r.kind))
	}
	if isNil {
		panic("pooled: what " + r.register + " is given for " + name + " is nil")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, taken := r.byName[name]; taken {
		panic("pooled: a " + r.kind + " named " + name + " is registered already")
	}
	if r.byName == nil {
		r.byName = map[string]T{}
	}
	r.byName[name] = what
}

// find returns the one with that name.
func (r *registry[T]) find(name string) (T, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	what, ok := r.byName[name]
	if !ok {
		known := "none is"
		if len(r.byName) > 0 {
			known = "registered: " + strings.Join(slices.Sorted(maps.Keys(r.byName)), ", ")
		}
		return what, misconfigured("pooled: %s names the %s %q, which is not registered (%s): call %s first", r.key, r.kind, name, known, r.register)
	}
	return what, nil
}

// used makes the registered middlewares that cfg.Use names, in that order.
func used(cfg Config) ([]Middleware, error) {
	made := make([]Middleware, 0, len(cfg.Use))
	for _, name := range cfg.Use {
		factory, err := middlewareRegistry.find(name)
		if err != nil {
			return nil, err
		}
		m, err := factory(cfg)
		if err != nil {
			return nil, fmt.Errorf("pooled: middleware %q: %w", name, err)
		}
		if m.Name == "" {
			m.Name = name
		}
		made = append(made, m)
	}
	return made, nil
}
