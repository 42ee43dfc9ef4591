package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// A null driver whose sessions are PostgreSQL's: statement texts are read, remembered and judged as those of pgx are, by the same code
// and with the catalogue of a real server, and every other part of a call takes no time.

func init() { dialect.Register("null with sessions", sessionsDialect{}) }

// sessionsDialect adopts connectors of the type sessionsServer.
type sessionsDialect struct{ dialect.Generic }

func (sessionsDialect) Name() string { return "null with sessions" }

func (sessionsDialect) Owns(d driver.Driver) bool {
	_, ok := d.(sessionsDB)
	return ok
}

func (sessionsDialect) Adopt(c driver.Connector) dialect.Server {
	return dialect.Server{
		Connector: c,
		Address:   "null",
		Traits:    dialect.Traits{OneResult: true, TellsTx: true}, // as pgx
		Sessions:  c.(sessionsServer).sessions,
	}
}

func (sessionsDialect) State(driver.Conn) dialect.ConnState { return dialect.StateIdle }

// sessionsDB is the null driver as a type of its own, for Owns to tell.
type sessionsDB struct{ nullDB }

// sessionsServer is what the null driver connects to here.
type sessionsServer struct{ sessions *proxySessions }

func (s sessionsServer) Connect(context.Context) (driver.Conn, error) { return &nullConn{}, nil }
func (s sessionsServer) Driver() driver.Driver                        { return sessionsDB{} }

// Close is called by the pool's.
func (s sessionsServer) Close() error { return s.sessions.conn.Close() }

// proxySessions are those of PostgreSQL. What asks the server does so on a real connection, in place of the null one.
type proxySessions struct {
	dialect.Sessions
	mu   sync.Mutex // guards conn
	conn driver.Conn
}

func (s *proxySessions) Baseline(ctx context.Context, _ driver.Conn, awaited bool) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Sessions.Baseline(ctx, s.conn, awaited)
}

func (s *proxySessions) Proxied(ctx context.Context, _ driver.Conn) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Sessions.Proxied(ctx, s.conn)
}

func (s *proxySessions) Learn(ctx context.Context, _ driver.Conn, texts []string, wait bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Sessions.Learn(ctx, s.conn, texts, wait)
}

func (s *proxySessions) Reset(ctx context.Context, _ driver.Conn, changes *dialect.Changes, init string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Sessions.Reset(ctx, s.conn, changes, init)
}

func (s *proxySessions) Leftovers(ctx context.Context, _ driver.Conn) (map[string]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Sessions.Leftovers(ctx, s.conn)
}

// cleanVariants are compared on the null driver. Their DSN is that of the PostgreSQL server whose catalogue is used.
var cleanVariants = []variant{
	{"pool_reset=off", openSessions(policy.ResetOff)},
	{"pool_reset=dirty", openSessions(policy.ResetDirty)},
}

func openSessions(mode policy.ResetMode) func(driverName, dsn string) (*sql.DB, error) {
	return func(_, dsn string) (*sql.DB, error) {
		pgx, err := dialect.ForDriver("pgx")
		if err != nil {
			return nil, err
		}
		server, err := pgx.Open(dsn)
		if err != nil {
			return nil, err
		}
		conn, err := server.Connector.Connect(context.Background())
		if err != nil {
			return nil, err
		}
		cfg := policy.NewConfig()
		cfg.Connector = sessionsServer{&proxySessions{Sessions: server.Sessions, conn: conn}}
		cfg.Reset.Mode = mode
		connector, err := pooled.NewConnector(cfg)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return sql.OpenDB(connector), nil
	}
}

// cleanTexts is how many texts a program sends by turns.
const cleanTexts = 200

// cleanCalls are calls that leave no trace, each of them by turns with many texts.
func cleanCalls(table string) []nullCall {
	turns := func(format string) func() string {
		var texts []string
		for i := range cleanTexts {
			texts = append(texts, fmt.Sprintf(format, table, i))
		}
		turn := 0
		return func() string {
			turn++
			return texts[turn%len(texts)]
		}
	}
	selects := turns("select id, name, upper(name) as loud, length(name) as letters from %s where id = $1 and id <> %d order by name limit 10")
	updates := turns("update %s set name = lower(name) where id = $1 and id <> %d and name is not null")
	return []nullCall{
		{name: "query, 1 argument", promised: true, do: func(ctx context.Context, db *sql.DB) error { return drain(db.QueryContext(ctx, selects(), 1)) }},
		{name: "exec, 1 argument", promised: true, do: func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, updates(), 1)
			return err
		}},
	}
}

// cleanSessions measures what it costs to find out that a session was left clean.
func cleanSessions(ctx context.Context, dsn string, e effort) (section, error) {
	s := section{
		title: "Null driver: what pool_reset=dirty adds to a call that leaves no trace",
		note: fmt.Sprintf("The null driver with PostgreSQL's sessions: texts are judged by the code and the catalogue that are used with a real server, "+
			"%d texts by turns. No session needs a reset.", cleanTexts),
	}
	srv := postgresServer(dsn)
	table, drop, err := srv.createTable(ctx)
	if err != nil {
		return s, err
	}
	defer drop()
	compare := func(call nullCall) ([]overhead, error) { return compareClean(ctx, dsn, call, e) }
	err = s.fill(cleanVariants, cleanCalls(table), compare, func(call nullCall, overheads []overhead) {
		what := "null driver, " + call.name + ", no trace left: pool_reset=dirty adds to off"
		s.requirements = append(s.requirements, overheads[1].atMost(what, mostResetNanoseconds, mostResetAllocs))
	})
	return s, err
}

// compareClean runs one call with sessions that are reset and with sessions that are not.
func compareClean(ctx context.Context, dsn string, call nullCall, e effort) ([]overhead, error) {
	dbs, closeAll, err := openAll(cleanVariants, "", dsn)
	defer closeAll()
	if err != nil {
		return nil, err
	}
	for _, db := range dbs {
		if err := makeKnown(ctx, db, call); err != nil {
			return nil, err
		}
	}
	before := resetStats(dbs[1])
	// A difference of a few nanoseconds wants short turns, which nothing interrupts, and many of them.
	overheads, err := measureNull(ctx, dbs, call, effort{rounds: 5 * e.rounds, calls: max(1, e.calls/5)})
	if after := resetStats(dbs[1]); err == nil && (after.Resets > before.Resets || after.Clean == before.Clean) {
		return nil, fmt.Errorf("%s: %d sessions were dirty", call.name, after.Resets-before.Resets)
	}
	return overheads, err
}

// makeKnown sends every text often enough for it to be remembered. The first one has the catalogue read, and is waited for.
func makeKnown(ctx context.Context, db *sql.DB, call nullCall) error {
	for range 5 * cleanTexts {
		if err := call.do(ctx, db); err != nil {
			return err
		}
		if err := idle(ctx, db); err != nil {
			return err
		}
	}
	return nil
}

func resetStats(db *sql.DB) stats.Reset {
	connector, _ := pooled.From(db)
	return *connector.Stats().Endpoints[0].Reset
}
