package postgres

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// catalogue is what the server knows and a text does not show: what functions may do, and what hides behind the names of tables, views and
// types. It knows the names that texts have, and all that these can reach. It goes by names without schemas, because the search path decides what a
// name means; of several objects with one name, the worst counts. A reason for people is a whole clause, such as "function f has insert in its
// source". It never changes.
type catalogue struct {
	*statement.Graph[node]
	unnamed []unnamed
	byType  map[string][]string // the functions of what is unnamed and belongs to a type
	tacit   []peril             // what is unnamed and belongs to none
	perils  []peril             // that which is not proved to do nothing but to answer
	// makesTemp says that what sessions create may be temporary unless they say otherwise.
	makesTemp bool
	// declares says that functions are declared to leave nothing, which may still look at what others have left.
	declares bool
	memo     sync.Map // from a name and what is asked of it to the answer
}

// replaced returns the catalogue with another graph.
func (c *catalogue) replaced(g *statement.Graph[node]) *catalogue {
	changed := &catalogue{Graph: g, unnamed: c.unnamed, makesTemp: c.makesTemp, declares: c.declares}
	changed.findPerils()
	return changed
}

// without returns a catalogue that does not know some names, and those that a definition of these changes too: the tables below, and those that a foreign key leads to.
// What reaches them is not known then.
func (c *catalogue) without(names []string) *catalogue {
	names = append(c.leadingTo(names, func(n *node) []string { return n.related }), names...)
	above := func(n *node) []string { return n.above }
	for below := c.leadingTo(names, above); len(below) > 0; below = c.leadingTo(names, above) {
		names = append(names, below...)
	}
	if less := c.Without(names); less != c.Graph {
		return c.replaced(less)
	}
	return c
}

// leadingTo lists the nodes with a link to one of these names that are none of them.
func (c *catalogue) leadingTo(names []string, links func(n *node) []string) (leading []string) {
	isOne := func(name string) bool { return slices.Contains(names, name) }
	for name, n := range c.Nodes {
		if n != nil && slices.ContainsFunc(links(n), isOne) && !isOne(name) {
			leading = append(leading, name)
		}
	}
	return leading
}

// withTable returns a catalogue that knows of a table besides what it knows of its name and of those of its arrays, if it knows that. The table uses what its
// definition names.
func (c *catalogue) withTable(name string, uses []string) *catalogue {
	changed := map[string]*node{}
	add := func(name string, isTable bool, uses []string) {
		before, known := c.Nodes[name]
		if !known || before != nil && (before.isTable || !isTable) && !slices.ContainsFunc(uses, func(used string) bool { return !slices.Contains(before.uses, used) }) {
			return
		}
		after := node{}
		if before != nil {
			after = *before
		}
		after.isTable, after.uses = after.isTable || isTable, append(slices.Clone(after.uses), uses...)
		changed[name] = &after
	}
	add(name, true, slices.DeleteFunc(slices.Clone(uses), func(used string) bool { return used == name }))
	for _, array := range typesOf(name) {
		add(array, false, []string{name})
	}
	if len(changed) == 0 {
		return c
	}
	return c.replaced(c.With(func(nodes map[string]*node) { maps.Copy(nodes, changed) }))
}

// nothingNamed is the name by which a text lacks what no text names.
const nothingNamed = ""

// judge completes what a text shows with what the catalogue knows. It returns the names that it would have to know, and reports that one is absent if
// there is no object of a kind that the text needs. The nil catalogue knows nothing.
func (c *catalogue) judge(text string, p *pg.Statement, s *dialect.Statement) (lacks []string, absent bool) {
	if s.Effects.Has(dialect.UnknownEffect) || slices.Contains(p.Functions, "lastval") || slices.Contains(p.Functions, "currval") {
		s.Sees = dialect.Sequence
	}
	if p.Bare {
		s.Atomic = p.Plain
		return nil, false
	}
	if lacks = c.lacks(p); len(lacks) > 0 {
		s.Provisional, s.Sees = true, dialect.Sequence
		statement.Because(s, notKnownYet(p))
		return lacks, false
	}
	defer c.judgeLasting(text, p, s)
	if p.Inert {
		c.judgeEvents(s)
		return nil, false
	}
	absent = c.judgeReads(p, s)
	for _, name := range namesOf(p) {
		c.does(name).tell(s)
	}
	for _, name := range p.Targets {
		t := c.table(name, p.Cascades)
		switch {
		case !t.exists:
			statement.Absent(s, "writes to "+name+", which is not there")
			absent = true
		case t.impure:
			statement.Unproved(s, c.reasonToWrite(name, p.Cascades))
		}
		t.tell(s)
		if t.sees {
			s.Sees = dialect.Sequence
		}
	}
	if p.Fires {
		c.judgeEvents(s)
	}
	loosened := c.judgePerils(text, s)
	s.Atomic = p.Plain && s.Class != dialect.Unknown && s.Effects&^dialect.Sequence == 0 && !loosened && c.isAtomic(p)
	return nil, absent
}

