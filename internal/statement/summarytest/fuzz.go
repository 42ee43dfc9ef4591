// Package summarytest fuzzes the summaries of both families. Only tests import it.
package summarytest

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// Secret stands only in literals and comments of the pieces: a summary never shows it.
const Secret = "s3cret"

// longestSeed is where texts only keep the fuzzer busy.
const longestSeed = 1000

// Fuzz puts texts together from pieces, and looks at texts that are anything, the given ones first. isNames fails the test if a summary shows
// something else than words, names and what divides them.
func Fuzz(f *testing.F, texts, pieces []string, summary func(text string) string, isNames func(t *testing.T, shown string)) {
	f.Helper()
	all := make([]byte, len(pieces))
	for i := range all {
		all[i] = byte(i)
	}
	for i, text := range texts {
		if len(text) < longestSeed {
			f.Add(text, all[i%len(all):])
		}
	}
	f.Fuzz(func(t *testing.T, text string, choices []byte) {
		var b strings.Builder
		for _, c := range choices {
			b.WriteString(pieces[int(c)%len(pieces)])
		}
		if shown := summary(b.String()); strings.Contains(shown, Secret) {
			t.Errorf("%q shows the secret of %q", shown, b.String())
		}

		got := summary(text)
		switch {
		case len(got) > 255:
			t.Errorf("%q is too long: %d bytes", got, len(got))
		case !utf8.ValidString(got), strings.Contains(got, "\n"):
			t.Errorf("%q is no line of text", got)
		case summary(text+" ") != got:
			t.Errorf("%q, and with a blank behind the text %q", got, summary(text+" "))
		}
		isNames(t, got)
	})
}
