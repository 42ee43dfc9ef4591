package pooled

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gopooled/pooled/internal/endpoint"
	"github.com/gopooled/pooled/internal/events"
	"github.com/gopooled/pooled/internal/history"
	"github.com/gopooled/pooled/internal/middleware/telemetry"
	"github.com/gopooled/pooled/internal/page"
	"github.com/gopooled/pooled/internal/readable"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// HandlerOptions is what [Connector.Handler] may do besides showing the pool. The zero value does nothing else.
type HandlerOptions struct {
	// Authorize reports whether whoever sent a request may do something with the pool: "evict" replaces the connections of a server, as [Connector.Evict], and "drain" ends
	// the work of the pool, as [Connector.Drain]. It is asked when somebody wants to do it, and when the page is shown, as it has buttons for what is allowed alone. Other
	// sites cannot use a browser that is logged in: what comes from them is refused before Authorize is asked. It is called by several requests at once. Nil, the
	// default, = nobody may do anything, and the page can only be read.
	Authorize func(r *http.Request, action string) bool
}

// Handler returns a page for people who are on call: what is wrong, since when and what to do, the servers with their last 15 minutes, the connections that are held, recent
// events, and the settings. The same is there as JSON for a request that prefers it (?format=json); docs/page.md has its keys. It shows statements without their literals,
// and no passwords; but it asks nobody who they are, so it belongs where /debug/pprof is. All of its links are relative: it can be mounted anywhere. It takes no
// connection, and is safe for concurrent use. Of several options the last one counts.
func (c *Connector) Handler(options ...HandlerOptions) http.Handler {
	var o HandlerOptions
	for _, o = range options {
	}
	return page.Handler(page.Source{Look: c.look, Authorize: o.Authorize, Act: c.act})
}

// act does what somebody on the page asks for, and does not wait until it is done.
func (c *Connector) act(action, endpoint string) error {
	switch action {
	case page.Evict:
		return c.Evict(endpoint)
	case page.Drain:
		over, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = c.Drain(over) // it has begun, which is all
		return nil
	default:
		return fmt.Errorf("pooled: %q is nothing that can be done", action)
	}
}

// look takes the pool down for the page.
func (c *Connector) look() page.Pool {
	all, endpoints := c.snapshot()
	p := page.Pool{Name: c.name(), At: time.Now(), State: "open", Leaks: page.Leaks{Threshold: c.config.Leak.Threshold.Seconds()}}
	p.Leaks.Reported, p.Leaks.Orphaned, p.Leaks.Returned, p.Leaks.Reclaimed = all.Leak.Reported, all.Leak.Orphaned, all.Leak.Returned, all.Leak.Reclaimed
	for i, s := range c.servers {
		shown := s.shown(endpoints[i], &all.Endpoints[i], p.At)
		if all.Routing != nil {
			route(&shown, &all.Routing.Servers[i])
			p.Routes = all.Routing.Decisions
		}
		if endpoints[i].Draining {
			p.State = "draining"
		}
		p.Servers = append(p.Servers, shown)
	}
	if c.life.resting.Load() {
		p.State = "closed"
	}
	for _, h := range c.leak.Seen() {
		p.Held = append(p.Held, page.NewHeld(h.Conn, h.Leaked, h.Fate))
	}
	for _, e := range c.events.List() {
		p.Events = append(p.Events, shownEvent(e))
	}
	for _, s := range policy.Settings(c.config) {
		p.Settings = append(p.Settings, page.Setting(s))
	}
	return p
}

