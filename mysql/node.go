package mysql

import (
	"strings"

	"github.com/gopooled/pooled/internal/statement/my"
)

// node is all that is called by one name: tables and views, or routines. Of several the worst counts.
type node struct {
	read, write step              // what reading and writing to the tables and views does
	routines    map[my.Call]*step // by their names with a database, in lower case, and without: then it is that of all together
	defaults    bool              // a default of the table may leave a trace
	pinned      string            // only the primary may answer for it, and why
	engine      engine            // of the tables
	in          map[string]bool   // the databases in which the user sees a table or a view of the name, in lower case
	remote      bool              // another server may answer for it
}

// step is what comes of reading, writing or calling something: what it does by itself, and what it makes use of. The zero value does nothing.
type step struct {
	own  doing
	uses []use
}

// add says that it does what another one does as well.
func (s *step) add(other *step) {
	s.own.add(&other.own)
	s.uses = append(s.uses, other.uses...)
}

// routine returns the step of a routine, and makes it if there is none yet.
func (n *node) routine(call my.Call) *step {
	if n.routines == nil {
		n.routines = map[my.Call]*step{}
	}
	if n.routines[call] == nil {
		n.routines[call] = &step{}
	}
	return n.routines[call]
}

// use is that something is done with a name.
type use struct {
	how  how
	name string // as fold gives it
	in   string // the database of a routine, in lower case, or of what a view reads, as it is written; empty: nobody knows
}

// how is what is done with a name.
type how uint8

const (
	reads how = iota
	writes
	evaluates // the defaults of its columns
	calls
	callsProcedure
	mentions // it may be a function that is called; if there is none, it is something else
)

// key is the name by which the catalogue knows what is used.
func (u use) key() string {
	if u.how >= calls {
		return routineKey(u.name)
	}
	return u.name
}

// isRoutine begins the keys of routines. No name has it.
const isRoutine = "\x00"

func routineKey(name string) string { return isRoutine + name }

// anyLetters stands for what is not ASCII in a folded name: which letters are the same there is decided by collations.
const anyLetters = "\ufffd"

// fold returns a name as the catalogue knows it: in lower case, with letters that are not ASCII all being the same.
func fold(name string) string {
	folded := strings.Builder{}
	folded.Grow(len(name))
	inside := false
	for _, r := range name {
		switch {
		case r < 0x80:
			if 'A' <= r && r <= 'Z' {
				r |= 0x20
			}
			folded.WriteRune(r)
			inside = false
		case !inside:
			folded.WriteString(anyLetters)
			inside = true
		}
	}
	return folded.String()
}

// usesOf lists what a text, or a program with this source, makes use of. What is not known, it tells.
func (c *catalogue) usesOf(source string, parsed *my.Statement, unknown func(what string)) (uses []use) {
	for _, call := range parsed.Calls {
		u := use{calls, fold(call.Name), strings.ToLower(call.Database)}
		if call.Procedure {
			u.how = callsProcedure
		}
		uses = append(uses, u)
	}
	for _, name := range c.shadowsIn(source) {
		uses = append(uses, use{how: mentions, name: name})
	}
	for _, name := range parsed.Targets {
		uses = append(uses, use{how: writes, name: fold(name)}, use{how: reads, name: fold(name)})
	}
	evaluating := mayEvaluate(source)
	for _, name := range parsed.Names {
		if name == helpers {
			unknown("uses " + helpers + ", whose views set variables")
		}
		uses = append(uses, use{how: reads, name: fold(name)})
		if evaluating {
			uses = append(uses, use{how: evaluates, name: fold(name)})
		}
	}
	return uses
}

// walk goes through all that a text makes use of.
type walk struct {
	*catalogue
	does   doing
	seen   map[use]bool
	lacks  []string // the keys that the catalogue does not know, and would have to
	absent []use    // the routines that are called and are not there
	unseen bool     // a view reads what is not there, or what the user may not see
}

// walk returns what comes of some uses. Nothing is proved as long as something lacks.
func (c *catalogue) walk(uses []use) *walk {
	w := &walk{catalogue: c, seen: map[use]bool{}}
	w.follow(uses)
	return w
}

func (w *walk) follow(uses []use) {
	for _, u := range uses {
		if w.seen[u] {
			continue
		}
		w.seen[u] = true
		n, known := w.Nodes[u.key()]
		if !known {
			w.lacks = append(w.lacks, u.key())
			continue
		}
		w.one(u, n)
	}
}

// one follows one use of a node, which is nil if nothing has that name.
func (w *walk) one(u use, n *node) {
	switch u.how {
	case calls, callsProcedure, mentions:
		s := w.called(u, n)
		if s != nil {
			w.step(s)
		} else if u.how != mentions {
			w.absent = append(w.absent, u)
		}
		return
	}
	if u.how == reads && u.in != "" && (n == nil || !n.in[strings.ToLower(u.in)]) {
		w.unseen = true
		w.does.unknownUnless("a view reads "+u.in+"."+u.name+", which the user may not see", grantShowView(u.in))
	}
	if n == nil {
		return
	}
	switch u.how {
	case reads:
		w.step(&n.read)
	case writes:
		w.step(&n.write)
	case evaluates:
		if n.defaults {
			w.does.unknown("may evaluate a default of " + u.name)
		}
		for _, of := range n.read.uses { // of a view
			if of.how == reads {
				w.follow([]use{{how: evaluates, name: of.name}})
			}
		}
	}
}

func (w *walk) step(s *step) {
	w.does.add(&s.own)
	w.follow(s.uses)
}

// called returns what a routine does; nil: it is not known.
func (c *catalogue) called(u use, n *node) *step {
	if n == nil || c.packages[u.in] || u.how == calls && c.loadable[u.name] {
		return nil
	}
	call := my.Call{Procedure: u.how == callsProcedure, Name: u.name}
	if u.how != mentions {
		call.Database = u.in
	}
	return n.routines[call]
}

// pinnedBy tells why only the primary may answer for what is called by a name; empty: others may as well.
func (c *catalogue) pinnedBy(name string) string {
	n := c.Nodes[name]
	switch {
	case n == nil:
		return ""
	case n.pinned != "":
		return n.pinned
	}
	for _, u := range n.read.uses {
		if u.how == reads && u.name != name && c.anyRead(u.name, func(n *node) bool { return n.pinned != "" }) {
			return "view " + name + " mentions " + u.name
		}
	}
	return ""
}

// isRemote reports whether another server may answer for what is called by a name.
func (c *catalogue) isRemote(name string) bool {
	return c.anyRead(name, func(n *node) bool { return n.remote })
}

// anyRead reports whether something is so for a node that is read when what is called by a name is, itself included.
func (c *catalogue) anyRead(name string, is func(n *node) bool) bool {
	seen := map[string]bool{name: true}
	for list := []string{name}; len(list) > 0; list = list[1:] {
		n := c.Nodes[list[0]]
		if n == nil {
			continue
		}
		if is(n) {
			return true
		}
		for _, u := range n.read.uses {
			if u.how == reads && !seen[u.name] {
				seen[u.name] = true
				list = append(list, u.name)
			}
		}
	}
	return false
}
