// Package dialect is what pooled must know about one database family, as an interface that the family implements.
//
// Package postgres implements it for jackc/pgx and package mysql for go-sql-driver/mysql; importing one of them registers
// its dialect, as with drivers. Any other driver registered in database/sql runs through [Generic], which claims to know nothing.
//
// Who writes another one finds what dialects have in common in package statement below, and what they must hold in package dialecttest; docs/dialects.md goes
// through examples/sqlite.
//
// What it is not: a query builder or an SQL translator. Statement texts reach the server as the caller wrote them, but for a comment where
// one is wanted (pool_sqlcommenter).
package dialect

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Dialect is what pooled knows about one database family and its real driver. Implementations are safe for concurrent use.
type Dialect interface {
	// Name is the family's name: "postgres", "mysql", "generic".
	Name() string

	// Owns reports whether a connector's driver is the one that this dialect knows.
	Owns(d driver.Driver) bool

	// Open makes a server of the real driver's own DSN. It fails on a bad DSN and does not connect.
	// Its errors do not show a password.
	Open(dsn string) (Server, error)

	// Adopt makes a server of a connector that the program made itself.
	Adopt(c driver.Connector) Server

	// Classify says what is known about an error that the real driver returned, from a dial or from a call. nil and unknown errors are 0.
	Classify(err error) ErrorClass

	// Code is the code that the server gave an error, as OpenTelemetry wants it: the SQLSTATE, or MySQL's number. Empty: it is none of the
	// server's.
	Code(err error) string

	// Gone returns a channel that is closed when the server has been told that a closed connection is over, for a driver whose
	// Close may return before. Nil: it is over when Close returns.
	Gone(conn driver.Conn) <-chan struct{}

	// State tells what state a real connection is in, without asking the server.
	State(conn driver.Conn) ConnState

	// Mask returns a statement text for people: with ? in place of all literals, without comments, and not longer than 1,000
	// bytes. It never shows a part of a literal: where it cannot tell, an ellipsis stands for the rest.
	Mask(text string) string

	// Summary returns what a statement text does to what, for grouping, as OpenTelemetry's db.query.summary: the operations and their
	// targets in order of appearance, as they are written and with their quotes, with blanks between them; at most 255 bytes, and
	// no part of a name. "" if not even the first word can be told.
	//
	// Targets are tables and what else is defined, called or used by name, but no users, settings, functions in expressions and names
	// of a WITH clause. What may be repeated in any number counts once: a target of the same operation, and an equal query or
	// statement that follows. It never shows a part of a literal or of a comment; of a text that cannot be read it returns the first word.
	Summary(text string) string
}

// Server is one database server as a dialect opens it.
type Server struct {
	// Connector dials it with the real driver.
	Connector driver.Connector
	// Dial dials it as Connector does, through a Socket. Nil: there is no such way.
	Dial func(ctx context.Context) (driver.Conn, *Socket, error)
	// DialThrough is Dial where [WithDialer] has asked for it, which Connector and Cancel listen to as well then. Nil: nobody listens.
	DialThrough func(ctx context.Context) (driver.Conn, *Socket, error)
	// Address is host:port or a socket path, for people; never with a user or a password.
	Address string
	// Database is the database that connections open; empty if it is not known.
	Database string
	// Traits is what is known about the connections to it.
	Traits Traits
	// Dialled asks each connection, when it was dialled and pool_init has run, for what only the connection knows. Nil: there is nothing to ask.
	Dialled func(ctx context.Context, conn driver.Conn) (Dialled, error)
	// Cancel ends statements. Nil: the real driver does it, if it is dialled with CancelQuery, or nobody can.
	Cancel *Cancel
	// ContextError returns what the real driver answers when a context has ended a call with this error. Nil: the error as it is.
	ContextError func(err error) error
	// Plan has the server plan a statement that was prepared on the connection, without running it, so that what it needs to know is in the
	// session's memory. Nil: the first run is no slower than the next.
	Plan func(ctx context.Context, conn driver.Conn, text string) error
	// StatementShare is how many prepared statements the caches of one pool may hold, of those that the server has room for; 0: any number. Nil: the
	// server has no limit.
	StatementShare func() int64
	// Capacity asks for how many connections the user of a connection may have to its database, of all programs together: what the server's configuration and
	// the limits of the user and the database leave. An error says that this is not known, also that a proxy stands in between whose limits
	// are others. It is asked on a clean session, and leaves it clean. Nil: nobody can ask.
	Capacity func(ctx context.Context, conn driver.Conn) (int, error)
	// EndedIdle reports whether an error proves that the server had ended the session because nobody used it, before it read anything of the call: the
	// call may run on another connection. Nil: no error does.
	EndedIdle func(conn driver.Conn, err error) bool
	// ReadTimestampsIn has a connection read timestamps without a time zone as times of a zone. Nil: the driver has a way of its own to say so.
	ReadTimestampsIn func(conn driver.Conn, zone *time.Location) error
	// Sessions is what is known about the sessions on it; nil: nothing.
	Sessions Sessions
	// Role asks in one round trip what new connections may do: write, which makes the server a primary, or nothing but read, as it is a replica. Unknown is a
	// server that is neither: no replica, and yet the sessions of new connections do not write. What the session that is asked, or a transaction of it, has
	// set for itself does not count. It is asked outside of transactions, and leaves the session as it was. Nil: nobody can ask.
	Role func(ctx context.Context, conn driver.Conn) (ServerRole, error)
	// Replication asks it for its part in a cluster; nil: nobody can.
	Replication Replication
	// Advice tells people what to write in the DSN when an error of a statement shows that it does not fit the server, or what stands before it;
	// empty: the error shows nothing of the kind. Nil: none ever does.
	Advice func(err error) string
}

