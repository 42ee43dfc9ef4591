package endpoint

import (
	"context"
	"database/sql/driver"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// Behind one name there may be a cluster. After a failover the name leads to the new primary, and the old one may go on as a replica: its connections are as
// healthy as before, and every write on them is refused, until their lifetime is over. A refusal alone shows nothing, as a session may have asked for that
// itself. So the connection on which a write was refused is asked when it is clean, and if its server writes for nobody, a new connection is asked too. Only
// if that leads to a server that writes is there anything better than what the pool has, and all connections from before are closed.

// demotion is what an endpoint knows of its server not writing any more. The zero value knows nothing, and never asks.
type demotion struct {
	ask        func(ctx context.Context, conn driver.Conn) (dialect.ServerRole, error) // see [dialect.Server].Role; nil: nobody can, or need, ask
	generation atomic.Uint64                                                           // the one that began when the server was last found demoted

	mu      sync.Mutex    // guards what follows
	verdict chan struct{} // closed when what is being asked is known; nil: nothing is
	quiet   int64         // stamp: nothing is asked before it
	last    int64         // stamp: when the server was found demoted; 0: never
	pause   time.Duration // after that
}

const (
	// verdictTimeout is how long those who ask wait, and with them the connections on which a write was refused.
	verdictTimeout = time.Second
	// shortestQuiet is for how long nobody asks again after an answer. Behind a name that goes on leading to a server that does not write, as to a replica, this is
	// a dial a second at most, and only while writes are tried.
	shortestQuiet = time.Second
	// longestQuiet is for how long nobody asks when that has replaced all connections again and again, as where a name leads to a primary and its replicas in
	// turn. The quiet doubles where the last time is not longer ago than twice this.
	longestQuiet = time.Minute
)

// examine has a connection looked after whose server has refused to write. The caller holds it, and has it no more if this reports true: it is closed, or
// goes to the next borrower, when it is known which.
func (e *Endpoint) examine(c *Conn) bool {
	d := &e.demotion
	if d.ask == nil {
		return false
	}
	d.mu.Lock()
	if d.verdict == nil && e.now() < d.quiet {
		d.mu.Unlock()
		return false
	}
	first := d.verdict == nil
	if first {
		d.verdict = make(chan struct{})
	}
	verdict := d.verdict
	d.mu.Unlock()
	running := c.Background(func(ctx context.Context) {
		defer e.conclude(c)
		if first {
			defer d.close(verdict)
			e.judge(ctx, c)
			return
		}
		<-verdict // of a goroutine of the endpoint
	})
	if !running && first {
		d.close(verdict)
	}
	return running
}

// close says that what was asked is known, as far as it could be found out.
func (d *demotion) close(verdict chan struct{}) {
	d.mu.Lock()
	d.verdict = nil
	d.mu.Unlock()
	close(verdict)
}

// conclude takes a connection back that was examined.
func (e *Endpoint) conclude(c *Conn) {
	c.endReturn()
	defer e.line.endReturn()
	c.idleSince = e.now()
	e.takeBack(c, &middleware.Release{Conn: c})
}

// judge finds out whether the server of a connection does not write while the one that new connections lead to does, and retires all connections then.
func (e *Endpoint) judge(ctx context.Context, c *Conn) {
	ctx, cancel := context.WithTimeout(ctx, verdictTimeout)
	defer cancel()
	writes, known := e.askWrites(ctx, c)
	if !known || writes { // it was the session that did not want to write
		return
	}
	r := &Request{ctx: ctx}
	e.line.beginAside()
	defer e.line.endAside()
	var other *Conn
	err := e.contained("a connection was dialled for nobody", func() (err error) {
		other, err = e.dial(r)
		return err
	})
	if err == nil {
		writes, _ = e.askWrites(ctx, other)
	}
	e.settle(writes)
	if err != nil {
		return
	}
	why := idleLimit // it is no better than the others
	switch {
	case other.Failed():
		why = failed
	case writes:
		other.generation = e.demotion.generation.Load()
		other.idleSince = e.now()
		why = e.admit(other)
	}
	if why != kept {
		e.discard(other, why)
	}
}

// askWrites asks the server of a connection whether it writes, as far as that can be known.
func (e *Endpoint) askWrites(ctx context.Context, c *Conn) (writes, known bool) {
	err := e.contained("a server was asked whether it writes", func() error {
		role, err := e.demotion.ask(ctx, c.Real())
		writes = role == dialect.RolePrimary
		return err
	})
	if err != nil && (e.shared.Dialect.Code(err) == "" || dialect.Died(e.shared.Dialect, err)) { // no answer: nobody knows what the driver has sent
		c.Fail()
	}
	return writes && err == nil, err == nil
}

// settle retires all connections if new ones lead to a server that writes, and says when to ask again.
func (e *Endpoint) settle(elsewhere bool) {
	d, now := &e.demotion, e.now()
	d.mu.Lock()
	pause := shortestQuiet
	if elsewhere {
		if d.last != 0 && time.Duration(now-d.last) < 2*longestQuiet {
			pause = min(2*d.pause, longestQuiet)
		}
		d.last, d.pause = now, pause
	}
	d.quiet = now + int64(pause)
	d.mu.Unlock()
	if !elsewhere {
		return
	}
	d.generation.Store(e.generation.Load() + 1) // first: who meets a connection that is retired looks here why
	e.Retire()
	e.Logger.Warn("pooled: connections are replaced, because their server refuses to write, and new connections lead to one that writes", "endpoint", e.info.Name)
}
