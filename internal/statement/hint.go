package statement

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// Hint returns where a comment wants its statement to run, given what stands between its marks: pool:primary or pool:replica in any
// case of letters, with nothing but space around it.
func Hint(comment string) dialect.ServerRole {
	const longest = 64 // comments are looked at once, but a few are essays
	comment = strings.TrimSpace(comment)
	if len(comment) > longest {
		return dialect.RoleUnknown
	}
	pool, role, ok := strings.Cut(comment, ":")
	if !ok || !strings.EqualFold(strings.TrimSpace(pool), "pool") {
		return dialect.RoleUnknown
	}
	switch role = strings.TrimSpace(role); {
	case strings.EqualFold(role, "primary"):
		return dialect.RolePrimary
	case strings.EqualFold(role, "replica"):
		return dialect.RoleReplica
	}
	return dialect.RoleUnknown
}

// BothHints returns what counts of two hints: the primary's, if they differ.
func BothHints(a, b dialect.ServerRole) dialect.ServerRole {
	if a == dialect.RolePrimary || b == dialect.RoleUnknown {
		return a
	}
	return b
}
