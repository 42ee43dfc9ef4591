package statement

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// Hints are what the comments of a text ask for. The zero value asks for nothing.
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

// MayHint reports whether there may be a hint in a text: it has a colon, as few texts do. That costs less than to look for comments, or to remember texts.
func MayHint(text string) bool { return strings.IndexByte(text, ':') >= 0 }

// GenericClass returns what tells the class that a text of a family names which is not known. It remembers texts, and is safe for concurrent use.
func GenericClass() func(text string) string {
	known := &Cache[string]{}
	return func(text string) string {
		class, ok := known.Get(text)
		if !ok {
			var h Hints
			dialect.Generic{}.Comments(text, h.Note)
			class = h.Class
			known.Put(text, class)
		}
		return class
	}
}
