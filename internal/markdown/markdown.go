// Package markdown writes the reports of the programs that measure: tables, and their place in a file. Only nested modules use it.
package markdown

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"unicode/utf8"
)

// The tables of a file are between these two lines.
const (
	Begin = "<!-- tables -->\n"
	End   = "<!-- /tables -->\n"
)

// Replace puts a report into a file, in place of the one that is there.
func Replace(path, report string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(old), Begin)
	_, after, ends := strings.Cut(rest, End)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the tables: write the lines %q and %q where they belong",
			path, strings.TrimSpace(Begin), strings.TrimSpace(End))
	}
	return os.WriteFile(path, []byte(before+Begin+report+End+after), 0o644)
}

// Alignment is how the columns of a table behind the first one are aligned.
type Alignment bool

// The alignments.
const (
	Words   Alignment = false // to the left
	Figures Alignment = true  // to the right
)

// Table writes a table that can be read without a browser too: its columns are aligned.
func Table(header []string, rows [][]string, alignment Alignment) string {
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	right := func(column int) bool { return alignment == Figures && column > 0 }
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if right(i) {
				cell = padding + cell
			} else {
				cell += padding
			}
			b.WriteString("| " + cell + " ")
		}
		b.WriteString("|\n")
	}
	line(header)
	for i, width := range widths {
		if right(i) {
			b.WriteString("|" + strings.Repeat("-", width+1) + ":")
		} else {
			b.WriteString("|" + strings.Repeat("-", width+2))
		}
	}
	b.WriteString("|\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

// Linked lists the modules among these, with their versions, as they were linked, separated by commas; false if nobody knows.
func Linked(modules ...string) (list string, ok bool) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", false
	}
	var all []string
	for _, dep := range info.Deps {
		if slices.Contains(modules, dep.Path) {
			all = append(all, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
		}
	}
	return strings.Join(all, ", "), true
}
