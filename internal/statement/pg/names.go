package pg

import (
	"strings"
	"unicode/utf8"

	"github.com/gopooled/pooled/dialect/statement"
)

// maxQuoted is the length in bytes at which a quoted name is cut.
const maxQuoted = 63

// EachName calls f for everything in a source that could be the name of something, as the server would spell it: every word as it is
// folded, and, as quoted, whatever stands between two double quotes. It knows no strings and no comments, so that a quote may be either the beginning of a
// name or its end; a name too many is a mistake on the safe side. A name may come several times.
func EachName(source string, f func(name string, quoted bool)) {
	ascii := true
	for i := range len(source) {
		ascii = ascii && source[i] < utf8.RuneSelf
	}
	for word := range statement.EachWord(strings.ToLower(source)) {
		f(word, false)
	}
	if !ascii { // which other letters are folded depends on the database
		for word := range statement.EachWord(strings.Map(foldASCII, source)) {
			f(word, false)
		}
	}
	for i := strings.IndexByte(source, '"'); i >= 0; {
		if name := quotedName(source[i+1:]); name != "" {
			f(name, true)
		}
		next := strings.IndexByte(source[i+1:], '"')
		if next < 0 {
			return
		}
		i += 1 + next
	}
}

// quotedName returns the name that ends at a double quote which is not doubled; empty: there is none.
func quotedName(source string) string {
	for i := 0; i < len(source); i++ {
		if source[i] != '"' {
			continue
		}
		if i+1 < len(source) && source[i+1] == '"' {
			i++
			continue
		}
		name := strings.ReplaceAll(source[:i], `""`, `"`)
		if len(name) > maxQuoted {
			name = strings.ToValidUTF8(name[:maxQuoted], "")
		}
		return name
	}
	return ""
}

func foldASCII(r rune) rune {
	if r >= 'A' && r <= 'Z' {
		return r | 0x20
	}
	return r
}
