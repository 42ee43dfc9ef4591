package page

import (
	"strings"
	"time"
)

// row is a held connection.
type row struct {
	Held
	Elsewhere bool // there are several servers, so its endpoint is told
	Gone      bool // the goroutine that borrowed it has ended
	Short     string
	Cut       int  // how many characters of the text are left out of Short
	Fold      bool // Short may need more than two lines
	Clock     string
}

// CallSite is the call site.
func (r row) CallSite() place {
	if len(r.places) == 0 {
		return place{}
	}
	return r.places[r.site]
}

// Callers are the lines above the call site.
func (r row) Callers() []place { return r.places[min(r.site+1, len(r.places)):] }

// HeldFor is for how long it has been held, as a person reads it.
func (r row) HeldFor() string { return duration(r.For) }

// IdleFor is for how long nobody has called it; empty: not known.
func (r row) IdleFor() string {
	if r.Busy || r.Idle <= 0 {
		return ""
	}
	return duration(r.Idle)
}

// Moment is when it was borrowed, in full.
func (r row) Moment() string { return r.Since.Format(time.RFC3339) }

func newRow(h Held, elsewhere bool, now time.Time) row {
	r := row{Held: h, Elsewhere: elsewhere, Gone: h.Leaked && h.Fate == "gone", Clock: clock(h.Since, now)}
	r.Short, r.Cut = shorten(strings.TrimSpace(h.Text))
	r.Fold = len(r.Short) > shortText || strings.Contains(r.Short, "\n")
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
