package statement

import (
	"maps"
	"slices"
)

// maxNodes is how many names a graph has before those that texts had long ago are forgotten.
const maxNodes = 20_000

// Graph is the part of a copy of a catalogue that goes by names: what texts name, and all that this reaches. N is what is known of a name. A nil *Graph can be extended, and
// nothing else. Once others have it, it is not changed, so that any number of goroutines may read it: who changes it works on a copy.
type Graph[N any] struct {
	Nodes map[string]*N   // nil: nothing has that name
	Asked map[string]bool // the names that texts had
}

// Extended returns a copy that may be changed, in which some more names are asked for. Nil is empty, and so is one that has become too large.
func (g *Graph[N]) Extended(names []string) *Graph[N] {
	extended := &Graph[N]{Nodes: map[string]*N{}, Asked: map[string]bool{}}
	if g != nil && len(g.Nodes) < maxNodes {
		maps.Copy(extended.Nodes, g.Nodes)
		maps.Copy(extended.Asked, g.Asked)
	}
	for _, name := range names {
		extended.Asked[name] = true
	}
	return extended
}

// With returns a copy of which the nodes are changed.
func (g *Graph[N]) With(change func(nodes map[string]*N)) *Graph[N] {
	changed := &Graph[N]{maps.Clone(g.Nodes), g.Asked}
	change(changed.Nodes)
	return changed
}

// Without returns a graph that does not know some names, the same one if it knows none of them.
func (g *Graph[N]) Without(names []string) *Graph[N] {
	if !slices.ContainsFunc(names, func(name string) bool { _, known := g.Nodes[name]; return known }) {
		return g
	}
	return g.With(func(nodes map[string]*N) {
		for _, name := range names {
			delete(nodes, name)
		}
	})
}

// Each calls f for the names that are known.
func (g *Graph[N]) Each(f func(name string)) {
	for name := range g.Nodes {
		f(name)
	}
}

// AskedFor returns the names that texts had.
func (g *Graph[N]) AskedFor() []string { return slices.Collect(maps.Keys(g.Asked)) }

// UnknownOf returns those of some names that are not known, each once.
func (g *Graph[N]) UnknownOf(names []string) []string {
	var unknown []string
	seen := map[string]bool{}
	for _, name := range names {
		if _, known := g.Nodes[name]; !known && !seen[name] {
			seen[name] = true
			unknown = append(unknown, name)
		}
	}
	return unknown
}
