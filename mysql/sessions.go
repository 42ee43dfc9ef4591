package mysql

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement"
	"github.com/gopooled/pooled/internal/statement/my"
)

// How old the copy of the catalogue may become: what other programs define is noticed after maxAge. What may have changed unseen, or
// could not be read, is read again after minAge.
const (
	maxAge = 5 * time.Minute
	minAge = 10 * time.Second
)

// sessions implements [dialect.Sessions] for one server.
type sessions struct {
	cache     statement.Cache[*dialect.Statement]
	catalogue atomic.Pointer[catalogue] // nil: not read yet
	fresh     atomic.Pointer[fresh]     // nil: not known yet
	stale     atomic.Bool
	learnt    atomic.Int64  // when, in Unix nanoseconds
	learning  chan struct{} // holds one for whoever reads the catalogue
	failed    atomic.Bool   // the catalogue could not be read the last time
}

var _ dialect.Sessions = (*sessions)(nil)

func newSessions() *sessions {
	s := &sessions{learning: make(chan struct{}, 1)}
	s.stale.Store(true)
	return s
}

// Statement reads a text, or remembers it.
func (s *sessions) Statement(text string) *dialect.Statement {
	st, ok := s.cache.Get(text)
	if !ok {
		st = s.read(text)
	}
	return st
}

func (s *sessions) read(text string) *dialect.Statement {
	c := s.catalogue.Load()
	parsed := my.Parse(text)
	st := &dialect.Statement{Class: parsed.Class, Effects: parsed.Effects, Defines: parsed.Defines}
	for _, u := range parsed.Undo {
		st.Undo = append(st.Undo, dialect.Undo(u))
	}
	c.judge(text, &parsed, st)
	s.cache.Put(text, st)
	if s.catalogue.Load() != c { // which was replaced meanwhile, and the cache cleared
		s.cache.Clear()
	}
	return st
}

// Stale reports whether the catalogue should be read.
func (s *sessions) Stale() bool { return s.stale.Load() }

// Age has the catalogue read again when it is old, or could not be read.
func (s *sessions) Age() {
	age := maxAge
	if s.failed.Load() {
		age = minAge
	}
	s.askAgain(age)
}

// Outdate has the catalogue read again.
func (s *sessions) Outdate(sure bool) {
	if sure {
		s.stale.Store(true)
	} else {
		s.askAgain(minAge)
	}
}

// askAgain has the catalogue read again if the copy is older than age.
func (s *sessions) askAgain(age time.Duration) {
	if learnt := s.learnt.Load(); learnt != 0 && time.Since(time.Unix(0, learnt)) >= age {
		s.stale.Store(true)
	}
}

// Learn reads the catalogue.
func (s *sessions) Learn(ctx context.Context, conn driver.Conn) error {
	mine := s.stale.CompareAndSwap(true, false)
	if !mine && (s.catalogue.Load() != nil || s.failed.Load()) {
		return nil
	}
	select { // one reads, the others wait for it
	case s.learning <- struct{}{}:
		defer func() { <-s.learning }()
	case <-ctx.Done():
		if mine {
			s.stale.Store(true)
		}
		return nil
	}
	if !mine && (s.catalogue.Load() != nil || s.failed.Load()) {
		return nil
	}
	s.learnt.Store(time.Now().UnixNano())
	learnt, err := readCatalogue(ctx, conn)
	if err != nil {
		s.failed.Store(true)
		if ctx.Err() == nil && s.catalogue.CompareAndSwap(nil, &catalogue{}) { // texts are all that there is to go by
			s.cache.Clear()
		}
		return err
	}
	s.failed.Store(false)
	s.catalogue.Store(learnt)
	s.cache.Clear()
	return nil
}

// fresh is what a session looks like that nobody has used, with what the DSN and pool_init have set.
type fresh struct {
	database  string            // empty: none
	role      string            // as SET ROLE takes it
	variables map[string]string // of the session, by name in lower case
	globals   map[string]string // what a new session would begin with
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
	queryer, ok := conn.(driver.QueryerContext)
	if !ok {
		return fmt.Errorf("pooled: %T is not a connection of go-sql-driver/mysql", conn)
	}
	rows, err := queryer.QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); err {
		case nil:
			f(row)
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
