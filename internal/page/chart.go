package page

import (
	"fmt"
	"strings"
	"time"
)

// The size of a chart in its own units. The page stretches it.
const (
	chartWidth  = 160.0
	chartHeight = 36.0
	chartSpan   = 15 * time.Minute
	// chartGap is for how long there may be no point before the line is interrupted.
	chartGap = 40 * time.Second
)

// chart is the line of one figure over the last 15 minutes.
type chart struct {
	Line, Area string  // paths
	Limit      float64 // where the most that may be is drawn; 0: nowhere, or at the top
	Label      string  // for those who cannot see it
}

// mark is a value at a moment.
type mark struct {
	at    time.Time
	value float64
}

// newChart draws marks, the oldest first, below top.
func newChart(marks []mark, top float64, now time.Time) chart {
	if top <= 0 {
		top = 1
	}
	x := func(m mark) float64 { return chartWidth * (1 - now.Sub(m.at).Seconds()/chartSpan.Seconds()) }
	y := func(m mark) float64 { return chartHeight - 1 - (chartHeight-2)*min(1, m.value/top) }
	var line, area strings.Builder
	for len(marks) > 0 {
		n := 1
		for n < len(marks) && marks[n].at.Sub(marks[n-1].at) <= chartGap {
			n++
		}
		run := marks[:n]
		marks = marks[n:]
		fmt.Fprintf(&area, "M%.1f %.1f", x(run[0]), chartHeight)
		for i, m := range run {
			command := "L"
			if i == 0 {
				command = "M"
			}
			fmt.Fprintf(&line, "%s%.1f %.1f", command, x(m), y(m))
			fmt.Fprintf(&area, "L%.1f %.1f", x(m), y(m))
		}
		fmt.Fprintf(&area, "L%.1f %.1fZ", x(run[n-1]), chartHeight)
	}
	return chart{Line: line.String(), Area: area.String()}
}

// peak is the highest value of marks.
func peak(marks []mark) (most float64) {
	for _, m := range marks {
		most = max(most, m.value)
	}
	return most
}

// curve is the marks of a figure of a server, with its value at this moment.
func curve(s *Server, of func(Point) float64, now time.Time, value float64) []mark {
	marks := make([]mark, 0, len(s.History)+1)
	for _, p := range s.History {
		marks = append(marks, mark{p.At, of(p)})
	}
	return append(marks, mark{now, value})
}
