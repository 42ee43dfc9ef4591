package dialect

import (
	"context"
	"database/sql/driver"
)

// Cluster is implemented by a dialect whose servers form clusters: one primary and its replicas, with the same databases and users.
type Cluster interface {
	// Hosts lists the addresses in a DSN, as host:port; there may be several in a PostgreSQL URL.
	Hosts(dsn string) ([]string, error)

	// At returns the DSN for one address of the cluster: user, password, database and parameters stay what they are, except those that
	// choose among several hosts. The address is host:port, or a host, which has the port of the DSN's first host then (see [SplitAddress]).
	// Its errors do not show a password.
	At(dsn, address string) (string, error)

	// Position reads what [Position].String has written.
	Position(text string) (Position, error)
}

// Replication asks a server of a cluster for its part. Implementations are safe for concurrent use; each connection is nobody else's
// meanwhile.
type Replication interface {
	// Look asks in one round trip where that is possible.
	Look(ctx context.Context, conn driver.Conn) (Sight, error)
}

// Sight is a server's part in its cluster, as it was at one moment.
type Sight struct {
	Role ServerRole
	// Cluster tells clusters apart; empty: not known.
	Cluster string
	// Timeline is higher for a primary that was promoted later; 0: the family has no such number.
	Timeline uint64
	// Position is how far the server's data is: of a primary, all that it has committed until the moment of the question is at or before
	// it; of a replica, all at or before it can be read. Nil: the server cannot tell.
	Position Position
	// Missing is the privilege without which the server does not tell the user all of this; empty: there is none. Of a primary, it may be that it
	// replicates from another server; of a replica, that it is further than it seems.
	Missing string
}

// ServerRole is a server's part in its cluster.
type ServerRole uint8

// The roles.
const (
	RoleUnknown ServerRole = iota
	RolePrimary
	RoleReplica
)

// String returns the role as logs and metrics call it.
func (r ServerRole) String() string {
	switch r {
	case RolePrimary:
		return "primary"
	case RoleReplica:
		return "replica"
	default:
		return "unknown"
	}
}

// Position is a place in the history of a cluster. It never changes.
type Position interface {
	// Covers reports whether a server at this position is proved to have everything that one had at p.
	Covers(p Position) bool
	// Behind says for people by how much this position is behind p, such as "340 kB" or "12 transactions", or "0 bytes" if it covers p; empty: it
	// cannot tell.
	Behind(p Position) string
	// String writes the position as text without spaces, commas or semicolons, for [Cluster].Position.
	String() string
}

// readOnlyKey marks the context of a dial.
type readOnlyKey struct{}

// ReadOnly asks a dial for a connection whose sessions the server keeps from writing, also after [Sessions].Reset. What is refused then is
// [WriteRefused].
func ReadOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, readOnlyKey{}, true)
}

// WantsReadOnly reports whether a dial is asked for that.
func WantsReadOnly(ctx context.Context) bool { return ctx.Value(readOnlyKey{}) != nil }