// namesOf lists what a text names, as sources would name it too.
func namesOf(p *pg.Statement) []string {
	var names []string
	for _, list := range [][]string{p.Functions, p.Names, p.Targets} {
		for _, name := range list {
			names = append(names, spellings(name)...)
		}
	}
	return names
}

// spellings are a name as a text has it and, if that is another one, as sources have its word.
func spellings(name string) []string {
	if lower := strings.ToLower(name); lower != name {
		return []string{name, lower}
	}
	return []string{name}
}

// lacks lists the names that a text reaches and the catalogue does not know.
func (c *catalogue) lacks(p *pg.Statement) []string {
	names := append(namesOf(p), nothingNamed)
	if p.Inert {
		names = []string{nothingNamed}
	}
	if c == nil {
		return names
	}
	var lacks []string
	for _, name := range names {
		lacks = append(lacks, c.missing(name)...)
	}
	for _, name := range p.Targets {
		lacks = append(lacks, c.missingToWrite(name, p.Cascades)...)
	}
	return lacks
}

// isAtomic reports whether nothing that is named is loose.
func (c *catalogue) isAtomic(p *pg.Statement) bool {
	isLoose := func(name string) bool {
		return slices.ContainsFunc(spellings(name), c.isLoose) || c.table(name, p.Cascades).loose
	}
	return !slices.ContainsFunc(p.Functions, isLoose) && !slices.ContainsFunc(p.Names, isLoose) && !slices.ContainsFunc(p.Targets, isLoose)
}

// judgeReads looks up what is called and what is read.
func (c *catalogue) judgeReads(p *pg.Statement, s *dialect.Statement) (absent bool) {
	for _, name := range p.Functions {
		n := c.Nodes[name]
		if n == nil || !n.isFunction {
			if _, _, known := pg.Builtin(name); known { // grammar that looks like a function
				continue
			}
			statement.Absent(s, "function "+name+" is not known")
			absent = true
			continue
		}
		switch {
		case c.isUnprovedAsNamed(name):
			c.unproved(s, name)
		case n.isVolatile:
			statement.Unknown(s, "function "+name+" is volatile")
		default:
			c.pin(s, name)
		}
	}
	for _, name := range p.Names {
		c.unproved(s, name)
		c.pin(s, name)
	}
	return absent
}

// pin says that a statement needs the primary if the object of that name does, and that it may see what others have left.
func (c *catalogue) pin(s *dialect.Statement, name string) {
	for _, spelling := range spellings(name) {
		if why := c.whyPinned(spelling); why != "" {
			statement.NeedsPrimary(s, why)
		}
		if c.isSeeing(spelling) {
			s.Sees = dialect.Sequence
		}
	}
}

// judgeEvents looks at what event triggers call when something is defined.
func (c *catalogue) judgeEvents(s *dialect.Statement) {
	for i := range c.unnamed {
		if u := &c.unnamed[i]; u.kind == "event trigger" && (!c.isHarmlessTrigger(u.function) || c.does(u.function) != (doing{})) {
			statement.Unproved(s, c.reason("event trigger "+u.name+" calls "+u.function, u.function))
			return
		}
	}
}

// judgePerils looks at what a text may run without naming it. It reports whether that may do something that is no part of a transaction.
func (c *catalogue) judgePerils(text string, s *dialect.Statement) (loosened bool) {
	for i := range c.perils {
		switch peril := &c.perils[i]; {
		case !peril.is(text):
		case peril.impure:
			statement.Unproved(s, c.reason(peril.why, peril.function))
		default:
			if peril.sees {
				s.Sees = dialect.Sequence
			}
			if peril.pinned {
				statement.NeedsPrimary(s, peril.why)
			}
			loosened = loosened || peril.loose
		}
	}
	return loosened
}

// judgeLasting looks whether something of what a statement runs may stay though its session is reset in full.
func (c *catalogue) judgeLasting(text string, p *pg.Statement, s *dialect.Statement) {
	if !s.Effects.Has(dialect.UnknownEffect) {
		return // what may stay is not proved to leave the session alone either
	}
	add := func(name string, written bool) {
		if why := c.whyLasting(name, written); why != "" {
			statement.Costs(s, dialect.Permanent, dialect.Reason{What: why})
		}
	}
	for _, name := range namesOf(p) {
		add(name, slices.Contains(p.Targets, name))
	}
	for i := range c.perils {
		if c.perils[i].is(text) {
			add(c.perils[i].function, false)
		}
	}
	for i := range c.unnamed {
		if p.Fires && c.unnamed[i].kind == "event trigger" {
			add(c.unnamed[i].function, false)
		}
	}
}

// notKnownYet says what the catalogue has to tell.
func notKnownYet(p *pg.Statement) string {
	for _, name := range p.Functions {
		if _, _, known := pg.Builtin(name); !known {
			return "function " + name + " is not known yet"
		}
	}
	return "the catalogue is not known yet"
}
