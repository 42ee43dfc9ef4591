package postgres

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// What a name reaches decides what it may do: a function calls others, a view shows others, a type has functions. The questions below are
// asked of the nodes by name, and each answer is remembered.

// question is what is asked of a name.
type question struct {
	what uint8
	name string
}

const (
	whetherImpure uint8 = iota
	whetherSeeing
	whetherPinned
	whetherPlanning
	whetherLoose
	whatLasts
	whatLastsOfWriting
	whatIsMissing
	whatIsMissingToWrite
	whatIsMissingToTruncate
	whatIsWritten
	whatIsTruncated
	whatIsDone
)

// remember returns the answer to a question, which it finds out the first time.
func remember[A any](c *catalogue, what uint8, name string, find func() A) A {
	q := question{what, name}
	if a, ok := c.memo.Load(q); ok {
		return a.(A)
	}
	a := find()
	c.memo.Store(q, a)
	return a
}

// anyReached reports whether something is so for a node that a name reaches, itself included, by way of what next calls its function for. A table that a
// function writes to is reached twice: by its name, and as what is written to (see [writing]).
func (c *catalogue) anyReached(name string, next func(n *node, f func(name string)), is func(name string, n *node) bool) bool {
	seen := map[string]bool{name: true}
	list := []string{name}
	for i := 0; i < len(list); i++ {
		table, isWritten := strings.CutPrefix(list[i], writing)
		n := c.Nodes[table]
		if is(list[i], n) {
			return true
		}
		add := func(name string) {
			if !seen[name] {
				seen[name] = true
				list = append(list, name)
			}
		}
		switch {
		case n == nil:
		case isWritten:
			n.write(add)
		default:
			next(n, add)
			for _, table := range n.targets {
				add(writing + table)
			}
		}
		for _, function := range c.byType[list[i]] {
			add(function)
		}
	}
	return false
}

// missing lists the names that one reaches and the catalogue does not know.
func (c *catalogue) missing(name string) []string {
	return remember(c, whatIsMissing, name, func() []string { return c.unknownReached(name, (*node).reaches) })
}

// missingToWrite lists those that it does not know of what is read when a table is written to, or any that is written to with it.
func (c *catalogue) missingToWrite(name string, truncates bool) []string {
	what := whatIsMissingToWrite
	if truncates {
		what = whatIsMissingToTruncate
	}
	return remember(c, what, name, func() (missing []string) {
		c.eachRelated(name, truncates, func(related string) { missing = append(missing, c.unknownReached(related, (*node).run)...) })
		return missing
	})
}

// eachRelated calls f for the tables that are read when one is written to, or any that is written to with it.
func (c *catalogue) eachRelated(name string, truncates bool, f func(related string)) {
	c.anyReached(name, func(n *node, f func(name string)) { n.writtenWith(truncates, f) }, func(_ string, n *node) bool {
		if n != nil {
			for _, related := range n.related {
				f(related)
			}
		}
		return false
	})
}

// unknownReached lists the names that one reaches by way of what next calls its function for, and that the catalogue does not know.
func (c *catalogue) unknownReached(name string, next func(n *node, f func(name string))) []string {
	var unknown []string
	c.anyReached(name, next, func(name string, _ *node) bool {
		if _, ok := c.Nodes[name]; !ok && !strings.HasPrefix(name, writing) {
			unknown = append(unknown, name)
		}
		return false
	})
	return unknown
}

// writtenWith calls f for the tables that are written to with the node: TRUNCATE … CASCADE writes to all that a foreign key comes from, and what is written
// to a view to one of those that it names.
func (n *node) writtenWith(truncates bool, f func(name string)) {
	if n.isView {
		n.run(f)
	}
	others := n.cascades
	if truncates {
		others = n.related
	}
	for _, names := range [][]string{n.parts, n.above, others} {
		for _, name := range names {
			f(name)
		}
	}
}

