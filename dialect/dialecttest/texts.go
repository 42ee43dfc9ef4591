package dialecttest

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// secrets are texts of any family that have something in them which is not to be shown.
var secrets = []string{
	"select '" + Secret + "'", "select 'it''s " + Secret + "'", "select '" + Secret, "select 1 -- " + Secret, "-- " + Secret + "\nselect 1",
	"/* " + Secret + " */ select 1", "select 1 /* " + Secret, "insert into t (a, b) values (1, '" + Secret + "'), (2, '" + Secret + "')",
	"update t set a = '" + Secret + "' where b = '" + Secret + "'", "select '\x00" + Secret + "'", "select '\xff" + Secret + "'", "frobnicate '" + Secret + "'",
}

// number is one that is not to be shown either.
const number = "42424242"

const (
	longestMask    = 1000
	longestSummary = 255
)

// masks looks for literals in masked texts, whole ones and such as were cut off.
func masks(_ context.Context, s *suite) {
	for _, text := range slices.Concat(secrets, s.Secrets) {
		for end := range len(text) + 1 {
			shown := s.dialect.Mask(text[:end])
			if strings.Contains(shown, Secret[:2]) {
				s.problem("Mask(%q) shows the secret: %q", text[:end], shown)
				break
			}
		}
	}
	for _, text := range []string{"select " + number, "select * from t where a=" + number, "select -" + number + ".5e3", "insert into t values (1," + number + ")"} {
		if shown := s.dialect.Mask(text); strings.Contains(shown, number[:4]) {
			s.problem("Mask(%q) shows a number: %q", text, shown)
		}
	}
	read := s.Reads[0]
	if shown, word := s.dialect.Mask(read), strings.Fields(read)[0]; !strings.HasPrefix(shown, word) {
		s.problem("Mask(%q) does not show its first word: %q", read, shown)
	}
	for _, text := range append(s.texts(), "select "+strings.Repeat("a, ", 5000)+"b", "select '"+strings.Repeat("x", 5000)+"'") {
		if shown := s.dialect.Mask(text); len(shown) > longestMask || !isLine(shown) {
			s.problem("Mask(%.60q) is %d bytes long, or no line of text", text, len(shown))
		}
	}
}

// summaries looks at what is said of texts for grouping them.
func summaries(_ context.Context, s *suite) {
	for _, text := range slices.Concat(secrets, s.Secrets) {
		for end := range len(text) + 1 {
			if shown := s.dialect.Summary(text[:end]); strings.Contains(shown, Secret[:2]) {
				s.problem("Summary(%q) shows the secret: %q", text[:end], shown)
				break
			}
		}
	}
	long := "select * from " + strings.Repeat("a, ", 5000) + "b"
	for _, text := range append(s.texts(), long) {
		if shown := s.dialect.Summary(text); len(shown) > longestSummary || !isLine(shown) {
			s.problem("Summary(%.60q) is %d bytes long, or no line of text", text, len(shown))
		}
	}
	read := s.Reads[0]
	if shown, word := s.dialect.Summary(read), strings.Fields(read)[0]; !strings.HasPrefix(shown, word) {
		s.problem("Summary(%q) does not begin with its first word: %q", read, shown)
	}
}

// isLine reports whether a text is one line.
func isLine(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
