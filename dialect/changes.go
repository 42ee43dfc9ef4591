package dialect

import (
	"cmp"
	"context"
	"slices"
)

// Passing are the effects that are undone whatever a fresh session has.
const Passing = OpenTx | Sequence

// maxNoted is how many traces with a name, and how many definitions, are kept for one server connection. A session with more traces than that is not worth
// being cleaned one by one.
const maxNoted = 64

// Changes is what the sessions that borrowed a server connection have left on it since it was clean. The zero value is clean.
// It belongs to the borrower.
type Changes struct {
	Effects Effects
	Undo    []Undo
	// Unproved is the first reason for which they cannot be undone one by one. It may be none, though they cannot.
	Unproved Reason
	// Definitions are the texts that [Sessions].Define was told, each once. One that is empty stands for all that are not kept.
	Definitions []string
	// Inherited is what earlier borrowers left and only a statement that Sees it needs undone.
	Inherited Effects
	// Ran says that the borrower has run a statement, of which a later one may tell: see [Statement].LooksBack.
	Ran bool
	// Pending are provisional statements: see [Changes.Settle].
	Pending Pending
	// Query is the last statement that returned rows, as long as they may still be coming.
	Query OpenQuery
	// Lingering are statements that [Statement].Lingers: see [Changes.EndLingering].
	Lingering Pending
	// Implicit says that transactions may begin by themselves on the connection, as without autocommit: whatever the statements were, one may be
	// open. It outlasts a reset.
	Implicit bool
	// Way is what is known of the way to the server. It outlasts a reset.
	Way Way
	// Untouched says that the session still is what it was when it was dialled, but for [Passing] effects, and Pending ones: it is the number that the
	// dial was given. 0: nobody knows. Other changes than those end it, a reset does not bring it back.
	Untouched uint64
	// database is that of the last USE, and rereads says that nobody knows how the session reads texts by now: see [Changes.Reading].
	database string
	rereads  bool
	// discarded is how often the plans of prepared statements were: see [Changes.Discarded]. It outlasts a reset.
	discarded int
	// Cause is what the changes are a consequence of, for those who trace that they are undone. It has values only, and is never cancelled;
	// nil: nobody wants to know.
	Cause context.Context
}

// OpenQuery is a statement of which nobody has seen the end. The zero value is none.
type OpenQuery struct {
	Text    string
	Since   uint64 // what [Sessions].Changes was when it began
	Defines bool   // it defines something, which is over with it
}

// Way is what is known of the way from a connection to its server.
type Way uint8

// The ways. Nobody has asked a connection of the zero value.
const (
	WayUnknown Way = iota
	// Direct: the session on the server is the connection's own.
	Direct
	// Proxied: a proxy may share the session among its clients.
	Proxied
)

// Clean reports whether there are none.
func (c *Changes) Clean() bool {
	return c.Effects == 0 && c.Pending.Texts == nil && c.Definitions == nil
}

// Defer leaves a trace that few statements ever look at to those that do, if there is no other: undoing it each time would double the
// round trips of a program that inserts rows with generated numbers. A trace that has a name in Undo is not left: a family gives it one where undoing costs
// no round trip, or where views may look at it that nobody knows.
func (c *Changes) Defer() {
	if c.Effects == Sequence && c.Undo == nil && c.Pending.Texts == nil && c.Definitions == nil {
		c.Inherited |= Sequence
		c.Effects = 0
	}
}

// Clear says that the connection is clean.
func (c *Changes) Clear() {
	discarded, untouched := c.discarded, c.Untouched
	if c.Effects&(Plans|UnknownEffect) != 0 {
		discarded++
	}
	if c.Effects&^Passing != 0 || c.Pending.Texts != nil {
		untouched = 0
	}
	*c = Changes{Implicit: c.Implicit, Way: c.Way, Untouched: untouched, discarded: discarded}
}

// Discarded tells how often a reset has discarded the plans of what was prepared before: the server reads such a statement anew when it runs next,
// and no longer as it was when its caller prepared it.
func (c *Changes) Discarded() int { return c.discarded }

// Reading tells how the session reads texts by now: what a prepared statement keeps of the session that prepared it. Empty is as on a
// connection that was just dialled. It is not known after a setting that parsing depends on, or after what may have been one, nor with temporary tables,
// which hide others.
func (c *Changes) Reading() (state string, known bool) {
	return c.database, !c.rereads && c.Pending.Texts == nil && c.Effects&(UnknownEffect|Permanent|Plans|TempTable) == 0
}

// Reread says that nobody knows any more how the session reads texts.
func (c *Changes) Reread() { c.rereads = true }

// Read notes what a statement does to the reading of later texts. failed says that some of it may not have been done.
func (c *Changes) Read(s *Statement, failed bool) {
	switch {
	case s.Database != "" && !s.Rereads && !failed:
		c.database = s.Database
	case s.Rereads || s.Database != "":
		c.rereads = true
	}
}

// Define notes a definition that is about to be sent. It returns the text for [Sessions].Define; false: that knows already.
func (c *Changes) Define(text string) (told string, isNew bool) {
	if len(c.Definitions) == maxNoted {
		text = ""
	}
	if slices.Contains(c.Definitions, text) {
		return "", false
	}
	c.Definitions = append(c.Definitions, text)
	return text, true
}

// EndDefinitions forgets the definitions, which are over.
func (c *Changes) EndDefinitions() { c.Definitions = nil }

// Unknown says that anything may have been done to the session, and why.
func (c *Changes) Unknown(why Reason) {
	c.Effects |= UnknownEffect
	c.Unproved = cmp.Or(c.Unproved, why)
}

// Add notes what a statement with that text does. changes is [Sessions].Changes.
func (c *Changes) Add(s *Statement, text string, changes uint64) { c.AddEnded(s, text, changes, nil) }

// AddEnded is Add for a statement that has ended with an error, or with none: what is provisional may have been refused for what it lacks.
func (c *Changes) AddEnded(s *Statement, text string, changes uint64, err error) {
	c.Effects |= s.Effects
	if s.Effects&Unprovable != 0 {
		c.Unproved = cmp.Or(c.Unproved, s.Unproved)
	}
	for _, u := range s.Undo {
		c.note(u)
	}
	if s.Provisional {
		c.Pending.add(c, text, changes, err)
	}
	if s.Lingers || s.Defines && c.Effects.Has(TempTable) { // what is made of something temporary is so itself
		c.Lingering.add(c, text, changes, nil)
	}
}

// note appends a trace to those that have a name.
func (c *Changes) note(u Undo) {
	switch {
	case slices.Contains(c.Undo, u):
	case len(c.Undo) == maxNoted:
		c.Unknown(tooMany)
	default:
		c.Undo = append(c.Undo, u)
	}
}

// tooMany is why a session is unknown that has more traces than are kept.
var tooMany = Reason{What: "more was done to a session than is undone one by one"}

// EndLingering says that nothing runs any more of what lingers. It has met definitions that have begun since, and nobody knows what it did then.
func (c *Changes) EndLingering(sessions Sessions) {
	for _, text := range c.Lingering.Texts {
		if sessions.ChangedSince(c.Lingering.Since, text) {
			c.Effects |= UnknownEffect
		}
	}
	c.Lingering = Pending{}
}

// Names lists what has to be undone by name for one effect.
func (c *Changes) Names(effect Effects) []string {
	var names []string
	for _, u := range c.Undo {
		if u.Effect == effect {
			names = append(names, u.Name)
		}
	}
	return names
}
