package statement

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/gopooled/pooled/dialect"
)

const (
	// maxSummary is the length in bytes of the longest summary: the convention allows 255 characters.
	maxSummary = 255

	// maxSummarized is how much of a text is read. What stands behind is mostly data.
	maxSummarized = 16 << 10
)

// Summary returns the summary of a text as [dialect.Dialect].Summary does. The function next is the one that the family gives to
// [dialect.MaskPieces]: a literal, and what could be one, is none of the pieces that it shows. Names in quotes begin with quote.
//
// It follows the words that say where a target comes, and is no parser: of a text that no server accepts it may say anything that is
// in it and is no literal. A text that is longer than what is read, and what is cut off in the middle of it, is summarized as far as it
// was read; of a shorter one that cannot be divided to its end, the first word is all that is certain.
func Summary(text string, quote byte, next func(text string, pos int) (end int, is dialect.Piece)) string {
	whole := text
	if len(text) > maxSummarized {
		text = text[:strings.LastIndexAny(text[:maxSummarized], " \t\r\n")+1] // not within a name
	}
	s := summaries.Get().(*summary)
	defer summaries.Put(s)
	s.reset(text)
	complete := s.divide(quote, next) || len(text) < len(whole)
	if complete && utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		s.run()
	}
	if len(s.pieces) == 0 {
		return s.firstWord()
	}
	return s.String()
}

// summaries are kept for their slices.
var summaries = sync.Pool{New: func() any { return new(summary) }}

// tokenKind is what a token is to a summary.
type tokenKind uint8

const (
	tokenOther tokenKind = iota // literals, parameters, operators; several in a row are one
	tokenWord                   // a keyword, or a name without quotes
	tokenName                   // a name in quotes
	tokenMark                   // one of ( ) [ ] { , ; .
)

// summaryToken is a piece of a text that counts.
type summaryToken struct {
	word       string // of a word that is a keyword here: in lower case
	start, end int32
	kind       tokenKind
	mark       byte
}

// summary is a summary in the making.
type summary struct {
	text   string
	tokens []summaryToken
	i      int // the position of the token that is looked at

	frames []frame
	ctes   []string // the names of WITH clauses that can be seen here: they are no targets
	pieces []string // operations and targets
	length int      // of the pieces, with blanks between them
	done   bool     // nothing more can be added, or understood

	statement, before int // where the pieces of this statement begin, and those of the one before; -1: there was none
}

// reset prepares for a text.
func (s *summary) reset(text string) {
	*s = summary{
		text: text, tokens: s.tokens[:0], frames: append(s.frames[:0], frame{other: -1}), ctes: s.ctes[:0], pieces: s.pieces[:0], before: -1,
	}
}

// divide takes the text apart. It reports whether it came to the end.
func (s *summary) divide(quote byte, next func(text string, pos int) (end int, is dialect.Piece)) bool {
	for pos := 0; pos < len(s.text); {
		if isBlank(s.text[pos]) {
			pos++ // in every family, and most frequent
			continue
		}
		end, is := next(s.text, pos)
		switch is {
		case dialect.PieceSpace, dialect.PieceElided:
		case dialect.PieceShown:
			s.shown(pos, end, quote)
		case dialect.PieceLiteral:
			s.other(pos, end)
		default:
			return false
		}
		pos = end
	}
	return true
}

// shown adds a piece that is no literal.
func (s *summary) shown(start, end int, quote byte) {
	t := summaryToken{start: int32(start), end: int32(end)}
	switch c := s.text[start]; {
	case start > 0 && s.text[start-1] == '@':
		s.other(start, end) // @@name
		return
	case c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c >= 0x80:
		t.kind, t.word = tokenWord, keyword(s.text[start:end])
	case end == start+1 && isMark(c):
		t.kind, t.mark = tokenMark, c
	case end > start+1 && c == quote:
		t.kind = tokenName
	default:
		s.other(start, end)
		return
	}
	s.tokens = append(s.tokens, t)
}

// other adds a piece of which nothing counts but that it is there.
func (s *summary) other(start, end int) {
	if n := len(s.tokens); n > 0 && s.tokens[n-1].kind == tokenOther {
		return
	}
	s.tokens = append(s.tokens, summaryToken{start: int32(start), end: int32(end)})
}

func isMark(c byte) bool {
	switch c {
	case '(', ')', '[', ']', '{', ',', ';', '.':
		return true
	}
	return false
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// firstWord returns the first word of a text that cannot be read.
func (s *summary) firstWord() string {
	for i := range s.tokens {
		switch t := &s.tokens[i]; {
		case t.mark == '(', t.mark == ';':
		case t.kind == tokenWord:
			if word := s.text[t.start:t.end]; len(word) <= maxSummary && utf8.ValidString(word) {
				return strings.Map(onLine, strings.Clone(word))
			}
			return ""
		default:
			return ""
		}
	}
	return ""
}

// add adds an operation or a target, if there is room for the whole of it.
func (s *summary) add(piece string) {
	if s.done = s.length+len(piece) > maxSummary; !s.done {
		s.pieces = append(s.pieces, piece)
		s.length += len(piece) + 1
	}
}

func (s *summary) addToken(t *summaryToken) { s.add(s.text[t.start:t.end]) }

// forget takes away all pieces from i on.
func (s *summary) forget(i int) {
	for _, piece := range s.pieces[i:] {
		s.length -= len(piece) + 1
	}
	s.pieces = s.pieces[:i]
}

// sibling ends what is like the thing before it: one of several statements, or of several queries in a union. Programs write them in
// any number, so that equal ones in a row count as one. It returns where the next and the last one begin.
func (s *summary) sibling(this, before int) (next, last int) {
	if this >= len(s.pieces) {
		return len(s.pieces), before
	}
	if before >= 0 && slices.Equal(s.pieces[before:this], s.pieces[this:]) {
		s.forget(this)
		return this, before
	}
	return len(s.pieces), this
}

// String returns the pieces on one line: names may hold line breaks.
func (s *summary) String() string {
	var b strings.Builder
	b.Grow(max(s.length-1, 0))
	for i, piece := range s.pieces {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(piece)
	}
	return strings.Map(onLine, b.String())
}

func onLine(r rune) rune {
	if unicode.IsControl(r) {
		return '_' // no blank, at which a name would end
	}
	return r
}
