package dialect

import (
	"context"
	"database/sql/driver"
	"errors"
)

// Sessions is what a dialect knows about the sessions of one server: what a statement text does to them, how to make one clean
// again, and how to ask the server whether it is. Implementations are safe for concurrent use; each connection that they are
// given is nobody else's meanwhile.
type Sessions interface {
	// Declare tells what the program declares of the server. It is called once, before anything else is.
	Declare(d Declared)

	// Statement says what a text does. It asks no server and is cheap for a text seen before. Never nil.
	Statement(text string) *Statement

	// Baseline is shown a connection whose session is what it was when it was dialled, as far as statements tell, in no transaction, and takes down
	// what Reset will need. It reports what Proxied would. awaited says that statements have run in it which [Statement].AwaitsBaseline: where the server
	// cannot tell that they have done nothing, it returns [ErrUsed]. After an error nothing is known, and another connection is shown to it. Until it
	// has told, what depends on it is unknown to Statement.
	Baseline(ctx context.Context, conn driver.Conn, awaited bool) (proxied bool, err error)

	// Proxied reports whether a proxy that may share the server's sessions among its clients, such as PgBouncer, is known to stand between the
	// connection and the server. It may end a transaction that is open.
	Proxied(ctx context.Context, conn driver.Conn) (bool, error)

	// Stale reports whether Learn should run before long: Statement knows less than it could. It costs next to nothing.
	Stale() bool

	// Unsettled reports whether somebody reads, or is about to read, what statements have met that are over. It costs next to nothing.
	Unsettled() bool

	// Known reports whether Learn has ever succeeded: before, nothing has to be learnt for sessions that were judged by their texts alone.
	Known() bool

	// Age makes stale what was learnt too long ago. It is called now and then.
	Age()

	// Outdate makes stale what was learnt: for sure because the catalogue was changed or, with sure being false, because somebody may
	// have changed it unseen; then not what was learnt only just.
	Outdate(sure bool)

	// Define is told a text that Defines before it is sent, and Defined once that was committed or undone. What it may change is not known from
	// then on to anybody until Learn has read it again. They are called in pairs. lasts says that it depends on the transaction when it is over: if
	// not, it is with the statement.
	Define(text string) (lasts bool)
	Defined(text string)

	// Changes counts what Define and Defined have told. ChangedSince reports whether a text may have met something of that which came after so many.
	Changes() uint64
	ChangedSince(changes uint64, text string) bool

	// Learn reads from the server's catalogue what Statement needs to judge some texts, and what it was asked before, over a connection that is in
	// no transaction. Where another call is at it, it leaves it to that one, unless wait says otherwise or that is worth it. After an error things are
	// as before, and Stale before long.
	Learn(ctx context.Context, conn driver.Conn, texts []string, wait bool) error

	// Reset makes a connection clean: it undoes the changes, an open transaction only if it is one of them, in as few round trips as the protocol
	// allows, and runs init again if it may have undone what init had done, whose error it returns as an [InitError]. [ErrDiscard] and [ErrOutdated]
	// mean that it cannot; as long as Baseline has told nothing, there may be more that it cannot. After an error the connection is not to be used again.
	Reset(ctx context.Context, conn driver.Conn, changes *Changes, init string) error

	// Leftovers asks the server for everything it can tell about the state of the session: name and value, such as "setting
	// work_mem" and "64MB". It is compared with that of a connection that was just dialled.
	Leftovers(ctx context.Context, conn driver.Conn) (map[string]string, error)
}

// ErrOutdated is [ErrDiscard] where a fresh session has not any more what Baseline has taken down: the next connection that is dialled is to be
// shown to it.
var ErrOutdated = errors.New("pooled: a fresh session is not what it was")

// ErrUsed is returned by [Sessions.Baseline] for a session that may not be what it was when it was dialled.
var ErrUsed = errors.New("pooled: nobody knows whether the session is what it was when it was dialled")

// ErrLogin is [ErrDiscard] because the session was changed when it was dialled, by the server or by the program, in a way that only another dial repeats.
var ErrLogin = errors.New("pooled: only a new connection has what logging in has set")

// ErrDiscard is returned by [Sessions.Reset] when only a new connection is clean.
var ErrDiscard = errors.New("pooled: the session cannot be made clean")
