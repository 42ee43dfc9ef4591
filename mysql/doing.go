package mysql

import (
	"slices"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// doing is what comes of it when something of the catalogue is read, written or called, besides what the statement shows. The zero value: nothing.
type doing struct {
	effects  dialect.Effects
	undo     []dialect.Undo
	implicit bool            // it decides whether transactions begin by themselves
	defines  bool            // it changes the catalogue
	sees     bool            // it may read last_insert_id
	looks    bool            // it may ask for what is known of the statement before
	lasts    bool            // some of it may outlast an error of the statement
	why      string          // it may do anything, or what nobody undoes, because: a clause for people, such as "view v mentions f"
	routine  dialect.Routine // the one that why tells of; zero: it is none
	cure     string          // what else would help; empty: nothing is known
}

// unknown says that it may do anything.
func (d *doing) unknown(why string) {
	d.effects |= dialect.UnknownEffect
	if d.why == "" {
		d.why = why
	}
}

// unknownUnless is unknown where something is known to help.
func (d *doing) unknownUnless(why, cure string) {
	if d.why == "" {
		d.cure = cure
	}
	d.unknown(why)
}

// add says that it does what another one does.
func (d *doing) add(other *doing) {
	d.effects |= other.effects
	d.implicit, d.defines = d.implicit || other.implicit, d.defines || other.defines
	d.sees, d.looks, d.lasts = d.sees || other.sees, d.looks || other.looks, d.lasts || other.lasts
	if d.why == "" {
		d.why, d.routine, d.cure = other.why, other.routine, other.cure
	}
	for _, u := range other.undo {
		if !slices.Contains(d.undo, u) {
			d.undo = append(d.undo, u)
		}
	}
}

// isNothing reports whether nothing comes of it. That it may look back is none of that.
func (d *doing) isNothing() bool {
	return d.effects == 0 && !d.implicit && !d.defines && !d.sees && !d.lasts
}

// tell adds it to what a statement does.
func (d *doing) tell(s *dialect.Statement) {
	s.LooksBack = s.LooksBack || d.looks
	if d.isNothing() {
		return
	}
	why := dialect.Reason{What: d.why, Routine: d.routine, Cure: d.cure}
	if d.effects.Has(dialect.UnknownEffect) {
		statement.Unproved(s, why)
	} else {
		statement.NeedsPrimary(s, "a program of the server's leaves something")
	}
	if d.effects.Has(dialect.Permanent) {
		statement.Costs(s, dialect.Permanent, why)
	}
	s.Effects |= d.effects
	s.Implicit, s.Defines = s.Implicit || d.implicit, s.Defines || d.defines
	if d.sees {
		s.Sees = dialect.Sequence
	}
	for _, u := range d.undo {
		if !slices.Contains(s.Undo, u) {
			s.Undo = append(s.Undo[:len(s.Undo):len(s.Undo)], u)
		}
	}
}
