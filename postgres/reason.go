package postgres

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// A reason names the functions that would have to be known to leave nothing: those that are not proved by themselves, whatever calls them.

// isUnprovedAsNamed is isUnproved of a name as a text has it.
func (c *catalogue) isUnprovedAsNamed(name string) bool {
	return slices.ContainsFunc(spellings(name), c.isUnproved)
}

// unproved says that a statement may be anything because of a name, as a text has it, that is not proved to leave the session alone.
func (c *catalogue) unproved(s *dialect.Statement, name string) {
	for _, spelling := range spellings(name) {
		if why := c.whyImpure(spelling); why != "" {
			statement.Because(s, why)
			statement.Unproved(s, c.reason(why, spelling))
			return
		}
	}
}

// reason is a reason with the function that would have to be declared, among what some names reach. Where a name is not proved only because of what runs
// without being named, that is the reason: it is the same for many statements.
func (c *catalogue) reason(what string, names ...string) dialect.Reason {
	for _, name := range names {
		of, why := c.blame(name)
		if why == "" {
			if p := c.perilOf(name); p != nil {
				what, name = p.why, p.function
				of, why = c.blame(name)
			}
		}
		if n := c.Nodes[name]; of == (dialect.Routine{}) && why != "" && n != nil && !slices.ContainsFunc(n.uses, c.isUnproved) {
			of = n.of // it can be declared itself, if it is a function
		}
		if of != (dialect.Routine{}) {
			return dialect.Reason{What: what, Routine: of}
		}
	}
	return dialect.Reason{What: what}
}

// blame returns the first function that a name reaches and that is not proved by itself, and why; zero, if something that is no function is to blame as
// well. Without a reason nothing is to blame that is named.
func (c *catalogue) blame(name string) (of dialect.Routine, why string) {
	several := false
	note := func(blamed dialect.Routine, because string) {
		if why == "" {
			of, why = blamed, because
		}
		several = several || blamed == dialect.Routine{}
	}
	c.anyReached(name, (*node).run, func(reached string, n *node) bool {
		if n == nil {
			return false
		}
		if n.bad != "" {
			note(n.badOf, n.bad)
		}
		if c.isPlannedOtherwise(reached) {
			note(n.of, n.plans)
		}
		if i := slices.IndexFunc(n.targets, c.isNoTable); i >= 0 {
			note(n.of, "function "+n.of.Name+" writes to "+n.targets[i]+", which is not there")
		}
		if table, isWritten := strings.CutPrefix(reached, writing); isWritten && c.isUnprovedToWrite(n) {
			note(dialect.Routine{}, "writes to "+table)
		}
		for i := range n.sources {
			s := &n.sources[i]
			for _, mentioned := range s.names {
				if !s.declared && mentioned != reached && c.isEffective(mentioned) {
					note(s.of, s.says+" mentions "+mentioned)
				}
			}
		}
		return false
	})
	if several {
		of = dialect.Routine{}
	}
	return of, why
}

// perilOf returns what may run without being named in what a name reaches, and is not proved by itself; nil: there is nothing of the kind.
func (c *catalogue) perilOf(name string) (found *peril) {
	c.anyReached(name, (*node).run, func(_ string, n *node) bool {
		for i := range c.perils {
			p := &c.perils[i]
			if _, why := c.blame(p.function); p.impure && why != "" && n != nil && slices.ContainsFunc(n.sources, func(s source) bool { return !s.declared && p.isIn(&s) }) {
				found = p
				return true
			}
		}
		return false
	})
	return found
}

// reasonToWrite says why writing to a table is not proved to leave the session alone.
func (c *catalogue) reasonToWrite(name string, truncates bool) dialect.Reason {
	found := dialect.Reason{What: "writes to " + name}
	c.anyReached(name, func(n *node, f func(name string)) { n.writtenWith(truncates, f) }, func(reached string, n *node) bool {
		if n == nil {
			return false
		}
		names := append([]string{reached}, n.triggers...)
		for i := range n.writes {
			names = append(names, n.writes[i].names...)
		}
		names = append(names, n.related...)
		i := slices.IndexFunc(names, c.isUnproved)
		if i < 0 {
			return false
		}
		if _, why := c.blame(names[i]); why != "" {
			found = c.reason(found.What+": "+why, names[i])
		} else {
			found = c.reason(found.What, names[i])
		}
		return true
	})
	return found
}

// eachGlobal calls f for what runs though no statement names it, and is not proved by itself to leave the session alone, and says which statements pay for
// it.
func (c *catalogue) eachGlobal(f func(why dialect.Reason, statements string)) {
	for i := range c.perils {
		p := &c.perils[i]
		if _, why := c.blame(p.function); why != "" && p.impure && p.operators == nil && p.words == nil {
			f(c.reason(p.why, p.function), "all that name something")
		}
	}
	for i := range c.unnamed {
		u := &c.unnamed[i]
		if _, why := c.blame(u.function); why != "" && u.kind == "event trigger" {
			f(c.reason("event trigger "+u.name+" calls "+u.function, u.function), "all that define something")
		}
	}
}
