package dialecttest

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/stats"
)

// suite is what a check works with, and what it has found.
type suite struct {
	Config
	dialect  dialect.Dialect
	server   dialect.Server // opened for this check alone
	sessions dialect.Sessions
	log      log
	found    []string
}

// log keeps what pools log. The zero value is empty, and safe for concurrent use.
type log struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newSuite opens a server.
func newSuite(c Config) (*suite, error) {
	d, err := dialect.ForDriver(c.Driver)
	if err != nil {
		return nil, err
	}
	server, err := d.Open(c.DSN)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the server could not be opened: %w", err)
	case server.Connector == nil:
		return nil, errors.New("no Connector was returned by Open")
	case server.Sessions == nil:
		return nil, fmt.Errorf("the dialect %s knows nothing of sessions (Server.Sessions is nil), or none is registered for the driver %q", d.Name(), c.Driver)
	}
	server.Sessions.Declare(dialect.Declared{})
	return &suite{Config: c, dialect: d, server: server, sessions: server.Sessions}, nil
}

// prepare looks whether there is what the test needs, and runs Setup.
func (c Config) prepare(ctx context.Context) (problems []string) {
	for name, missing := range map[string]bool{
		"Look": len(c.Look) == 0, "Data": len(c.Data) == 0, "Traces": len(c.Traces) == 0, "Clean": len(c.Clean) == 0, "Reads": len(c.Reads) == 0, "Writes": len(c.Writes) == 0,
		"Unknown": len(c.Unknown) == 0, "Secrets": len(c.Secrets) == 0, "Mistakes": len(c.Mistakes) == 0, "Break": c.Break == nil,
	} {
		if missing {
			problems = append(problems, "Config."+name+" is missing: nothing is proved without it")
		}
	}
	for _, text := range c.Secrets {
		if !strings.Contains(text, Secret) {
			problems = append(problems, fmt.Sprintf("there is no %s in %q", Secret, text))
		}
	}
	if c.Password != "" && !strings.Contains(strings.Join(append(slices.Clone(c.BadDSNs), c.DSN), " "), c.Password) {
		problems = append(problems, "neither DSN nor BadDSNs have the password in them")
	}
	slices.Sort(problems)
	if len(problems) > 0 {
		return problems
	}
	s, err := newSuite(c)
	if err != nil {
		return []string{err.Error()}
	}
	if conn := s.connect(ctx); conn != nil {
		defer conn.close()
		s.runs(ctx, conn.Conn, c.Setup)
	}
	return s.found
}

// problem notes what is wrong.
func (s *suite) problem(format string, args ...any) {
	s.found = append(s.found, fmt.Sprintf(format, args...))
}

// session is a connection of the real driver, of which pooled knows nothing.
type session struct {
	*sql.Conn
	db *sql.DB
}

// connect dials one; nil: it could not, which was noted.
func (s *suite) connect(ctx context.Context) *session {
	db := sql.OpenDB(s.server.Connector)
	conn, err := db.Conn(ctx)
	if err != nil {
		s.problem("a connection could not be dialled: %v", err)
		_ = db.Close()
		return nil
	}
	c := &session{conn, db}
	if s.server.Dialled != nil {
		if err := c.real(func(real driver.Conn) error { _, err := s.server.Dialled(ctx, real); return err }); err != nil {
			s.problem("Dialled: %v", err)
		}
	}
	return c
}

// close ends the session, for good.
func (c *session) close() {
	_ = c.Raw(func(any) error { return driver.ErrBadConn }) // no rollback is needed, and none may fail
	_ = c.db.Close()
}

// real calls f with the real driver's connection.
func (c *session) real(f func(real driver.Conn) error) error {
	return c.Raw(func(real any) error { return f(real.(driver.Conn)) })
}

