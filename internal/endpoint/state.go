package endpoint

import (
	"runtime"
	"sync/atomic"
)

// state says whose a connection is. It is one word, and changes in this file only, by compare-and-swap: whoever succeeds has the connection to itself, or gives
// it up, and whoever comes too late sees what has become of it. The zero value is inUse.
//
//	dial ──> inUse ──leave──> idle ──look──> looked ──maintain──> maintained ──take──> wanted
//	         │ ↑ ↑             │ ↑             │                    │                    │
//	         │ │ └────take─────┘ └────rest─────┴────────────────────┴────────────────────┤
//	beginReturn endReturn                                                                │
//	         ↓ │                                                                         ↓
//	      returning ────────────────────────────────shut───────────────────────────────> closed
//
// One that is in use, looked at or maintained can be shut as well. What the holder does with a connection that is in use is another matter: see [borrow].
type state struct{ word atomic.Uint32 }

// phase is a value of the state.
type phase uint32

const (
	inUse      phase = iota // its holder's: who dialled it, borrowed it, or is about to close it
	returning               // its holder's, who makes it clean; the line counts it as on its way
	idle                    // nobody's
	looked                  // the endpoint's, for no longer than a look takes; it counts as idle
	maintained              // the endpoint's, for as long as a ping takes, or more; it counts as idle
	wanted                  // maintained, and a borrower has met it
	closed                  // nobody's, for ever
)

func (s *state) phase() phase { return phase(s.word.Load()) }

func (s *state) change(from, to phase) bool {
	return s.word.CompareAndSwap(uint32(from), uint32(to))
}

// must is change for whoever has the connection to itself, so that nobody can have been faster. It panics as a sync.Mutex does that is unlocked twice.
func (s *state) must(from, to phase) {
	if !s.change(from, to) {
		panic("pooled: a connection was given back by somebody who did not have it")
	}
}

// take makes an idle connection the caller's: inUse, a borrower's, or looked, the endpoint's. Anybody may try. If it is busy, it is maintained, and will be idle
// again or closed; otherwise it is closed already.
func (c *Conn) take(to phase) (taken, busy bool) {
	for {
		switch c.state.phase() {
		case idle:
			if c.state.change(idle, to) {
				return true, false
			}
		case looked:
			runtime.Gosched() // it is over in a moment
		case maintained:
			if c.state.change(maintained, wanted) {
				return false, true
			}
		case wanted:
			return false, true
		default:
			return false, false
		}
	}
}

// leave makes a connection nobody's that is counted as idle. Its holder calls it.
func (c *Conn) leave() { c.state.must(inUse, idle) }

// beginReturn says that the connection is being made clean. Its holder calls it. It reports false if that was said before.
func (c *Conn) beginReturn() bool { return c.state.change(inUse, returning) }

// endReturn says that this is over. Its holder calls it. It reports false if nobody had said that it began.
func (c *Conn) endReturn() bool {
	return c.state.phase() == returning && c.state.change(returning, inUse)
}

// look makes a connection the endpoint's if it is idle at this moment. The endpoint calls it.
func (c *Conn) look() bool { return c.state.phase() == idle && c.state.change(idle, looked) }

// maintain says that the endpoint, which looks at the connection, needs it for longer.
func (c *Conn) maintain() { c.state.must(looked, maintained) }

// wanted reports whether a borrower has met the connection since the endpoint maintains it.
func (c *Conn) wanted() bool { return c.state.phase() == wanted }

// rest makes the connection nobody's again, unless it was closed. The endpoint calls it when it has looked at it, or maintained it.
func (c *Conn) rest() {
	for {
		switch is := c.state.phase(); is {
		case looked, maintained, wanted:
			if c.state.change(is, idle) {
				return
			}
		default:
			return
		}
	}
}

// shut makes a connection nobody's for ever. Its holder calls it, or the endpoint that looks at it or maintains it: it counted as idle then.
func (c *Conn) shut() (wasIdle bool) {
	for {
		switch is := c.state.phase(); is {
		case looked, maintained, wanted:
			if c.state.change(is, closed) {
				return true
			}
		case returning:
			c.state.must(returning, closed)
			return false
		default:
			c.state.must(inUse, closed)
			return false
		}
	}
}
