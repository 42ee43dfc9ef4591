package pg

import (
	"strings"

	"github.com/gopooled/pooled/dialect/statement"
)

// kind is what a token is to the lexer.
type kind uint8

const (
	none     kind = iota
	word          // an unquoted name or keyword; text is folded
	quoted        // a quoted name; text is without its quotes
	literal       // any string
	number        // a number
	param         // $1
	operator      // operators, also :: := =>
	punct         // one of ( ) [ ] , ; . :
)

// token is one token of a text.
type token struct {
	kind    kind
	keyword keyword // of a word
	odd     bool    // a literal whose value is not what stands between its quotes
	length  int32   // of an opening parenthesis: how many tokens further its closing one is
	text    string
}

func (t *token) is(w string) bool       { return t.kind == word && t.text == w }
func (t *token) isPunct(c byte) bool    { return t.kind == punct && t.text[0] == c }
func (t *token) isOperator(c byte) bool { return t.kind == operator && t.text[0] == c }
func (t *token) isName() bool           { return t.kind == quoted || t.kind == word }

// lexState is how a text ended.
type lexState uint8

const (
	lexDone       lexState = iota
	lexUnfinished          // inside a string, a quoted name or a comment
	lexJunk                // at something that no version accepts, or that versions divide differently
)

// lexer divides a text into tokens as the server does.
type lexer struct {
	text      string
	pos       int
	escapes   bool // plain strings have backslash escapes: standard_conforming_strings = off
	ambiguous bool // a plain string would end elsewhere if they had
	spelled   bool // names and keywords are needed only as they are spelled, which saves looking them up
	hints     statement.Hints
	tokens    []token
}

// run divides the whole text.
func (l *lexer) run() lexState {
	for l.pos < len(l.text) {
		if state := l.next(); state != lexDone {
			return state
		}
	}
	return lexDone
}

// next reads one token, comment or stretch of space.
func (l *lexer) next() lexState {
	c := l.text[l.pos]
	switch {
	case isLetter(c):
		return l.word()
	case isSpace(c):
		l.pos++
		return lexDone
	case isDigit(c), c == '.' && isDigit(l.at(1)):
		return l.number()
	case c == '\'':
		return l.plainString()
	case c == '"':
		return l.quotedName()
	case c == '$':
		return l.dollar()
	case c == '-' && l.at(1) == '-':
		end := lineEnd(l.text, l.pos)
		l.hints.Note(l.text[l.pos+2 : end])
		l.pos = end
		return lexDone
	case c == '/' && l.at(1) == '*':
		return l.comment()
	case strings.IndexByte("()[],;.:", c) >= 0:
		return l.punct(c)
	case isOperator(c):
		return l.operator()
	}
	return lexJunk
}

// at returns the byte that many places ahead, or 0 at the end.
func (l *lexer) at(n int) byte {
	if l.pos+n < len(l.text) {
		return l.text[l.pos+n]
	}
	return 0
}

// emit appends the token that ends at end, and goes there.
func (l *lexer) emit(k kind, end int) lexState {
	l.tokens = append(l.tokens, token{kind: k, text: l.text[l.pos:end]})
	l.pos = end
	return lexDone
}

// comment skips a comment and those nested in it.
func (l *lexer) comment() lexState {
	depth, i := 1, l.pos+2
	for ; depth > 0; i++ {
		if i+1 >= len(l.text) {
			return lexUnfinished
		}
		switch l.text[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
	}
	l.hints.Note(l.text[l.pos+2 : i-2])
	l.pos = i
	return lexDone
}

// near says where the lexer could not go on: behind the last keyword, as what follows may be somebody's data.
func (l *lexer) near() string {
	for i := len(l.tokens) - 1; i >= 0; i-- {
		if l.tokens[i].keyword != notKeyword {
			return notUnderstood(&l.tokens[i])
		}
	}
	return notUnderstood(&end)
}

// punct reads a character that stands for itself, and the operators made of such.
func (l *lexer) punct(c byte) lexState {
	next := l.at(1)
	if c == ':' && (next == ':' || next == '=') || c == '.' && next == '.' {
		return l.emit(operator, l.pos+2)
	}
	return l.emit(punct, l.pos+1)
}

// operator reads a run of operator characters, up to a comment that begins in it.
func (l *lexer) operator() lexState {
	end := l.pos + 1
	for end < len(l.text) && isOperator(l.text[end]) {
		if pair := l.text[end:]; strings.HasPrefix(pair, "--") || strings.HasPrefix(pair, "/*") {
			break
		}
		end++
	}
	return l.emit(operator, end)
}

// number reads a number. A letter directly after it is an error to the server since version 15, and the begin of another token,
// perhaps an E” string, to those before.
func (l *lexer) number() lexState {
	end := l.pos
	if base := l.base(); base > 0 {
		if end = digits(l.text, l.pos+2, base); end == l.pos+2 {
			return lexJunk
		}
	} else {
		end = digits(l.text, end, 10)
		if end < len(l.text) && l.text[end] == '.' && !strings.HasPrefix(l.text[end:], "..") {
			end = digits(l.text, end+1, 10)
		}
		end = exponent(l.text, end)
	}
	if end < len(l.text) && isLetter(l.text[end]) {
		return lexJunk
	}
	return l.emit(number, end)
}

// base returns the base that a prefix of the number here names, or 0.
func (l *lexer) base() int {
	if l.text[l.pos] != '0' {
		return 0
	}
	switch l.at(1) {
	case 'x', 'X':
		return 16
	case 'o', 'O':
		return 8
	case 'b', 'B':
		return 2
	}
	return 0
}

// digits returns where the digits at i end; one underscore may stand before each but the first of a decimal number.
func digits(text string, i, base int) int {
	for first := base == 10; i < len(text); first = false {
		j := i
		if text[j] == '_' && !first && j+1 < len(text) {
			j++
		}
		if !isDigitOf(text[j], base) {
			break
		}
		i = j + 1
	}
	return i
}

// exponent returns where an exponent at i ends, or i.
func exponent(text string, i int) int {
	if i >= len(text) || text[i]|0x20 != 'e' {
		return i
	}
	j := i + 1
	if j < len(text) && (text[j] == '+' || text[j] == '-') {
		j++
	}
	if end := digits(text, j, 10); end > j {
		return end
	}
	return i
}

// lineEnd returns where the line at i ends.
func lineEnd(text string, i int) int {
	if n := strings.IndexAny(text[i:], "\n\r"); n >= 0 {
		return i + n
	}
	return len(text)
}

// The classes of characters. Every byte of a character beyond ASCII is a letter.
func isLetter(c byte) bool   { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80 }
func isDigit(c byte) bool    { return c >= '0' && c <= '9' }
func isSpace(c byte) bool    { return c == ' ' || c >= '\t' && c <= '\r' }
func isOperator(c byte) bool { return strings.IndexByte("~!@#^&|`?+-*/%<>=", c) >= 0 }

func isDigitOf(c byte, base int) bool {
	switch base {
	case 2:
		return c == '0' || c == '1'
	case 8:
		return c >= '0' && c <= '7'
	case 16:
		return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
	}
	return isDigit(c)
}
