package mysql

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// catalogue is what the server knows and a text does not show: triggers, defaults, and routines and views that may leave traces. It knows the names
// that texts have, and all that these can reach. It goes by names without databases; of several objects with one name, the worst counts. What
// the user may not see is not in it. A reason for people is a whole clause, such as "view v mentions f". It never changes.
type catalogue struct {
	*statement.Graph[node] // by key
	*unnamed
}

// unnamed is what is known without being asked for by name.
type unnamed struct {
	packages map[string]bool // whose routines are called as if they were databases
	loadable map[string]bool // functions that are no stored ones, but called as these are
	shadows  map[string]bool // stored functions with the name of a function that is built in elsewhere
	seen     map[string]bool // databases of which the user sees everything
}

// engine is what is known of the storage engine of all tables of one name.
type engine uint8

const (
	transactional    engine = iota + 1 // what is written can be undone
	nonTransactional                   // it stays, whatever becomes of the statement, or of what a trigger does that the user may not see
)

// without returns a catalogue that does not know some names. What reaches them is not known then.
func (c *catalogue) without(keys []string) *catalogue {
	if less := c.Without(keys); less != c.Graph {
		return &catalogue{less, c.unnamed}
	}
	return c
}

// withTable returns a catalogue that knows, besides what it knows of a name, that it may be that of a table without triggers. What it is kept in is not
// known.
func (c *catalogue) withTable(name string) *catalogue {
	before, known := c.Nodes[name]
	if !known || before != nil && before.engine == nonTransactional {
		return c
	}
	after := node{}
	if before != nil {
		after = *before
	}
	after.engine = nonTransactional
	return &catalogue{c.With(func(nodes map[string]*node) { nodes[name] = &after }), c.unnamed}
}

// nothingNamed is the key by which a text lacks what is unnamed.
const nothingNamed = ""

// judge completes what a text shows with what the catalogue knows. It returns the keys that it would have to know, and reports that one is absent if
// there is no routine or table of a name that the text needs. The nil catalogue knows nothing.
func (c *catalogue) judge(text string, p *my.Statement, s *dialect.Statement) (lacks []string, absent bool) {
	outlast(s)
	if len(p.Calls) > 0 && !p.Unclear { // it is unknown for that only as long as it is not known what it calls
		s.Effects &^= dialect.UnknownEffect
	}
	if s.Effects.Has(dialect.UnknownEffect) || statement.Mentions(text, seeing) || slices.ContainsFunc(s.Undo, asksForLast) {
		s.Sees = dialect.Sequence
		statement.Because(s, "may read last_insert_id")
	}
	s.LooksBack = s.Effects.Has(dialect.UnknownEffect) || statement.Mentions(text, lookingBack)
	does, lacks, none, absent := c.reached(text, p)
	if len(lacks) > 0 {
		s.LooksBack = s.LooksBack || len(p.Calls) > 0 // a view or a trigger hardly does
		s.Provisional, s.Sees = true, dialect.Sequence
		statement.Because(s, "the catalogue is not known yet")
		if len(p.Calls) > 0 {
			s.Effects |= dialect.OpenTx
			s.Implicit, s.Rereads, s.Removes = true, true, true
		}
		return lacks, false
	}
	does.tell(s)
	c.tellAbsent(s, p, none)
	s.Removes = s.Removes || does.defines
	outlast(s)
	for _, name := range p.Names {
		if why := c.pinnedBy(fold(name)); why != "" {
			statement.NeedsPrimary(s, why)
		}
	}
	s.Atomic = p.Plain && s.Class != dialect.Unknown && s.Effects&^dialect.Sequence == 0 && !does.lasts && c.isAtomic(p)
	return nil, absent
}

// asksForLast reports whether a text has the session show LAST_INSERT_ID where it asks for NULL.
func asksForLast(u dialect.Undo) bool {
	return u.Effect == dialect.Setting && u.Name == "sql_auto_is_null"
}

