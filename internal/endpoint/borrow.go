package endpoint

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/callers"
	"github.com/gopooled/pooled/middleware"
)

// borrow is who holds a connection, and what for. The borrower writes it at every call, and others look at it now and then, so the
// borrower must not pay for them: it writes plain fields, and then publishes them with one atomic addition to state.
//
// A look sets a bit of state while it copies the fields. The borrower may go on meanwhile, as it writes to that one of the two calls
// that is not looked at, but waits for the end of the look before it publishes anything after that.
//
// To reclaim is to set another bit, provided that nothing was published since the look that found the connection unused: the
// borrower learns it when it publishes its next call, before anything is sent.
type borrow struct {
	state atomic.Uint64
	own   uint64 // the borrower's copy of state, without the bits that others set

	since    int64  // stamp of the acquisition
	number   uint64 // counts the borrows of the connection
	borrower middleware.Borrower
	calls    [2]borrowedCall
}

// borrowedCall is one call of a borrower.
type borrowedCall struct {
	op        middleware.Op
	text      string
	number    int    // of the borrower's calls, beginning with 1
	goroutine uint64 // whose call it is; 0: not known
}

// The bits of borrow.state. What is above them is a version, which changes whenever the borrower publishes something.
const (
	stateHeld uint64 = 1 << iota
	stateBusy
	stateInTx
	stateSecond    // the current call is calls[1]
	stateLooked    // set by look
	stateReclaimed // set by reclaim, for ever
	stateVersion
)

// begin publishes that the connection is held, and by whom. The acquisition is part of a call.
func (b *borrow) begin(who middleware.Borrower, op middleware.Op, text string) {
	b.number++
	b.borrower = who
	b.calls[index(b.own)] = borrowedCall{op, text, 1, who.Goroutine}
	b.publish(b.own | stateHeld | stateBusy)
}

// beginCall publishes that a call begins. It reports false if the connection was reclaimed.
func (b *borrow) beginCall(op middleware.Op, text string, goroutine uint64) bool {
	now := index(b.own)
	b.calls[1-now] = borrowedCall{op, text, b.calls[now].number + 1, goroutine}
	return b.publish(b.own ^ stateSecond | stateBusy)
}

// endCall publishes that the call is over.
func (b *borrow) endCall(inTx bool) {
	own := b.own &^ (stateBusy | stateInTx)
	if inTx {
		own |= stateInTx
	}
	b.publish(own)
}

// end publishes that nobody holds the connection. It reports false if it was reclaimed before.
func (b *borrow) end() bool {
	kept := b.publish(b.own &^ (stateHeld | stateBusy | stateInTx))
	b.borrower, b.calls = middleware.Borrower{}, [2]borrowedCall{} // nobody looks any more, and texts may be large
	return kept
}

// index is that of the current call, or the last one, in borrow.calls.
func index(state uint64) int {
	if state&stateSecond != 0 {
		return 1
	}
	return 0
}

// publish makes state what own says, and reports whether the connection is still the borrower's. An addition leaves the bits of
// others as they are.
func (b *borrow) publish(own uint64) bool {
	own += stateVersion
	state := b.state.Add(own - b.own)
	b.own = own
	for state&stateLooked != 0 {
		runtime.Gosched() // whoever looks copies a few words
		state = b.state.Load()
	}
	return state&stateReclaimed == 0
}

// look returns what is known of the holder; ok is false if nobody holds the connection. One may look at a time.
func (b *borrow) look() (h Holding, ok bool) {
	var state uint64
	for {
		state = b.state.Load()
		if state&stateHeld == 0 || state&stateReclaimed != 0 {
			return Holding{}, false
		}
		if b.state.CompareAndSwap(state, state|stateLooked) {
			break
		}
	}
	defer b.state.And(^stateLooked)
	call := b.calls[index(state)] // and not the other, which the borrower may be writing
	return Holding{
		Conn: held.Conn{
			Calls:     call.number,
			Busy:      state&stateBusy != 0,
			Op:        call.op.String(),
			Text:      call.text,
			InTx:      state&stateInTx != 0,
			Goroutine: b.borrower.Goroutine,
			Stack:     b.borrower.Stack,
		},
		User:    call.goroutine,
		Context: b.borrower.Context,
		since:   b.since,
		number:  b.number,
		state:   state,
	}, true
}

// reclaim takes the connection from a borrower who does not use it. It reports false if the borrower did anything since the look
// that returned state.
func (b *borrow) reclaim(state uint64) bool {
	return state&stateBusy == 0 && b.state.CompareAndSwap(state, state|stateReclaimed)
}

// Holding is a connection in use, as it was at one moment.
type Holding struct {
	held.Conn
	User    uint64          // the goroutine whose call was the last; 0: not known
	Context context.Context // of the acquisition; nil: not known

	conn   *Conn
	since  int64
	number uint64
	state  uint64
	moves  uint64
}

// Number tells the borrows of one connection apart.
func (h Holding) Number() uint64 { return h.number }

// Version changes when a call begins or ends, and when bytes come or go on a socket that is known.
func (h Holding) Version() uint64 { return h.state/stateVersion + h.moves }

// Watched reports whether it would have been seen if rows had been read.
func (h Holding) Watched() bool { return h.conn.socket != nil }

// Take takes the connection from its holder, unless that has used it since. It is the caller's to release then.
func (h Holding) Take() (*Conn, bool) {
	socket := h.conn.socket
	unused := socket != nil && !socket.Reading() && socket.Moves() == h.moves
	if !unused || !h.conn.borrow.reclaim(h.state) {
		return h.conn, false
	}
	h.conn.endpoint.forget(h.Goroutine)
	return h.conn, true
}

// MayHold reports whether a goroutine holds a connection. Now and then it says so of one that holds none. It needs Options.Nested.
func (e *Endpoint) MayHold(goroutine uint64) bool {
	return e.borrowers != nil && e.borrowers.mayHave(goroutine)
}

// remember notes that a goroutine has borrowed a connection, and forget that it has not any more.
func (e *Endpoint) remember(goroutine uint64) {
	if e.borrowers != nil {
		e.borrowers.add(goroutine)
	}
}

func (e *Endpoint) forget(goroutine uint64) {
	if e.borrowers != nil {
		e.borrowers.remove(goroutine)
	}
}

// caller is the number of the goroutine that calls, where somebody wants to know.
func (e *Endpoint) caller() uint64 {
	if e.borrowers == nil {
		return 0
	}
	return callers.Goroutine()
}

// Holdings lists the connections in use, in no order. Their texts are as they were sent.
func (e *Endpoint) Holdings() []Holding {
	now := time.Now()
	stamp := int64(now.Sub(e.start)) + 1
	e.mu.Lock() // one may look at a time
	defer e.mu.Unlock()
	var all []Holding
	for c := range e.conns {
		h, ok := c.borrow.look()
		if !ok {
			continue
		}
		h.conn = c
		if c.socket != nil {
			h.moves = c.socket.Moves()
			h.Reading = c.socket.Reading()
		}
		h.ID, h.Endpoint = c.id, e.info.Name
		h.For = max(time.Duration(stamp-h.since), 0)
		h.Since = now.Add(-h.For)
		all = append(all, h)
	}
	return all
}
