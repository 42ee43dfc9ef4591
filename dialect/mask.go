package dialect

import "strings"

// Mask masks the statement of a family that is not known. It takes for a literal what is one in any family, so names in double
// quotes go as well, and so does $1, which is money in some. Where families would divide the text differently, such as at
// a backslash in a string, it shows nothing more.
func (Generic) Mask(text string) string { return MaskPieces(text, genericPiece) }

// Comments calls f with what stands between the marks of each comment in a text. Where families would divide the text differently, it ends; what some execute is no
// comment.
func (Generic) Comments(text string, f func(comment string)) {
	text = text[:readable(text)]
	for pos := 0; pos < len(text); {
		end, is := genericPiece(text, pos)
		if is == PieceRest {
			return
		}
		if c := text[pos]; is == PieceSpace && (c == '-' || c == '/') {
			f(strings.TrimSuffix(text[pos+2:end], "*/"))
		}
		pos = end
	}
}

// genericPiece finds the piece of a text at pos.
func genericPiece(text string, pos int) (int, Piece) {
	switch c := text[pos]; {
	case c == ' ' || c >= '\t' && c <= '\r':
		return pos + 1, PieceSpace
	case c == '\'' || c == '"':
		return genericString(text, pos)
	case c == '`':
		return plainUntil(text, pos, "`")
	case c == '[':
		return genericBracket(text, pos)
	case c == '$':
		return genericDollar(text, pos)
	case isDigit(c), c == '.' && pos+1 < len(text) && isDigit(text[pos+1]):
		return genericNumber(text, pos)
	case isNameByte(c):
		return genericWord(text, pos)
	case strings.HasPrefix(text[pos:], "--"):
		return genericLineComment(text, pos)
	case strings.HasPrefix(text[pos:], "/*"):
		return genericComment(text, pos)
	case strings.HasPrefix(text[pos:], "//"):
		return pos, PieceRest // a comment in some, an operator in others
	case strings.IndexByte("(),;.:=<>!+-*/%&|^~?@]", c) >= 0:
		return pos + 1, PieceShown
	}
	return pos, PieceRest // also at # and {, which begin comments in some
}

// genericString reads '…' or "…", in which a doubled quote stands for itself. It gives up at a backslash, which is an escape in
// some, and at three quotes, which some close with three.
func genericString(text string, pos int) (int, Piece) {
	quote := text[pos]
	if strings.HasPrefix(text[pos:], strings.Repeat(string(quote), 3)) {
		return pos, PieceRest
	}
	for i := pos + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\':
			return pos, PieceRest
		case text[i] != quote:
		case i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i + 1, PieceLiteral
		}
	}
	return pos, PieceRest
}

// plainUntil reads a name in quotes that are none in other families. It gives up where that would make a difference.
func plainUntil(text string, pos int, closing string) (int, Piece) {
	n := strings.Index(text[pos+1:], closing)
	if n < 0 || !plain(text[pos+1:pos+1+n]) {
		return pos, PieceRest
	}
	return pos + n + 2, PieceShown
}

// genericBracket reads a [, which begins an index in some and a name in others. A name may hold quotes, and doubled brackets.
func genericBracket(text string, pos int) (int, Piece) {
	end, is := plainUntil(text, pos, "]")
	if is == PieceRest || end < len(text) && text[end] == ']' {
		return pos, PieceRest
	}
	return pos + 1, PieceShown // the index may be a literal
}

// plain reports whether a text means the same in and outside of quotes: nothing in it begins or ends a string or a comment.
func plain(text string) bool {
	return !strings.ContainsAny(text, "'\"`\\#${}") && !strings.Contains(text, "--") && !strings.Contains(text, "/*") &&
		!strings.Contains(text, "//")
}

// genericDollar reads $tag$…$tag$, or the dollar of a parameter.
func genericDollar(text string, pos int) (int, Piece) {
	end := pos + 1
	for end < len(text) && text[end] != '$' && isNameByte(text[end]) {
		end++
	}
	if end == len(text) || text[end] != '$' {
		return pos + 1, PieceShown
	}
	tag := text[pos : end+1]
	n := strings.Index(text[end+1:], tag)
	if n < 0 || !plain(text[end+1:end+1+n]) {
		return pos, PieceRest // elsewhere it is no string, and what quotes are in it count
	}
	return end + 1 + n + len(tag), PieceLiteral
}

// genericNumber reads a number, together with all letters and dots behind it. It gives up where a string of a special kind may
// begin in these.
func genericNumber(text string, pos int) (int, Piece) {
	end := pos
	for end < len(text) && (text[end] == '.' || isNameByte(text[end])) {
		end++
	}
	if end < len(text) && text[end] == '\'' || strings.Contains(text[pos:end], "$") {
		return pos, PieceRest
	}
	return end, PieceLiteral
}

// genericWord reads a name or a keyword. It gives up at q'[…]', which ends with the bracket, and where dollars in a name might be
// quotes.
func genericWord(text string, pos int) (int, Piece) {
	end := pos + 1
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	word := text[pos:end]
	if end < len(text) && text[end] == '\'' && word[len(word)-1]|0x20 == 'q' || strings.Count(word, "$") > 1 {
		return pos, PieceRest
	}
	return end, PieceShown
}

// genericLineComment skips a comment. It gives up where the families differ: some know it for one only if a blank follows the
// dashes, so that a quote in it counts, and some end it at a carriage return.
func genericLineComment(text string, pos int) (int, Piece) {
	comment, _, _ := strings.Cut(text[pos+2:], "\n")
	line := strings.TrimSuffix(comment, "\r")
	blank := line == "" || line[0] == ' ' || line[0] == '\t'
	if strings.Contains(line, "\r") || !blank && !plain(line) {
		return pos, PieceRest
	}
	return pos + 2 + len(comment), PieceSpace
}

// genericComment skips a comment. It gives up at one in another, which nest in some, and at quotes in one that some execute.
func genericComment(text string, pos int) (int, Piece) {
	n := strings.Index(text[pos+2:], "*/")
	if n < 0 {
		return pos, PieceRest
	}
	comment := text[pos+2 : pos+2+n]
	if strings.Contains(comment, "/*") || strings.HasPrefix(text[pos+2:], "/") {
		return pos, PieceRest
	}
	if executed := strings.HasPrefix(comment, "!") || strings.HasPrefix(comment, "M!"); executed {
		if !plain(comment) {
			return pos, PieceRest
		}
		return pos + n + 4, PieceElided
	}
	return pos + n + 4, PieceSpace
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// isNameByte reports whether c may stand in a name without quotes. Every byte beyond ASCII may.
func isNameByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || isDigit(c) || c == '_' || c == '$' || c >= 0x80
}
