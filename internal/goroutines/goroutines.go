// Package goroutines reads what all goroutines of the program do at one moment, from a dump as a panic prints it.
//
//	dumper := goroutines.Dumper{Limit: goroutines.Most}
//	dump, took := dumper.Dump()
//	fate, where := dump.Find(number)
//
// What it is not: cheap. The program stands still for a dump, so whoever makes them limits how often.
package goroutines

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/gopooled/pooled/held"
)

// Most is how many goroutines a program may have for them to be dumped: it stands still meanwhile, for some ten microseconds
// each.
const Most = 10_000

// Share is the part of the time, as one of so many, that dumps may take.
const Share = 20

// Dumper makes dumps, one at a time.
type Dumper struct {
	Limit int // of goroutines; 0: there is no dump
	each  int // bytes that one took in the last dump; 0 = there was none
}

// mostFrames is how many frames of a goroutine are told.
const mostFrames = 16

// Dump is a dump of all goroutines.
type Dump struct {
	text  []byte
	Whole bool // false: there were too many, and there is none
}

// Dump returns all goroutines, unless there are too many, and how long it took.
func (d *Dumper) Dump() (Dump, time.Duration) {
	n := runtime.NumGoroutine()
	if n > d.Limit {
		return Dump{}, 0
	}
	began := time.Now()
	size := (n + 100) * max(d.each+d.each/2, 2<<10)
	for {
		buf := make([]byte, size)
		used := runtime.Stack(buf, true)
		if used < len(buf) {
			d.each = used / n
			return Dump{buf[:used], true}, time.Since(began)
		}
		size *= 4
	}
}

// Find tells what became of a goroutine and, if it is alive, where it stands.
func (d Dump) Find(number uint64) (fate held.Fate, where string) {
	if number == 0 {
		return held.Unknown, ""
	}
	head := fmt.Appendf(nil, "goroutine %d ", number) // with the blank: 7 is not 71
	at := 0
	if !bytes.HasPrefix(d.text, head) {
		at = bytes.Index(d.text, append([]byte("\n\n"), head...))
	}
	switch {
	case at < 0 && d.Whole:
		return held.Gone, ""
	case at < 0:
		return held.Unknown, ""
	}
	block, _, _ := bytes.Cut(bytes.TrimLeft(d.text[at:], "\n"), []byte("\n\n"))
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
