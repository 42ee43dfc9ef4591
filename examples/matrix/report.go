package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// writeFeatures prints what worked through pooled: library x database x feature.
func writeFeatures(out io.Writer, trials []*trial, databases []database) {
	fmt.Fprint(out, "Through pooled, with reset, leak tracing, breaker, warming and routing on:\n\n")
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprint(table, "library\tfeature")
	for _, d := range databases {
		fmt.Fprint(table, "\t", d.title)
	}
	fmt.Fprintln(table)
	passed, all := 0, 0
	for _, group := range byLibrary(trials) {
		for _, name := range names(group) {
			fmt.Fprint(table, group[0].library.name, "\t", name)
			for _, d := range databases {
				state := stateOf(group, d, name)
				fmt.Fprint(table, "\t", state)
				if state != unknown {
					all++
				}
				if state == ok {
					passed++
				}
			}
			fmt.Fprintln(table)
		}
	}
	table.Flush()
	fmt.Fprintf(out, "\n%d of %d passed.\n", passed, all)
}

// The states of a feature.
const (
	ok      = "ok"
	failed  = "FAILED"
	unknown = "-" // the library does not have it there
)

func stateOf(group []*trial, d database, name string) string {
	state := unknown
	for _, t := range group {
		if t.database != d {
			continue
		}
		for _, f := range t.want {
			if f.name != name {
				continue
			}
			if !slices.Contains(t.pooled.lines, f) {
				return failed
			}
			state = ok
		}
	}
	return state
}

// writeComparison prints what is the same with and without pooled, and what it costs.
func writeComparison(out io.Writer, trials []*trial, ratio float64) {
	fmt.Fprint(out, "\nWithout pooled, and through it:\n\n")
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "library\tdatabase\tsame results\tsame errors\tqueries/s without\tthrough pooled\tratio (95 %%)\t%.2f holds\treads on replicas\t\n", ratio)
	for _, t := range trials {
		low, high := bounds(t.ratios)
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%.0f\t%.0f\t%.3f (%.3f–%.3f)\t%s\t%d\t\n", t.library.name, t.database.title,
			t.same(func(f feature) bool { return !f.isFailure() }), t.same(feature.isFailure),
			median(t.bare.rates), median(t.pooled.rates), t.ratio(), low, high, t.verdict(ratio), t.reads)
	}
	table.Flush()
	fmt.Fprintln(out, "\nQueries per second are medians of all turns, the ratio is that of all rounds; in brackets, the bounds that it is between in 95 of 100 measurements.")
}

func (t *trial) verdict(ratio float64) string {
	switch {
	case t.fastEnough(ratio):
		return "yes"
	case t.tooSlow(ratio):
		return "NO"
	default:
		return "within noise"
	}
}

// same counts the features of a kind that gave the same without pooled and through it.
func (t *trial) same(kind func(feature) bool) string {
	same, all := 0, 0
	for _, f := range t.want {
		if !kind(f) {
			continue
		}
		all++
		if slices.Contains(t.bare.lines, f) && slices.Contains(t.pooled.lines, f) {
			same++
		}
	}
	return fmt.Sprintf("%d of %d", same, all)
}

// byLibrary groups trials.
func byLibrary(trials []*trial) (groups [][]*trial) {
	for _, t := range trials {
		if n := len(groups); n > 0 && groups[n-1][0].library == t.library {
			groups[n-1] = append(groups[n-1], t)
			continue
		}
		groups = append(groups, []*trial{t})
	}
	return groups
}

// names are those of the features of a library, as they come.
func names(group []*trial) (all []string) {
	for _, t := range group {
		for _, f := range t.want {
			if !slices.Contains(all, f.name) {
				all = append(all, f.name)
			}
		}
	}
	return all
}
