package main

import (
	"fmt"
	"strings"

	"github.com/gopooled/pooled/internal/markdown"
)

// section is one table of the report.
type section struct {
	title        string
	note         string
	header       []string
	rows         [][]string
	requirements []requirement
}

// requirement is a promise and what was measured.
type requirement struct {
	what, want, got string
	verdict         verdict
}

// verdict is whether a promise holds.
type verdict string

const (
	holds   verdict = "yes"
	broken  verdict = "**no**"
	unclear verdict = "within noise" // missed, by less than what the rounds differ
)

// judge compares figures of which the smaller is the better with the most that is promised.
func judge(s spread, most float64) verdict {
	switch {
	case s.median <= most:
		return holds
	case s.low <= most:
		return unclear
	default:
		return broken
	}
}

// atLeast is the requirement that pooled is so many times as fast as bare.
func atLeast(server, load string, least float64, speedup spread) requirement {
	return requirement{
		what:    server + ", " + load + ": pooled is",
		want:    fmt.Sprintf("at least %g times as fast as bare", least),
		got:     ratioCell(speedup),
		verdict: judge(spread{median: -speedup.median, low: -speedup.high}, -least),
	}
}

func (s section) markdown() string {
	return fmt.Sprintf("### %s\n\n%s\n\n%s", s.title, s.note, markdown.Table(s.header, s.rows, markdown.Figures))
}

// requirementsMarkdown lists what pooled promises; empty if the sections have no requirement.
func requirementsMarkdown(sections []section) string {
	var rows [][]string
	for _, s := range sections {
		for _, r := range s.requirements {
			rows = append(rows, []string{r.what, r.want, r.got, string(r.verdict)})
		}
	}
	if rows == nil {
		return ""
	}
	return "### What pooled promises\n\n" + markdown.Table([]string{"", "promised", "measured", "holds"}, rows, markdown.Figures)
}

// ratioCell shows a ratio and its quartiles.
func ratioCell(s spread) string { return fmt.Sprintf("%.2f (%.2f–%.2f)", s.median, s.q1, s.q3) }

// number writes a figure without decimals, its thousands apart.
func number(f float64) string {
	digits := fmt.Sprintf("%.0f", f)
	sign := ""
	if rest, negative := strings.CutPrefix(digits, "-"); negative {
		sign, digits = "-", rest
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
