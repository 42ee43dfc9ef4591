package my

import (
	"strings"

	"github.com/gopooled/pooled/dialect/statement"
)

// kind is what a token is.
type kind uint8

const (
	mark     kind = iota // a punctuation character
	word                 // an identifier or keyword without quotes
	backtick             // an identifier in backticks
	double               // "...": a string, or an identifier under ANSI_QUOTES
	text                 // '...', also with a prefix
	number
	param    // ?
	variable // @name, the name being quoted or not
	system   // the @@ before the name of a system variable
	assign   // :=
	null     // \N
)

// token is a piece of the text, which it refers to by position.
type token struct {
	start, end int32
	kind       kind
	mark       byte
	dotted     bool  // it follows a dot, and so is no keyword
	word       *info // what is known of a word; nil if nothing
}

// isMark reports whether the token is the punctuation character c.
func (t *token) isMark(c byte) bool { return t.kind == mark && t.mark == c }

// isName reports whether the token can be an identifier.
func (t *token) isName() bool {
	return t.kind == backtick || t.kind == double || t.kind == word && (t.dotted || t.word == nil || !t.word.reserved)
}

// lexer takes a text apart.
type lexer struct {
	text   string
	pos    int
	tokens []token
	reading
	executing int  // how deep in executed comments: 0 or 1
	seen      int  // executable comments so far
	spelled   bool // words are needed only as they are spelled, which saves looking them up

	hints         statement.Hints
	escapedQuote  bool // a backslash stood before a single quote that would else have ended its string
	escapedDouble bool // the same with a double quote
}

// lex fills tokens, the way r says. It reports whether it came to the end of the text, outside of strings and comments.
func (l *lexer) lex(r reading) bool {
	l.pos, l.tokens, l.reading = 0, l.tokens[:0], r
	l.executing, l.seen, l.hints, l.escapedQuote, l.escapedDouble = 0, 0, statement.Hints{}, false, false
	for l.pos < len(l.text) {
		if !l.next() {
			return false
		}
	}
	return l.executing == 0
}

// next takes the next token, or skips what is none.
func (l *lexer) next() bool {
	c := l.text[l.pos]
	switch c {
	case ' ', '\t', '\n', '\v', '\f', '\r':
		l.pos++
		return true
	case '\'':
		return l.str(text, l.pos, !l.rawStrings)
	case '"':
		return l.str(double, l.pos, !l.rawStrings && !l.rawNames)
	case '`':
		return l.str(backtick, l.pos, false)
	case '#':
		return l.lineComment()
	case '-':
		if l.isLineComment() {
			return l.lineComment()
		}
	case '/':
		if l.peek(1) == '*' {
			return l.comment()
		}
	case '*':
		if l.peek(1) == '/' && l.executing > 0 {
			l.executing--
			l.pos += 2
			return true
		}
	case '@':
		return l.at()
	case '?':
		return l.add(param, l.pos+1)
	case ':':
		if l.peek(1) == '=' {
			return l.add(assign, l.pos+2)
		}
	case '\\':
		// Nothing else can begin with a backslash.
		return l.peek(1) == 'N' && l.add(null, l.pos+2)
	case '.':
		if isDigit(l.peek(1)) && !l.afterName() {
			return l.number()
		}
	}
	switch {
	case isDigit(c) && !l.afterDot():
		return l.number()
	case nameByte[c]:
		return l.word()
	}
	l.tokens = append(l.tokens, token{start: int32(l.pos), end: int32(l.pos + 1), kind: mark, mark: c})
	l.pos++
	return true
}

// add takes a token that ends before end.
func (l *lexer) add(k kind, end int) bool {
	l.tokens = append(l.tokens, token{start: int32(l.pos), end: int32(end), kind: k, dotted: l.afterDot()})
	l.pos = end
	return true
}

// peek returns the byte that stands n further, zero after the end.
func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.text) {
		return l.text[l.pos+n]
	}
	return 0
}

// afterDot reports whether the last token was a dot, so that even a digit or a keyword begins an identifier.
func (l *lexer) afterDot() bool {
	n := len(l.tokens)
	return n > 0 && l.tokens[n-1].isMark('.')
}