// run calls f for what may run when the node is called or read.
func (n *node) run(f func(name string)) {
	for i := range n.sources {
		if !n.sources[i].declared {
			for _, name := range n.sources[i].names {
				f(name)
			}
		}
	}
	for _, names := range [][]string{n.uses, n.parts, n.above, n.targets} {
		for _, name := range names {
			f(name)
		}
	}
}

// runDeclared is run, and what runs in functions that are declared to leave nothing.
func (n *node) runDeclared(f func(name string)) {
	n.run(f)
	for i := range n.sources {
		if n.sources[i].declared {
			for _, name := range n.sources[i].names {
				f(name)
			}
		}
	}
}

// isImpure reports whether a source that mentions a name is not proved to leave the session alone.
func (c *catalogue) isImpure(name string) bool { return c.isEffective(name) || c.isUnproved(name) }

// isUnproved reports whether what a name reaches is not proved to leave the session alone. What a function of the server's own does is known by its name,
// but for what reaches it.
func (c *catalogue) isUnproved(name string) bool {
	return remember(c, whetherImpure, name, func() bool {
		return c.anyReached(name, (*node).run, func(reached string, n *node) bool {
			return n != nil && n.bad != "" || c.isPlannedOtherwise(reached) || reached != name && c.isEffective(reached) || n != nil && slices.ContainsFunc(n.sources, c.isPerilous) ||
				n != nil && (slices.ContainsFunc(n.targets, c.isNoTable) || strings.HasPrefix(reached, writing) && c.isUnprovedToWrite(n))
		})
	})
}

// isPerilous reports whether a source may run something that it does not name, and that is not proved.
func (c *catalogue) isPerilous(s source) bool {
	return !s.declared && c.anyIn(s, func(p *peril) bool { return p.impure })
}

// anyIn reports whether something is so for what a source may run without naming it.
func (c *catalogue) anyIn(s source, is func(p *peril) bool) bool {
	return slices.ContainsFunc(c.perils, func(p peril) bool { return is(&p) && p.isIn(&s) })
}

// whyImpure says why what a name reaches is not proved to leave the session alone; empty: it is.
func (c *catalogue) whyImpure(name string) string {
	if !c.isUnproved(name) {
		return ""
	}
	n := c.Nodes[name]
	switch {
	case n == nil:
		return name + " has a function that is not proved to leave the session alone" // of a type that has been dropped
	case n.bad != "":
		return n.bad
	case c.isPlannedOtherwise(name):
		return n.plans
	}
	for i := range n.sources {
		s := &n.sources[i]
		if s.declared {
			continue
		}
		for _, mentioned := range s.names {
			if c.isImpure(mentioned) && mentioned != name {
				return s.says + " mentions " + mentioned
			}
		}
		for i := range c.perils {
			if p := &c.perils[i]; p.impure && p.isIn(s) {
				return s.says + " may use it: " + p.why
			}
		}
	}
	for _, table := range n.targets {
		if c.isNoTable(table) {
			return "function " + name + " writes to " + table + ", which is not there"
		}
		if c.table(table, false).impure {
			return "function " + name + " writes to " + table
		}
	}
	for _, names := range [][]string{n.uses, n.parts, n.above, c.byType[name]} {
		for _, used := range names {
			if c.isImpure(used) && used != name {
				return name + " uses " + used
			}
		}
	}
	return name + " is not proved to leave the session alone"
}

// whyLasting says why something of what a name reaches may stay though the session is reset in full; empty: nothing does that is known.
func (c *catalogue) whyLasting(name string, written bool) (why string) {
	what, run, sources := whatLasts, (*node).run, func(n *node) []source { return n.sources }
	if written {
		what, run, sources = whatLastsOfWriting, (*node).reaches, func(n *node) []source { return slices.Concat(n.sources, n.writes) }
	}
	next := func(n *node, f func(name string)) {
		run(n, f)
		for _, s := range sources(n) {
			for i := range c.perils {
				if !s.declared && c.perils[i].isIn(&s) {
					f(c.perils[i].function)
				}
			}
		}
	}
	return remember(c, what, name, func() string {
		c.anyReached(name, next, func(_ string, n *node) bool {
			if n != nil {
				why = n.lasts
			}
			return why != ""
		})
		return why
	})
}

