package page

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/gopooled/pooled/internal/readable"
)

// place is a line of code. The zero value is the one that is not known.
type place struct {
	Function string // with the whole import path
	File     string
	Line     int
}

func newPlace(f runtime.Frame) place { return place{Function: f.Function, File: f.File, Line: f.Line} }

// parsePlace reads what Full writes, as readable.Frame does.
func parsePlace(text string) (p place, ok bool) {
	function, at, found := strings.Cut(text, " (")
	colon := strings.LastIndexByte(at, ':')
	if !found || colon < 0 || !strings.HasSuffix(at, ")") {
		return place{}, false
	}
	line, err := strconv.Atoi(at[colon+1 : len(at)-1])
	return place{Function: function, File: at[:colon], Line: line}, err == nil
}

// Known says that it is known.
func (p place) Known() bool { return p != place{} }

// Full is all of it, in a line.
func (p place) Full() string {
	return readable.Frame(runtime.Frame{Function: p.Function, File: p.File, Line: p.Line})
}

// Func is the function with the name of its package only: store.(*Orders).Find.
func (p place) Func() string {
	name, _, _ := strings.Cut(p.Function, "[") // type arguments may have paths of their own
	return p.Function[strings.LastIndexByte(name, '/')+1:]
}

// At is the file with its directory, and the line: store/orders.go:42.
func (p place) At() string {
	dir := strings.LastIndexByte(p.File, '/')
	if dir > 0 {
		dir = strings.LastIndexByte(p.File[:dir], '/')
	}
	return fmt.Sprintf("%s:%d", p.File[dir+1:], p.Line)
}
