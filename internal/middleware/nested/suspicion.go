package nested

import (
	"maps"
	"slices"
	"time"

	"github.com/gopooled/pooled/internal/goroutines"
)

// suspicion is what is to be seen of a deadlock without stopping the program: at some servers all permits are taken by connections that nothing happens on, and of those
// who hold them some wait for one more.
//
// It is right if the same is seen again a moment later, and if a dump of all goroutines then shows that each holder waits at the gate of such a server, and that nobody may
// help: see [evidence].
type suspicion struct {
	full    map[int][]Holding // by the servers
	waiting map[uint64]*waiting
	queued  int // who waits for a permit of these servers, whether it holds something or not
}

// suspect looks at the connections in use. nil: there is nothing to be suspected.
func (n *Nested) suspect() *suspicion {
	n.mu.Lock()
	s := &suspicion{full: map[int][]Holding{}, waiting: maps.Clone(n.waiting)}
	n.mu.Unlock()
	for _, w := range s.waiting {
		if _, looked := s.full[w.server]; looked {
			continue
		}
		server := &n.Servers[w.server]
		taken, queued := server.Queue()
		if queued == 0 {
			continue
		}
		if all := server.Holdings(); len(all) == taken && !slices.ContainsFunc(all, func(h Holding) bool { return h.moves() || n.endsSooner(&h, s.waiting[h.Goroutine]) }) {
			slices.SortFunc(all, byConn)
			s.full[w.server] = all
		}
	}
	s.narrow(func(goroutine uint64) bool { return s.waits(goroutine) || s.mayStand() })
	if len(s.full) == 0 {
		return nil
	}
	for server := range s.full {
		_, queued := n.Servers[server].Queue()
		s.queued += queued
	}
	return s
}

// moves reports whether something happens on a connection, or is about to, whatever its holder does.
func (h Holding) moves() bool {
	return h.Busy || h.Reading || h.Goroutine == 0 || h.User != h.Goroutine || h.isOver()
}

// endsSooner reports whether a connection is given back by itself, at the deadline of its rows, while its holder still waits. A transaction fails then, so that its
// holder may as well be refused.
func (n *Nested) endsSooner(h *Holding, w *waiting) bool {
	at := deadline(h.ends())
	return !h.InTx && !at.IsZero() && w != nil && compareEnds(at, n.ends(w)) < 0
}

func byConn(a, b Holding) int { return int(a.ID) - int(b.ID) }

// waits reports whether a goroutine waits for a connection of a server that is full.
func (s *suspicion) waits(goroutine uint64) bool {
	w := s.waiting[goroutine]
	return w != nil && s.full[w.server] != nil
}

// mayStand reports whether a goroutine may stand behind one that waits, without waiting for a connection itself.
func (s *suspicion) mayStand() bool {
	for _, w := range s.waiting {
		if s.waits(w.goroutine) && othersStandBehind(w.stack) {
			return true
		}
	}
	return false
}

// narrow leaves out the servers of which somebody holds a connection and is not stuck, and so on until there is none: who waits at a server that is left out is not stuck
// either.
func (s *suspicion) narrow(isStuck func(goroutine uint64) bool) {
	for changed := true; changed; {
		changed = false
		for server, all := range s.full {
			if slices.ContainsFunc(all, func(h Holding) bool { return !isStuck(h.Goroutine) }) {
				delete(s.full, server)
				changed = true
			}
		}
	}
}

// isSame reports whether nothing has happened between two looks.
func (s *suspicion) isSame(before *suspicion) bool {
	if before == nil || len(s.full) != len(before.full) {
		return false
	}
	for server, all := range s.full {
		if !slices.EqualFunc(all, before.full[server], func(a, b Holding) bool { return a.ID == b.ID && a.Borrow == b.Borrow && a.Version == b.Version }) {
			return false
		}
		for _, h := range all {
			if s.waiting[h.Goroutine] != before.waiting[h.Goroutine] {
				return false
			}
		}
	}
	return true
}

// isOlder reports whether a goroutine has waited for one thing since before the connections were borrowed: nobody can have handed it any of them.
func (s *suspicion) isOlder(g goroutines.Goroutine) bool {
	if g.Minutes == 0 {
		return false
	}
	for _, all := range s.full {
		if slices.ContainsFunc(all, func(h Holding) bool { return h.For >= time.Duration(g.Minutes)*time.Minute }) {
			return false
		}
	}
	return true
}

// holders are the goroutines that hold the connections.
func (s *suspicion) holders() map[uint64]bool {
	all := map[uint64]bool{}
	for _, holdings := range s.full {
		for _, h := range holdings {
			all[h.Goroutine] = true
		}
	}
	return all
}
