package endpoint

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/serverconn"
	"github.com/gopooled/pooled/middleware"
)

// Conn is a server connection of an endpoint. The session that acquired it has it to itself until it is released.
type Conn struct {
	*serverconn.Conn

	endpoint  *Endpoint
	id        uint64
	dialledAt time.Time
	expiresAt int64 // stamp; 0 = never

	// heldSince is the stamp of the acquisition, 0 while nobody holds the connection. It is read by whoever asks who holds what.
	heldSince atomic.Int64

	// What follows belongs to the borrower, and to the inner pool while there is none.
	changes   dialect.Changes
	sqlConn   *sql.Conn
	idleSince int64 // stamp
	idle      bool  // counted in Endpoint.idle
	reason    reason
}

var _ middleware.ServerConn = (*Conn)(nil)

// ID numbers the connections of an endpoint.
func (c *Conn) ID() uint64 { return c.id }

// Endpoint describes the server.
func (c *Conn) Endpoint() *middleware.Endpoint { return c.endpoint.info }

// DialledAt is when dialling ended.
func (c *Conn) DialledAt() time.Time { return c.dialledAt }

// Changes is what the sessions left on the connection.
func (c *Conn) Changes() *dialect.Changes { return &c.changes }

// Background runs f on a goroutine of the endpoint.
func (c *Conn) Background(f func(ctx context.Context)) bool { return c.endpoint.background(f) }

// EndBorrow notes that the borrower is done, and returns for how long it has had the connection.
func (c *Conn) EndBorrow() time.Duration {
	c.idleSince = c.endpoint.now()
	return time.Duration(c.idleSince - c.heldSince.Swap(0))
}

func (c *Conn) expired(now int64) bool { return c.expiresAt != 0 && now >= c.expiresAt }

// reason is why a connection was closed.
type reason uint8

const (
	kept       reason = iota // not closed
	lifetime                 // pool_max_conn_lifetime
	idleTime                 // pool_max_conn_idle_time
	idleLimit                // pool_max_idle_conns
	failed                   // a call told that it is dead
	validation               // it was found dead when it was to be borrowed
	discarded                // it came back in an open transaction or dirty, or a policy did not want it back
	shutdown                 // the endpoint was closed
	reasons                  // how many there are
)