// shown is the server as far as it knows itself.
func (s *server) shown(now endpoint.Stats, e *stats.Endpoint, at time.Time) page.Server {
	sample := s.sample(now)
	s.history.Note(sample)
	rates, p50, p99 := s.history.Lately(sample)
	p := page.Server{
		Endpoint: e.Endpoint, Role: "single", Up: "unknown", Readable: "unknown",
		Breaker: page.Breaker{State: "off"},
		InUse:   now.InUse, Idle: now.Idle, Max: now.MaxConns, Waiting: now.Queue.Waiting, Statements: now.Statements,
		P50: p50, P99: p99, Acquires: rates.Acquires, Dials: rates.Dials, Errors: rates.Errors,
		Totals: totals(e),
	}
	if f := now.Failing; f != nil {
		p.Failing = &page.DialFailure{First: f.First, Last: f.Last, Error: readable.Cut(f.Error.Error(), mostError)}
	}
	switch {
	case now.Open > 0, p.Failing == nil && now.Dials > now.FailedDials:
		p.Up = "yes"
	case p.Failing != nil:
		p.Up, p.Since, p.Why = "no", &p.Failing.First, p.Failing.Error
	}
	if b := e.Breaker; b != nil {
		p.Breaker = page.Breaker{State: telemetry.BreakerStates[b.State], Since: known(b.Since), NextProbe: known(b.NextProbe), Trips: b.Trips, Refused: b.Refused}
	}
	for _, c := range e.Classes {
		p.Classes = append(p.Classes, page.Class{
			Name: c.Name, InUse: c.InUse, Waiting: c.Waiting, Admitted: c.Admitted, Waits: c.Waits, WaitTime: c.WaitTime.Seconds(),
			Full: c.Full, Shed: c.Shed, PassedOver: c.PassedOver,
		})
	}
	for _, point := range s.history.Points(at) {
		p.History = append(p.History, shownPoint(point))
	}
	return p
}

// route adds what the router knows of the server. It asks on connections of its own, so it knows better whether the server is up.
func route(s *page.Server, r *stats.Server) {
	s.Role, s.Since = r.Role, known(r.Since)
	switch {
	case r.Up:
		s.Up, s.Why = "yes", ""
		if r.Why != "" {
			s.Why = "it " + r.Why
		}
	case !r.Since.IsZero():
		s.Up, s.Why = "no", readable.Cut(strings.TrimSuffix(strings.TrimPrefix(r.Why, "does not answer ("), ")"), mostError)
	}
	if r.Role != "replica" {
		return
	}
	s.Readable = "no"
	if r.Readable {
		s.Readable = "yes"
	}
	if r.Up && r.LagKnown {
		lag := r.Lag.Seconds()
		s.Lag = &lag
	}
}

// mostError is how many bytes of an error are shown.
const mostError = 300

// known is a moment, or nil for the zero one.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func shownPoint(p history.Point) page.Point {
	return page.Point{
		At: p.At, InUse: p.InUse, Waiting: p.Waiting, P50: p.P50, P99: p.P99,
		Acquires: p.PerSecond.Acquires, Dials: p.PerSecond.Dials, Errors: p.PerSecond.Errors,
	}
}

func shownEvent(e events.Event) page.Event {
	details := make(map[string]string, len(e.Details))
	for _, d := range e.Details {
		details[d.Key] = d.Text
	}
	return page.Event{
		Kind: string(e.Kind), Level: strings.ToLower(e.Level.String()), Endpoint: e.Endpoint, Message: e.Message, Details: details,
		First: e.First, Last: e.Last, Count: e.Count,
	}
}

// totals are the figures that only grow.
func totals(e *stats.Endpoint) page.Totals {
	t := page.Totals{
		Acquires: e.Acquires, Unserved: e.Unserved, Waits: e.Waits, WaitTime: e.WaitTime.Seconds(), Full: e.Full, Shed: e.Shed, PassedOver: e.PassedOver,
		Dials: e.Dials, Failed: e.FailedDials, Nested: e.Nested.Nested, Deadlocks: e.Nested.Deadlocks,
		Closed: page.Counts{},
	}
	for _, r := range e.Closed.Reasons() {
		t.Closed[r.Name] = r.Conns
	}
	if e.Reset != nil {
		t.Clean, t.Resets, t.Effects = e.Reset.Clean, e.Reset.Outcomes(), e.Reset.ByEffect
	}
	return t
}
