package nested

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/readable"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// mostSites is how many call sites are told of.
const mostSites = 64

// mostStacks is how many stacks are known that need not be told of any more: many lead to one call site.
const mostStacks = 1024

// sites are the call sites that somebody was told of. The zero value has none.
type sites struct {
	all atomic.Bool // there are mostSites

	mu     sync.Mutex // guards what follows
	stacks map[*uintptr]bool
	told   map[string]bool
}

// isKnown reports whether a stack is one of a call site that somebody was told of.
func (s *sites) isKnown(stack []uintptr) bool {
	if s.all.Load() || len(stack) == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stacks[&stack[0]]
}

// isNew reports whether nobody was told of a call site that a stack leads to.
func (s *sites) isNew(stack []uintptr, site string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stacks == nil || len(s.stacks) == mostStacks {
		s.stacks = map[*uintptr]bool{}
	}
	s.stacks[&stack[0]] = true
	if s.told[site] || len(s.told) == mostSites {
		return false
	}
	if s.told == nil {
		s.told = map[string]bool{}
	}
	s.told[site] = true
	s.all.Store(len(s.told) == mostSites)
	return true
}

// judge decides what becomes of a goroutine that wants a second connection of a server: an error, or nil.
func (n *Nested) judge(w *waiting) error {
	told := n.describe(w.goroutine, n.Servers[w.server].Holdings(), w)
	if len(told.Holds) == 0 { // it holds none after all
		return nil
	}
	n.counters[w.server].nested.Add(1)
	if n.Mode == policy.NestedWarn && (n.Servers[w.server].MaxConns() == 0 || n.sites.isKnown(w.stack)) {
		return nil
	}
	if told.Holds[0].Stack == nil && n.Servers[w.server].MaxConns() > 0 {
		n.capture.Store(true) // next time it is known where the first one was taken
	}
	if n.Mode == policy.NestedError {
		return &middleware.NestedError{Nested: told}
	}
	if !n.sites.isNew(w.stack, told.CallSite()) {
		return nil
	}
	n.Logger.LogAttrs(context.Background(), slog.LevelWarn,
		"pooled: a goroutine takes a second connection while it holds one: as many of them at once as pool_max_conns wait for each other",
		attributes(told, n.Servers[w.server].MaxConns())...)
	return nil
}

// attributes tells of a goroutine where it wants one more connection, and where it has taken the first.
func attributes(told held.Nested, maxConns int) []slog.Attr {
	first := told.Holds[0]
	all := []slog.Attr{
		slog.String("endpoint", told.Endpoint),
		slog.Int("max_conns", maxConns),
		slog.Uint64("goroutine", told.Goroutine),
		slog.String("wanted_at", told.CallSite()),
		slog.String("wanted_for", told.Op),
	}
	if told.Text != "" {
		all = append(all, slog.String("text", told.Text))
	}
	all = append(all, slog.Uint64("connection", first.ID), slog.Duration("held", readable.Duration(first.For)), slog.String("last_call", first.Op))
	if first.Text != "" {
		all = append(all, slog.String("last_text", first.Text))
	}
	if site := first.CallSite(); site != "" {
		all = append(all, slog.String("borrowed_at", site))
	}
	return all
}
