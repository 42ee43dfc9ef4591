// Package holders is what those who watch connections in use tell of them in the same way.
package holders

import (
	"cmp"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/callers"
)

// Older compares connections for slices.SortFunc: those that have been held for longer come first.
func Older(a, b held.Conn) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID)) }

// Told is what others are told of a connection: no literals, which mask takes out, and no way from the caller to the pool.
func Told(c held.Conn, mask func(text string) string) held.Conn {
	c.Text = mask(c.Text)
	c.Stack = callers.OutsideSQL(c.Stack)
	return c
}