// Dialled is what a connection that was just dialled has told of itself.
type Dialled struct {
	// Session names its session, for [Cancel]. Empty: nobody can.
	Session string
	// Implicit says that transactions may begin by themselves on it: see [Changes].
	Implicit bool
	// Role is that of its server, as [Server].Role would tell. Unknown: it has not told.
	Role ServerRole
}

// Traits are habits of a real driver with given settings. The zero value claims nothing and is right for every driver.
type Traits struct {
	// OneResult says that a connection can have only one result open at a time, so a prepared statement may serve another
	// call as soon as the connection may. False: a statement that has returned rows stays with its caller.
	OneResult bool
	// PreparesArgs says that a statement with arguments costs a round trip for preparing each time (the driver answers
	// driver.ErrSkip), so the statement cache is asked first.
	PreparesArgs bool
	// ClosesSilently says that closing a statement is a command without an answer, so that it does not block. False: it may wait for the server.
	ClosesSilently bool
	// TypedByText says that what a prepared statement does depends on its text and its arguments alone, and that all of one text are the same on a
	// connection, until the last is closed. False: it depends on the arguments that it has run with before as well, so it serves only others of the
	// same kinds, and each is one of its own.
	TypedByText bool
	// Kind tells the kind of an argument that the driver has converted: two of one kind leave a prepared statement in the same state, wherever they stand
	// in it. 0: nobody knows. Nil: they are of one kind if they are of one type.
	Kind func(v driver.Value) byte
	// PreparesQueries says that the driver prepares the text of a query, and of an Exec with arguments, unless a statement was prepared with that
	// text before: that saves a round trip.
	PreparesQueries bool
	// DoubtBadConn says that the driver's driver.ErrBadConn does not prove that nothing was sent.
	DoubtBadConn bool
	// Unprepared says that the driver was told to prepare nothing by itself, such as for a proxy, so that nobody else should.
	Unprepared bool
	// SendsText reports whether the driver sends the text of a Query (rows) or an Exec with these arguments as it is, without preparing it or keeping
	// anything by it, so that a text that is new each time costs no more. It may answer driver.ErrSkip instead. Nil: nothing is known.
	SendsText func(rows bool, args []driver.NamedValue) bool
	// ExecOnce reports whether Exec of a prepared statement with that text works only if the statement was not run before, so
	// that it is prepared again. Nil: there is no such text.
	ExecOnce func(text string) bool
	// RowsOver reports whether the rows that a connection has returned last, nil if there were none, are over: they have been read, or closed. It is
	// called while nobody uses either. Nil: nobody knows.
	RowsOver func(conn driver.Conn, rows driver.Rows) bool
	// TellsTx says that [Dialect].State knows whether a connection is in a transaction.
	TellsTx bool
	// ReplacesDialer says that [Server].Dial goes past the ways to dial that the program has registered with the driver, so that it is used only
	// where the socket must be known.
	ReplacesDialer bool
	// TakesLogin says that dials, and [Cancel].Statement, log in as [WithLogin] asks them to.
	TakesLogin bool
	// PingsOnReset says that the driver's ResetSession pings an idle connection by a rule of its own; pooled then does not.
	PingsOnReset bool
}

// ConnState is what a dialect knows about a real connection between two calls.
type ConnState uint8

// The states of a connection; the zero value claims nothing.
const (
	StateUnknown ConnState = iota
	// StateIdle: open, and in no transaction.
	StateIdle
	// StateInTx: in a transaction that is open or has failed, and has to be rolled back.
	StateInTx
	// StateClosed: not usable any more.
	StateClosed
)

var registry = struct {
	sync.RWMutex
	byDriver map[string]Dialect
}{byDriver: map[string]Dialect{}}

// Register makes a dialect known for the real driver of that name. It is meant for init functions, and panics when the name
// has a dialect already.
func Register(driverName string, d Dialect) {
	registry.Lock()
	defer registry.Unlock()
	if _, taken := registry.byDriver[driverName]; taken {
		panic("pooled: a dialect for the driver " + driverName + " is registered already")
	}
	registry.byDriver[driverName] = d
}

// families are the real drivers that have a dialect of their own, and the package to import for it.
var families = map[string]string{
	"pgx":   "github.com/gopooled/pooled/postgres",
	"mysql": "github.com/gopooled/pooled/mysql",
}

// ForDriver returns the dialect of the real driver with that name: the registered one, or a [Generic].
// For pgx and mysql a missing registration is an error that names the import; so is a name that database/sql does not know either.
func ForDriver(driverName string) (Dialect, error) {
	registry.RLock()
	d, ok := registry.byDriver[driverName]
	registry.RUnlock()
	if ok {
		return d, nil
	}
	if pkg, ok := families[driverName]; ok {
		return nil, fmt.Errorf("pooled: the driver %q needs its dialect (forgotten import?): add import _ %q", driverName, pkg)
	}
	if known := sql.Drivers(); !slices.Contains(known, driverName) {
		return nil, fmt.Errorf("pooled: unknown driver %q (forgotten import?): registered are %s", driverName, strings.Join(known, ", "))
	}
	return Generic{DriverName: driverName}, nil
}

// ForValue returns the registered dialect that knows the driver value, or a [Generic].
func ForValue(d driver.Driver) Dialect {
	registry.RLock()
	defer registry.RUnlock()
	for _, known := range registry.byDriver {
		if known.Owns(d) {
			return known
		}
	}
	return Generic{}
}
