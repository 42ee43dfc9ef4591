package main

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"
)

// The tables of a Markdown file are between these two lines.
const (
	tablesBegin = "<!-- tables -->\n"
	tablesEnd   = "<!-- /tables -->\n"
)

// report is what a run of the command prints.
func report(servers []string, results []result, requirements []requirement) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Run on %s with %s on %s/%s, %d CPUs; %s; %s.\n\n", time.Now().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), strings.Join(servers, ", "), drivers())
	fmt.Fprintf(&b, "The pool: `%s`, the rest as it is by default. Each call has a context of %s.\n\n", strings.ReplaceAll(settings, "&", "` `"), callTimeout)
	var rows [][]string
	for _, r := range requirements {
		verdict := "yes"
		if !r.holds {
			verdict = "**no**"
		}
		rows = append(rows, []string{r.what, r.want, r.got, verdict})
	}
	b.WriteString("### What pooled promises\n\n" + markdownTable([]string{"", "promised", "seen, at worst", "holds"}, rows))
	for _, family := range families {
		rows = nil
		for _, r := range results {
			if r.family == family.name {
				rows = append(rows, r.row())
			}
		}
		if rows != nil {
			fmt.Fprintf(&b, "\n### %s\n\n%s", family.name, markdownTable(columns, rows))
		}
	}
	return b.String()
}

var columns = []string{
	"fault", "calls", "succeeded", "failed", "longest call", "first success after", "of which cooldown", "acknowledged writes", "lost", "doubled", "connections", "dials at once",
	"dead ones handed out",
}

func (r result) row() []string {
	return []string{
		r.fault, fmt.Sprint(r.calls), fmt.Sprint(r.succeeded), r.failures(), seconds(r.longest), seconds(r.back), seconds(r.waited), fmt.Sprint(r.acknowledged),
		fmt.Sprint(r.lost), fmt.Sprint(r.doubled), fmt.Sprint(r.mostConns), fmt.Sprint(r.mostDials), fmt.Sprint(r.dead),
	}
}

// seconds shows a time to the hundredth.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// drivers names the real drivers, as they were linked.
func drivers() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "versions of the drivers unknown"
	}
	var list []string
	for _, dep := range info.Deps {
		switch dep.Path {
		case "github.com/jackc/pgx/v5", "github.com/go-sql-driver/mysql":
			list = append(list, strings.TrimPrefix(dep.Path, "github.com/")+" "+dep.Version)
		}
	}
	return strings.Join(list, ", ")
}

// replaceTables puts the report into a Markdown file, in place of the one that is there.
func replaceTables(path, report string) error {
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(old), tablesBegin)
	_, after, ends := strings.Cut(rest, tablesEnd)
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the tables: write the lines %q and %q where they belong",
			path, strings.TrimSpace(tablesBegin), strings.TrimSpace(tablesEnd))
	}
	return os.WriteFile(path, []byte(before+tablesBegin+report+tablesEnd+after), 0o644)
}

// markdownTable writes a table that can be read without a browser too: its columns are aligned.
func markdownTable(header []string, rows [][]string) string {
	widths := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell), 3)
		}
	}
	var b strings.Builder
	line := func(row []string) {
		for i, cell := range row {
			b.WriteString("| " + cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+1))
		}
		b.WriteString("|\n")
	}
	line(header)
	for _, width := range widths {
		b.WriteString("|" + strings.Repeat("-", width+2))
	}
	b.WriteString("|\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}
