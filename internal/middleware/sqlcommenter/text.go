package sqlcommenter

import (
	"strings"
	"sync/atomic"
)

// text is what is known of a caller's text.
type text struct {
	static   string      // with the tags of the program; the caller's own if it gets no comment
	end      int         // where the comment goes; 0: nowhere
	prepared atomic.Bool // a statement was prepared with it
}

// longestKept is the longest text in bytes that is remembered. What is longer is full of values, and not sent again.
const longestKept = 64 << 10

// text looks at a text, or remembers it.
func (m *Commenter) text(s string) *text {
	if t, ok := m.texts.Get(s); ok {
		return t
	}
	if len(s) > longestKept {
		return m.read(s)
	}
	m.reading.Lock()
	defer m.reading.Unlock()
	if t, ok := m.texts.Get(s); ok {
		return t
	}
	t := m.read(s)
	m.texts.Put(s, t)
	return t
}

// read finds the place of the comment.
func (m *Commenter) read(s string) *text {
	t := &text{}
	if !m.mayHaveComment(s) {
		t.end = len(strings.TrimRight(s, "; \t\r\n\f\v"))
	}
	if t.end > 0 {
		t.static = s[:t.end] + m.comment.static + s[t.end:]
	} else {
		t.static = strings.Clone(s) // it may be a piece of a larger one
	}
	return t
}

// mayHaveComment reports whether there is something in a text that begins a comment, if only in a string. Nothing but PostgreSQL is known to do
// something else with #.
func (m *Commenter) mayHaveComment(s string) bool {
	return strings.Contains(s, "/*") || strings.Contains(s, "--") || m.Dialect != "postgres" && strings.Contains(s, "#")
}
