package statement

import (
	"iter"
	"strings"
)

// Words is everything in a source that could be a name or a keyword, in lower case. It knows no strings and no comments: where
// it is asked what a source may do, a word too many is a mistake on the safe side. The zero value has no words, and can be read only.
// Any number of goroutines may read it at once.
type Words map[string]bool

// WordsOf collects the words of a source.
func WordsOf(source string) Words {
	words := Words{}
	for word := range EachWord(strings.ToLower(source)) {
		words[word] = true
	}
	return words
}

// First returns the first word in alphabetical order for which is reports true, "" if there is none.
func (w Words) First(is func(word string) bool) string {
	first := ""
	for word := range w {
		if (first == "" || word < first) && is(word) {
			first = word
		}
	}
	return first
}

// Mentions reports whether one of the words of a source is true in one of the sets.
func Mentions(source string, sets ...map[string]bool) bool {
	for word := range EachWord(strings.ToLower(source)) {
		for _, set := range sets {
			if set[word] {
				return true
			}
		}
	}
	return false
}

// EachWord goes over the words of a source that is in lower case already: upper case counts as no letter, so that a family may fold names by its own rule.
// It goes over the parts of those as well that the server may divide: a dollar is a letter in the middle of a name, and the end of a quote
// such as $q$ elsewhere, and a number may end where a word begins. A word may come several times.
func EachWord(source string) iter.Seq[string] {
	return parts(strings.FieldsFuncSeq(source, isNoLetter))
}

func parts(words iter.Seq[string]) iter.Seq[string] {
	return func(yield func(string) bool) {
		for word := range words {
			if !yield(word) {
				return
			}
			if word[0] > '9' && strings.IndexByte(word, '$') < 0 {
				continue
			}
			for part := range strings.SplitSeq(word, "$") {
				if part = strings.TrimLeft(part, "0123456789"); part != "" && part != word && !yield(part) {
					return
				}
			}
		}
	}
}

// isNoLetter reports whether a character in lower case can be no part of a word.
func isNoLetter(r rune) bool {
	return r != '_' && r != '$' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && r < 0x80
}
