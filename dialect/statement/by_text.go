package statement

import (
	"context"
	"database/sql/driver"

	"github.com/gopooled/pooled/dialect"
)

// ByText is the part of [dialect.Sessions] that a family needs in which the text alone tells what a statement does: it has no catalogue that would have to be
// learnt, and no proxies. It is to be made by [NewByText]. It is safe for concurrent use.
//
// What is left to the dialect is Baseline, Reset and Leftovers.
type ByText struct {
	judge func(text string) *dialect.Statement
	known Cache[*dialect.Statement]
}

// NewByText makes a ByText of a function that says what a text does. It may be called by several goroutines at once, never returns nil, and is not asked
// again as long as there is room for its answer. Its answers must not be provisional: there is nothing to wait for.
func NewByText(judge func(text string) *dialect.Statement) *ByText { return &ByText{judge: judge} }

// Statement says what a text does, or remembers it.
func (b *ByText) Statement(text string) *dialect.Statement {
	s, ok := b.known.Get(text)
	if !ok {
		s = b.judge(text)
		b.known.Put(text, s)
	}
	return s
}

// Declare does nothing: there are no routines that could be declared harmless.
func (*ByText) Declare(dialect.Declared) {}

// Proxied reports false.
func (*ByText) Proxied(context.Context, driver.Conn) (bool, error) { return false, nil }

// Stale reports false, as there is nothing to learn.
func (*ByText) Stale() bool { return false }

// Unsettled reports false, as nobody reads anything.
func (*ByText) Unsettled() bool { return false }

// Known reports true: all is known from the beginning.
func (*ByText) Known() bool { return true }

// Age does nothing.
func (*ByText) Age() {}

// Outdate does nothing.
func (*ByText) Outdate(bool) {}

// Define does nothing, as no definition changes what texts do.
func (*ByText) Define(string) (lasts bool) { return false }

// Defined does nothing.
func (*ByText) Defined(string) {}

// Changes returns 0.
func (*ByText) Changes() uint64 { return 0 }

// ChangedSince reports false.
func (*ByText) ChangedSince(uint64, string) bool { return false }

// Learn does nothing.
func (*ByText) Learn(context.Context, driver.Conn, []string, bool) error { return nil }
