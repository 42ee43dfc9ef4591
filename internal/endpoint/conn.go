package endpoint

import (
	"context"
	"database/sql"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/gate"
	"github.com/gopooled/pooled/internal/serverconn"
	"github.com/gopooled/pooled/middleware"
)

// Conn is a server connection of an endpoint. The session that acquired it has it to itself until it is released.
type Conn struct {
	*serverconn.Conn

	endpoint   *Endpoint
	id         uint64
	generation uint64 // when its dial began
	dialledAt  time.Time
	dialled    int64 // stamp of dialledAt
	expiresAt  int64 // stamp; 0 = never
	readOnly   bool  // its sessions cannot write

	secret  uint64        // that it has logged in with; 0: the DSN's
	renewal time.Duration // how long after there is another one it is replaced

	state  state
	borrow borrow // who its holder is, and what he does with it

	// sqlConn is the inner pool's, for which the connection is in use. It belongs to whoever has taken the connection out of there, or from recent.
	sqlConn *sql.Conn

	// What follows belongs to whoever has the connection by its state.
	permit    gate.Permit     // of its borrower
	idleSince int64           // stamp
	pingedAt  int64           // stamp, of the endpoint's own ping
	jitter    time.Duration   // of pool_keepalive
	socket    *dialect.Socket // under the real connection; nil: not known
}

var _ middleware.ServerConn = (*Conn)(nil)

// ID numbers the connections of an endpoint.
func (c *Conn) ID() uint64 { return c.id }

// Endpoint describes the server.
func (c *Conn) Endpoint() *middleware.Endpoint { return c.endpoint.info }

// DialledAt is when dialling ended.
func (c *Conn) DialledAt() time.Time { return c.dialledAt }

// Socket is the network connection under the real connection; nil: it is not known.
func (c *Conn) Socket() *dialect.Socket { return c.socket }

// Background runs f, which makes the connection ready for the next borrower and releases it, on a goroutine of the endpoint.
func (c *Conn) Background(f func(ctx context.Context)) bool {
	first := c.beginReturn() // and not for another middleware
	if first {
		c.endpoint.line.beginReturn()
	}
	running := c.endpoint.Background(func(ctx context.Context) {
		err := c.endpoint.contained("the end of a statement was waited for", func() error {
			c.Settle()
			return nil
		})
		if err != nil { // it is only to be released
			c.Fail()
			var end context.CancelFunc
			ctx, end = context.WithCancel(ctx)
			end()
		}
		f(ctx)
	})
	if !running && first {
		c.endReturn()
		c.endpoint.line.endReturn()
	}
	return running
}

// giveUpPermit takes the permit from a connection that is about to be idle.
func (c *Conn) giveUpPermit() gate.Permit {
	p := c.permit
	c.permit = gate.Permit{}
	return p
}

// BeginBorrow says who the borrower is, and which call it acquired the connection for.
func (c *Conn) BeginBorrow(who middleware.Borrower, op middleware.Op, text string) {
	c.endpoint.remember(who.Goroutine)
	c.borrow.begin(who, op, text)
}

// BeginCall says that the borrower begins a call. It reports false if the connection was reclaimed: it must not be used then.
func (c *Conn) BeginCall(op middleware.Op, text string) bool {
	return c.borrow.beginCall(op, text, c.endpoint.caller())
}

// InTx reports whether the last call left the borrower in a transaction.
func (c *Conn) InTx() bool { return c.borrow.own&stateInTx != 0 }

// BorrowedFor is for how long the borrower has had the connection, which may have been reclaimed meanwhile.
func (c *Conn) BorrowedFor() time.Duration {
	return time.Duration(c.endpoint.now() - c.borrow.since)
}

// EndCall says that the call is over.
func (c *Conn) EndCall(inTx bool) { c.borrow.endCall(inTx) }

// EndBorrow says that the borrower is done. It returns for how long it has had the connection, and reports false if that was reclaimed
// before: it is not the borrower's to release then.
func (c *Conn) EndBorrow() (time.Duration, bool) {
	borrower := c.borrow.borrower.Goroutine
	if !c.borrow.end() {
		return 0, false
	}
	c.endpoint.forget(borrower)
	c.idleSince = c.endpoint.now()
	held := c.idleSince - c.borrow.since
	if c.borrow.number%sampledHolds == 1 {
		c.endpoint.holdTime.Note(held)
	}
	return time.Duration(held), true
}

// sampledHolds is of how many borrows of a connection one counts for what is known of how long they take.
const sampledHolds = 8

// Retired reports whether the endpoint does not want the connection any more.
func (c *Conn) Retired() bool {
	return c.generation != c.endpoint.generation.Load() || c.readOnly != c.endpoint.readOnly.Load()
}

// whyRetired is the reason for which it is closed then.
func (c *Conn) whyRetired() reason {
	switch {
	case c.generation < c.endpoint.opened.Load():
		return shutdown
	case c.generation < c.endpoint.demotion.generation.Load():
		return demoted
	default:
		return retired
	}
}

func (c *Conn) expired(now int64) bool { return c.expiresAt != 0 && now >= c.expiresAt }
