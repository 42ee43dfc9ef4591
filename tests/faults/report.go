package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/gopooled/pooled/internal/markdown"
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
	b.WriteString("### What pooled promises\n\n" + markdown.Table([]string{"", "promised", "seen, at worst", "holds"}, rows, markdown.Words))
	for _, family := range families {
		rows = nil
		for _, r := range results {
			if r.family == family.name {
				rows = append(rows, r.row())
			}
		}
		if rows != nil {
			fmt.Fprintf(&b, "\n### %s\n\n%s", family.name, markdown.Table(columns, rows, markdown.Words))
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
	list, ok := markdown.Linked("github.com/jackc/pgx/v5", "github.com/go-sql-driver/mysql")
	if !ok {
		return "versions of the drivers unknown"
	}
	return list
}
