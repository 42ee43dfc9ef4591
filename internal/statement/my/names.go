package my

import (
	"slices"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// manyNames is from how many names on they are looked up in a map.
const manyNames = 32

// name notes an identifier that may be a table, a view or a column.
func (p *parser) name(t *token) {
	name := lower(p.plain(t))
	if t.dotted && (name == "nextval" || name == "currval") {
		p.because("takes a value from a sequence")
		p.is(write, sequenceValue) // a call in MariaDB's Oracle mode
	}
	if name == "" || slices.Contains(p.out.Targets, name) || p.isKnown(name) {
		return
	}
	p.noteServer(name)
	if p.out.Names == nil {
		p.out.Names = make([]string, 0, 8)
	}
	p.out.Names = append(p.out.Names, name)
	if p.known != nil {
		p.known[name] = true
	}
}

// isKnown reports whether the name was noted before.
func (p *parser) isKnown(name string) bool {
	if len(p.out.Names) < manyNames {
		return slices.Contains(p.out.Names, name)
	}
	if p.known == nil {
		p.known = make(map[string]bool, 2*manyNames)
		for _, n := range p.out.Names {
			p.known[n] = true
		}
	}
	return p.known[name]
}

// names notes all identifiers in s.
func (p *parser) names(s []token) {
	for i := range s {
		if s[i].isName() {
			p.name(&s[i])
		}
	}
}

// target notes a table that the statement writes.
func (p *parser) target(t *token) {
	name := lower(p.plain(t))
	if !slices.Contains(p.out.Targets, name) {
		p.out.Targets = append(p.out.Targets, name)
	}
}

// qualified returns the end of the name at position i, with its qualifiers; i if there is none.
func qualified(s []token, i int) int {
	if i >= len(s) || !s[i].isName() {
		return i
	}
	for isMark(s, i+1, '.') && i+2 < len(s) && s[i+2].isName() {
		i += 2
	}
	return i + 1
}

// plain returns an identifier without its quotes.
func (p *parser) plain(t *token) string {
	if t.kind == word {
		return p.text[t.start:t.end]
	}
	return unquote(p.text[t.start:t.end])
}

// unquote takes the quotes from s, and one each from the doubled ones within.
func unquote(s string) string {
	quote := s[:1]
	s = s[1 : len(s)-1]
	if strings.Contains(s, quote) {
		return strings.ReplaceAll(s, quote+quote, quote)
	}
	return s
}

// variableName returns the name of a user variable, "" if it cannot be told.
func (p *parser) variableName(t *token) string {
	name := p.text[t.start+1 : t.end]
	if name != "" && strings.IndexByte("'\"`", name[0]) >= 0 {
		if name[0] != '`' && strings.Contains(name, `\`) {
			return ""
		}
		name = unquote(name)
	}
	return lower(name)
}

// lower returns a name in lower case, as far as it is ASCII. For the rest the server's collation decides what is the same, so that
// the name is better kept as it was written.
func lower(name string) string {
	for i := range len(name) {
		if c := name[i]; c >= 0x80 {
			return strings.Map(lowerASCII, name)
		}
	}
	return strings.ToLower(name)
}

func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r | 0x20
	}
	return r
}

// temporary notes a temporary table, by the name that begins at position i.
func (p *parser) temporary(s []token, i int) {
	end := qualified(s, i)
	var b strings.Builder
	if end == i+1 && p.database != "" {
		b.WriteString("`" + strings.ReplaceAll(p.database, "`", "``") + "`")
	}
	for ; i < end; i += 2 {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteByte('`')
		b.WriteString(strings.ReplaceAll(p.plain(&s[i]), "`", "``"))
		b.WriteByte('`')
	}
	p.undo(dialect.TempTable, b.String())
}
