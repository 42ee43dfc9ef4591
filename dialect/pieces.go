package dialect

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Piece says what a piece of a statement text is to [MaskPieces]. The zero value shows nothing.
type Piece uint8

// The kinds of pieces.
const (
	// PieceRest: from here on a literal cannot be told from what is none, so nothing more is shown.
	PieceRest Piece = iota
	// PieceShown: a name, a keyword, an operator or a parameter.
	PieceShown
	// PieceLiteral: a string or a number.
	PieceLiteral
	// PieceSpace: white space or a comment.
	PieceSpace
	// PieceElided: something longer of which nothing is shown, and whose end is certain.
	PieceElided
)

const (
	// maxMasked is the length in bytes of the longest masked text.
	maxMasked = 1000

	// maxMaskable is how much of a text is read. What stands behind is mostly data, and would be cut in any case.
	maxMaskable = 64 << 10

	// maxListed is how many literals of a list are shown. Longer lists are data, and make equal statements look different.
	maxListed = 3

	elided = "..."
)

// MaskPieces writes a text for [Dialect].Mask, piece by piece. It is exported so that every family keeps the same limits.
//
// The function next is given the readable text and the position of a piece. It returns what the piece is and where it ends, which
// is behind pos unless it is [PieceRest]. The text that it is given has no NUL and no invalid UTF-8: servers divide such texts in
// different ways, so they are read only up to there.
func MaskPieces(text string, next func(text string, pos int) (end int, is Piece)) string {
	read := text[:readable(text)]
	m := masked{out: make([]byte, 0, min(len(read)+len(elided)+1, maxMasked+64))}
	for pos := 0; pos < len(read) && len(m.out) <= maxMasked; {
		end, is := next(read, pos)
		switch is {
		case PieceShown:
			m.show(read[pos:end])
		case PieceLiteral:
			m.hide()
		case PieceSpace:
			m.gap = true
		case PieceElided:
			m.elide()
		default:
			m.elide()
			return m.String()
		}
		pos = end
	}
	if len(read) < len(text) {
		m.elide()
	}
	return m.String()
}

// readable returns how long the part of a text is that can be divided.
func readable(text string) int {
	end := min(len(text), maxMaskable)
	if i := strings.IndexByte(text[:end], 0); i >= 0 {
		end = i
	}
	if utf8.ValidString(text[:end]) {
		return end
	}
	for i := 0; ; {
		r, n := utf8.DecodeRuneInString(text[i:end])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// masked is a masked text in the making.
type masked struct {
	out    []byte
	gap    bool // there was white space or a comment since the last piece
	comma  bool // the last piece is a comma in a list of literals
	listed int  // how many literals the list has that ends here; 0: none does
	first  int  // where the first literal of that list ends in out
}

// space writes the blank that stands for a gap.
func (m *masked) space() {
	if m.gap && len(m.out) > 0 {
		m.out = append(m.out, ' ')
	}
	m.gap = false
}

// show writes a piece as it is. What is too long in any case is not copied whole.
func (m *masked) show(piece string) {
	m.space()
	m.out = append(m.out, piece[:min(len(piece), maxMasked+1)]...)
	m.comma = piece == "," && m.listed > 0
	if !m.comma {
		m.listed = 0
	}
}

// hide writes what stands for a literal. From the fourth in a list on there is one ellipsis for all but the first.
func (m *masked) hide() {
	if !m.comma {
		m.listed = 0
	}
	m.comma = false
	m.listed++
	if m.listed > maxListed {
		m.out, m.gap = append(m.out[:m.first], ", "+elided...), false
		return
	}
	m.space()
	m.out = append(m.out, '?')
	if m.listed == 1 {
		m.first = len(m.out)
	}
}

// elide writes what stands for anything. Two such in a row are one.
func (m *masked) elide() {
	m.gap, m.listed, m.comma = true, 0, false
	if strings.HasSuffix(string(m.out[max(0, len(m.out)-len(elided)):]), elided) {
		return
	}
	m.space()
	m.out = append(m.out, elided...)
	m.gap = true
}

// String returns the text, cut to its limit, on one line: names in quotes may hold line breaks, which forge lines in a log.
func (m *masked) String() string {
	if len(m.out) > maxMasked {
		end := maxMasked - len(elided) - 1
		for !utf8.RuneStart(m.out[end]) {
			end--
		}
		m.out = append(m.out[:end], " "+elided...)
	}
	return strings.Map(printable, string(m.out))
}

func printable(r rune) rune {
	if unicode.IsControl(r) {
		return ' '
	}
	return r
}
