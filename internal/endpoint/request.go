package endpoint

import (
	"context"
	"time"

	"github.com/gopooled/pooled/internal/gate"
)

// Request is one session's asking for a server connection.
//
// The zero value is ready to use. A session keeps one and uses it for one acquisition after the other.
type Request struct {
	// NewSession is set for a session that was made because earlier ones failed, or the first of all: where a dead connection was
	// found recently, it does not get an old one that nobody can validate. database/sql makes such a session for its last try.
	NewSession bool

	// Holds is set for a caller that has a connection already: see [Endpoint.KeepOne].
	Holds bool

	permit   gate.Permit
	admitted bool            // the permit is the request's to give back; an abandoned dial takes it along
	class    string          // of the call; empty: there is one
	deadline time.Time       // of pool_acquire_timeout; zero = none
	ctx      context.Context // the caller's, during the acquisition
	limit    time.Time       // of pool_connect_timeout, for all validations and the dial together; zero = none, or not begun
	mute     bool            // a connection did not answer the ping in time; the others would not either, or take too long to find out

	waited bool // for idle connections that are maintained, for half of pool_connect_timeout: the other half is for a dial

	lookup lookup // here, so that it costs no allocation
	place  place  // in line
	looks  int    // how often it has looked once more since something has changed

	began int64 // stamp: when it began to look
	at    int64 // stamp: when it began to look or, if that took I/O, when it knew of the connection that it got
}

// begin makes it ready for an acquisition.
func (r *Request) begin(ctx context.Context, now int64) {
	r.ctx, r.began, r.at = ctx, now, now
	r.limit, r.mute, r.waited, r.looks = time.Time{}, false, false, 0
	r.place.joined, r.place.tempted = 0, 0
}

// patience is a context that ends when the borrower goes away: its own has ended, or pool_acquire_timeout is over.
func (r *Request) patience() (context.Context, context.CancelFunc) {
	if r.deadline.IsZero() {
		return r.ctx, func() {}
	}
	return context.WithDeadline(r.ctx, r.deadline)
}
