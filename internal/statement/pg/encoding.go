package pg

import (
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// In some character sets of clients the second byte of a character may be one of ASCII, such as a backslash or a quote. The server then reads a text as
// something else than what is read here.

// KeepsQuotes reports whether no byte of ASCII is a part of another character in the character set of that name. The server looks at letters and digits only.
func KeepsQuotes(encoding string) bool {
	var name strings.Builder
	for i := range len(encoding) {
		if c := encoding[i]; isLetter(c) && c != '_' || isDigit(c) {
			name.WriteByte(c)
		}
	}
	return keepQuotes[strings.ToLower(name.String())]
}

// keepQuotes are such character sets, by the names that the server has for them.
var keepQuotes = words(`utf8 unicode sqlascii latin1 latin2 latin3 latin4 latin5 latin6 latin7 latin8 latin9 latin10
	iso88591 iso88592 iso88593 iso88594 iso88595 iso88596 iso88597 iso88598 iso88599 iso885910 iso885913 iso885914 iso885915 iso885916
	win win866 win874 win1250 win1251 win1252 win1253 win1254 win1255 win1256 win1257 win1258 windows866 windows874 windows1250 windows1251
	windows1252 windows1253 windows1254 windows1255 windows1256 windows1257 windows1258 koi8 koi8r koi8u alt abc tcvn tcvn5712 vscii
	euccn eucjp euckr euctw eucjis2004 muleinternal`)

// IsASCII reports whether a text has no other characters, which are the same in all character sets of clients.
func IsASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= 0x80 {
			return false
		}
	}
	return true
}

// encoding is what comes of a setting that is named at i, if that is the character set.
func (w *walk) encoding(i int) dialect.Effects {
	value := i + 2
	switch t := w.at(i); {
	case w.at(i+1).isPunct('.') || !t.isName():
		return 0
	case t.is("names") && !w.isVariable(i):
		value = i + 1
	case !strings.EqualFold(t.text, "client_encoding"):
		return 0
	}
	if set := w.at(value); set == &end || set.is("default") || w.at(value+1) == &end && !set.odd && KeepsQuotes(strings.Trim(set.text, "'")) {
		return 0
	}
	return w.hides()
}

// hides says that nobody knows what later texts of the session do.
func (w *walk) hides() dialect.Effects {
	w.costs("client_encoding may hide quotes")
	return dialect.UnknownEffect
}
