package middleware

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/gopooled/pooled/dialect"
)

// Op is what a [Call] does.
type Op uint8

// The operations of a session, named as in database/sql/driver. Raw is the caller's reaching the real connection: what it does there
// is not seen.
const (
	Ping Op = iota + 1
	Prepare
	Exec
	Query
	Begin
	Commit
	Rollback
	Raw
)

// String returns the name of the operation in lower case.
func (o Op) String() string {
	switch o {
	case Ping:
		return "ping"
	case Prepare:
		return "prepare"
	case Exec:
		return "exec"
	case Query:
		return "query"
	case Begin:
		return "begin"
	case Commit:
		return "commit"
	case Rollback:
		return "rollback"
	case Raw:
		return "raw"
	default:
		return "unknown"
	}
}

// Endpoint is one database server and the pool of connections to it. It never changes once made.
type Endpoint struct {
	// Name is what logs, errors and statistics call the endpoint: its address, never with a user or a password.
	Name string
	// Driver is the name of the real driver, such as "pgx" or "mysql".
	Driver string
	// Dialect is the name of the database family, such as "postgres", "mysql", or "generic".
	Dialect string
	// Database is the database (catalogue) that connections open, if it is known.
	Database string
	// Pool is what metrics call the connections to it: the name of the pool (pool_name) and, if that has several servers, of the endpoint. Without pool_name it
	// is the address and the database. No other open pool of the program has it.
	Pool string
}

// ServerConn is a server connection as a middleware sees it. The value is comparable and stays the same for the
// connection's whole life, so it can serve as a key; it outlives the sessions that borrow it. All that it tells but Changes
// never changes.
type ServerConn interface {
	// ID numbers the server connections of a connector, beginning with 1.
	ID() uint64
	// Endpoint is the server that it leads to.
	Endpoint() *Endpoint
	// DialledAt is when dialling ended.
	DialledAt() time.Time
	// Real is the real driver's connection, for wraps that need the server. It may be used in wraps of Call when next has not
	// run yet or has returned, of Acquire when next has returned, and of Release until next runs.
	Real() driver.Conn
	// Changes is what the sessions left on the connection since it was clean. It belongs to the borrower: only wraps of Call, of
	// its session, and of Release may look at it.
	Changes() *dialect.Changes
	// Background runs f on a goroutine of the endpoint, whose Close cancels f's context and waits for f. It is for wraps of Release
	// that need the server: they return, and run next with a copy of the event in f. It reports false, and does not
	// run f, once the endpoint is closed.
	Background(f func(ctx context.Context)) bool
}

// Session is what database/sql hands to a caller: a connection without a socket. The value is comparable and stays
// the same for all calls of one session, so it can serve as a key; a session may be used by many borrowers after each other.
type Session interface {
	// Conn returns the server connection that the session holds, or nil when it holds none.
	Conn() ServerConn
	// Acquire makes the session hold a server connection, as its first call does, and returns it. If it holds one already, that is
	// all. It is for wraps of Call that need the connection before next runs.
	Acquire(ctx context.Context) (ServerConn, error)
	// Endpoint is where the session's calls go: that of its connection, or of the one that it would take.
	Endpoint() *Endpoint
	// Move has the session's calls go to another endpoint of its connector, and reports false if it cannot leave the connection that it
	// holds, which is given back as soon as its rows are over. It is for wraps of Call, before next runs.
	Move(to *Endpoint) bool
	// Bound tells what keeps the session on the connection that it holds, for people; empty: it can move.
	Bound() string
	// AfterRows has f called once the rows of the call under way have surely been read or closed, and its caller has done with the real
	// connection if it is Raw: before the next call of the session, or when it gives its connection back. It is for wraps of Call; f must not block.
	AfterRows(f func())
	// Socket is the network connection under the server connection that the session holds; nil: it is not known. It shows whether something
	// has moved since, and may be looked at by anybody at any time.
	Socket() *dialect.Socket
	// InTx reports whether the session is between Begin and the end of Commit or Rollback.
	// A transaction begun by statement text is not seen.
	InTx() bool
	// NoteTx adds to what is noted of the transaction that the session is in, and TxNotes returns it, until the end of Commit or Rollback. Outside of a
	// transaction there is nothing to be noted.
	NoteTx(n TxNotes)
	TxNotes() TxNotes
}

// TxNotes is a set of what is known of a transaction beside its options.
type TxNotes uint8

// Has reports whether all of x is in the set.
func (n TxNotes) Has(x TxNotes) bool { return n&x == x }

// What wraps of Call note of a transaction.
const (
	TxWrote  TxNotes = 1 << iota // a statement in it is not proved to be a read
	TxUnsure                     // a statement in it may have ended it on the server
)

// Dial is the event of the Connect stage.
type Dial struct {
	Endpoint *Endpoint
	// Changes is what the connection will begin with: see [ServerConn].Changes.
	Changes dialect.Changes
}

