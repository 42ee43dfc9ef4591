package mysql

import (
	"regexp"
	"strings"
)

var (
	set = regexp.MustCompile(`(?i)\bset\b`)
	// assignsNew is an assignment to a column of the row that a trigger sees as NEW.
	assignsNew = regexp.MustCompile("(?is)^\\s*new\\s*\\.\\s*`?\\w+`?\\s*:?=")
)

// setsOnlyNew reports whether every SET in a trigger's body assigns to columns of NEW and nothing else. It knows no strings: a
// comma, a semicolon or a SET too many is a mistake on the safe side.
func setsOnlyNew(body string) bool {
	for statement := range strings.SplitSeq(body, ";") {
		at := set.FindStringIndex(statement)
		if at == nil {
			continue
		}
		for _, assignment := range topLevel(statement[at[1]:]) {
			if !assignsNew.MatchString(assignment) {
				return false
			}
		}
	}
	return true
}

// topLevel splits a text at the commas outside parentheses.
func topLevel(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, text[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, text[start:])
}
