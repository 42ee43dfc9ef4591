package dialect

import (
	"context"
	"database/sql/driver"
	"time"
)

// Cancel ends statements on a server from elsewhere, for a real driver that cannot do it by itself.
type Cancel struct {
	// Statement ends the statement that a session runs, which is named by [Dialled].Session. When it returns, the server has been told, or the error says
	// why it was not or would not. A session that runs none, or the next one already, may have that ended.
	Statement func(ctx context.Context, id string) error
	// Rows makes rows of the real ones that have the same optional interfaces and tell the watch what is read from them. Nil: the real ones are of a
	// kind that is not known.
	Rows func(real driver.Rows, watch RowsWatch) driver.Rows
}

// RowsWatch watches a statement until its rows are closed. It is called where they are: one call at a time.
type RowsWatch interface {
	// Read is told what the real rows have answered, and returns what the caller gets.
	Read(rows driver.Rows, err error) error
	// Closed is told that the real rows are closed, and with which error.
	Closed(rows driver.Rows, err error)
}

// CancelPause is how long to wait before a statement that was cancelled is cancelled again, because the first time may have come before the
// statement. The pause doubles each time.
const CancelPause = 10 * time.Millisecond

// cancelKey marks the context of a dial.
type cancelKey struct{}

// CancelQuery asks a dial for a connection on which a cancelled context ends the statement on the server, and not the connection.
// Whether there is one is the dialect's to say.
func CancelQuery(ctx context.Context) context.Context {
	return context.WithValue(ctx, cancelKey{}, true)
}

// CancelsQuery reports whether a dial is asked for that.
func CancelsQuery(ctx context.Context) bool { return ctx.Value(cancelKey{}) != nil }
