package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// seconds is a duration of so many seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// duration is so many seconds as a person reads them, without parts that are 0: 12 ms, 1.4 s, 1m, 1h2m.
func duration(s float64) string {
	if s < 60 {
		return wait(s)
	}
	d := seconds(s).Round(time.Second)
	if d >= time.Hour {
		d = d.Truncate(time.Minute)
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// wait is a wait of so many seconds, to two digits: 0, 0.4 ms, 12 ms, 1.4 s.
func wait(s float64) string {
	switch {
	case s == 0:
		return "0"
	case s < 0.0001:
		return "0.1 ms"
	case s < 0.00995:
		return digits(s*1000) + " ms"
	case s < 0.995:
		return strconv.FormatFloat(math.Round(s*1000), 'f', 0, 64) + " ms"
	case s < 9.95:
		return digits(s) + " s"
	case s < 60:
		return strconv.FormatFloat(s, 'f', 0, 64) + " s"
	default:
		return duration(s)
	}
}

// digits is a number below 10 with one decimal, unless that is 0.
func digits(n float64) string { return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0") }

// rate is so many a second.
func rate(r float64) string {
	switch {
	case r == 0:
		return "0"
	case r < 0.095:
		return strconv.FormatFloat(math.Max(r, 0.01), 'f', 2, 64)
	case r < 9.95:
		return digits(r)
	default:
		return whole(uint64(math.Round(r)))
	}
}

// whole is a number with narrow spaces between thousands.
func whole(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

// several is a number with the word that belongs to it.
func several(n int, one, more string) string { return fmt.Sprintf("%d %s", n, verb(n, one, more)) }

// verb is the word that belongs to a number.
func verb(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}

// clock is a time of day, with the day unless it is within the last hours.
func clock(t, now time.Time) string {
	if now.Sub(t) < 12*time.Hour {
		return t.Format(time.TimeOnly)
	}
	return t.Format("Jan 2 " + time.TimeOnly)
}

// ago is for how long something has lasted: 40 s, 3m20s, 2h5m.
func ago(d time.Duration) string {
	if d < time.Second {
		return "a moment"
	}
	return duration(d.Round(time.Second).Seconds())
}

func count(b bool) int {
	if b {
		return 1
	}
	return 0
}
