// Package held is what is known about a server connection while somebody holds it: who, since when, from where, and what for.
//
// [Conn] is one of them at one moment, [Leak] one that is reported because it seems to be forgotten:
//
//	for _, c := range connector.Held() { // the oldest first
//		fmt.Println(c)
//	}
//
// What it is not: a way to change anything. All values are copies.
package held

import (
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/gopooled/pooled/internal/readable"
)

// Conn is a server connection in use, as it was at one moment. It shares nothing that changes but Stack, which nobody may change.
type Conn struct {
	// ID numbers the server connections of an endpoint, beginning with 1.
	ID uint64
	// Endpoint is the name of the endpoint: its address, never with a user or a password.
	Endpoint string
	// Since is when the borrower got the connection, and For how long ago that was.
	Since time.Time
	For   time.Duration
	// Calls counts the borrower's calls on it, the one in flight included.
	Calls int
	// Busy says that a call is in flight. Reading rows is none: they are the real driver's own.
	Busy bool
	// Reading says that the real driver waits for the server, as it does while rows are read. It is not always known: see Limits in the
	// README.
	Reading bool
	// Op is what the call in flight does, or the last one did: query, exec, begin and so on. Text is its statement with ? in place of all
	// literals; empty if it has none.
	Op, Text string
	// Idle is for how long nothing has happened on it, as far as was seen, to about a second: no call, and no byte. 0 while it is Busy or
	// Reading, and with pool_leak=off.
	Idle time.Duration
	// InTx says that the borrower is in a transaction.
	InTx bool
	// Goroutine is the number of the goroutine that borrowed the connection, as in a goroutine dump; 0 = not known.
	Goroutine uint64
	// Stack is where it was borrowed, for runtime.CallersFrames, from the caller of database/sql on; nil: this borrow was not sampled
	// (pool_leak_sample).
	Stack []uintptr
}

// Frames is Stack in words. Nil: it was not sampled.
func (c Conn) Frames() []runtime.Frame { return frames(c.Stack) }

func frames(stack []uintptr) []runtime.Frame {
	if len(stack) == 0 {
		return nil
	}
	var all []runtime.Frame
	for frames := runtime.CallersFrames(stack); ; {
		frame, more := frames.Next()
		if frame.PC != 0 && !strings.HasPrefix(frame.Function, "runtime.") {
			all = append(all, frame)
		}
		if !more {
			return all
		}
	}
}

// CallSite is the innermost of Frames that is not in a well-known library, in a line: function, file and line. Empty: it was not
// sampled.
func (c Conn) CallSite() string { return callSite(c.Stack) }

func callSite(stack []uintptr) string {
	frames := frames(stack)
	if len(frames) == 0 {
		return ""
	}
	return readable.Frame(frames[readable.CallSite(frames)])
}

// String tells in one line what is known.
func (c Conn) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "connection %d, held for %s", c.ID, readable.Duration(c.For))
	if at := c.CallSite(); at != "" {
		fmt.Fprintf(&b, " by %s", at)
	} else if c.Goroutine != 0 {
		fmt.Fprintf(&b, " by goroutine %d", c.Goroutine)
	}
	switch {
	case c.Busy:
		fmt.Fprintf(&b, ", busy with %s", c.call())
	case c.Reading:
		fmt.Fprintf(&b, ", reading the rows of %s", c.call())
	case c.Idle > 0:
		fmt.Fprintf(&b, ", idle for %s after %s", readable.Duration(c.Idle), c.call())
	default:
		fmt.Fprintf(&b, ", idle after %s", c.call())
	}
	if c.InTx {
		b.WriteString(", in a transaction")
	}
	return b.String()
}

// call names the call in flight, or the last one.
func (c Conn) call() string { return called(c.Op, c.Text) }

func called(op, text string) string {
	if text == "" {
		return op
	}
	return op + " " + text
}

// Fate is what became of the goroutine that borrowed a connection.
type Fate uint8

// The fates of a goroutine. The zero value claims nothing.
const (
	Unknown Fate = iota
	// Alive: it still runs, or waits for something.
	Alive
	// Gone: it has ended. Unless it left the connection to another one, nobody will ever give it back.
	Gone
)

// String returns the fate in lower case.
func (f Fate) String() string {
	switch f {
	case Alive:
		return "alive"
	case Gone:
		return "gone"
	default:
		return "unknown"
	}
}

// Leak is a connection that nobody has used for pool_leak, though somebody holds it. Each borrow is reported once.
type Leak struct {
	Conn
	// Fate is what became of the goroutine that borrowed it.
	Fate Fate
	// Where is where that goroutine stands, as in a goroutine dump: its state, then its functions. Empty unless it is Alive.
	Where string
	// Reclaimed says that the connection was taken away from its holder and closed (pool_leak_reclaim).
	Reclaimed bool
}
