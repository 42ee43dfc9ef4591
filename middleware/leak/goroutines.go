package leak

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/gopooled/pooled/held"
)

// mostGoroutines is how many goroutines a program may have for them to be dumped: it stands still meanwhile, for some ten microseconds
// each.
const mostGoroutines = 10_000

// dumper makes dumps.
type dumper struct {
	limit int // of goroutines
	each  int // bytes that one took in the last dump; 0 = there was none
}

// mostFrames is how many frames of a goroutine are told.
const mostFrames = 16

// goroutines is a dump of all goroutines, as a panic prints it.
type goroutines struct {
	dump  []byte
	whole bool
}

// dump returns all goroutines, unless there are too many, and how long it took.
func (d *dumper) dump() (goroutines, time.Duration) {
	n := runtime.NumGoroutine()
	if n > d.limit {
		return goroutines{}, 0
	}
	began := time.Now()
	size := (n + 100) * max(d.each+d.each/2, 2<<10)
	for {
		buf := make([]byte, size)
		used := runtime.Stack(buf, true)
		if used < len(buf) {
			d.each = used / n
			return goroutines{buf[:used], true}, time.Since(began)
		}
		size *= 4
	}
}

// find tells what became of a goroutine and, if it is alive, where it stands.
func (g goroutines) find(id uint64) (fate held.Fate, where string) {
	if id == 0 {
		return held.Unknown, ""
	}
	head := fmt.Appendf(nil, "goroutine %d ", id) // with the blank: 7 is not 71
	at := 0
	if !bytes.HasPrefix(g.dump, head) {
		at = bytes.Index(g.dump, append([]byte("\n\n"), head...))
	}
	switch {
	case at < 0 && g.whole:
		return held.Gone, ""
	case at < 0:
		return held.Unknown, ""
	}
	block, _, _ := bytes.Cut(bytes.TrimLeft(g.dump[at:], "\n"), []byte("\n\n"))
	return held.Alive, readable(string(block))
}

// readable is a goroutine of a dump without addresses: its state, and a line for each frame.
func readable(block string) string {
	lines := strings.Split(strings.TrimSpace(block), "\n")
	_, state, _ := strings.Cut(lines[0], "[")
	state, _, _ = strings.Cut(state, "]")
	told := []string{state}
	for i := 1; i+1 < len(lines) && len(told) <= mostFrames; i += 2 {
		function, place := lines[i], strings.TrimSpace(lines[i+1])
		if at := strings.LastIndexByte(function, '('); at > 0 && strings.HasSuffix(function, ")") {
			function = function[:at]
		}
		place, _, _ = strings.Cut(place, " +0x")
		told = append(told, function+" ("+place+")")
	}
	return strings.Join(told, "\n")
}
