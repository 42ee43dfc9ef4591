package statement

import "github.com/gopooled/pooled/dialect"

// Unknown says that a statement may be anything.
func Unknown(s *dialect.Statement, why string) {
	Because(s, why)
	s.Class = dialect.Unknown
	s.Effects |= dialect.UnknownEffect
	s.Sees = dialect.Sequence
}

// NeedsPrimary says that a statement is no read for a replica, though it may be one otherwise.
func NeedsPrimary(s *dialect.Statement, why string) {
	if s.Class == dialect.Read {
		Because(s, why)
		s.Class = dialect.Write
	}
}

// Because notes the first reason against a read.
func Because(s *dialect.Statement, why string) {
	if s.Why == "" {
		s.Why = why
	}
}
