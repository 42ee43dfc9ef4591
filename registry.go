package pooled

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// registry has the middlewares of the program by their names.
var registry = struct {
	sync.RWMutex
	factories map[string]func(Config) (Middleware, error)
}{factories: map[string]func(Config) (Middleware, error){}}

// RegisterMiddleware makes a middleware available to DSNs as pool_use=name. It is meant for init functions and the beginning of main, and panics when the name is
// empty or taken, or has a comma or a space in it, and when the factory is nil. The factory runs once for each connector that names the middleware, before its first connection.
func RegisterMiddleware(name string, factory func(cfg Config) (Middleware, error)) {
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

// used makes the registered middlewares that cfg.Use names, in that order.
func used(cfg Config) ([]Middleware, error) {
	made := make([]Middleware, 0, len(cfg.Use))
	for _, name := range cfg.Use {
		registry.RLock()
		factory := registry.factories[name]
		registry.RUnlock()
		if factory == nil {
			return nil, misconfigured("pooled: pool_use names the middleware %q, which is not registered (%s): "+
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
