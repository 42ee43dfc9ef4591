package pg

import (
	"strings"
	"unicode/utf8"
)

// word reads a name or a keyword, or the string that its first letter introduces.
func (l *lexer) word() lexState {
	if state, ok := l.prefixed(); ok {
		return state
	}
	end := l.pos + 1
	for end < len(l.text) && (isLetter(l.text[end]) || isDigit(l.text[end]) || l.text[end] == '$') {
		end++
	}
	if l.spelled {
		return l.emit(word, end)
	}
	text, class := fold(l.text[l.pos:end])
	l.tokens = append(l.tokens, token{kind: word, keyword: class, text: text})
	l.pos = end
	return lexDone
}

// prefixed reads E”, B”, X”, N”, U&” and U&"".
func (l *lexer) prefixed() (lexState, bool) {
	c, next := l.text[l.pos]|0x20, l.at(1)
	switch {
	case c == 'e' && next == '\'':
		return l.string(l.pos+2, true, true), true
	case (c == 'b' || c == 'x') && next == '\'':
		return l.bits(), true
	case c == 'n' && next == '\'':
		l.pos++
		return l.plainString(), true
	case c == 'u' && next == '&' && l.at(2) == '\'':
		return l.string(l.pos+3, false, true), true
	case c == 'u' && next == '&' && l.at(2) == '"':
		return lexJunk, true // what it spells depends on a UESCAPE that may follow
	}
	return lexDone, false
}

// plainString reads '…'.
func (l *lexer) plainString() lexState {
	return l.string(l.pos+1, l.escapes, false)
}

// string reads the string whose first character is at i, with the parts that continue it on further lines.
func (l *lexer) string(i int, escapes, odd bool) lexState {
	for i < len(l.text) {
		switch c := l.text[i]; {
		case c == '\\':
			odd = true
			i++
			if escapes {
				i++
			} else if i < len(l.text) && l.text[i] == '\'' {
				l.ambiguous = true
			}
		case c != '\'':
			i++
		case i+1 < len(l.text) && l.text[i+1] == '\'':
			i += 2
		default:
			next, ok := continued(l.text, i+1)
			if !ok {
				l.emit(literal, i+1)
				l.tokens[len(l.tokens)-1].odd = odd
				return lexDone
			}
			i, odd = next, true
		}
	}
	return lexUnfinished
}

// bits reads B'…' and X'…', which have neither escapes nor doubled quotes.
func (l *lexer) bits() lexState {
	for i := l.pos + 2; ; {
		n := strings.IndexByte(l.text[i:], '\'')
		if n < 0 {
			return lexUnfinished
		}
		next, ok := continued(l.text, i+n+1)
		if !ok {
			return l.emit(literal, i+n+1)
		}
		i = next
	}
}

// continued looks behind the closing quote of a string for its continuation: another quote after nothing but space and line
// comments, at least one line further. It returns where the continuation's first character is.
func continued(text string, i int) (int, bool) {
	lines := 0
	for i < len(text) {
		switch c := text[i]; {
		case c == '\n' || c == '\r':
			lines++
			i++
		case isSpace(c):
			i++
		case strings.HasPrefix(text[i:], "--"):
			i = lineEnd(text, i)
		default:
			return i + 1, c == '\'' && lines > 0
		}
	}
	return i, false
}

// quotedName reads "…".
func (l *lexer) quotedName() lexState {
	start, doubled := l.pos+1, false
	for i := start; i < len(l.text); i++ {
		if l.text[i] != '"' {
			continue
		}
		if i+1 < len(l.text) && l.text[i+1] == '"' {
			doubled = true
			i++
			continue
		}
		name := l.text[start:i]
		if name == "" {
			return lexJunk
		}
		if doubled {
			name = strings.ReplaceAll(name, `""`, `"`)
		}
		l.tokens = append(l.tokens, token{kind: quoted, text: Cut(name)})
		l.pos = i + 1
		return lexDone
	}
	return lexUnfinished
}

// dollar reads $1 and $tag$…$tag$.
func (l *lexer) dollar() lexState {
	if isDigit(l.at(1)) {
		end := l.pos + 2
		for end < len(l.text) && isDigit(l.text[end]) {
			end++
		}
		if end < len(l.text) && isLetter(l.text[end]) {
			return lexJunk // as after a number
		}
		return l.emit(param, end)
	}
	end := l.pos + 1
	for end < len(l.text) && (isLetter(l.text[end]) || isDigit(l.text[end])) {
		end++
	}
	if end >= len(l.text) || l.text[end] != '$' {
		return lexJunk
	}
	tag := l.text[l.pos : end+1]
	n := strings.Index(l.text[end+1:], tag)
	if n < 0 {
		return lexUnfinished
	}
	return l.emit(literal, end+1+n+len(tag))
}

// fold spells a word as the catalogue does, and says which keyword it is.
// Only ASCII letters are folded: that is what the server does in databases with a multi-byte encoding.
func fold(text string) (string, keyword) {
	var room [maxKeyword]byte
	upper, letters := false, room[:0]
	for i := range len(text) {
		c := text[i]
		if c >= 'A' && c <= 'Z' {
			upper = true
			c |= 0x20
		}
		if len(letters) < maxKeyword {
			letters = append(letters, c)
		}
	}
	if len(text) <= maxKeyword {
		if k, ok := keywords[string(letters)]; ok {
			return k.text, k.keyword
		}
	}
	if upper {
		text = strings.Map(lower, text)
	}
	return Cut(text), notKeyword
}

func lower(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r | 0x20
	}
	return r
}

// maxName is the length at which the server cuts names.
const maxName = 63

// IsCut reports whether a name is longer than names can be.
func IsCut(name string) bool { return len(name) > maxName }

// Cut cuts a name where the server does.
func Cut(name string) string {
	if !IsCut(name) {
		return name
	}
	end := maxName
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end]
}
