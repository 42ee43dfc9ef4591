package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"github.com/gopooled/pooled/dialect"
)

// cancelTimeout is how long a server has to end a statement that was cancelled. Then the connection is given up.
const cancelTimeout = time.Second

// canceller has a cancelled context end the statement on the server.
//
// pgx has one too, which pauses for 100 ms afterwards: a cancel request could still be on its way to the session, and end the next statement.
// But CancelRequest returns when the server has closed the request's connection, which it does after it has sent the signal
// (processCancelRequest in PostgreSQL's backend). A signal that has been sent finds the session before a statement does that is sent
// later, and one that finds it idle is ignored (ProcessInterrupts).
type canceller struct {
	conn *pgconn.PgConn
	over chan struct{} // closed when the call is over
	done chan struct{} // closed when no request is under way any more
}

var _ ctxwatch.Handler = (*canceller)(nil)

// HandleCancel sends cancel requests until the call is over: one that comes before the statement does is ignored by the server. It is called
// when the context of the call under way is done.
func (c *canceller) HandleCancel(context.Context) {
	c.over, c.done = make(chan struct{}), make(chan struct{})
	deadline := time.Now().Add(cancelTimeout)
	_ = c.conn.Conn().SetDeadline(deadline) // a socket that fails here fails the call as well
	go func() {
		defer close(c.done)
		ctx, cancel := context.WithDeadline(context.Background(), deadline)
		defer cancel()
		for pause := dialect.CancelPause; ctx.Err() == nil; pause *= 2 {
			_ = c.conn.CancelRequest(ctx) // if all fail, the deadline ends the call
			select {
			case <-c.over:
				return
			case <-time.After(pause):
			}
		}
	}()
}

// HandleUnwatchAfterCancel waits until the request is over, so that it cannot meet the next statement.
func (c *canceller) HandleUnwatchAfterCancel() {
	close(c.over)
	<-c.done
	_ = c.conn.Conn().SetDeadline(time.Time{}) // as above
}