// Acquisition is the event of the Acquire stage.
type Acquisition struct {
	Session  Session
	Endpoint *Endpoint
	// Call is what the connection is wanted for, as far as it is known before. Nobody may change it.
	Call *Call
	// Borrower is who takes the connection. A wrap that finds it out sets it, before or after next; the zero value says nothing.
	Borrower Borrower
	// Conn is the server connection, set when the acquisition succeeded.
	Conn ServerConn
	// Class is which of pool_classes it belongs to, set when it has come to a server, and also when it failed there; empty: there are none, or only one.
	Class string
	// Waited is how long the session waited for a permit of pool_max_conns, set also when it failed. 0 = it did not wait.
	Waited time.Duration
}

// Borrower is who takes a server connection, as far as it was found out.
type Borrower struct {
	// Goroutine is the number of the goroutine, as in a goroutine dump; 0 = not known.
	Goroutine uint64
	// Stack is where it stands, for runtime.CallersFrames. Nobody may change it. Nil: not captured.
	Stack []uintptr
	// Context is that of the acquisition. Rows and transactions of the call that acquired the connection end with it. Nil: not known.
	Context context.Context
	// Holds says that the goroutine has a connection already. It is only known where pooled looks for goroutines that wait for each other.
	Holds bool
}

// Call is the event of the Call stage. The first group of fields is set before the call. Of these only Text and Once may be changed,
// and only where Text is sent: for Prepare, and for Exec and Query that are not Prepared. The second group is set by the innermost
// function, each field for the operation named.
//
// What Prepare leaves in Text is what calls of the statement show. A wrap that puts back what it found, once next has returned, keeps its
// change to itself; it must not change what the statement does, as other wraps judge it by what they see.
type Call struct {
	Session Session
	Op      Op
	// Text is the statement of Prepare, Exec and Query; empty for the other operations.
	Text string
	// Once says that Text is for this call alone, as with the time of day in it: neither Exec nor Query prepares it. Where the real driver does
	// not take it as it is, they return driver.ErrSkip.
	Once bool
	// Args are the arguments as the caller gave them to database/sql: the real driver has not converted them yet.
	Args []driver.NamedValue
	// Prepared tells an Exec or Query through an *sql.Stmt from one with statement text.
	Prepared bool
	// TxOptions are those of Begin, and of the transaction that Commit or Rollback ends.
	TxOptions driver.TxOptions
	// Route is why the call goes to its endpoint, once routing has decided; zero without.
	Route Route

	// Statement is what Text is known to do, for Exec and Query, where somebody has looked; nil: nobody has.
	Statement *dialect.Statement

	// Waited is how long the call has waited for permits of pool_max_conns.
	Waited time.Duration
	// Class is which of pool_classes it belongs to, once it has acquired a connection, or failed to; empty: it has not, or there are none, or only one.
	Class string
	// PassedOver says that it had less time left than connections are held for, and that others got theirs before it.
	PassedOver bool
	// Failover is how long the call has waited for a server that can be written to.
	Failover time.Duration
	// Retries are the attempts that failed and were not the end of it. Who runs a call again adds to them.
	Retries []Retry

	Rows   driver.Rows   // Query
	Result driver.Result // Exec
	Stmt   driver.Stmt   // Prepare
	Tx     driver.Tx     // Begin
}

// Retry is an attempt at a call that failed and was not the end of it: the server had executed nothing, or it was a read without effects.
type Retry struct {
	At       time.Time // when it failed
	Endpoint *Endpoint // where
	Err      error     // what the real driver or pooled said
}

// Route is why a call goes to its endpoint, for people and for metrics.
type Route struct {
	Role   dialect.ServerRole // the part that the endpoint plays in its cluster
	Reason string             // one of a few, such as "read", "write" or "fallback"
	Detail string             // what exactly, such as "function nextval is volatile"; may be empty
	// Proved says that the statement is proved to be a read that leaves no trace, by what is known of the cluster's catalogue.
	Proved bool
}

// Release is the event of the Release stage.
type Release struct {
	Conn ServerConn
	// Held is how long the session held the server connection.
	Held time.Duration
	// Discard makes next close the connection instead of keeping it for the next borrower. It is already set
	// for a connection that is known to be dead.
	Discard bool
	// Unknown is set when nobody can know what the session's state is, because the caller reached the real connection ([Raw] of
	// package pooled).
	Unknown bool
	// Reclaimed is set when the connection was taken from a borrower who did not use it (pool_leak_reclaim). The wraps run on the
	// goroutine that took it then, and Conn.Real must not be used: the borrower may be about to. Discard is set too.
	Reclaimed bool
	// Released is set once the connection has been given back. Running next again does nothing then.
	Released bool
}

// InBackground has a goroutine of the endpoint do some work with the connection and then run next, so that no caller waits for it. A panic of the work costs the connection.
// The wraps outside of this one see the event as released at once. It reports false if the endpoint is closed: nothing is done then.
func (r *Release) InBackground(next ReleaseFunc, work func(ctx context.Context, later *Release)) bool {
	later := *r
	started := r.Conn.Background(func(ctx context.Context) {
		defer func() {
			if !later.Released { // something panicked, which the endpoint tells
				later.Discard = true
				next(&later)
			}
		}()
		work(ctx, &later)
		next(&later)
	})
	if started {
		r.Released = true // as far as outer wraps can know
	}
	return started
}
