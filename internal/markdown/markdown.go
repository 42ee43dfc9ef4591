// Package markdown writes what programs and tests tell in Markdown files: tables, and their place in a file. Only nested modules and tests use it.
package markdown

import (
	"fmt"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Section is a part of a file that a program writes.
type Section struct {
	Text                string
	path, before, after string
	name                string
}

// Find finds the section of a file that stands between <!-- name --> and <!-- /name -->.
func Find(path, name string) (Section, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return Section{}, err
	}
	begin, end := marks(name)
	before, rest, begins := strings.Cut(string(file), begin)
	text, after, ends := strings.Cut(rest, end)
	if !begins || !ends {
		return Section{}, fmt.Errorf("%s has no place for the %s: write the lines %q and %q where they belong",
			path, name, strings.TrimSpace(begin), end)
	}
	return Section{text, path, before, after, name}, nil
}

// Replace writes another text in its place.
func (s Section) Replace(text string) error {
	return os.WriteFile(s.path, []byte(s.before+Marked(s.name, text)+s.after), 0o644)
}

// Marked is a section as it stands in a file.
func Marked(name, text string) string {
	begin, end := marks(name)
	return begin + text + end
}

func marks(name string) (begin, end string) {
	return "<!-- " + name + " -->\n", "<!-- /" + name + " -->"
}

// Tables is the section of reports.
const Tables = "tables"

// Replace puts a report into a file, in place of the one that is there.
func Replace(path, report string) error {
	section, err := Find(path, Tables)
	if err != nil {
		return err
	}
	return section.Replace(report)
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

// Anchors lists what a link may lead to in a document: its headings, as GitHub spells them.
func Anchors(text string) (all []string) {
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(WithoutCode(text), -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, heading[1]))
	}
	return all
}

// WithoutCode is a document without its blocks of code.
func WithoutCode(text string) string {
	return regexp.MustCompile("(?ms)^```.*?\n```").ReplaceAllString(text, "")
}
