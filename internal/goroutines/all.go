package goroutines

import (
	"slices"
	"strconv"
	"strings"
)

// Goroutine is one of a dump.
type Goroutine struct {
	Number    uint64
	State     string   // what it does or waits for, as "chan receive"
	Minutes   int      // for how long it has waited at least; 0: for less than one, or it is not known
	Functions []string // the innermost first
	Creator   string   // the function that has started it; empty: it is the first of the program
	Parent    uint64   // the goroutine that has started it; 0: not known
}

// StandsIn reports whether a goroutine is in a function, or in what that has called.
func (g Goroutine) StandsIn(function string) bool { return slices.Contains(g.Functions, function) }

// All returns all goroutines of a dump by their numbers; nil if there were too many.
func (d Dump) All() map[uint64]Goroutine {
	if !d.Whole {
		return nil
	}
	all := map[uint64]Goroutine{}
	for block := range strings.SplitSeq(string(d.text), "\n\n") {
		if g, ok := parse(block); ok {
			all[g.Number] = g
		}
	}
	return all
}

// parse reads a goroutine.
func parse(block string) (g Goroutine, ok bool) {
	lines := strings.Split(strings.TrimSpace(block), "\n")
	head, ok := strings.CutPrefix(lines[0], "goroutine ")
	if !ok {
		return g, false
	}
	number, state, _ := strings.Cut(head, " ")
	var err error
	if g.Number, err = strconv.ParseUint(number, 10, 64); err != nil {
		return g, false
	}
	if at := strings.IndexByte(state, '['); at >= 0 { // behind it there may be more
		state = state[at+1:]
	}
	state, _, _ = strings.Cut(state, "]")
	for _, part := range strings.Split(state, ", ") {
		if minutes, ok := strings.CutSuffix(part, " minutes"); ok {
			g.Minutes, _ = strconv.Atoi(minutes)
		}
	}
	g.State, _, _ = strings.Cut(state, ",")
	g.State, _, _ = strings.Cut(g.State, " (")
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, "\t") || strings.HasPrefix(line, "...") { // the place of a function, or those that a long stack leaves out
			continue
		}
		if by, ok := strings.CutPrefix(line, "created by "); ok {
			creator, parent, _ := strings.Cut(by, " in goroutine ")
			g.Creator = creator
			g.Parent, _ = strconv.ParseUint(parent, 10, 64) // before Go 1.21, and for timers, there is none
			break
		}
		if at := strings.LastIndexByte(line, '('); at > 0 {
			line = line[:at]
		}
		g.Functions = append(g.Functions, line)
	}
	return g, true
}
