package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// introduce tells what the figures will mean.
func introduce(out io.Writer, dsn string, length time.Duration) {
	where := "a pretend PostgreSQL in this program (-dsn: a real one)"
	if dsn != "" {
		where = "your PostgreSQL"
	}
	fmt.Fprintf(out, "A careless service on %s:\n", where)
	fmt.Fprintf(out, "one request a second, and one in %d forgets to give its connection back.\n", forgetful)
	fmt.Fprintf(out, "pool_max_conns=%d, pool_leak=%s, pool_acquire_timeout=%s.\n\n", maxConns, short(unusedFor), short(acquireTimeout))
	fmt.Fprintf(out, "Time is simulated, and runs %d times as fast: %s takes %s.\n", faster, short(length), length/faster)
	fmt.Fprintf(out, "What pooled itself says is in real time: %s are a minute.\n", time.Minute/faster)
}

const columns = "%7v%8v%8v%9v%8v%8v%11v%18v\n"

func (h *hour) printHead() {
	fmt.Fprintf(h.out, "\n== pool_leak_reclaim=%s\n\n", h.reclaim)
	fmt.Fprintf(h.out, columns, "minute", "served", "failed", "waiting", "in use", "leaked", "reclaimed", "server's sockets")
}

func (h *hour) printProgress(minute, sockets int) {
	stats := h.pool.Stats()
	pool := stats.Endpoints[0]
	fmt.Fprintf(h.out, columns, minute, h.served.Load(), h.failed.Load(), pool.Waiting, pool.InUse, h.shop.leaked(), stats.Leak.Reclaimed, sockets)
}

// printEnd tells the first thing that went wrong: a request that failed, or else a leak, which nobody else noticed.
func (h *hour) printEnd() {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.timeout != nil:
		fmt.Fprintf(h.out, "\nThe first request that failed came in minute %d, and was told:\n\n", h.timeoutAt/60)
		fmt.Fprintf(h.out, "    %s\n", strings.ReplaceAll(h.timeout.Error(), "; ", ";\n    "))
	case h.leak != nil:
		fmt.Fprint(h.out, "\nThe first leak that was reported (OnLeak):\n\n")
		fmt.Fprintf(h.out, "    borrowed at    %s\n", h.leak.CallSite())
		fmt.Fprintf(h.out, "    goroutine      %s\n", h.leak.Fate)
		fmt.Fprintf(h.out, "    last call      %s %s\n", h.leak.Op, h.leak.Text)
		fmt.Fprintf(h.out, "    idle for       %s\n", h.leak.Idle.Round(time.Millisecond))
		fmt.Fprintf(h.out, "    reclaimed      %t\n", h.leak.Reclaimed)
	}
}

// summarize compares the hours in a table.
func summarize(out io.Writer, hours []*hour) error {
	fmt.Fprint(out, "\n== In the end\n\n")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "pool_leak_reclaim\tserved\tfailed\tleaked\treported\treclaimed\tmost sockets\t")
	for _, h := range hours {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t\n", h.reclaim, h.served.Load(), h.failed.Load(),
			h.shop.leaked(), h.leaks.Reported, h.leaks.Reclaimed, h.mostSockets)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprint(out, "\nThe service has the same bugs in both. Reclaiming buys the time to fix them,\nand the reports say where they are.\n")
	return err
}

// short is a duration without zeros at its end: 1h, not 1h0m0s.
func short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}
