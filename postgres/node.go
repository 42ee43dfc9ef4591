package postgres

import (
	"maps"
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// node is everything that has one name: functions, relations and types.
type node struct {
	lasts      string          // why something of it may stay though the session is reset in full; empty: nothing does that is known
	bad        string          // why something of it is not proved to leave the session alone, whatever it reaches; empty: it is
	badOf      dialect.Routine // the function that this is said of; zero: it is none
	isFunction bool
	of         dialect.Routine // a function of users
	functions  int             // of users, whose sources show: the server keeps plans of them
	plans      string          // what one of them sets for itself that plans keep; empty: nothing
	isVolatile bool            // a function of the server's own leaves nobody knows what
	isTable    bool
	pinned     string   // why only the primary may answer for it, whether or not it leaves the session alone; empty: others may
	sees       bool     // it may look at what others have left, in a way that shows nowhere
	loose      bool     // it may do something that is no part of its transaction, though it is proved to leave the session alone
	sources    []source // that run when it is called or read
	uses       []string // functions and types that the server runs for it, and of which no source tells
	parts      []string // tables that are read or written to with it
	above      []string // tables whose partition keys it is checked by
	isView     bool
	rules      bool     // of a view or table, for writing
	sequence   bool     // a default takes a number from a sequence
	triggers   []string // functions
	defers     bool     // a trigger, or the check of a constraint, may wait for the end of the transaction
	writes     []source // that run when it is written to
	cascades   []string // tables that are written to with it
	related    []string // tables that a foreign key leads to, or comes from: they are read when it is written to
	targets    []string // tables that a function writes to
}

// source is what a function, a view, a policy or an expression consists of.
type source struct {
	says      string          // how a reason begins that tells of it
	of        dialect.Routine // the function that it is of; zero: it is of none
	declared  bool            // it is declared to leave nothing: it tells what replicas may do, and what is seen
	names     []string
	bases     []string // the server's own types that it may cast to without naming them, in words
	operators string   // everything in it that could be an operator
	pins      string   // what in it only the primary may do; empty: nothing
	evaluated bool     // it is an expression that planning may evaluate, and tells nothing of replicas
}

// newSource takes a source apart.
func newSource(says, text string) source {
	s := source{says: says, operators: operatorsOf(text)}
	pg.EachName(text, func(name string, quoted bool) {
		if quoted || !pg.IsReserved(name) {
			s.names = append(s.names, name)
		}
	})
	slices.Sort(s.names)
	s.names = slices.Compact(s.names)
	return s
}

// operatorsOf returns the pieces of a source that consist of characters of operators, with blanks between them, each once.
func operatorsOf(text string) string {
	var pieces []string
	for piece := range strings.FieldsFuncSeq(text, func(r rune) bool { return !strings.ContainsRune("+-*/<>=~!@#%^&|`?", r) }) {
		if !slices.Contains(pieces, piece) {
			pieces = append(pieces, piece)
		}
	}
	return strings.Join(pieces, " ")
}

// whyUnreadable says why not everything that a source of these words names can be found in it; empty: it can.
func whyUnreadable(text string, words statement.Words) string {
	switch {
	case strings.Contains(strings.ToLower(text), `u&"`):
		return "has names in escapes"
	case words.First(pg.IsCut) != "":
		return "has a name that the server cuts"
	}
	return ""
}

func isIn(set map[string]bool) func(string) bool { return func(word string) bool { return set[word] } }

// spoil notes the first reason why the node is not proved.
func (n *node) spoil(why string) {
	if n.bad == "" {
		n.bad = why
	}
}

// lastingIn is the name in a source by which something may stay of it though the session is reset in full; empty: there is none. To mention a setting is
// not to set it.
func lastingIn(text string, words statement.Words) string {
	name := pg.ForGood(text)
	if _, _, isFunction := pg.Builtin(name); isFunction || words["set"] || words["set_config"] || words["execute"] {
		return name
	}
	return ""
}

// last notes the first reason why something may stay.
func (n *node) last(says, text string, words statement.Words) {
	if name := lastingIn(text, words); name != "" && n.lasts == "" {
		n.lasts = says + " has " + name + " in its source"
	}
}

// addType adds a type of users: a domain's checks, what it is made of, and its own functions.
func (n *node) addType(name, text, uses string) {
	n.addSource("type "+name, text, nil)
	n.uses = appendNames(n.uses, uses)
}

// addBases adds the server's own types that a type is made of.
func (n *node) addBases(name, types string) {
	if types != "" {
		n.sources = append(n.sources, source{says: "type " + name, bases: slices.Collect(maps.Keys(statement.WordsOf(types)))})
	}
}

// relation is a row of catalogue_relations.sql.
type relation struct {
	Name, Kind, Persistence, View, Rules, Triggers, When, Defaults, Types, Evaluated, Policies, Children, Parents, Cascades, Related string
	Deferred                                                                                                                         bool
}

// addRelation adds a table, a view or a sequence of users.
func (n *node) addRelation(r *relation) {
	switch {
	case r.Kind == "S":
		n.pinned = r.Name + " is a sequence"
		return
	case r.Kind == "f":
		n.pinned, n.loose = r.Name+" is a foreign table", true
	case r.Persistence == "u":
		n.pinned = r.Name + " is an unlogged table"
	}
	n.isTable = true
	n.isView = n.isView || r.Kind == "v"
	n.rules = n.rules || r.Rules != ""
	n.defers = n.defers || r.Deferred
	n.addSource("view "+r.Name, r.View, pinningWords["view"])
	n.addSource("a policy of "+r.Name, r.Policies, pinningWords["policy"])
	n.addEvaluated("an expression of "+r.Name, r.Evaluated)
	n.addWritten("a default of "+r.Name, r.Defaults)
	n.addWritten("a trigger of "+r.Name, r.When)
	n.uses = appendNames(n.uses, r.Types)
	n.parts = appendNames(n.parts, r.Children)
	n.above = appendNames(n.above, r.Parents)
	n.triggers = appendNames(n.triggers, r.Triggers)
	n.cascades = appendNames(n.cascades, r.Cascades)
	n.related = appendNames(n.related, r.Related)
}

// addSource adds a source that runs when the node is called or read, and returns it; nil: there is none, or nobody can read it.
func (n *node) addSource(says, text string, pinning map[string]bool) *source {
	if text == "" {
		return nil
	}
	words := statement.WordsOf(text)
	n.last(says, text, words)
	if why := whyUnreadable(text, words); why != "" {
		n.spoil(says + " " + why)
		return nil
	}
	s := newSource(says, text)
	s.pins = words.First(isIn(pinning))
	n.sources = append(n.sources, s)
	return &n.sources[len(n.sources)-1]
}

// addEvaluated adds expressions that planning may evaluate: whoever names the node has them run.
func (n *node) addEvaluated(says, text string) {
	if s := n.addSource(says, text, nil); s != nil {
		s.evaluated = true
	}
}

// addWritten adds a source that runs when the node is written to.
func (n *node) addWritten(says, text string) {
	if text == "" {
		return
	}
	words := statement.WordsOf(text)
	n.last(says, text, words)
	if why := whyUnreadable(text, words); why != "" {
		n.rules = true // nobody knows what it does
		return
	}
	s := newSource(says, text)
	if i, found := slices.BinarySearch(s.names, "nextval"); found {
		n.sequence = true
		s.names = slices.Delete(s.names, i, i+1)
	}
	n.writes = append(n.writes, s)
}

// appendNames appends identifiers that the server has quoted where they need it.
func appendNames(names []string, identifiers string) []string {
	pg.EachName(identifiers, func(name string, _ bool) { names = append(names, name) })
	return names
}

// reaches calls f for the names that have to be known to judge the node, but for what is related to it.
func (n *node) reaches(f func(name string)) {
	for _, sources := range [][]source{n.sources, n.writes} {
		for i := range sources {
			for _, name := range sources[i].names {
				f(name)
			}
		}
	}
	for _, names := range [][]string{n.uses, n.parts, n.above, n.triggers, n.cascades, n.targets} {
		for _, name := range names {
			f(name)
		}
	}
}

// pinningWords have a source take row locks.
var pinningWords = map[string]map[string]bool{
	"function": statement.WordsOf("share"), "sql function": statement.WordsOf("share"),
	"view": statement.WordsOf("share update"), "policy": statement.WordsOf("share update"),
}

// seesOthers are functions that leave nothing, but see what others have left: who may call them is unknown.
var seesOthers = map[string]bool{"currval": true, "lastval": true}

// isEffective reports whether a source that mentions a name may have a function of the server's own, or of an extension that comes with it, leave
// traces, but for numbers of sequences.
func (c *catalogue) isEffective(name string) bool {
	if n := c.Nodes[name]; n == nil || !n.isFunction {
		return false
	}
	class, effects, known := pg.Builtin(name)
	return known && (class == dialect.Unknown || effects&^dialect.Sequence != 0 || seesOthers[name]) || c.Nodes[name].isVolatile
}

// pinsByItself reports whether the server's own function or view of that name leaves no trace, but needs the primary.
func pinsByItself(word string) bool {
	class, effects, known := pg.Builtin(word)
	return known && class == dialect.Write && effects&^dialect.Sequence == 0 || pg.TellsOfServer(word)
}

// isNumbering reports whether a function of the server's own takes numbers from sequences, and leaves nothing else.
func isNumbering(name string) bool {
	_, effects, _ := pg.Builtin(name)
	return effects == dialect.Sequence
}

// ofTransaction are functions of the server's own that need the primary, and whose doings are part of their transaction, or are none.
var ofTransaction = statement.WordsOf(`nextval setval currval lastval pg_notify txid_current pg_current_xact_id txid_current_if_assigned
	pg_current_xact_id_if_assigned pg_backend_pid pg_advisory_xact_lock pg_advisory_xact_lock_shared pg_try_advisory_xact_lock
	pg_try_advisory_xact_lock_shared`)
