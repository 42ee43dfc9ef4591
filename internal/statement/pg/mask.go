package pg

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// Mask returns a text as [dialect.Dialect].Mask does. Where the lexer cannot go on, or where it depends on the session's
// standard_conforming_strings what is a string, it shows nothing more.
func Mask(text string) string {
	l := lexer{tokens: make([]token, 0, 1), spelled: true}
	return dialect.MaskPieces(text, l.piece)
}

// piece finds the piece of a text at pos.
func (l *lexer) piece(text string, pos int) (int, dialect.Piece) {
	l.text, l.pos, l.tokens = text, pos, l.tokens[:0]
	if l.next() != lexDone {
		return pos, dialect.PieceRest
	}
	if len(l.tokens) == 0 {
		return l.pos, dialect.PieceSpace
	}
	switch l.tokens[0].kind {
	case number:
		return l.pos, dialect.PieceLiteral
	case literal:
		if !l.endsInAllReadings(pos) {
			return pos, dialect.PieceRest
		}
		return l.pos, dialect.PieceLiteral
	}
	return l.pos, dialect.PieceShown
}

// endsInAllReadings reports whether the literal that begins at start ends at the same place if its backslashes are escapes. That
// is asked even of B” and U&”, for which the server decides otherwise: who wrote them may have meant it.
func (l *lexer) endsInAllReadings(start int) bool {
	raw := l.text[start:l.pos]
	if c := raw[0]; c == '$' || c|0x20 == 'e' || !strings.Contains(raw, `\'`) {
		return true
	}
	other := lexer{text: l.text, pos: start + strings.IndexByte(raw, '\''), escapes: true}
	return other.plainString() == lexDone && other.pos == l.pos
}
