// Package sqlite is a dialect of pooled for SQLite through modernc.org/sqlite. Importing it registers it, the real driver, and the driver "pooled":
//
//	import _ "github.com/gopooled/pooled/examples/sqlite"
//
//	db, err := sql.Open("pooled", "file:shop.db?pool_driver=sqlite&pool_max_conns=4")
//
// It is an example: a whole dialect, made of nothing but what pooled exports. docs/dialects.md goes through it.
//
// A connection to SQLite is a session: it has PRAGMAs, temporary tables, attached databases, perhaps an open transaction, and numbers such as
// last_insert_rowid(). All of these are undone for the next borrower, in the process and without a server, so that it takes microseconds. What cannot be undone costs the
// connection, which is soon opened again.
//
// What it is not: a way to share one connection to :memory: among sessions. There, a connection is the database, and whoever closes it loses it.
package sqlite

import (
	"database/sql/driver"
	"strings"

	"modernc.org/sqlite"

	_ "github.com/gopooled/pooled" // registers the driver
	"github.com/gopooled/pooled/dialect"
)

func init() { dialect.Register("sqlite", Dialect{}) }

// Dialect implements [dialect.Dialect] for modernc.org/sqlite. The zero value is ready to use.
type Dialect struct{}

var _ dialect.Dialect = Dialect{}

// Name returns "sqlite".
func (Dialect) Name() string { return "sqlite" }

// Owns reports whether d is modernc's driver.
func (Dialect) Owns(d driver.Driver) bool {
	_, ok := d.(*sqlite.Driver)
	return ok
}

// Open takes a DSN as the real driver does: the name of a file, or a URI that begins with file:, with parameters such as _pragma=foreign_keys(1).
func (d Dialect) Open(dsn string) (dialect.Server, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return dialect.Server{}, err
	}
	server := d.Adopt(connector)
	server.Address = address(dsn)
	return server, nil
}

// Adopt takes a connector made with sqlite.NewConnector. Which file it opens cannot be read.
func (Dialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{
		Connector: c, Address: "sqlite", Database: "main", Sessions: newSessions(),
		Traits: dialect.Traits{
			ClosesSilently: true, // nobody is to be told
			TypedByText:    true, // a statement is prepared without its arguments
			SendsText:      func(bool, []driver.NamedValue) bool { return true },
		},
	}
}

// address is the name of the file. Parameters are left out: that of some extensions is a key.
func address(dsn string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "?")
	if name == "" {
		return ":memory:"
	}
	return name
}

// Gone returns nil: there is no server that would have to notice.
func (Dialect) Gone(driver.Conn) <-chan struct{} { return nil }

// State knows what is closed. Whether there is a transaction the driver keeps to itself.
func (Dialect) State(conn driver.Conn) dialect.ConnState {
	if v, ok := conn.(driver.Validator); ok && !v.IsValid() {
		return dialect.StateClosed
	}
	return dialect.StateUnknown
}
