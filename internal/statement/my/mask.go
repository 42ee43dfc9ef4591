package my

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// Mask returns a text as [dialect.Dialect].Mask does. What stands in double quotes is taken for a string, and a word that begins
// with a digit for a number, though both may be names. Where it depends on sql_mode what is a string, it shows nothing more.
func Mask(text string) string {
	l := lexer{tokens: make([]token, 0, 2), spelled: true}
	return dialect.MaskPieces(text, l.piece)
}

// piece finds the piece of a text at pos.
func (l *lexer) piece(text string, pos int) (int, dialect.Piece) {
	l.text, l.pos = text, pos
	if n := len(l.tokens); n > 1 {
		l.tokens = append(l.tokens[:0], l.tokens[n-1]) // the lexer looks back at one token
	}
	switch c := text[pos]; {
	case c == '/' && (strings.HasPrefix(text[pos:], "/*!") || strings.HasPrefix(text[pos:], "/*M!")):
		return l.maskExecutable()
	case c == '@' && (l.peek(1) == '\'' || l.peek(1) == '"'):
		return pos + 1, dialect.PieceShown // the name is a piece of its own, and a literal
	}
	before := len(l.tokens)
	if !l.next() || l.escapedQuote || l.escapedDouble {
		return pos, dialect.PieceRest
	}
	if len(l.tokens) == before {
		return l.pos, dialect.PieceSpace
	}
	return l.pos, l.pieceOf(before)
}

// pieceOf says what the token at position i is.
func (l *lexer) pieceOf(i int) dialect.Piece {
	t := &l.tokens[i]
	switch t.kind {
	case text, double, number, null, param:
		return dialect.PieceLiteral
	case word:
		if isDigit(l.text[t.start]) || l.afterNumber(i) {
			return dialect.PieceLiteral
		}
	case variable:
		if t.end > t.start+1 && isDigit(l.text[t.start+1]) {
			return dialect.PieceLiteral // a host address, perhaps
		}
	}
	return dialect.PieceShown
}

// afterNumber reports whether the token at position i begins right where a number ends, and so may be meant to belong to it.
func (l *lexer) afterNumber(i int) bool {
	return i > 0 && l.tokens[i-1].kind == number && l.tokens[i-1].end == l.tokens[i].start
}

// maskExecutable passes over an executable comment if it ends at the same place whether or not it is executed. For that it must
// not have anything in it that could hide its end.
func (l *lexer) maskExecutable() (int, dialect.Piece) {
	n := strings.Index(l.text[l.pos:], "*/")
	if n < 0 {
		return l.pos, dialect.PieceRest
	}
	content := l.text[l.pos+2 : l.pos+n]
	if strings.ContainsAny(content, "'\"`#\\") || strings.Contains(content, "--") || strings.Contains(content, "/*") {
		return l.pos, dialect.PieceRest
	}
	return l.pos + n + 2, dialect.PieceElided
}
