package events

import "slices"

// Kind is what an event is about.
type Kind string

// The kinds.
const (
	Breaker  Kind = "breaker"  // of a server: open, half-open, closed
	Server   Kind = "server"   // it does not answer, or answers again
	Role     Kind = "role"     // who the primary is, and which replicas may be read from
	Leak     Kind = "leak"     // a connection that is held and not used
	Reset    Kind = "reset"    // a session that could not be made clean, or costs more than it need
	Eviction Kind = "eviction" // connections that are replaced, or given up for good
	Overload Kind = "overload" // callers who go without a connection, because all are taken
	Deadlock Kind = "deadlock" // goroutines that wait for each other, or may do so
	Panic    Kind = "panic"    // of a driver, a middleware or a hook
	Setup    Kind = "setup"    // something in the DSN or in the program is not as it should be
	Other    Kind = "other"
)

// message is what is known of a message: its kind, and the attributes that are shown. None of these holds a statement or a value of a session. The attributes
// "error" here are those of dials, of monitors and of what the pool itself sends.
type message struct {
	kind Kind
	keys []string
}

func (m message) shows(key string) bool { return slices.Contains(m.keys, key) }

// of leak reports.
var leakKeys = []string{"connection", "fate", "borrowed_at"}

// messages has all messages that pooled logs.
var messages = map[string]message{
	"pooled: the breaker is open: the server is cut off":                                                     {Breaker, []string{"next_probe", "error"}},
	"pooled: the breaker is half-open: the server is probed":                                                 {Breaker, nil},
	"pooled: the breaker is closed: the server is well":                                                      {Breaker, nil},
	"pooled: a server does not answer":                                                                       {Server, []string{"error"}},
	"pooled: a server answers again":                                                                         {Server, nil},
	"pooled: a server belongs to another cluster, and is not used":                                           {Server, nil},
	"pooled: a server belongs to the cluster again":                                                          {Server, nil},
	"pooled: there is no primary":                                                                            {Role, []string{"why"}},
	"pooled: this server is the primary now":                                                                 {Role, nil},
	"pooled: a replica is too far behind to be read from":                                                    {Role, []string{"why"}},
	"pooled: a replica has caught up":                                                                        {Role, nil},
	"pooled: a statement was taken for a read, and a replica refused it; from now on it goes to the primary": {Role, nil},

	"pooled: a connection was held, but not used: it was reclaimed":                                              {Leak, leakKeys},
	"pooled: a connection has leaked: the goroutine that borrowed it has ended":                                  {Leak, leakKeys},
	"pooled: a connection is held, but not used":                                                                 {Leak, leakKeys},
	"pooled: a connection that was reported came back":                                                           {Leak, []string{"connection", "held"}},
	"pooled: there are too many goroutines to see which have ended: pool_leak_reclaim=orphaned reclaims nothing": {Leak, []string{"limit"}},

	"pooled: a session could not be audited; its connection is closed":                                                                                {Reset, []string{"connection", "error"}},
	"pooled: a session was not clean after its reset; its connection is closed":                                                                       {Reset, []string{"connection"}},
	"pooled: a session was judged clean by its statements, and was not; its connection is closed":                                                     {Reset, []string{"connection"}},
	"pooled: a new connection did not tell what a session begins with: until one does, sessions that were changed are closed":                         {Reset, []string{"error"}},
	"pooled: sessions are reset in full or closed for more reasons than are told":                                                                     {Reset, []string{"limit"}},
	"pooled: a statement may have left anything in its session: each session that runs it is reset in full":                                           {Reset, []string{"why", "cure"}},
	"pooled: nobody can undo what a statement may have left in its session: the connection of each session that runs it is closed":                    {Reset, []string{"why", "cure"}},
	"pooled: the server may run something that statements do not name: each session that runs them is reset in full":                                  {Reset, []string{"why", "cure"}},
	"pooled: the user may not see the triggers of a database: sessions that write to its tables are taken for clean, whatever triggers leave in them": {Reset, []string{"database", "cure"}},
	"pooled: sessions that were changed are closed, because only another login sets up what new ones have":                                            {Reset, nil},
	"pooled: a session could not be made clean; its connection is closed":                                                                             {Reset, []string{"connection", "effects", "error"}},
	"pooled: the server's catalogue cannot be read, so less is known about what statements do":                                                        {Reset, []string{"error"}},
	"pooled: the server's catalogue cannot be read, so fewer statements go to replicas":                                                               {Role, []string{"error"}},

	"pooled: connections are replaced, because the program asked for it":                                                   {Eviction, nil},
	"pooled: connections are replaced, because the server has ended connections of their time":                             {Eviction, nil},
	"pooled: connections are replaced, because their server refuses to write, and new connections lead to one that writes": {Eviction, nil},
	"pooled: the pool is drained: nobody gets a connection any more":                                                       {Eviction, nil},
	"pooled: a cancelled statement could not be ended on the server; its connection is closed":                             {Eviction, []string{"error"}},

	"pooled: callers go without a connection: all are taken, for longer than they can wait": {Overload, []string{"in_use", "max_conns", "waiting", "oldest_held"}},
	"pooled: callers get connections again":                                                 {Overload, []string{"lasted", "timed_out", "refused"}},

	"pooled: a deadlock was ended: goroutines held all connections, and each waited for one more":                                     {Deadlock, []string{"error"}},
	"pooled: a goroutine takes a second connection while it holds one: as many of them at once as pool_max_conns wait for each other": {Deadlock, []string{"max_conns", "wanted_at", "borrowed_at"}},

	"pooled: panic while a connection was dialled": {Panic, nil},
	"pooled: panic in the background":              {Panic, []string{"while"}},
	"pooled: panic while connections were watched": {Panic, nil},
	"pooled: panic while a session was made clean": {Panic, nil},
	"pooled: panic while a server was asked":       {Panic, nil},
	"pooled: OnStateChange panicked":               {Panic, nil},

	"pooled: the DSN does not fit the server": {Setup, []string{"advice"}},
	"pooled: nothing limits the server connections but SetMaxOpenConns, if that is set: set pool_max_conns, or pool_profile=service":                             {Setup, nil},
	"pooled: pool_max_conns=auto follows what the server has room for":                                                                                           {Setup, []string{"limit", "before", "room"}},
	"pooled: pool_max_conns=auto does not know what the server has room for, and keeps its limit until it does":                                                  {Setup, []string{"limit", "error"}},
	"pooled: calls belong to a class that pool_classes does not have; they count as those that name none":                                                        {Setup, []string{"class"}},
	"pooled: a proxy stands before the server, so sessions are not reset: write pool_reset=off if it pools transactions, pool_reset=always if it pools sessions": {Setup, nil},
	"pooled: pool_harmless names a routine that the server does not have, or does not show to the user":                                                          {Setup, []string{"routine"}},
}

// Known reports whether a message, with its prefix, is one that pooled logs.
func Known(message string) bool {
	_, ok := messages[message]
	return ok
}
