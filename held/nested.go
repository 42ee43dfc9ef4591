package held

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// Nested is a goroutine that wants a server connection while it holds others.
type Nested struct {
	// Goroutine is its number, as in a goroutine dump.
	Goroutine uint64
	// Holds are the connections that it holds, the oldest borrow first.
	Holds []Conn
	// Endpoint is the server that it wants one more connection to. Empty: it waits for another goroutine, as Where shows, that wants one.
	Endpoint string
	// Op and Text are what it wants it for, as those of [Conn].
	Op, Text string
	// For is how long it has waited.
	For time.Duration
	// Stack is where it wants it, for runtime.CallersFrames, from the caller of database/sql on.
	Stack []uintptr
	// Where is where the goroutine stands, as in a goroutine dump: its state, then its functions. Empty: nobody has looked.
	Where string
}

// Frames is Stack in words.
func (n Nested) Frames() []runtime.Frame { return frames(n.Stack) }

// CallSite is the innermost of Frames that is not in a well-known library, in a line: function, file and line.
func (n Nested) CallSite() string { return callSite(n.Stack) }

// String tells in one line what is known.
func (n Nested) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "goroutine %d holds ", n.Goroutine)
	for i, c := range n.Holds {
		if i > 0 {
			b.WriteString(" and ")
		}
		b.WriteString(c.String())
	}
	if n.Endpoint == "" {
		b.WriteString(", and waits for another one of these goroutines")
		return b.String()
	}
	fmt.Fprintf(&b, ", and wants one for %s", called(n.Op, n.Text))
	if at := n.CallSite(); at != "" {
		b.WriteString(" at " + at)
	}
	return b.String()
}
