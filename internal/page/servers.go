package page

import (
	"maps"
	"slices"
	"strconv"
	"time"
)

// serverRow is a server in the table of servers.
type serverRow struct {
	Endpoint string
	Bad      bool // something is wrong with it
	Tags     []tag
	Cells    []cell
}

// tag is a state in a word or two.
type tag struct {
	Text string
	Bad  bool
}

// cell is a figure of a server, with its line.
type cell struct {
	Label string // of its column
	Value string
	More  string // faint, behind it
	Bad   bool
	Chart *chart // nil: a figure has no line
}

// The columns of the table that have lines, with what their lines show.
var lines = []struct {
	label string
	of    func(Point) float64
	now   func(*Server) float64
}{
	{"in use", func(p Point) float64 { return float64(p.InUse) }, func(s *Server) float64 { return float64(s.InUse) }},
	{"waiting", func(p Point) float64 { return float64(p.Waiting) }, func(s *Server) float64 { return float64(s.Waiting) }},
	{"wait", func(p Point) float64 { return p.P99 }, func(s *Server) float64 { return s.P99 }},
	{"errors/s", func(p Point) float64 { return p.Errors }, func(s *Server) float64 { return s.Errors }},
}

// The labels of all columns, in their order.
var columns = []string{lines[0].label, lines[1].label, lines[2].label, lines[3].label, "acquires/s", "dials/s"}

// newServerRows makes the table. The lines of a column share their scale, so that servers can be compared.
func newServerRows(p *Pool) []serverRow {
	tops := make([]float64, len(lines))
	for i, l := range lines {
		for j := range p.Servers {
			s := &p.Servers[j]
			tops[i] = max(tops[i], peak(curve(s, l.of, p.At, l.now(s))))
			if i == 0 {
				tops[i] = max(tops[i], float64(s.Max))
			}
		}
	}
	tops[1], tops[2], tops[3] = max(tops[1], 4), max(tops[2], 0.1), max(tops[3], 1) // or next to nothing would look like much
	rows := make([]serverRow, len(p.Servers))
	for i := range p.Servers {
		rows[i] = newServerRow(p, &p.Servers[i], tops)
	}
	return rows
}

func newServerRow(p *Pool, s *Server, tops []float64) serverRow {
	bad := map[string]bool{}
	for _, t := range p.Troubles {
		if t.Severity == severe && t.Endpoint == s.Endpoint {
			bad[t.Name] = true
		}
	}
	full := bad["saturated"]
	inUse := cell{Value: strconv.Itoa(s.InUse), More: "no limit, " + strconv.Itoa(s.Idle) + " idle", Bad: full}
	if s.Max > 0 {
		inUse.More = "of " + strconv.Itoa(s.Max) + ", " + strconv.Itoa(s.Idle) + " idle"
	}
	r := serverRow{Endpoint: s.Endpoint, Bad: len(bad) > 0, Tags: newTags(s, bad["dials_fail"], p.At), Cells: []cell{
		inUse,
		{Value: strconv.Itoa(s.Waiting), Bad: full},
		{Value: wait(s.P50), More: "p99 " + wait(s.P99), Bad: full},
		{Value: rate(s.Errors), Bad: s.Errors > 0},
		{Value: rate(s.Acquires)},
		{Value: rate(s.Dials)},
	}}
	for i := range r.Cells {
		c := &r.Cells[i]
		c.Label = columns[i]
		if i >= len(lines) {
			continue
		}
		marks := curve(s, lines[i].of, p.At, lines[i].now(s))
		drawn := newChart(marks, tops[i], p.At)
		most := peak(marks)
		text := strconv.FormatFloat(most, 'f', -1, 64)
		switch i {
		case 0:
			if s.Max > 0 {
				drawn.Limit = 1 + (chartHeight-2)*(1-float64(s.Max)/tops[0])
			}
		case 1:
			if most > float64(s.Waiting) {
				c.More = "peak " + text
			}
		case 2:
			text = wait(most)
		case 3:
			text = rate(most)
			if most > s.Errors {
				c.More = "peak " + text
			}
		}
		drawn.Label = c.Label + ", last 15 minutes, " + text + " at most"
		c.Chart = &drawn
	}
	return r
}

