package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// How old the copy of the catalogue may become: what other programs define is noticed after maxAge at the latest. An unknown name
// has it read again, but not more often than once in minAge, because the name may be a mistake in the statement.
const (
	maxAge = 5 * time.Minute
	minAge = 10 * time.Second
)

// sessions implements [dialect.Sessions] for one server.
type sessions struct {
	cache     statement.Cache[*dialect.Statement]
	catalogue atomic.Pointer[catalogue] // nil: not read yet
	stale     atomic.Bool
	learnt    atomic.Int64 // when, in Unix nanoseconds; 0 = never
	learning  sync.Mutex   // one reads the catalogue, the others wait for it
}

var _ dialect.Sessions = (*sessions)(nil)

func newSessions() *sessions {
	s := &sessions{}
	s.stale.Store(true)
	return s
}

// Statement reads a text, or remembers it.
func (s *sessions) Statement(text string) *dialect.Statement {
	st, ok := s.cache.Get(text)
	if !ok {
		st = s.read(text)
	}
	if st.Defines {
		s.stale.Store(true)
	}
	return st
}

func (s *sessions) read(text string) *dialect.Statement {
	c := s.catalogue.Load()
	parsed := pg.Parse(text)
	st := &dialect.Statement{Class: parsed.Class, Effects: parsed.Effects, Defines: parsed.Defines}
	if !c.judge(text, &parsed, st) {
		s.askAgain(minAge)
	}
	s.cache.Put(text, st)
	if s.catalogue.Load() != c { // which was replaced meanwhile, and the cache cleared
		s.cache.Clear()
	}
	return st
}

// askAgain has the catalogue read again if the copy is older than age.
func (s *sessions) askAgain(age time.Duration) {
	if learnt := s.learnt.Load(); learnt != 0 && time.Since(time.Unix(0, learnt)) >= age {
		s.stale.Store(true)
	}
}

// Stale reports whether the catalogue should be read.
func (s *sessions) Stale() bool { return s.stale.Load() }

// Age has the catalogue read again when it is old.
func (s *sessions) Age() { s.askAgain(maxAge) }

// Learn reads the catalogue.
func (s *sessions) Learn(ctx context.Context, conn driver.Conn) error {
	mine := s.stale.CompareAndSwap(true, false)
	if !mine && s.catalogue.Load() != nil {
		return nil
	}
	s.learning.Lock()
	defer s.learning.Unlock()
	if !mine && s.catalogue.Load() != nil {
		return nil
	}
	s.learnt.Store(time.Now().UnixNano())
	c, err := pgxConn(conn)
	if err != nil {
		return err
	}
	learnt, err := readCatalogue(ctx, c)
	if err != nil {
		if s.catalogue.CompareAndSwap(nil, &catalogue{hidden: true}) { // nothing is proved without it
			s.cache.Clear()
		}
		return err
	}
	s.catalogue.Store(learnt)
	s.cache.Clear()
	return nil
}

// Fresh reads the catalogue, and compares the process id that the server knows with the one that the connection was told: a proxy makes up its own.
func (s *sessions) Fresh(ctx context.Context, conn driver.Conn) (proxied bool, err error) {
	c, err := pgxConn(conn)
	if err != nil {
		return false, err
	}
	var pid uint32
	if err := c.QueryRow(ctx, "select pg_catalog.pg_backend_pid()", pgx.QueryExecModeSimpleProtocol).Scan(&pid); err != nil {
		return false, err
	}
	if pid != c.PgConn().PID() {
		return true, nil
	}
	// Ten milliseconds once: sessions that wait to be judged would cost more, as others would have to be dialled meanwhile.
	return false, s.Learn(ctx, conn)
}

// pgxConn returns pgx's own connection.
func pgxConn(conn driver.Conn) (*pgx.Conn, error) {
	c, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("pooled: %T is not a connection of pgx", conn)
	}
	return c.Conn(), nil
}
