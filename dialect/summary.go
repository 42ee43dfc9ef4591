package dialect

import "strings"

// maxSummary is the length in bytes of the longest summary.
const maxSummary = 255

// Summary returns the first word, if it has only letters: which of the others are operations and targets differs from family to family.
func (Generic) Summary(text string) string {
	text = text[:readable(text)]
	for pos := 0; pos < len(text); {
		end, is := genericPiece(text, pos)
		switch {
		case is == PieceSpace, is == PieceShown && text[pos] == '(':
			pos = end
		case is == PieceShown && end-pos <= maxSummary && hasOnlyLetters(text[pos:end]):
			return strings.Clone(text[pos:end])
		default:
			return ""
		}
	}
	return ""
}

func hasOnlyLetters(word string) bool {
	for i := range len(word) {
		if c := word[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
