package postgres

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/statement"
	"github.com/gopooled/pooled/internal/statement/pg"
)

// sessions implements [dialect.Sessions] for one server.
type sessions struct {
	*statement.Reader[catalogue]
	fresh atomic.Pointer[fresh] // nil: not known yet
	// makesTemp says that what sessions create is temporary unless they say otherwise: the search_path that they begin with has pg_temp.
	makesTemp atomic.Bool
}

var _ dialect.Sessions = (*sessions)(nil)

func newSessions() *sessions {
	s := &sessions{}
	s.Reader = statement.NewReader(s.read)
	return s
}

// read says what a text does. Without a catalogue it is provisional, and what is still so at the end is unknown.
func (s *sessions) read(text string, c *catalogue) (said *dialect.Statement, complete bool) {
	parsed := pg.Parse(text)
	if parsed.Fires && s.makesTemp.Load() {
		parsed.Effects |= dialect.TempTable | dialect.UnknownEffect
	}
	said = &dialect.Statement{
		Class: parsed.Class, Effects: parsed.Effects, Why: parsed.Why, Hint: parsed.Hint, Defines: parsed.Defines, Plain: parsed.Plain,
		Rereads: parsed.Effects.Has(dialect.Plans),
	}
	return said, c.judge(text, &parsed, said)
}

// learnTimeout is how long the server may take for the catalogue.
const learnTimeout = 4 * time.Second

// Learn reads the catalogue.
func (s *sessions) Learn(ctx context.Context, conn driver.Conn) error {
	return s.Reader.Learn(ctx, func() (*catalogue, error) {
		c, err := pgxConn(conn)
		if err != nil {
			return nil, err
		}
		return readCatalogue(ctx, c, learnTimeout)
	})
}

// Fresh takes down what was set when the session began.
func (s *sessions) Fresh(ctx context.Context, conn driver.Conn) (proxied bool, err error) {
	c, err := pgxConn(conn)
	if err != nil {
		return false, err
	}
	if isConsole(c) {
		return true, nil
	}
	row, err := ask(ctx, c, "select pg_catalog.pg_backend_pid(), ("+stateSQL(c)+"), pg_catalog.current_setting('search_path')")
	if err != nil {
		return false, err
	}
	s.makesTemp.Store(strings.Contains(row[2], "pg_temp"))
	f := &fresh{state: row[1], proxied: isProxied(c, row[0])}
	if f.proxied {
		s.fresh.CompareAndSwap(nil, f) // it says less than that of the server's own session
		return true, nil
	}
	s.fresh.Store(f)
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
