// Package readable writes what people read in errors, logs and on the page.
package readable

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
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

// Cut is a text of so many bytes at most, cut between two characters, and a mark where it was cut.
func Cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// Frame is a frame of a stack in a line: function, file and line.
func Frame(f runtime.Frame) string { return fmt.Sprintf("%s (%s:%d)", f.Function, f.File, f.Line) }

// libraries are packages that programs reach their database through: a line in them says little about who forgot a connection.
var libraries = []string{"gorm.io/", "github.com/jmoiron/sqlx.", "entgo.io/ent/", "github.com/uptrace/bun", "xorm.io/", "github.com/Masterminds/squirrel."}

// CallSite is which of the frames is the innermost that is not in a well-known library; 0 if all are, or there are none.
func CallSite(frames []runtime.Frame) int {
	at := slices.IndexFunc(frames, func(f runtime.Frame) bool {
		return !slices.ContainsFunc(libraries, func(l string) bool { return strings.HasPrefix(f.Function, l) })
	})
	return max(at, 0)
}
