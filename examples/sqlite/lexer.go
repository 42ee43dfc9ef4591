package sqlite

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
)

// kind is what a token is.
type kind uint8

const (
	rest   kind = iota // from here on the text cannot be divided
	space              // white space
	remark             // a comment
	word               // a keyword, or a name without quotes
	double             // "...": a name, or a string if there is no such name
	quoted             // `...` or [...]: a name
	text               // '...' or x'...'
	number
	param // ?, ?1, :a, @a, $a
	mark  // anything else, one character each
)

// token is a piece of a text.
type token struct {
	kind kind
	raw  string
}

// is reports whether the token is a mark.
func (t token) is(c byte) bool { return t.kind == mark && t.raw[0] == c }

// name returns what the token names, in lower case, without its quotes; empty if it is none. SQLite takes even a string for a name where only a name makes sense.
func (t token) name() string {
	switch t.kind {
	case word:
		return strings.ToLower(t.raw)
	case double, quoted, text:
		return strings.ToLower(strings.Trim(t.raw, "\"`[]'"))
	default:
		return ""
	}
}

// keyword returns a word without quotes in lower case; empty: it is none.
func (t token) keyword() string {
	if t.kind != word {
		return ""
	}
	return strings.ToLower(t.raw)
}

// lex divides a text, and notes what its comments ask for. It reports whether it came to the end.
func lex(source string) (tokens []token, hints statement.Hints, ok bool) {
	for pos := 0; pos < len(source); {
		end, kind := next(source, pos)
		raw := source[pos:end]
		switch kind {
		case rest:
			return nil, statement.Hints{}, false
		case space:
		case remark:
			hints.Note(strings.TrimSuffix(raw[2:], "*/"))
		default:
			tokens = append(tokens, token{kind, raw})
		}
		pos = end
	}
	return tokens, hints, true
}

// piece finds the piece of a text at pos, for masks and summaries. What stands in double quotes may be a string, and so counts as one.
func piece(source string, pos int) (end int, is dialect.Piece) {
	end, kind := next(source, pos)
	switch kind {
	case rest:
		return pos, dialect.PieceRest
	case space, remark:
		return end, dialect.PieceSpace
	case double, text, number:
		return end, dialect.PieceLiteral
	default:
		return end, dialect.PieceShown
	}
}

// next finds the token at pos, as tokenize.c of SQLite does. Where that is generous, such as with a comment that never ends, it gives up.
func next(source string, pos int) (end int, k kind) {
	left := source[pos:]
	switch c := left[0]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r':
		return pos + 1, space
	case strings.HasPrefix(left, "--"):
		line, _, _ := strings.Cut(left, "\n")
		return pos + len(line), remark
	case strings.HasPrefix(left, "/*"):
		if n := strings.Index(left[2:], "*/"); n >= 0 {
			return pos + n + 4, remark
		}
		return pos, rest
	case c == '\'':
		return enclosed(source, pos, c, text)
	case c == '"':
		return enclosed(source, pos, c, double)
	case c == '`':
		return enclosed(source, pos, c, quoted)
	case c == '[':
		if n := strings.IndexByte(left, ']'); n >= 0 {
			return pos + n + 1, quoted
		}
		return pos, rest
	case isDigit(c), c == '.' && len(left) > 1 && isDigit(left[1]):
		return numberEnd(source, pos), number
	case (c == 'x' || c == 'X') && len(left) > 1 && left[1] == '\'':
		return blob(source, pos)
	case isNameByte(c) && c != '$':
		return nameEnd(source, pos), word
	case strings.IndexByte("?:@$", c) >= 0:
		return parameter(source, pos)
	case strings.IndexByte("(),;.=<>!+-*/%&|~", c) >= 0:
		return pos + 1, mark
	default: // a NUL, at which SQLite ends, among others
		return pos, rest
	}
}

// enclosed reads what stands in quotes, in which a doubled quote stands for itself.
func enclosed(source string, pos int, quote byte, k kind) (int, kind) {
	for i := pos + 1; i < len(source); i++ {
		switch {
		case source[i] == 0:
			return pos, rest
		case source[i] != quote:
		case i+1 < len(source) && source[i+1] == quote:
			i++
		default:
			return i + 1, k
		}
	}
	return pos, rest
}

// blob reads x'...'.
func blob(source string, pos int) (int, kind) {
	n := strings.IndexByte(source[pos+2:], '\'')
	if n < 0 || n%2 != 0 || strings.Trim(source[pos+2:pos+2+n], "0123456789abcdefABCDEF") != "" {
		return pos, rest
	}
	return pos + n + 3, text
}

// numberEnd finds the end of a number, with all letters and digits that stand right behind it.
func numberEnd(source string, pos int) int {
	end := pos
	for end < len(source) && (source[end] == '.' || isNameByte(source[end])) {
		e := source[end] | 0x20
		end++
		if e == 'e' && end+1 < len(source) && (source[end] == '+' || source[end] == '-') && isDigit(source[end+1]) {
			end++
		}
	}
	return end
}

// parameter reads ?1, :a, @a or $a. It gives up at those of Tcl, which may hold quotes.
func parameter(source string, pos int) (int, kind) {
	end := nameEnd(source, pos+1)
	if end < len(source) && source[pos] != '?' && (source[end] == '(' || strings.HasPrefix(source[end:], "::")) {
		return pos, rest
	}
	if end == pos+1 && source[pos] != '?' {
		return pos, rest
	}
	return end, param
}

func nameEnd(source string, pos int) int {
	for pos < len(source) && isNameByte(source[pos]) {
		pos++
	}
	return pos
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isNameByte reports whether c may stand in a name without quotes. Every byte beyond ASCII may.
func isNameByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || isDigit(c) || c == '_' || c == '$' || c >= 0x80
}

// Mask hides the literals of a statement, and what stands in double quotes: SQLite takes it for a string where there is no such name.
func (Dialect) Mask(text string) string { return dialect.MaskPieces(text, piece) }

// Summary names the operations and targets of a statement. A target in double quotes or brackets is left out.
func (Dialect) Summary(text string) string { return statement.Summary(text, '`', piece) }
