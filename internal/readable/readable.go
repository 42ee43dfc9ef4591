// Package readable writes what people read in errors, logs and on the page.
package readable

import (
	"fmt"
	"runtime"
	"time"
)

// Duration cuts a duration to what a person reads.
func Duration(d time.Duration) time.Duration {
	switch {
	case d > 10*time.Second:
		return d.Round(time.Second)
	case d > 10*time.Millisecond:
		return d.Round(time.Millisecond)
	default:
		return d.Round(time.Microsecond)
	}
}

// Frame is a frame of a stack in a line: function, file and line.
func Frame(f runtime.Frame) string { return fmt.Sprintf("%s (%s:%d)", f.Function, f.File, f.Line) }
