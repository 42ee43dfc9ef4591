// Package logs makes the logger that pooled logs with. It limits what it is told, for each kind of record, so that what goes wrong a thousand
// times a second neither fills a disk nor hides the rest.
//
// A kind is a level, a message, and the endpoint that the record tells of. 20 records of a kind pass at once; after that one a second does, until the kind
// has been quiet. What does not pass is counted, and the next one of its kind that does tells the count as "suppressed".
//
// What it is not: a queue. A record is written by who logs it or not at all, so counts that nothing follows are not told.
package logs

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// New returns a logger that writes to l, or if l is nil to what slog.Default() is at the moment of each record: programs often set it after they
// have called sql.Open. observe gets each record of level Info and above, with its own attributes, before the limits and whatever the program's handler wants; nil: nobody
// observes.
func New(l *slog.Logger, observe func(slog.Record)) *slog.Logger {
	program := slog.Default
	if l != nil {
		program = func() *slog.Logger { return l }
	}
	return slog.New(&handler{program: program, observe: observe, limits: &limits{kinds: map[kind]*limit{}}})
}

// handler limits what the program's handler gets. It is safe for concurrent use.
type handler struct {
	program  func() *slog.Logger
	observe  func(slog.Record)                 // nil: nobody
	limits   *limits                           // one for all that were derived from each other
	added    []func(slog.Handler) slog.Handler // attributes and groups, the first is the outermost
	endpoint string                            // among these attributes
}

var _ slog.Handler = (*handler)(nil)

// Enabled reports whether somebody wants the record: who observes, or the program's handler.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.observes(level) || h.wanted(ctx, level)
}

func (h *handler) observes(level slog.Level) bool { return h.observe != nil && level >= slog.LevelInfo }

// wanted asks the program's handler. What it does not want counts for nothing.
func (h *handler) wanted(ctx context.Context, level slog.Level) (wanted bool) {
	defer contain(nil)
	return h.derive(h.program().Handler()).Enabled(ctx, level)
}

// Handle passes the record on, or counts it.
func (h *handler) Handle(ctx context.Context, r slog.Record) (err error) {
	if h.observes(r.Level) {
		h.observe(r)
		if !h.wanted(ctx, r.Level) { // nobody has asked yet
			return nil
		}
	}
	defer contain(&err)
	ok, suppressed := h.limits.pass(h.kind(r), time.Now())
	if !ok {
		return nil
	}
	to := h.program().Handler()
	if suppressed > 0 { // before what was added, so that no group of pooled's hides it
		to = to.WithAttrs([]slog.Attr{slog.Uint64("suppressed", suppressed)})
	}
	return h.derive(to).Handle(ctx, r)
}

// contain is deferred around the program's handler. Most of what pooled logs it logs on goroutines of its own, where a panic would end the program, and no
// call is to fail because of what is said about it. What else would there be to tell it to than the handler itself? So it is an error, as those of
// handlers are, which slog ignores.
func contain(err *error) {
	if p := recover(); p != nil && err != nil {
		*err = fmt.Errorf("pooled: the handler of logs panicked: %v", p)
	}
}

// WithAttrs returns a handler with the same limits.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := h.with(func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
	for _, a := range attrs {
		derived.endpoint = endpointIn(a, derived.endpoint)
	}
	return derived
}

// WithGroup returns a handler with the same limits.
func (h *handler) WithGroup(name string) slog.Handler {
	return h.with(func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *handler) with(add func(slog.Handler) slog.Handler) *handler {
	derived := *h
	derived.added = append(slices.Clip(h.added), add)
	return &derived
}

// derive adds to a handler of the program what was added to h. It is done for each record, because the program's may be another one by now.
func (h *handler) derive(to slog.Handler) slog.Handler {
	for _, add := range h.added {
		to = add(to)
	}
	return to
}

// kind finds out what limits a record.
func (h *handler) kind(r slog.Record) kind {
	k := kind{r.Level, r.Message, h.endpoint}
	r.Attrs(func(a slog.Attr) bool {
		k.endpoint = endpointIn(a, k.endpoint)
		return true
	})
	return k
}

// endpointIn is the endpoint that an attribute names, in whatever group it will stand, or else the one known before.
func endpointIn(a slog.Attr, before string) string {
	if a.Key != "endpoint" {
		return before
	}
	return a.Value.Resolve().String()
}
