package page

import (
	"html/template"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// mostRows is how many connections the page lists. A pool without a limit can have more in trouble, which is when somebody looks.
	mostRows = 1000
	// mostText is how many characters of a statement the page holds, and shortText how many always fit into two lines.
	mostText, shortText = 1000, 70
	// fewEvents is how many events are not folded away.
	fewEvents = 6
)

// view is what page.html shows.
type view struct {
	Name     string
	Style    template.CSS
	Script   template.JS
	Made     string
	Wrong    int // how many errors
	Troubles []troubleRow
	Columns  []string
	Servers  []serverRow
	Classes  []classRow
	Sites    []site // those that hold several connections; none if there are few connections
	Single   int    // how many sites hold one, where Sites are shown
	Rows     []row
	Held     int // all of them, those without a row too
	InUse    int // of all servers, for the page without rows
	Events   []eventRow
	Older    []eventRow // that are folded away
	Hosts    []string   // of the totals, in the order of the servers
	Totals   []total
	Leaks    []pair
	Routes   []pair
	Changed  []Setting
	Defaults []Setting
	Evict    bool // this person may
	Drain    bool
}

// pair is a name and a value.
type pair struct {
	Name, Value string
	Full        string // the value at length; empty: this is all of it
}

// troubleRow is a trouble as it stands on the page.
type troubleRow struct {
	Trouble
	Bad        bool
	For, Began string // since when; empty: not known
}

// eventRow is an event as it stands on the page.
type eventRow struct {
	Event
	At, Moment string // of the last time
	Began      string // of the first, if it has happened more than once
	Pairs      []pair
}

// classRow is a class at a server.
type classRow struct {
	Class
	Endpoint string // empty: there is one server
	Waited   string
}

func newView(p *Pool, may func(action string) bool) view {
	v := view{
		Name: p.Name, Style: template.CSS(style), Script: template.JS(script), Made: p.At.Format("2006-01-02 15:04:05 MST"),
		Columns: columns, Servers: newServerRows(p), Totals: newTotals(p), Held: len(p.Held),
		Evict: may(Evict), Drain: may(Drain) && p.State == "open",
	}
	for _, t := range p.Troubles {
		r := troubleRow{Trouble: t, Bad: t.Severity == severe}
		if t.Since != nil {
			r.For, r.Began = ago(p.At.Sub(*t.Since)), clock(*t.Since, p.At)
		}
		v.Wrong += count(r.Bad)
		v.Troubles = append(v.Troubles, r)
	}
	for _, s := range p.Servers {
		v.InUse += s.InUse
		v.Hosts = append(v.Hosts, s.Endpoint)
		for _, c := range s.Classes {
			r := classRow{Class: c, Waited: wait(c.WaitTime)}
			if len(p.Servers) > 1 {
				r.Endpoint = s.Endpoint
			}
			v.Classes = append(v.Classes, r)
		}
	}
	rows := make([]row, len(p.Held))
	for i, h := range p.Held {
		rows[i] = newRow(h, len(p.Servers) > 1, p.At)
	}
	if len(rows) >= groupFrom {
		v.Sites, v.Single = sites(rows)
	}
	v.Rows = rows[:min(len(rows), mostRows)]
	for i, e := range p.Events {
		if r := newEventRow(e, p.At); i < fewEvents {
			v.Events = append(v.Events, r)
		} else {
			v.Older = append(v.Older, r)
		}
	}
	if l := p.Leaks; l.Reported > 0 {
		v.Leaks = []pair{
			{Name: "reported", Value: whole(l.Reported)}, {Name: "their goroutine had ended", Value: whole(l.Orphaned)},
			{Name: "came back", Value: whole(l.Returned)}, {Name: "reclaimed", Value: whole(l.Reclaimed)},
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(p.Routes)) {
		v.Routes = append(v.Routes, pair{Name: words(reason), Value: whole(p.Routes[reason])})
	}
	for _, s := range p.Settings {
		if s.Changed() {
			v.Changed = append(v.Changed, s)
		} else {
			v.Defaults = append(v.Defaults, s)
		}
	}
	return v
}

func newEventRow(e Event, now time.Time) eventRow {
	r := eventRow{Event: e, At: clock(e.Last, now), Moment: e.Last.Format(time.RFC3339)}
	if e.Count > 1 {
		r.Began = clock(e.First, now)
	}
	for _, key := range slices.Sorted(maps.Keys(e.Details)) {
		r.Pairs = append(r.Pairs, newDetail(key, e.Details[key]))
	}
	return r
}

// newDetail is an attribute of an event as a person reads it: call sites are short, as elsewhere on the page.
func newDetail(key, value string) pair {
	detail := pair{Name: words(key), Value: value}
	switch key {
	case "fate":
		detail.Name = "goroutine"
	case "borrowed_at", "wanted_at":
		if p, ok := parsePlace(value); ok {
			detail.Value, detail.Full = p.Func()+" "+p.At(), value
		}
	}
	return detail
}

// words is a name in snake_case as words.
func words(name string) string { return strings.ReplaceAll(name, "_", " ") }
