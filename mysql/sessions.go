package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// sessions implements [dialect.Sessions] for one server.
type sessions struct {
	*statement.Reader[catalogue]
	fresh atomic.Pointer[fresh] // nil: not known yet
}

var _ dialect.Sessions = (*sessions)(nil)

// newSessions goes by the texts alone if the catalogue cannot be read: what is unknown would cost every connection. No replica is asked
// then.
func newSessions() *sessions {
	return &sessions{Reader: statement.NewReader(read, &catalogue{unread: true})}
}

// read says what a text does. Without a catalogue it is provisional.
func read(text string, c *catalogue) (s *dialect.Statement, complete bool) {
	parsed := my.Parse(text)
	s = &dialect.Statement{
		Class: parsed.Class, Effects: parsed.Effects, Why: parsed.Why, Hint: parsed.Hint, Undo: parsed.Undo, Defines: parsed.Defines,
	}
	rereads(s)
	c.judge(text, &parsed, s)
	return s, true
}

// rereads says what a statement does to the reading of later texts.
func rereads(s *dialect.Statement) {
	for _, u := range s.Undo {
		if u.Effect == dialect.Setting && !indifferent[u.Name] {
			s.Rereads = true
		}
	}
	if s.Effects.Has(dialect.Database) {
		s.Rereads = s.Rereads || len(s.Undo) > 1
		s.Database = s.Undo[0].Name
	}
}

// indifferent are the variables that a prepared statement does not keep: they say how it is run, not what it means.
var indifferent = statement.WordsOf(`transaction transaction_isolation tx_isolation transaction_read_only tx_read_only autocommit completion_type
	foreign_key_checks unique_checks wait_timeout interactive_timeout net_read_timeout net_write_timeout lock_wait_timeout innodb_lock_wait_timeout
	max_execution_time max_statement_time sql_log_bin timestamp insert_id last_insert_id identity`)

// Learn reads the catalogue.
func (s *sessions) Learn(ctx context.Context, conn driver.Conn) error {
	return s.Reader.Learn(ctx, func() (*catalogue, error) { return readCatalogue(ctx, conn) })
}

// fresh is what a session looks like that nobody has used, with what the DSN and pool_init have set.
type fresh struct {
	database  string            // empty: none
	role      string            // as SET ROLE takes it
	variables map[string]string // of the session, by name in lower case
	globals   map[string]string // what a new session would begin with
	readOnly  bool              // the session was dialled read-only, whatever variables say
}

// Fresh takes down all variables. It sees no proxies.
func (s *sessions) Fresh(ctx context.Context, conn driver.Conn) (proxied bool, err error) {
	f := &fresh{}
	if f.variables, err = pairs(ctx, conn, "show session variables"); err != nil {
		return false, err
	}
	if f.globals, err = pairs(ctx, conn, "show global variables"); err != nil {
		return false, err
	}
	if _, ok := conn.(readOnlyConn); ok { // others may be dialled that are not
		for _, name := range accessModes {
			if global, ok := f.globals[name]; ok {
				f.variables[name] = global
			}
		}
	}
	database, err := pairs(ctx, conn, "select 'database', coalesce(database(), '')")
	if err != nil {
		return false, err
	}
	f.database = database["database"]
	if f.role = "default"; strings.Contains(f.variables["version"], "MariaDB") { // which has no such keyword
		role, err := pairs(ctx, conn, "select 'role', coalesce(current_role(), '')")
		if err != nil {
			return false, err
		}
		if f.role = "none"; role["role"] != "" {
			f.role = quoteName(role["role"])
		}
	}
	s.fresh.Store(f)
	return false, nil
}

// share is the part of max_prepared_stmt_count that the caches of one pool may hold: the server counts those of all programs.
const share = 4

// statementShare is how many statements that is. As long as nobody has asked the server, it is taken to have its default of 16382.
func (s *sessions) statementShare() int64 {
	most := int64(16382)
	if f := s.fresh.Load(); f != nil {
		if n, err := strconv.ParseInt(f.globals["max_prepared_stmt_count"], 10, 64); err == nil {
			most = n
		}
	}
	return max(most/share, 1)
}

// pairs runs a query of two columns.
func pairs(ctx context.Context, conn driver.Conn, query string) (map[string]string, error) {
	found := map[string]string{}
	err := each(ctx, conn, query, func(row []driver.Value) {
		found[strings.ToLower(value(row[0]))] = value(row[1])
	})
	return found, err
}

// each runs a query and calls f for each row, whose values it must not keep.
func each(ctx context.Context, conn driver.Conn, query string, f func(row []driver.Value)) error {
	return eachOf(ctx, conn, query, func(_ []string, row []driver.Value) { f(row) })
}

// eachOf is each for a query whose columns are not known before.
func eachOf(ctx context.Context, conn driver.Conn, query string, f func(columns []string, row []driver.Value)) error {
	queryer, ok := conn.(driver.QueryerContext)
	if !ok {
		return fmt.Errorf("pooled: %T is not a connection of go-sql-driver/mysql", conn)
	}
	rows, err := queryer.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	columns := rows.Columns()
	row := make([]driver.Value, len(columns))
	for {
		switch err := rows.Next(row); err {
		case nil:
			f(columns, row)
		case io.EOF:
			return rows.Close()
		default:
			_ = rows.Close() // err is the reason
			return err
		}
	}
}

func value(v driver.Value) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case nil:
		return ""
	default:
		return fmt.Sprint(v)
	}
}
