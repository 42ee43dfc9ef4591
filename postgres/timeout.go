package postgres

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"
)

// contextError is what pgx answers when a context has ended a call: for a deadline, an error that pgconn.Timeout knows.
func contextError(err error) error {
	if err == context.DeadlineExceeded && errTimeout != nil {
		return errTimeout
	}
	return err
}

// errTimeout wraps context.DeadlineExceeded in a type that pgx keeps to itself, so it is pgx that makes it, from a connection whose read times out.
var errTimeout = func() error {
	conn, err := pgconn.Construct(&pgconn.HijackedConn{
		Conn: silent{},
		Config: &pgconn.Config{
			BuildFrontend:              pgproto3.NewFrontend,
			BuildContextWatcherHandler: func(*pgconn.PgConn) ctxwatch.Handler { return nil }, // nothing is watched: the context has no Done
		},
	})
	if err != nil {
		return nil
	}
	_, err = conn.ReceiveMessage(expired{context.Background()})
	for err != nil && pgconn.Timeout(errors.Unwrap(err)) { // it is wrapped once more
		err = errors.Unwrap(err)
	}
	if !pgconn.Timeout(err) {
		return nil
	}
	return err
}()

// silent is a network connection whose deadline is over.
type silent struct{ net.Conn }

func (silent) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

// expired is a context whose deadline has passed since the call began.
type expired struct{ context.Context }

func (expired) Err() error { return context.DeadlineExceeded }
