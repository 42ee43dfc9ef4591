package leak

import (
	"context"
	"log/slog"
	"strings"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/readable"
)

// report tells of a connection that nobody uses: the first time, or once more because it was reclaimed.
func (w *watcher) report(leak held.Leak, first bool) {
	if first {
		w.counters.reported.Add(1)
		if leak.Fate == held.Gone {
			w.counters.orphaned.Add(1)
		}
	}
	ctx := context.Background()
	switch {
	case leak.Reclaimed:
		w.counters.reclaimed.Add(1)
		w.Logger.LogAttrs(ctx, slog.LevelWarn, "pooled: a connection was held, but not used: it was reclaimed", attributes(leak)...)
	case leak.Fate == held.Gone:
		w.Logger.LogAttrs(ctx, slog.LevelWarn, "pooled: a connection has leaked: the goroutine that borrowed it has ended", attributes(leak)...)
	default:
		w.Logger.LogAttrs(ctx, slog.LevelWarn, "pooled: a connection is held, but not used", attributes(leak)...)
	}
	if w.OnLeak != nil {
		w.OnLeak(leak)
	}
}

// tellReturned tells that a connection which was reported is not held any more.
func (w *watcher) tellReturned(c held.Conn) {
	w.counters.returned.Add(1)
	w.Logger.Info("pooled: a connection that was reported came back", "endpoint", c.Endpoint, "connection", c.ID,
		"held", readable.Duration(c.For))
}

func attributes(leak held.Leak) []slog.Attr {
	all := []slog.Attr{
		slog.String("endpoint", leak.Endpoint),
		slog.Uint64("connection", leak.ID),
		slog.Duration("held", readable.Duration(leak.For)),
		slog.Duration("idle", readable.Duration(leak.Idle)),
		slog.Int("calls", leak.Calls),
		slog.String("last_call", leak.Op),
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
		all = append(all, slog.String("goroutine_at", leak.Where))
	}
	if frames := leak.Frames(); len(frames) > 0 {
		lines := make([]string, len(frames))
		for i, f := range frames {
			lines[i] = readable.Frame(f)
		}
		all = append(all, slog.String("borrowed_at", leak.CallSite()), slog.String("stack", strings.Join(lines, "\n")))
	}
	return all
}
