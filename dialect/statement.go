package dialect

import "strings"

// Class is what a statement does to data, and so where it may run.
type Class uint8

// The classes of statements. What is not proved to be another one is Unknown, which is handled like Write.
const (
	Unknown Class = iota
	// Read is proved free of writes, and of reads that only the primary can answer.
	Read
	// Write changes data, takes locks, depends on what the session did before, or asks for what only the primary tells.
	Write
	// TxControl begins, ends or divides a transaction.
	TxControl
	// SessionControl changes the session and nothing else.
	SessionControl
)

// String returns the class as logs and metrics call it.
func (c Class) String() string {
	switch c {
	case Read:
		return "read"
	case Write:
		return "write"
	case TxControl:
		return "transaction control"
	case SessionControl:
		return "session control"
	default:
		return "unknown"
	}
}

// Effects is a set of the traces that a statement leaves on its session, for the next statement and the next borrower to meet.
// The zero value says that it is proved to leave none.
type Effects uint16

// The traces that a statement can leave. They outlast the transaction that the statement ran in.
const (
	Setting       Effects = 1 << iota // SET and its relatives
	Role                              // SET ROLE, SET SESSION AUTHORIZATION
	TempTable                         // temporary tables, views, sequences, types, functions
	AdvisoryLock                      // advisory locks of PostgreSQL, user locks of MySQL
	TableLock                         // LOCK TABLES, FLUSH TABLES WITH READ LOCK
	Listen                            // LISTEN
	Cursor                            // cursors that outlast their transaction, HANDLER
	SQLPrepare                        // PREPARE as a statement; not what drivers prepare by protocol
	UserVariable                      // @v
	Sequence                          // currval and lastval, LAST_INSERT_ID
	OpenTx                            // a transaction that the text begins, or has begin by itself
	Database                          // USE
	Plans                             // settings that prepared statements keep of the session, such as PostgreSQL's TimeZone
	Permanent                         // only a new connection undoes it: LOAD, setseed
	UnknownEffect                     // it may be any of the above

	// EffectCount is how many effects there are. The effect with index i is 1<<i.
	EffectCount = iota
)

// effectNames are the effects by the position of their bit, separated by spaces.
const effectNames = "setting role temp_table advisory_lock table_lock listen cursor prepare user_variable sequence open_tx database plans permanent unknown"

// String is [Effects.Names] in a line; "none" for the empty set.
func (e Effects) String() string {
	if e == 0 {
		return "none"
	}
	return strings.Join(e.Names(), ",")
}

// Names lists the effects as logs and metrics call them.
func (e Effects) Names() []string {
	var names []string
	for i, name := range strings.Fields(effectNames) {
		if e&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Has reports whether all of x is in the set.
func (e Effects) Has(x Effects) bool { return e&x == x }

// Statement is what a text can be seen to do. It is shared, and never changed once it is made.
type Statement struct {
	Class   Class
	Effects Effects
	// Why tells people in a few words why it is not a read that a replica may answer: the first reason that was found. It is empty for
	// such a read, which [Statement.Replicable] reports. It shows names, and never literals.
	Why string
	// Unproved is why it has the effect [UnknownEffect] or [Permanent]: the first reason that was found. It may be another one than Why. Without these
	// effects, and where it will be known before long, it is none.
	Unproved Reason
	// Refuses reports whether an error says that the server has run nothing of the one thing for which it has the effect [UnknownEffect]. Nil: there is
	// none of which that could be told.
	Refuses func(err error) bool
	// Hint is where a comment in the text wants it to run, such as /* pool:primary */; RoleUnknown without one. Of several that differ,
	// the primary's counts. A text that cannot be read has none.
	Hint ServerRole
	// CallerClass is which of pool_classes a comment in the text says that its call belongs to, such as /* pool:class=batch */; empty without one. Of several, the
	// first counts. A text that cannot be read has none.
	CallerClass string
	// Sees is what the statement could see of traces that others left: [Sequence], for a function such as lastval, or one that
	// may call it. Other effects are never left for anybody to see.
	Sees Effects
	// LooksBack says that it may tell of the statement that the session ran before it, as ROW_COUNT does: nothing is to be sent in between.
	LooksBack bool
	// Implicit says that it decides whether transactions begin by themselves from now on: see [Changes].
	Implicit bool
	// Defines says that it changes what the server's catalogue says, and Alters that it does so for what exists: what it ran may not show afterwards.
	Defines, Alters bool
	// Removes says that what statements of the session met before may be gone after it: what is not known of those is to be learnt first.
	Removes bool
	// Plain says that the text is one statement of a kind that neither begins nor ends a transaction: SELECT, INSERT and their relatives, or
	// SAVEPOINT. What it calls is not looked at.
	Plain bool
	// Atomic says that it happens as a whole, or not at all: it is plain, and everything that it names is known and proved to do nothing that
	// would outlast an error, such as a commit of its own, a write to a table without transactions, or one on another server. Of a number
	// taken from a sequence nobody minds that it does. Where the server refuses such a statement outside a transaction, it may run again.
	Atomic bool
	// Lingers says that what it names may run with a later statement, which does not name it: a cursor's query, a temporary view, a trigger that
	// waits for the commit.
	Lingers bool
	// Provisional says that the server's catalogue is not known yet, or what a fresh session has, and may add to what the text shows.
	Provisional bool
	// AwaitsBaseline says that it is provisional only until [Sessions].Baseline has told.
	AwaitsBaseline bool
	// Rereads says that the session may read later texts in another way after it: by a setting that parsing depends on, such as sql_mode, or by one
	// that a prepared statement keeps.
	Rereads bool
	// Database is the database that the session is in after it, if it is a USE and nothing else.
	Database string
	// Undo names what has to be undone by name, for the effects of which the dialect needs names.
	Undo []Undo
}

// Replicable reports whether a replica may answer it: it is a read that leaves no trace, and depends on none.
func (s *Statement) Replicable() bool {
	return s.Class == Read && s.Effects == 0 && s.Sees == 0 && !s.Provisional
}

// EndedWith returns what it has done where it ended with an error, or with none.
func (s *Statement) EndedWith(err error) *Statement {
	if err == nil || s.Refuses == nil || !s.Refuses(err) {
		return s
	}
	refused := *s
	refused.Effects &^= UnknownEffect
	refused.Unproved = Reason{}
	return &refused
}

// MayReread reports whether later texts may have another meaning for the session after it: it reads them in another way, or finds other tables
// by their names.
func (s *Statement) MayReread() bool {
	return s.Rereads || s.Database != "" || s.Provisional || s.Defines || s.Effects&TempTable != 0
}

// MayDefine reports whether names may mean something else to the server after it, for all sessions: types of columns, views, functions.
func (s *Statement) MayDefine() bool {
	return s.Defines || s.Effects&UnknownEffect != 0 || s.Provisional && s.Class == Unknown
}

// Undo is one trace that has a name: a variable, a temporary table, a prepared statement.
type Undo struct {
	Effect Effects
	Name   string // as the statement that undoes it writes it
}