// newTags are the role of a server, whether it is up, how far it is behind, and its breaker.
func newTags(s *Server, dialsFail bool, now time.Time) []tag {
	var all []tag
	if s.Role != "single" {
		role := s.Role
		switch {
		case role == "unknown":
			role = "role unknown"
		case s.Up == "no": // another one may play it by now
			role = "was " + role
		}
		all = append(all, tag{Text: role})
	}
	switch s.Up {
	case "yes":
		all = append(all, tag{Text: "up"})
	case "no":
		down := tag{Text: "down", Bad: true}
		if s.Since != nil {
			down.Text += " for " + ago(now.Sub(*s.Since))
		}
		all = append(all, down)
	default:
		all = append(all, tag{Text: "not tried yet"})
	}
	if dialsFail {
		all = append(all, tag{Text: "dials fail", Bad: true})
	}
	if s.Role == "replica" && s.Up == "yes" {
		lag := tag{Text: "lag unknown", Bad: s.Readable == "no"}
		if s.Lag != nil {
			lag.Text = "lag " + wait(*s.Lag)
		}
		all = append(all, lag)
	}
	switch s.Breaker.State {
	case "off":
		all = append(all, tag{Text: "no breaker"})
	case "closed":
		all = append(all, tag{Text: "breaker closed"})
	case "half_open":
		all = append(all, tag{Text: "breaker half-open", Bad: true})
	default:
		all = append(all, tag{Text: "breaker open", Bad: true})
	}
	return all
}

// total is a figure that only grows, of each server.
type total struct {
	Label  string
	Values []string
}

// newTotals lists the figures that are not 0 for all servers.
func newTotals(p *Pool) []total {
	var all []total
	row := func(label string, of func(s *Server) (text string, some bool)) {
		t, any := total{Label: label}, false
		for i := range p.Servers {
			text, some := of(&p.Servers[i])
			t.Values, any = append(t.Values, text), any || some
		}
		if any {
			all = append(all, t)
		}
	}
	number := func(label string, of func(*Totals) uint64) {
		row(label, func(s *Server) (string, bool) { n := of(&s.Totals); return whole(n), n > 0 })
	}
	counts := func(label string, of func(*Totals) Counts) {
		names := map[string]bool{}
		for i := range p.Servers {
			for name := range of(&p.Servers[i].Totals) {
				names[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			number(label+words(name), func(t *Totals) uint64 { return of(t)[name] })
		}
	}
	number("acquires", func(t *Totals) uint64 { return t.Acquires })
	number("got no connection", func(t *Totals) uint64 { return t.Unserved })
	number("waited for a permit", func(t *Totals) uint64 { return t.Waits })
	row("waited, all together", func(s *Server) (string, bool) { return wait(s.Totals.WaitTime), s.Totals.WaitTime > 0 })
	number("refused: as many waited as may", func(t *Totals) uint64 { return t.Full })
	number("refused: more than can be served", func(t *Totals) uint64 { return t.Shed })
	number("passed over", func(t *Totals) uint64 { return t.PassedOver })
	row("refused by the breaker", func(s *Server) (string, bool) { return whole(s.Breaker.Refused), s.Breaker.Refused > 0 })
	row("breaker opened", func(s *Server) (string, bool) { return whole(s.Breaker.Trips), s.Breaker.Trips > 0 })
	number("nested acquires", func(t *Totals) uint64 { return t.Nested })
	number("deadlocks ended", func(t *Totals) uint64 { return t.Deadlocks })
	number("dials", func(t *Totals) uint64 { return t.Dials })
	number("dials that failed", func(t *Totals) uint64 { return t.Failed })
	counts("connections closed: ", func(t *Totals) Counts { return t.Closed })
	number("sessions that were clean", func(t *Totals) uint64 { return t.Clean })
	counts("sessions with traces: ", func(t *Totals) Counts { return t.Resets })
	counts("traces undone: ", func(t *Totals) Counts { return t.Effects })
	row("prepared statements now", func(s *Server) (string, bool) { return whole(uint64(s.Statements)), s.Statements > 0 })
	return all
}
