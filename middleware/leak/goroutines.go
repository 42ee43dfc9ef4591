package leak

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"

	"github.com/gopooled/pooled/held"
)

// The size of a dump: what a goroutine takes, roughly, and the most that is read. The program stands still meanwhile.
const (
	bytesPerGoroutine = 2 << 10
	largestDump       = 64 << 20
)

// mostFrames is how many frames of a goroutine are told.
const mostFrames = 16

// goroutines is a dump of all goroutines, as a panic prints it.
type goroutines struct {
	dump  []byte
	whole bool
}

func dumpGoroutines() goroutines {
	for size := (runtime.NumGoroutine() + 100) * bytesPerGoroutine; ; size *= 4 {
		buf := make([]byte, min(size, largestDump))
		n := runtime.Stack(buf, true)
		if n < len(buf) || n == largestDump {
			return goroutines{buf[:n], n < len(buf)}
		}
	}
}

// find tells what became of a goroutine and, if it is alive, where it stands.
func (g goroutines) find(id uint64) (fate held.Fate, where string) {
	if id == 0 {
		return held.Unknown, ""
	}
	head := fmt.Appendf(nil, "goroutine %d ", id)
	rest := g.dump
	if !bytes.HasPrefix(rest, head) {
		_, rest, _ = bytes.Cut(rest, append([]byte("\n\n"), head...))
		if rest == nil && g.whole {
			return held.Gone, ""
		}
		if rest == nil {
			return held.Unknown, ""
		}
	}
	block, _, _ := bytes.Cut(rest, []byte("\n\n"))
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