// learn shows a fresh connection to the dialect, and has it learn what texts need.
func (s *suite) learn(ctx context.Context, texts []string) {
	c := s.connect(ctx)
	if c == nil {
		return
	}
	defer c.close()
	_ = c.real(func(real driver.Conn) error {
		if _, err := s.sessions.Baseline(ctx, real, false); err != nil {
			s.problem("Baseline: %v", err)
		}
		for _, text := range texts {
			s.sessions.Statement(text) // which notes what it lacks
		}
		if err := s.sessions.Learn(ctx, real, texts, true); err != nil {
			s.problem("Learn: %v", err)
		}
		return nil
	})
}

// leftovers asks what is left in a session.
func (s *suite) leftovers(ctx context.Context, c *session) (left map[string]string) {
	err := c.real(func(real driver.Conn) (err error) {
		left, err = s.sessions.Leftovers(ctx, real)
		return err
	})
	if err != nil {
		s.problem("Leftovers: %v", err)
	}
	return left
}

// runs runs statements one after the other.
func (s *suite) runs(ctx context.Context, c *sql.Conn, texts []string) {
	for _, text := range texts {
		if _, err := c.ExecContext(ctx, text); err != nil {
			s.problem("%s: %v", text, err)
			return
		}
	}
}

// look writes down what a session answers to queries.
func look(ctx context.Context, c *sql.Conn, queries []string) map[string]string {
	answers := map[string]string{}
	for _, query := range queries {
		answers[query] = answer(ctx, c, query)
	}
	return answers
}

// answer is what comes of a query: its rows or its error.
func answer(ctx context.Context, c *sql.Conn, query string) string {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return "error: " + err.Error()
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "error: " + err.Error()
	}
	var b strings.Builder
	values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return "error: " + err.Error()
		}
		for _, v := range values {
			fmt.Fprintf(&b, "%q ", v.String)
		}
		b.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		return "error: " + err.Error()
	}
	return b.String()
}

// differences tells what two looks, or what is left in two sessions, have not in common.
func differences(want, got map[string]string) string {
	var all []string
	for name, value := range got {
		if was, ok := want[name]; !ok || was != value {
			all = append(all, fmt.Sprintf("%s: %q, and %q in a fresh one", name, value, was))
		}
	}
	for name := range maps.Keys(want) {
		if _, ok := got[name]; !ok {
			all = append(all, fmt.Sprintf("%s: nothing, and %q in a fresh one", name, want[name]))
		}
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// pool opens one through pooled, which has a single connection.
func (s *suite) pool(init string) *pool {
	c := pooled.NewConfig()
	c.DriverName, c.DSN = s.Driver, s.DSN
	c.Pool.MaxConns, c.Pool.Init = 1, init
	c.Logger = slog.New(slog.NewTextHandler(&s.log, nil))
	connector, err := pooled.NewConnector(c)
	if err != nil {
		s.problem("a pool could not be opened: %v", err)
		return nil
	}
	return &pool{sql.OpenDB(connector), connector}
}

type pool struct {
	*sql.DB
	connector *pooled.Connector
}

// stats are those of the only server.
func (p *pool) stats() stats.Endpoint { return p.connector.Stats().Endpoints[0] }

// borrow has f borrow the connection of a pool.
func (s *suite) borrow(ctx context.Context, p *pool, f func(c *sql.Conn)) {
	conn, err := p.Conn(ctx)
	if err != nil {
		s.problem("a borrower got no connection: %v", err)
		return
	}
	f(conn)
	if err := conn.Close(); err != nil && !errors.Is(err, driver.ErrBadConn) {
		s.problem("a connection could not be given back: %v", err)
	}
}

// texts are all statements that are known here, each once.
func (s *suite) texts() []string {
	all := slices.Concat(s.Clean, s.Reads, s.Writes, s.Unknown, s.Mistakes, s.Look, s.Data, []string{s.Begin, s.Rollback})
	for _, t := range s.Traces {
		all = append(append(all, t.SQL...), t.Probes...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