// outlast says of what nobody can undo that it is permanent.
func outlast(s *dialect.Statement) {
	for _, u := range s.Undo {
		switch {
		case u.Effect == dialect.Setting && recording[u.Name]: // what it has recorded
			statement.Costs(s, dialect.Permanent, dialect.Reason{What: "sets " + u.Name})
		case u.Effect == dialect.Database && strings.EqualFold(u.Name, helpers): // its views need no name of it then
			statement.Costs(s, dialect.Permanent, dialect.Reason{What: "uses " + helpers + ", whose views set variables"})
		}
	}
}

// reached returns what is done by all that a text reaches, which routines are called and are not there, and whether these or a table are absent; or what
// the catalogue lacks to tell.
func (c *catalogue) reached(text string, p *my.Statement) (does *doing, lacks []string, none []use, absent bool) {
	if !asksCatalogue(text, p) {
		return &doing{}, nil, nil, false
	}
	var unknown doing
	uses := c.usesOf(text, p, unknown.unknown)
	if c == nil {
		lacks = append(lacks, nothingNamed)
		for _, u := range uses {
			lacks = append(lacks, u.key())
		}
		return nil, lacks, nil, false
	}
	w := c.walk(uses)
	unknown.add(&w.does)
	absent = len(w.absent) > 0 || w.unseen
	for _, name := range p.Targets {
		absent = absent || c.Nodes[fold(name)] == nil
	}
	return &unknown, w.lacks, w.absent, absent
}

// reach lists all keys that decide what a text does; false: some are not known.
func reach(text string, c *catalogue) (keys []string, ok bool) {
	parsed := my.Parse(text)
	switch {
	case !asksCatalogue(text, &parsed):
		return nil, true
	case c == nil:
		return nil, false
	}
	w := c.walk(c.usesOf(text, &parsed, func(string) {}))
	keys = append(keys, nothingNamed)
	for u := range w.seen {
		keys = append(keys, u.key())
	}
	return keys, len(w.lacks) == 0
}

// asksCatalogue reports whether the catalogue could know something of a text: it names a table, or may call a routine.
func asksCatalogue(text string, p *my.Statement) bool {
	return len(p.Targets)+len(p.Names)+len(p.Calls) > 0 || strings.Contains(text, "(")
}

// isAtomic reports whether all that is written can be undone, and nothing is left to another server.
func (c *catalogue) isAtomic(p *my.Statement) bool {
	for _, name := range p.Targets {
		if n := c.Nodes[fold(name)]; n == nil || n.engine != transactional || c.isRemote(fold(name)) {
			return false
		}
	}
	return !slices.ContainsFunc(p.Names, func(name string) bool { return c.isRemote(fold(name)) })
}

// shadowsIn lists the stored functions in a source that have the name of one that is built in elsewhere.
func (c *catalogue) shadowsIn(source string) (names []string) {
	if c == nil || len(c.shadows) == 0 {
		return nil
	}
	words := statement.WordsOf(source)
	for name := range c.shadows {
		if words[name] {
			names = append(names, name)
		}
	}
	return names
}

// recording are the variables that have the server record statements for the session to read.
var recording = statement.WordsOf("profiling profiling_history_size optimizer_trace")

// seeing are the words by which a text can ask for LAST_INSERT_ID, which is a variable too.
var seeing = statement.WordsOf("last_insert_id identity variables session_variables variables_by_thread")

// lookingBack are the words by which a text can ask for what the server knows of the statement before.
var lookingBack = statement.WordsOf("row_count found_rows warning_count error_count diagnostics warnings errors variables session_variables variables_by_thread")

// evaluating are the function that evaluates the default of a column, and the word of a table that may take it over.
var evaluating = statement.WordsOf("default temporary")

// mayEvaluate reports whether a source may evaluate the default of a column without writing to its table.
func mayEvaluate(source string) bool { return statement.Mentions(source, evaluating) }
