package page

import (
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/gopooled/pooled/held"
)

const (
	// long is for how long nobody calls a connection before the page marks it (page.html says so in words). It only leads the eye: what
	// is a leak is for pool_leak to say.
	long = time.Minute
	// mostRows is how many connections the page lists. A pool without a limit can have more in trouble, which is when somebody looks.
	mostRows = 1000
	// mostText is how many characters of a statement the page holds, and shortText how many always fit into two lines.
	mostText, shortText = 1000, 70
)

// view is what page.html shows.
type view struct {
	Name    string
	Style   template.CSS
	Made    string
	Figures []figure
	Sites   []site // those that hold several connections; none if there are few connections
	Single  int    // how many sites hold one, where Sites are shown
	Rows    []row
	Held    int  // all of them, those without a row too
	InUse   int  // by the statistics, for the page without rows
	Marked  bool // some have been idle for long
	Stats   []group
}

// row is a held connection.
type row struct {
	held.Conn
	Elsewhere bool // the endpoint is not the page's
	Text      string
	Cut       int  // how many characters of Text are left out
	Fold      bool // Text may need more than two lines
	Long      bool // idle for long
	Stack     []place
}

// Site is the call site.
func (r row) Site() place {
	if len(r.Stack) == 0 {
		return place{}
	}
	return r.Stack[0]
}

// Callers are the lines above the call site.
func (r row) Callers() []place { return r.Stack[min(1, len(r.Stack)):] }

// HeldFor is for how long it has been held, as a person reads it.
func (r row) HeldFor() string { return held.Round(r.For).String() }

// IdleFor is for how long nobody has called it; empty: not known.
func (r row) IdleFor() string {
	if r.Busy || r.Idle <= 0 {
		return ""
	}
	return held.Round(r.Idle).String()
}

// Clock is when it was borrowed, with the day unless that was within the last hours.
func (r row) Clock() string {
	if r.For < 12*time.Hour {
		return r.Since.Format(time.TimeOnly)
	}
	return r.Since.Format("Jan 2 " + time.TimeOnly)
}

// Moment is when it was borrowed, in full.
func (r row) Moment() string { return r.Since.Format(time.RFC3339) }

func newView(name string, conns []held.Conn, stats any, now time.Time) view {
	rows := make([]row, len(conns))
	for i, c := range conns {
		rows[i] = newRow(name, c)
	}
	v := view{
		Name: name, Style: template.CSS(style), Made: now.Format("2006-01-02 15:04:05 MST"),
		Held: len(conns), Stats: groups(stats),
	}
	v.Figures, v.InUse = figures(rows, v.Stats)
	if len(rows) >= groupFrom {
		v.Sites, v.Single = sites(rows)
	}
	v.Rows = rows[:min(len(rows), mostRows)]
	v.Marked = slices.ContainsFunc(v.Rows, func(r row) bool { return r.Long })
	return v
}

func newRow(name string, c held.Conn) row {
	r := row{Conn: c, Elsewhere: c.Endpoint != name, Long: !c.Busy && c.Idle >= long}
	r.Text, r.Cut = shorten(strings.TrimSpace(c.Text))
	r.Fold = len(r.Text) > shortText || strings.Contains(r.Text, "\n")
	for _, f := range c.Frames() {
		r.Stack = append(r.Stack, newPlace(f))
	}
	return r
}

// shorten keeps the first mostText characters, and counts the others.
func shorten(text string) (string, int) {
	n := 0
	for i := range text {
		if n == mostText {
			return text[:i], len([]rune(text[i:]))
		}
		n++
	}
	return text, 0
}
