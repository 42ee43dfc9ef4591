package middleware

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gopooled/pooled/policy"
)

// Factory makes a middleware for one connector from its settings. It is called once for each connector that names it
// in pool_use, before the first connection.
type Factory func(cfg policy.Config) (Middleware, error)

var registry = struct {
	sync.RWMutex
	factories map[string]Factory
}{factories: map[string]Factory{}}

// Register makes a middleware available to pool_use under a name. Like sql.Register it is meant to be called
// from an init function or early in main, and it panics when the name is empty, the factory nil, or the name taken.
func Register(name string, factory Factory) {
	if name == "" || strings.ContainsAny(name, ", \t\n") {
		panic(fmt.Sprintf("pooled: %q cannot name a middleware: it must not be empty, nor hold commas or spaces", name))
	}
	if factory == nil {
		panic("pooled: the factory of middleware " + name + " is nil")
	}
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.factories[name]; taken {
		panic("pooled: a middleware named " + name + " is registered already")
	}
	registry.factories[name] = factory
}

// New makes the registered middlewares that cfg.Use names, in that order.
func New(cfg policy.Config) ([]Middleware, error) {
	made := make([]Middleware, 0, len(cfg.Use))
	for _, name := range cfg.Use {
		registry.RLock()
		factory := registry.factories[name]
		registry.RUnlock()
		if factory == nil {
			return nil, fmt.Errorf("pooled: pool_use names the middleware %q, which is not registered (%s): "+
				"call pooled.RegisterMiddleware first", name, registered())
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

// registered lists the names for an error message.
func registered() string {
	registry.RLock()
	defer registry.RUnlock()
	if len(registry.factories) == 0 {
		return "none are"
	}
	return "registered: " + strings.Join(slices.Sorted(maps.Keys(registry.factories)), ", ")
}
