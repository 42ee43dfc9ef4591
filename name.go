package pooled

import (
	"fmt"
	"sync"

	"github.com/gopooled/pooled/middleware"
)

// poolNames are the names of the pools of this program that are open.
var poolNames names

// names makes sure that no two open pools have one name. The zero value is ready to use, and it is safe for concurrent use.
type names struct {
	mu    sync.Mutex // guards what follows
	taken map[string]int
}

// take returns the name that is wanted or, if a pool has it already, that name with #2, or the next number that is free.
func (n *names) take(wanted string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := wanted
	for i := 2; n.taken[name] > 0; i++ {
		name = fmt.Sprintf("%s#%d", wanted, i)
	}
	n.addLocked(name)
	return name
}

// keep takes names again for the pool that had them before it was closed. Another one may have them by now, and keeps them too.
func (n *names) keep(kept []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range kept {
		n.addLocked(name)
	}
}

func (n *names) addLocked(name string) {
	if n.taken == nil {
		n.taken = map[string]int{}
	}
	n.taken[name]++
}

// free says that the pool with these names was closed.
func (n *names) free(kept []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range kept {
		if n.taken[name]--; n.taken[name] <= 0 {
			delete(n.taken, name)
		}
	}
}

// takeNames names the connections to each of these servers, as metrics tell them: each server has a limit and a queue of its own, and so what others call a pool.
// It returns all that was taken. The first is the name of the pool: its own, or else that of its first server's connections.
func takeNames(own string, servers []*server) (taken []string) {
	if own == "" {
		for _, s := range servers {
			s.info.Pool = poolNames.take(derivedName(s.info))
			taken = append(taken, s.info.Pool)
		}
		return taken
	}
	name := poolNames.take(own)
	for _, s := range servers {
		if s.info.Pool = name; len(servers) > 1 {
			s.info.Pool += "/" + s.info.Name
		}
	}
	return []string{name}
}

// name is that of the pool.
func (c *Connector) name() string { return c.names[0] }

// derivedName is what the connections to a server are called, as the semantic conventions propose it: host:port/database.
func derivedName(s *middleware.Endpoint) string {
	if s.Database == "" {
		return s.Name
	}
	return s.Name + "/" + s.Database
}