// runElsewhere calls f for what decides whether a replica may answer for the node.
func (n *node) runElsewhere(f func(name string)) {
	for i := range n.sources {
		if !n.sources[i].evaluated {
			for _, name := range n.sources[i].names {
				f(name)
			}
		}
	}
	for _, names := range [][]string{n.uses, n.parts} {
		for _, name := range names {
			f(name)
		}
	}
}

// isPinned reports whether only the primary may answer for what a name reaches.
func (c *catalogue) isPinned(name string) bool {
	return remember(c, whetherPinned, name, func() bool {
		return c.anyReached(name, (*node).runElsewhere, func(reached string, n *node) bool {
			if n != nil && (n.pinned != "" || n.bad != "" || slices.ContainsFunc(n.sources, c.pins)) {
				return true
			}
			return reached != name && (pinsByItself(reached) || c.isEffective(reached))
		})
	})
}

// pins reports whether only the primary may do what a source does by itself.
func (c *catalogue) pins(s source) bool {
	return s.pins != "" || c.anyIn(s, func(p *peril) bool { return p.pinned })
}

// whyPinned says why only the primary may answer for a name; empty: others may.
func (c *catalogue) whyPinned(name string) string {
	n := c.Nodes[name]
	switch {
	case !c.isPinned(name):
		return ""
	case n == nil:
		return name + " has a function that needs the primary"
	case n.pinned != "":
		return n.pinned
	}
	for i := range n.sources {
		s := &n.sources[i]
		if s.pins != "" {
			return s.says + " has " + s.pins + " in its source"
		}
		if s.evaluated {
			continue
		}
		for _, mentioned := range s.names {
			if mentioned != name && (pinsByItself(mentioned) || c.isEffective(mentioned) || c.isPinned(mentioned)) {
				return s.says + " mentions " + mentioned
			}
		}
	}
	for _, part := range n.parts {
		if c.isPinned(part) {
			return part + " is a part of " + name
		}
	}
	return name + " uses what needs the primary"
}

// isSeeing reports whether what a name reaches may look at what others have left, though it is declared to leave nothing itself.
func (c *catalogue) isSeeing(name string) bool {
	return c.declares && remember(c, whetherSeeing, name, func() bool {
		return c.anyReached(name, (*node).runDeclared, func(reached string, n *node) bool {
			return n != nil && (n.sees || n.bad != "" || slices.ContainsFunc(n.sources, c.showsOthers)) || reached != name && seesOthers[reached]
		})
	})
}

// showsOthers reports whether a source may run something that it does not name, and that may look at what others have left.
func (c *catalogue) showsOthers(s source) bool {
	return c.anyIn(s, func(p *peril) bool { return p.sees })
}

// isLoose reports whether what a name reaches may do something that is no part of its transaction: functions of the server's own that reach past
// it, foreign tables, and what mentions such things.
func (c *catalogue) isLoose(name string) bool {
	return remember(c, whetherLoose, name, func() bool {
		return c.anyReached(name, (*node).run, func(reached string, n *node) bool {
			return n != nil && (n.loose || slices.ContainsFunc(n.sources, c.loosens)) || reachesPast(reached)
		})
	})
}

// loosens reports whether a source may run something that it does not name, and that is no part of its transaction.
func (c *catalogue) loosens(s source) bool {
	return c.anyIn(s, func(p *peril) bool { return p.loose })
}

// reachesPast reports whether a function of the server's own is one that needs the primary, but for a few of which it is known that they do not reach
// past their transaction.
func reachesPast(name string) bool {
	class, _, known := pg.Builtin(name)
	return known && class != dialect.Read && !ofTransaction[name]
}
