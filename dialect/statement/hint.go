package statement

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// Hints are what the comments of a text ask for: a family's lexer notes each comment of a text, and a [dialect.Statement] takes over what is there at the
// end, as its Hint and CallerClass. The zero value asks for nothing. It belongs to one goroutine at a time.
type Hints struct {
	// Role is where the statement is to run. Of several that differ, the primary counts.
	Role dialect.ServerRole
	// Class is which of pool_classes the call belongs to. Of several, the first counts.
	Class string
}

// Note looks at what stands between the marks of a comment: pool:primary, pool:replica or pool:class=name, but for the name in any case of letters, with nothing but
// space around its parts.
func (h *Hints) Note(comment string) {
	const longest = 64 // comments are looked at once, but a few are essays
	comment = strings.TrimSpace(comment)
	if len(comment) > longest {
		return
	}
	pool, hint, ok := strings.Cut(comment, ":")
	if !ok || !strings.EqualFold(strings.TrimSpace(pool), "pool") {
		return
	}
	key, value, hasValue := strings.Cut(hint, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch {
	case hasValue:
		if h.Class == "" && strings.EqualFold(key, "class") && isName(value) {
			h.Class = strings.Clone(value) // the text may be long
		}
	case strings.EqualFold(key, "primary"):
		h.Role = dialect.RolePrimary
	case strings.EqualFold(key, "replica") && h.Role == dialect.RoleUnknown:
		h.Role = dialect.RoleReplica
	}
}

// isName reports whether a class can have such a name.
func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z')
	})
}
