package statement

import (
	"cmp"

	"github.com/gopooled/pooled/dialect"
)

// What follows is for those who make a [dialect.Statement] and are the only ones to have it: it is never changed once others have it. Reasons are for people, and
// show names, and never literals.

// Unknown says that a statement may be anything, and why.
func Unknown(s *dialect.Statement, why string) { Unproved(s, dialect.Reason{What: why}) }

// Unproved is Unknown where more can be told than why.
func Unproved(s *dialect.Statement, why dialect.Reason) {
	Absent(s, why.What)
	Costs(s, dialect.UnknownEffect, why)
}

// Absent is Unknown as long as something is not there that the statement names: it is about to be there, or the statement is a mistake, so that nobody needs
// to be told the reason.
func Absent(s *dialect.Statement, why string) {
	Because(s, why)
	s.Class = dialect.Unknown
	s.Sees = dialect.Sequence
	s.Effects |= dialect.UnknownEffect
	s.Refuses = nil // whatever else it was unknown for
}

// Veil takes the names, which may be literals, from the reason for which a statement is unknown: its text can be read in several ways, in one of which they may be data.
func Veil(s *dialect.Statement) {
	if s.Unproved != (dialect.Reason{}) {
		s.Unproved = dialect.Reason{What: "a text can be read in more than one way"}
	}
}

// Costs says that a statement has effects which are not undone one by one ([dialect.Unprovable]), and why. The first reason is kept.
func Costs(s *dialect.Statement, effects dialect.Effects, why dialect.Reason) {
	s.Effects |= effects
	s.Unproved = cmp.Or(s.Unproved, why)
}

// NeedsPrimary says that a statement is no read for a replica, though it may be one otherwise, and why. It leaves what is no read as it is.
func NeedsPrimary(s *dialect.Statement, why string) {
	if s.Class == dialect.Read {
		Because(s, why)
		s.Class = dialect.Write
	}
}

// Because notes a reason against a read for a replica, if it is the first.
func Because(s *dialect.Statement, why string) {
	if s.Why == "" {
		s.Why = why
	}
}
