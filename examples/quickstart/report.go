package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// report prints both sides in a table, and what it means.
func report(out io.Writer, bare, wrapped *side) error {
	fmt.Fprintf(out, "%d bursts of %d requests at once. Each request is a transaction: read, %s of other work, read.\n\n", bursts, requests, ownWork)

	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\ttime\tdials\taverage wait\tlongest wait\t")
	for _, s := range []*side{bare, wrapped} {
		average := s.waited / (bursts * requests)
		fmt.Fprintf(table, "sql.Open(%q)\t%.0f ms\t%d\t%.2f ms\t%.2f ms\t\n",
			s.name, milliseconds(s.time), s.dials, milliseconds(average), milliseconds(s.longest))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", meaning(bare, wrapped))
	return err
}

// meaning is the table in one sentence.
func meaning(bare, wrapped *side) string {
	saved := bare.dials - wrapped.dials
	if saved <= 0 {
		return fmt.Sprintf("No connection saved here: %d dials bare, %d with pooled.", bare.dials, wrapped.dials)
	}
	return fmt.Sprintf("pooled kept the connections that database/sql, by default, closes after each burst: %d dials saved, %.1f times as fast.",
		saved, bare.time.Seconds()/wrapped.time.Seconds())
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
