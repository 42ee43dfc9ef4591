package endpoint

import (
	"context"
	"sync"
	"time"
)

// reason is why a connection was closed.
type reason uint8

const (
	kept       reason = iota // not closed
	lifetime                 // pool_max_conn_lifetime
	idleTime                 // pool_max_conn_idle_time
	idleLimit                // pool_max_idle_conns
	failed                   // a call told that it is dead
	validation               // it was found dead when it was to be borrowed
	reclaimed                // pool_leak_reclaim
	demoted                  // its server refused to write, and new connections lead to one that writes
	retired                  // by Evict, or because the server has ended its connections
	discarded                // it came back in an open transaction or dirty, or a policy did not want it back
	shutdown                 // the endpoint was closed
	reasons                  // how many there are
)

// closeConn closes a connection that is the caller's, takes it off the books, and counts why. Every connection that was dialled comes here once.
func (e *Endpoint) closeConn(c *Conn, why reason) error {
	wasIdle := c.shut()
	e.mu.Lock()
	delete(e.conns, c)
	e.mu.Unlock()
	if wasIdle {
		e.going.Add(1) // first: it has no permit, and takes up room until it is closed
		e.idle.Add(-1)
		defer e.gone(c)
	}
	e.closes[why].Add(1)
	defer func() { e.line.end(e.now()) }()
	if why == reclaimed { // the real connection is its holder's, who may be about to use it
		return c.socket.Close()
	}
	return e.contained("a connection was closed", c.Close)
}

// discard closes a connection that is in use by the caller. The inner pool, which counts it as in use too, drops it.
func (e *Endpoint) discard(c *Conn, why reason) {
	_ = e.closeConn(c, why) // nobody is there to be told
	_ = c.sqlConn.Close()
}

// closeIdle closes an idle connection that the caller looks at, or maintains. The inner pool cannot be asked for one of its idle connections: it drops this one when
// somebody meets it there, or when it has been there for pool_max_conn_idle_time.
func (e *Endpoint) closeIdle(c *Conn, why reason) {
	_ = e.closeConn(c, why) // as above
	if e.recent.remove(c) {
		_ = c.sqlConn.Close()
	}
}

// closeOffPath closes a connection on a goroutine of its own, which also returns the permit: the server has one
// connection less only then. Once the endpoint is closed, it happens at once, because nobody would wait for the goroutine.
func (e *Endpoint) closeOffPath(c *Conn, why reason) {
	e.line.beginClose()
	closed := sync.OnceFunc(e.line.endClose)
	running := e.Background(func(context.Context) {
		defer e.gate.Leave(c.permit)
		limit := time.AfterFunc(goneTimeout, closed) // a driver that does not come back keeps nobody from dialling for longer
		e.discard(c, why)
		limit.Stop()
		closed()
		if why != reclaimed { // its session may go on
			c.awaitGone()
		}
	})
	if !running {
		closed()
		e.discard(c, why)
		e.gate.Leave(c.permit)
	}
}

// gone waits until a closed connection that was idle is over for the server, and then says that there is room for another one.
func (e *Endpoint) gone(c *Conn) {
	over := func() {
		e.going.Add(-1)
		e.line.tell()
		e.tellRest()
	}
	running := c.Gone() != nil && e.Background(func(context.Context) {
		defer over()
		c.awaitGone()
	})
	if !running {
		over()
	}
}

// room is how many more connections there may be than those which are idle, and those whose borrowers have their permits; less than none if some that nobody
// has a permit for are still being closed.
func (e *Endpoint) room() int64 { return e.gate.Room() - e.going.Load() }

// goneTimeout is how long a permit waits for a driver that closes in the background. A server that is well needs milliseconds. Of one that
// is silent, or that nothing reaches any more, nobody can know whether it ever ends the session; as long as permits wait for that, they are missing
// to those whom the server, or the one that took its place, would serve. pgx itself waits for 15 s.
const goneTimeout = time.Second

// awaitGone waits until a closed connection is over for the server, and closes the socket under it if that takes too long: the driver still waits then.
func (c *Conn) awaitGone() {
	gone := c.Gone()
	if gone == nil {
		return
	}
	limit := time.NewTimer(goneTimeout)
	defer limit.Stop()
	select {
	case <-gone:
	case <-limit.C:
		if c.socket != nil {
			_ = c.socket.Close() // the driver has closed it meanwhile, or will find out
		}
	}
}
