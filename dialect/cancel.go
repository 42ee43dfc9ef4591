package dialect

import (
	"context"
	"time"
)

// Cancel ends statements on a server from elsewhere, for a real driver that cannot do it by itself.
type Cancel struct {
	// Statement ends the statement that a session runs, which is named by [Dialled].Session. When it returns, the server has been told. A session that runs none, or the next
	// one already, may have that ended.
	Statement func(ctx context.Context, id string) error
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
