// Package mysql is pooled's dialect for MySQL and MariaDB through go-sql-driver/mysql. Importing it registers it, and the driver "pooled":
//
//	import _ "github.com/gopooled/pooled/mysql"
//
//	db, err := sql.Open("pooled", "user:password@tcp(host:3306)/database")
//
// What it is not: a driver. go-sql-driver/mysql speaks to the server.
package mysql

import (
	"database/sql/driver"
	"strings"

	"github.com/go-sql-driver/mysql"

	_ "github.com/gopooled/pooled" // registers the driver
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement/my"
)

func init() { dialect.Register("mysql", Dialect{}) }

// Dialect implements [dialect.Dialect] for go-sql-driver/mysql. The zero value is ready to use.
type Dialect struct{}

var _ dialect.Dialect = Dialect{}

// Name returns "mysql".
func (Dialect) Name() string { return "mysql" }

// Owns reports whether d is go-sql-driver's driver.
func (Dialect) Owns(d driver.Driver) bool {
	switch d.(type) {
	case *mysql.MySQLDriver, mysql.MySQLDriver:
		return true
	default:
		return false
	}
}

// Open parses a DSN as go-sql-driver does; registered networks, TLS configurations and server keys work.
func (Dialect) Open(dsn string) (dialect.Server, error) {
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil {
		return dialect.Server{}, err
	}
	if err := cfg.Apply(mysql.BeforeConnect(logIn)); err != nil {
		return dialect.Server{}, err
	}
	real, err := mysql.NewConnector(cfg)
	if err != nil {
		return dialect.Server{}, err
	}
	through, err := dialer(cfg)
	if err != nil {
		return dialect.Server{}, err
	}
	c := connector{real, through}
	dial := through
	if cfg.Net != "tcp" && cfg.Net != "unix" { // only the driver knows how, unless the program tells
		dial = nil
	}
	sessions := newSessions(cfg.DBName, loginEffects(cfg))
	return dialect.Server{
		Connector: c,
		Dial:      dial,
		Cancel:    cancel(c),
		Address:   cfg.Addr,
		Database:  cfg.DBName,
		Dialled:   sessions.dialled,
		Sessions:  sessions,
		EndedIdle: endedIdle,
		Traits: dialect.Traits{
			OneResult:      true, // the protocol is half-duplex: a result is read before the next command
			PreparesArgs:   !cfg.InterpolateParams,
			Unprepared:     cfg.InterpolateParams,
			SendsText:      sendsText(cfg.InterpolateParams),
			ReplacesDialer: true, // the driver keeps mysql.RegisterDialContext to itself
			ExecOnce:       returnsRows,
			ClosesSilently: true,
			Kind:           kindsOf(cfg).on(sessions).kind,
			RowsOver:       rowsOver,
			TakesLogin:     true,
		},
		Replication: &replication{}, StatementShare: sessions.statementShare, Capacity: capacity, Role: role,
		DialThrough: through,
	}, nil
}

// Adopt takes a connector made with mysql.NewConnector. Its settings cannot be read, so a statement with arguments
// asks the driver first whether it interpolates them.
func (Dialect) Adopt(c driver.Connector) dialect.Server {
	sessions := newSessions("", 0)
	return dialect.Server{
		Connector: connector{Connector: c}, Address: "mysql",
		Traits: dialect.Traits{
			OneResult: true, SendsText: sendsText(false), ExecOnce: returnsRows, ClosesSilently: true, RowsOver: rowsOver,
			Kind: kinder{untold: true}.on(sessions).kind,
		},
		Dialled: sessions.dialled, Sessions: sessions, EndedIdle: endedIdle, Replication: &replication{}, StatementShare: sessions.statementShare, Capacity: capacity, Role: role,
	}
}

// returnsRows reports whether a statement may return rows. MariaDB from 10.6 on describes the columns of a prepared statement's
// rows only once, and Exec of go-sql-driver 1.10 waits for the description each time: for ever. (With a plain SELECT the first Exec
// does so already, with the bare driver too.)
func returnsRows(text string) bool {
	word := strings.ToLower(strings.TrimLeft(text, " \t\r\n"))
	for _, silent := range []string{"insert", "update", "delete", "replace", "set ", "do "} {
		if strings.HasPrefix(word, silent) {
			return strings.Contains(word, "returning")
		}
	}
	return true
}

// sendsText is [dialect.Traits].SendsText: arguments are written into the text, or the driver answers driver.ErrSkip.
func sendsText(interpolates bool) func(rows bool, args []driver.NamedValue) bool {
	return func(_ bool, args []driver.NamedValue) bool { return interpolates || len(args) == 0 }
}

// Gone returns nil: the driver closes its socket at once.
func (Dialect) Gone(driver.Conn) <-chan struct{} { return nil }

// State returns StateUnknown: the driver keeps the server's status flags to itself, and says by IsValid what it knows.
func (Dialect) State(driver.Conn) dialect.ConnState { return dialect.StateUnknown }

// Mask hides the literals of a statement.
func (Dialect) Mask(text string) string { return my.Mask(text) }

// Summary names the operations and targets of a statement.
func (Dialect) Summary(text string) string { return my.Summary(text) }
