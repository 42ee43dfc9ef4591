package my_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// pieces takes a text apart, roughly.
var pieces = regexp.MustCompile("(?s)'(?:[^'\\\\]|''|\\\\.)*'|\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`|/\\*.*?\\*/|@*[\\w$]+|\\s+|:=|.")

var wordOnly = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// comments can stand between any two pieces.
var comments = []string{"/**/", " /* c */ ", " -- c\n", " # c\n", "\n", "\t", "/* ' */", "/*+ x */", "/*!*/", " /*!50000 */ ", "/* /* */"}

// snippets are what makes a difference.
var snippets = []string{
	"@v := ", "@'v w' := ", "@`x` := 1", "f(1)", "db.f(1)", "`f`(1)", "FOR UPDATE", "LOCK IN SHARE MODE", "INTO @x", "INTO OUTFILE 'x'",
	"GET_LOCK('a', 1)", "LAST_INSERT_ID(5)", "; SET a = 1", "; SET NAMES utf8", "'a\\'", "\"a\\\"", "'", "\"", "`", "(", ")", ",", ";",
	"/*!", "*/", "/*!50000", "--", "-- ", "#", "\\", "SQL_CALC_FOUND_ROWS", "1e5", "1a", "0x1F", ".5", "1.", "x'1F'", "_utf8", "N'a'", "@@",
	"@@session.a", "@@global.a", "AS x (a)", "OVER (", "count (", "now()", "SELECT", "DISTINCT", "SET", "USE x", "BEGIN", "COMMIT AND CHAIN",
	"TEMPORARY", "GLOBAL", "SESSION", "PERSIST", "values(a)", "?", "=", ":=", "AND", "AS", ".", "t.", "db.t",
}

// mutate changes a text in one to four ways, with pieces of another one.
func mutate(r *rand.Rand, text, other string) string {
	for range 1 + r.IntN(4) {
		text = mutateOnce(r, text, other)
	}
	return text
}

func mutateOnce(r *rand.Rand, text, other string) string {
	switch r.IntN(18) {
	case 0:
		return text + ";" + other
	case 1:
		return other + " ; " + text
	case 2:
		return "(" + text + ")"
	case 3:
		return "EXPLAIN " + text
	case 4:
		return "EXPLAIN ANALYZE " + text
	case 5:
		return "WITH c AS (" + text + ") SELECT * FROM c"
	case 6:
		return "WITH c (a, b) AS (SELECT 1, 2) " + text
	case 7:
		return "SELECT * FROM (" + text + ") x"
	case 8:
		return "SELECT (" + text + ")"
	case 9:
		return "/*!50000 " + text + " */"
	case 10:
		return "INSERT INTO t " + text
	}
	parts := pieces.FindAllString(text, -1)
	if len(parts) == 0 {
		return other
	}
	i := r.IntN(len(parts))
	switch r.IntN(10) {
	case 0:
		parts = slices.Insert(parts, i, comments[r.IntN(len(comments))])
	case 1:
		for j := range parts {
			if r.IntN(2) == 0 && wordOnly.MatchString(parts[j]) {
				parts[j] = strings.ToUpper(parts[j])
			} else if wordOnly.MatchString(parts[j]) {
				parts[j] = strings.ToLower(parts[j])
			}
		}
	case 2:
		if wordOnly.MatchString(parts[i]) {
			quote := []string{"`", `"`, "'"}[r.IntN(3)]
			parts[i] = quote + parts[i] + quote
		}
	case 3:
		j := i + r.IntN(len(parts)-i)
		head := []string{"/*!", "/*!50000 ", "/*!99999 ", "/*!100100 "}[r.IntN(4)]
		parts[i], parts[j] = head+parts[i], parts[j]+" */"
	case 4, 5, 6:
		parts = slices.Insert(parts, i, " "+snippets[r.IntN(len(snippets))]+" ")
	case 7:
		parts[i] = snippets[r.IntN(len(snippets))]
	case 8:
		if from := pieces.FindAllString(other, -1); len(from) > 0 {
			parts[i] = from[r.IntN(len(from))]
		}
	case 9:
		parts = slices.Delete(parts, i, i+1)
	}
	return strings.Join(parts, "")
}
