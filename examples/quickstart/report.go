package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// introduce tells what is about to be done, which takes a moment.
func introduce(out io.Writer) {
	fmt.Fprintf(out, "%d bursts of %d transactions at once: read, %s of other work, read.\n", bursts, requests, ownWork)
}

// report prints what came out in a sentence, and both sides in a table.
func report(out io.Writer, bare, wrapped *side) error {
	fmt.Fprintf(out, "%s\n\n", meaning(bare, wrapped))

	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\ttime\tdials\taverage wait\tlongest wait\t")
	for _, s := range []*side{bare, wrapped} {
		average := s.waited / (bursts * requests)
		fmt.Fprintf(table, "sql.Open(%q)\t%.0f ms\t%d\t%.2f ms\t%.2f ms\t\n",
			s.name, milliseconds(s.time), s.dials, milliseconds(average), milliseconds(s.longest))
	}
	return table.Flush()
}

// meaning is the table in one sentence, for people who do not know what a pool is.
func meaning(bare, wrapped *side) string {
	saved := bare.dials - wrapped.dials
	if saved <= 0 {
		return fmt.Sprintf("Nothing gained here: %d connections made without pooled, %d with it.", bare.dials, wrapped.dials)
	}
	return fmt.Sprintf("With pooled the same work was done %.1f times as fast: it kept its connections\ninstead of making %d new ones.",
		bare.time.Seconds()/wrapped.time.Seconds(), saved)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