// afterName reports whether an identifier ends right here, so that a dot belongs to it.
func (l *lexer) afterName() bool {
	n := len(l.tokens)
	if n == 0 || int(l.tokens[n-1].end) != l.pos {
		return false
	}
	k := l.tokens[n-1].kind
	return k == word || k == backtick || k == double
}

// word takes an identifier or keyword, or a string with a one-letter prefix.
func (l *lexer) word() bool {
	end := l.pos + 1
	for end < len(l.text) && nameByte[l.text[end]] {
		end++
	}
	if end == l.pos+1 && end < len(l.text) && l.text[end] == '\'' && isPrefix(l.text[l.pos]) {
		return l.str(text, end, !l.rawStrings)
	}
	if l.text[l.pos] == '$' {
		return false // $$ quotes texts in MySQL 9, and is a name elsewhere
	}
	t := token{start: int32(l.pos), end: int32(end), kind: word, dotted: l.afterDot()}
	if !l.spelled {
		t.word = lookup(l.text[l.pos:end])
	}
	l.tokens = append(l.tokens, t)
	l.pos = end
	return true
}

// isPrefix reports whether c before a string makes it a national, hexadecimal or binary one.
func isPrefix(c byte) bool { return strings.IndexByte("nNxXbB", c) >= 0 }

// at takes @name, @'name' and the like, or the @@ of a system variable.
func (l *lexer) at() bool {
	end := l.pos + 1
	switch c := l.peek(1); c {
	case '@':
		return l.add(system, l.pos+2)
	case '\'':
		return l.str(variable, end, !l.rawStrings)
	case '"':
		return l.str(variable, end, !l.rawStrings && !l.rawNames)
	case '`':
		return l.str(variable, end, false)
	}
	for end < len(l.text) && (nameByte[l.text[end]] || l.text[end] == '.') {
		end++
	}
	return l.add(variable, end)
}

// str takes a token that ends with what is quoted at position open.
func (l *lexer) str(k kind, open int, escapes bool) bool {
	quote := l.text[open]
	for i := open + 1; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == '\\' && escapes:
			i++
			if i < len(l.text) && l.text[i] == quote {
				l.escapedQuote = l.escapedQuote || quote == '\''
				l.escapedDouble = l.escapedDouble || quote == '"'
			}
		case c != quote:
		case i+1 < len(l.text) && l.text[i+1] == quote:
			i++
		default:
			return l.add(k, i+1)
		}
	}
	return false
}

// number takes a number, or an identifier that begins like one.
func (l *lexer) number() bool {
	end := l.pos
	if l.text[end] == '0' && end+2 < len(l.text) {
		digits := l.based(l.text[end+1], end+2)
		if digits > end+2 && !l.nameAt(digits) {
			return l.add(number, digits)
		}
	}
	end = l.digits(end)
	if end < len(l.text) && l.text[end] == '.' {
		end = l.digits(end + 1)
		return l.add(number, l.exponent(end))
	}
	if exponent := l.exponent(end); exponent > end {
		return l.add(number, exponent)
	}
	if l.nameAt(end) {
		return l.word()
	}
	return l.add(number, end)
}

// based returns where the digits that begin at i end, of a number whose second character is x or b; else i.
func (l *lexer) based(base byte, i int) int {
	for i < len(l.text) && (base == 'x' && isHex(l.text[i]) || base == 'b' && (l.text[i] == '0' || l.text[i] == '1')) {
		i++
	}
	return i
}

// exponent returns where the exponent that begins at i ends, i without one. What follows it is a token of its own.
func (l *lexer) exponent(i int) int {
	if i+1 >= len(l.text) || l.text[i]|0x20 != 'e' {
		return i
	}
	first := i + 1
	if l.text[first] == '+' || l.text[first] == '-' {
		first++
	}
	if end := l.digits(first); end > first {
		return end
	}
	return i
}

// digits returns where the decimal digits that begin at i end.
func (l *lexer) digits(i int) int {
	for i < len(l.text) && isDigit(l.text[i]) {
		i++
	}
	return i
}

func (l *lexer) nameAt(i int) bool { return i < len(l.text) && nameByte[l.text[i]] }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// nameByte are the bytes of identifiers without quotes. Every byte outside of ASCII is one.
var nameByte = func() (is [256]bool) {
	for c := range is {
		is[c] = isDigit(byte(c)) || 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c == '$' || c >= 0x80
	}
	return is
}()
