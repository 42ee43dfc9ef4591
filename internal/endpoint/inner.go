package endpoint

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"slices"
)

// lookup is a question to the inner pool, and its answer. It is the context that the inner pool is asked with: nothing else passes through it unchanged, and
// tells which connection a *sql.Conn stands for. The usual way, sql.Conn.Raw, costs an allocation and two locks more.
type lookup struct {
	context.Context
	dialled *Conn // which the inner pool is to know; nil: an idle one is wanted
	found   *Conn // the idle one that it has chosen; nil: it had none
}

// pop takes the connection out of the inner pool that was given back to it last; nil: it has none. Nobody has the connection yet, but nobody else finds it.
func (e *Endpoint) pop(ctx context.Context, l *lookup) (*Conn, error) {
	*l = lookup{Context: ctx}
	inner := e.inner.Load()
	sqlConn, err := inner.Conn(l)
	c := l.found
	*l = lookup{}
	switch {
	case err == nil:
		c.sqlConn = sqlConn
		return c, nil
	case err == errNoneIdle:
		return nil, nil
	case e.closed.Load() || e.inner.Load() != inner:
		return nil, ErrClosed // the inner pool says it in its own words
	default:
		return nil, err
	}
}

// introduce makes a connection known to the inner pool, where it counts as in use. The inner pool takes a new one only while it has none idle, so those that
// it has are set aside for that moment. Whoever looks for one meanwhile looks again, as they count as idle.
func (e *Endpoint) introduce(c *Conn) error {
	inner := e.inner.Load()
	var aside []*sql.Conn
	for {
		l := lookup{Context: context.Background(), dialled: c}
		sqlConn, err := inner.Conn(&l)
		if err == nil && l.found != nil {
			aside = append(aside, sqlConn)
			continue
		}
		c.sqlConn = sqlConn
		for _, other := range slices.Backward(aside) {
			_ = other.Close() // the inner pool has it again
		}
		if aside != nil {
			e.line.tell()
		}
		return err
	}
}

// innerConnector is what the inner pool asks for a new connection when it has none idle. It never dials: that is for those to decide who stand in line.
type innerConnector struct{ e *Endpoint }

func (ic innerConnector) Connect(ctx context.Context) (driver.Conn, error) {
	l := ctx.(*lookup)
	if l.dialled == nil {
		return nil, errNoneIdle
	}
	return innerConn{l.dialled}, nil
}

// errNoneIdle is the inner pool's way to say that it has no idle connection.
var errNoneIdle = errors.New("pooled: no idle connection")

func (ic innerConnector) Driver() driver.Driver { return ic.e.server.Connector.Driver() }

// innerConn is a server connection as the inner pool sees it: something that can be chosen, kept or dropped.
type innerConn struct{ c *Conn }

var (
	_ driver.Conn            = innerConn{}
	_ driver.SessionResetter = innerConn{}
	_ driver.Validator       = innerConn{}
)

// ResetSession is called when the inner pool has chosen an idle connection. It says which, and never that it is bad: database/sql would look at two bad ones
// and then want a new one.
func (ic innerConn) ResetSession(ctx context.Context) error {
	ctx.(*lookup).found = ic.c
	return nil
}

// IsValid is called when the connection comes back.
func (ic innerConn) IsValid() bool { return ic.c.state.phase() != closed }

// Close is called for connections that the endpoint has closed, and for those that were idle for too long, or are left when the endpoint closes.
func (ic innerConn) Close() error {
	c := ic.c
	e := c.endpoint
	for taken := false; !taken; {
		rested := e.rest()
		var busy bool
		switch taken, busy = c.take(looked); {
		case busy && e.closed.Load():
			return nil // who maintains it closes it then, and may be the one who closes the endpoint
		case busy:
			<-rested
		case !taken:
			return nil // the endpoint has closed it
		}
	}
	switch {
	case e.closed.Load():
		return e.closeConn(c, shutdown)
	case c.expired(e.now()):
		return e.closeConn(c, lifetime)
	default:
		return e.closeConn(c, idleTime)
	}
}

// Prepare and Begin are part of driver.Conn, but nobody calls them: sessions use the connection itself.
func (innerConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }

// Begin is never called.
func (innerConn) Begin() (driver.Tx, error) { return nil, errors.ErrUnsupported }
