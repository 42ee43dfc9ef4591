package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
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
	learnt    atomic.Int64  // when, in Unix nanoseconds; 0 = never
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
	c, err := pgxConn(conn)
	if err != nil {
		return err
	}
	return s.replace(ctx, c, learnTimeout)
}

// learn reads the catalogue for the first time, unless another connection has done it within the timeout.
func (s *sessions) learn(ctx context.Context, c *pgx.Conn, timeout time.Duration) error {
	limit := time.NewTimer(timeout)
	defer limit.Stop()
	select {
	case s.learning <- struct{}{}:
		defer func() { <-s.learning }()
	case <-limit.C:
		return nil
	case <-ctx.Done():
		return nil
	}
	if s.catalogue.Load() != nil {
		return nil
	}
	return s.replace(ctx, c, timeout)
}

// replace takes over the catalogue by what the server says now.
func (s *sessions) replace(ctx context.Context, c *pgx.Conn, timeout time.Duration) error {
	s.stale.Store(false)
	s.learnt.Store(time.Now().UnixNano())
	learnt, err := readCatalogue(ctx, c, timeout)
	if err != nil {
		s.failed.Store(timeout == learnTimeout)
		s.stale.Store(timeout != learnTimeout)
		return err
	}
	s.failed.Store(false)
	s.catalogue.Store(learnt)
	s.cache.Clear()
	return nil
}

// How long the server may take for the catalogue: of a connection that was just dialled and somebody waits for, and of one that was
// given back.
const (
	freshTimeout = 200 * time.Millisecond
	learnTimeout = 4 * time.Second
)

// Fresh compares the process id that the server knows with the one that the connection was told, as a proxy makes up its own, and
// reads the catalogue.
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
	// Milliseconds once: sessions that wait to be judged would cost more, as others would have to be dialled meanwhile. Where it takes
	// longer, it is done later, when a connection has been given back.
	if err := s.learn(ctx, c, freshTimeout); err != nil && c.IsClosed() {
		return false, err
	}
	return false, nil
}

// pgxConn returns pgx's own connection.
func pgxConn(conn driver.Conn) (*pgx.Conn, error) {
	c, ok := conn.(*stdlib.Conn)
	if !ok {
		return nil, fmt.Errorf("pooled: %T is not a connection of pgx", conn)
	}
	return c.Conn(), nil
}
