package reset_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/internal/middleware/reset"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
)

// sessions knows one kind of statement: "set", "temp" and "permanent" leave the trace of that name, everything else none. "create" awaits Fresh.
type sessions struct {
	mu      sync.Mutex
	calls   []string // what was asked of the server
	resets  func(ctx context.Context) error
	asked   func(ctx context.Context) // while Leftovers asks
	left    map[string]string         // what Leftovers finds
	leftErr error
	stale   bool
	aged    int
	// provisional says that nothing is known before Learn.
	provisional   bool
	learnErr      error
	baselineErr   error
	asksBaseline  func(ctx context.Context) // while Baseline asks
	needsBaseline bool                      // as dialects do, Reset undoes what a fresh session may have only when Baseline has told
	told          bool                      // it has
	proxied       bool
	proxiedErr    error
	declared      dialect.Declared
	reasons       map[string]dialect.Reason // by what follows "because" in a text; others are a reason by themselves
}

func (s *sessions) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

// set changes what the server does from now on.
func (s *sessions) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *sessions) seen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.calls, ", ")
}

func (s *sessions) Statement(text string) *dialect.Statement {
	effects := map[string]dialect.Effects{
		"set": dialect.Setting, "temp": dialect.TempTable, "permanent": dialect.Permanent, "begin": dialect.OpenTx, "unknown": dialect.UnknownEffect,
		"insert": dialect.Sequence,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provisional {
		return &dialect.Statement{Provisional: true}
	}
	if text == "create" && !s.told {
		return &dialect.Statement{Provisional: true, AwaitsBaseline: true}
	}
	effect, what, _ := strings.Cut(text, " because ")
	st := &dialect.Statement{Effects: effects[effect], Defines: text == "define", Unproved: s.reasons[what]}
	if st.Unproved.What == "" {
		st.Unproved.What = what
	}
	if text == "lastval" || text == "unknown" {
		st.Sees = dialect.Sequence
	}
	return st
}

func (s *sessions) Declare(d dialect.Declared) { s.declared = d }

func (s *sessions) Baseline(ctx context.Context, _ driver.Conn, awaited bool) (bool, error) {
	if awaited {
		s.note("fresh for those who await it")
	} else {
		s.note("fresh")
	}
	s.mu.Lock()
	asks := s.asksBaseline
	s.mu.Unlock()
	if asks != nil {
		asks(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = s.told || s.baselineErr == nil
	return s.proxied, s.baselineErr
}

func (s *sessions) Proxied(context.Context, driver.Conn) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proxied, s.proxiedErr
}

func (s *sessions) Stale() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stale
}

func (s *sessions) Unsettled() bool { return false }

func (s *sessions) Known() bool { return true }

func (s *sessions) Age() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aged++
}

func (s *sessions) Outdate(sure bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = s.stale || sure
}

func (s *sessions) Define(string) bool { return false }

func (s *sessions) Defined(string) { s.Outdate(true) }

func (s *sessions) Changes() uint64 { return 0 }

func (s *sessions) ChangedSince(uint64, string) bool { return false }

func (s *sessions) Learn(context.Context, driver.Conn, []string, bool) error {
	s.note("learn")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = false
	s.provisional = s.provisional && s.learnErr != nil
	return s.learnErr
}

func (s *sessions) Reset(ctx context.Context, _ driver.Conn, changes *dialect.Changes, init string) error {
	s.note("reset " + changes.Effects.String() + init)
	if changes.Effects.Has(dialect.Permanent) {
		return dialect.ErrDiscard
	}
	s.mu.Lock()
	resets, unknown := s.resets, s.needsBaseline && !s.told && changes.Effects&^dialect.Passing != 0
	s.mu.Unlock()
	if unknown {
		return dialect.ErrOutdated
	}
	if resets != nil {
		return resets(ctx)
	}
	return nil
}

func (s *sessions) Leftovers(ctx context.Context, _ driver.Conn) (map[string]string, error) {
	s.note("leftovers")
	s.mu.Lock()
	asked := s.asked
	s.mu.Unlock()
	if asked != nil {
		asked(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	left := map[string]string{}
	maps.Copy(left, s.left)
	return left, s.leftErr
}

// pool is a DB whose resets can be watched.
type pool struct {
	*sql.DB
	connector *pooled.Connector
	reset     *reset.Reset
	driver    *faultdriver.Driver
	log       *bytes.Buffer
}

func open(t *testing.T, s *sessions, change func(*reset.Options, *policy.Pool)) pool {
	t.Helper()
	p := pool{log: &bytes.Buffer{}, driver: faultdriver.New(faultdriver.EveryConn, faultdriver.EveryStmt)}
	o := reset.Options{
		Policy: policy.NewConfig().Reset, Sessions: s, Logger: slog.New(slog.NewTextHandler(p.log, nil)),
		Dead: func(err error) bool { return errors.Is(err, driver.ErrBadConn) },
	}
	cfg := pooled.NewConfig()
	cfg.Connector = p.driver
	if change != nil {
		change(&o, &cfg.Pool)
	}
	p.reset = reset.New(o)
	connector, err := pooled.NewConnector(cfg, p.reset.Outermost(), p.reset.Middleware())
	require.NoError(t, err)
	p.DB, p.connector = sql.OpenDB(connector), connector
	t.Cleanup(func() { assert.NoError(t, p.Close()) })
	return p
}

// borrow runs statements on one session and gives it back.
func (p pool) borrow(t *testing.T, texts ...string) {
	t.Helper()
	conn, err := p.Conn(t.Context())
	require.NoError(t, err)
	for _, text := range texts {
		_, err := conn.ExecContext(t.Context(), text)
		require.NoError(t, err)
	}
	require.NoError(t, conn.Close())
}

func (p pool) stats() stats.Endpoint { return p.connector.Stats().Endpoints[0] }
