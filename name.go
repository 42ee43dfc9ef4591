package pooled

import (
	"cmp"
	"fmt"
	"sync"

	"github.com/gopooled/pooled/middleware"
)

// poolNames are the names of the pools of this program that are open.
var poolNames names

// names gives each pool a name that no other open pool has. The zero value is ready to use, and it is safe for concurrent use.
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

// keep takes a name again for the pool that had it before it was closed. Another one may have it by now, and keeps it too.
func (n *names) keep(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addLocked(name)
}

func (n *names) addLocked(name string) {
	if n.taken == nil {
		n.taken = map[string]int{}
	}
	n.taken[name]++
}

// free says that a pool with this name was closed.
func (n *names) free(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.taken[name]--; n.taken[name] <= 0 {
		delete(n.taken, name)
	}
}

// derivedName is what a pool is called that has no pool_name, as the semantic conventions propose it: host:port/database. Of several servers the first counts.
func derivedName(first *middleware.Endpoint) string {
	if first.Database == "" {
		return first.Name
	}
	return first.Name + "/" + first.Database
}

// takeName gives the pool of these servers its name.
func takeName(cfg Config, servers []*server) string {
	name := poolNames.take(cmp.Or(cfg.Name, derivedName(servers[0].info)))
	for _, s := range servers {
		s.info.Pool = name
	}
	return name
}
