package leak

import (
	"context"
	"log/slog"
	"strings"

	"github.com/gopooled/pooled/held"
)

// report tells of a connection that nobody uses: the first time, or once more because it was reclaimed.
func (w *watcher) report(leak held.Leak, first bool) {
	if first {
		w.counters.reported.Add(1)
		if leak.Fate == held.Gone {
			w.counters.orphaned.Add(1)
		}
	}
	level, message := slog.LevelWarn, "pooled: a connection is held, but not used"
	switch {
	case leak.Reclaimed:
		w.counters.reclaimed.Add(1)
		level, message = slog.LevelError, "pooled: a connection was held, but not used: it was reclaimed"
	case leak.Fate == held.Gone:
		message = "pooled: a connection has leaked: the goroutine that borrowed it has ended"
	}
	w.Logger.LogAttrs(context.Background(), level, message, attributes(leak)...)
	if w.OnLeak != nil {
		w.OnLeak(leak)
	}
}

// tellReturned tells that a connection which was reported is not held any more.
func (w *watcher) tellReturned(c held.Conn) {
	w.counters.returned.Add(1)
	w.Logger.Info("pooled: a connection that was reported came back", "endpoint", c.Endpoint, "connection", c.ID,
		"held", held.Round(c.For).String())
}

func attributes(leak held.Leak) []slog.Attr {
	all := []slog.Attr{
		slog.String("endpoint", leak.Endpoint),
		slog.Uint64("connection", leak.ID),
		slog.String("held", held.Round(leak.For).String()),
		slog.String("idle", held.Round(leak.Idle).String()),
		slog.Int("calls", leak.Calls),
		slog.String("last", leak.Op),
		slog.Bool("in_transaction", leak.InTx),
		slog.String("fate", leak.Fate.String()),
	}
	if leak.Text != "" {
		all = append(all, slog.String("text", leak.Text))
	}
	if leak.Goroutine != 0 {
		all = append(all, slog.Uint64("goroutine", leak.Goroutine))
	}
	if leak.Where != "" {
		all = append(all, slog.String("now", leak.Where))
	}
	if frames := leak.Frames(); len(frames) > 0 {
		lines := make([]string, len(frames))
		for i, f := range frames {
			lines[i] = held.Line(f)
		}
		all = append(all, slog.String("borrowed_at", leak.CallSite()), slog.String("stack", strings.Join(lines, "\n")))
	}
	return all
}
