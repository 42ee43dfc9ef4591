package resettest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/stats"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// The matrix: what borrower A does to the one server connection, in every way that a text can reach the server, must not be seen by
// borrower B, who finds what a connection finds that was just dialled.

// Trace is a row of the matrix.
type Trace struct {
	Name string
	// only names the one of several servers that knows it.
	Only string
	// sql is what A does, one statement each.
	Sql []string
	// probes are queries whose outcome, rows or error, would show it, besides what everybody looks at.
	Probes []string
	// permanent says that only a new connection undoes it.
	Permanent bool
	// shown says that it is noticed only where the text shows it: see Limits in the README.
	Shown bool
	// hides says that the text does not show what it does.
	Hides bool
	// spoils says that the server proves nothing any more once it can be done.
	Spoils bool
	// alone says that the statements cannot share a text with others, or be prepared, or run in a function.
	Alone bool
}

// Family is one server and what is known about it here.
type Family struct {
	Driver string
	DSN    string
	// state are the queries that everybody looks at.
	State []string
	// id tells server connections apart.
	ID string
	// sleep is a query that takes seconds.
	Sleep string
	// ways are how A's statements can reach the server.
	Ways map[string]Way
}

// Look writes down all that B can see.
func Look(ctx context.Context, t *testing.T, db *sql.DB, queries []string, id string) (state map[string]string, connection string) {
	t.Helper()
	conn, err := db.Conn(ctx)
	require.NoError(t, err)
	defer conn.Close()
	state = map[string]string{}
	for _, query := range queries {
		for line := range strings.SplitSeq(realtest.Outcome(ctx, conn, query), "\n") {
			name, value, _ := strings.Cut(line, " ")
			state[query+": "+name] = value
		}
	}
	return state, realtest.Outcome(ctx, conn, id)
}

// Differences lists what differs from the state of a fresh session.
func Differences(want, got map[string]string) []string {
	var found []string
	for k, v := range want {
		if got[k] != v {
			found = append(found, fmt.Sprintf("%s: %q, fresh %q", k, got[k], v))
		}
	}
	for k, v := range got {
		if _, ok := want[k]; !ok {
			found = append(found, fmt.Sprintf("%s: %q, fresh: nothing", k, v))
		}
	}
	slices.Sort(found)
	return found
}

// OpenForReset opens a pooled DB with one permit, an audit of each session, and a log.
func OpenForReset(t *testing.T, f Family, change func(*pooled.Config), middlewares ...pooled.Middleware) (*sql.DB, *pooltest.LogBuffer) {
	t.Helper()
	log := &pooltest.LogBuffer{}
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = f.Driver, f.DSN
	cfg.Pool.MaxConns = 1
	cfg.Reset.Audit = 1
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	if change != nil {
		change(&cfg)
	}
	if cfg.Reset.Mode == policy.ResetOff {
		cfg.Reset.Audit = 0 // there is no reset to be audited
	}
	db, _ := pooltest.Open(t, cfg, middlewares...)
	return db, log
}

// Resets are the counts of a DB's only server.
func Resets(t *testing.T, db *sql.DB) stats.Reset {
	t.Helper()
	c, ok := pooled.From(db)
	require.True(t, ok)
	return *c.Stats().Endpoints[0].Reset
}

// ErrNotThisWay is returned where a trace cannot be left in some way.
var ErrNotThisWay = errors.New("not this way")

func plainly(ctx context.Context, conn *sql.Conn, t Trace) error {
	for _, text := range t.Sql {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

func inComments(ctx context.Context, conn *sql.Conn, t Trace) error {
	for _, text := range t.Sql {
		if _, err := conn.ExecContext(ctx, "/* a comment; */ -- another one; '\n"+strings.Replace(text, " ", " /* ' */ ", 1)); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// byQuery reads rows where there are any.
func byQuery(ctx context.Context, conn *sql.Conn, t Trace) error {
	for _, text := range t.Sql {
		rows, err := conn.QueryContext(ctx, text)
		if err != nil && strings.Contains(text, ";") && realtest.Code(err) == "SQLSTATE 42601" {
			return ErrNotThisWay // several statements cannot be prepared
		}
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		if err := realtest.Drain(rows); err != nil {
			return err
		}
	}
	return nil
}

func prepared1(ctx context.Context, conn *sql.Conn, t Trace) error {
	if t.Alone {
		return ErrNotThisWay
	}
	for _, text := range t.Sql {
		st, err := conn.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		rows, err := st.QueryContext(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		if err := errors.Join(realtest.Drain(rows), st.Close()); err != nil {
			return err
		}
	}
	return nil
}

// withPanic leaves the trace, and the caller's own code panics.
func withPanic(ctx context.Context, conn *sql.Conn, t Trace) (err error) {
	defer func() {
		if p := recover(); p != "in the caller" {
			panic(p)
		}
	}()
	defer conn.Close()
	if err := plainly(ctx, conn, t); err != nil {
		return err
	}
	panic("in the caller")
}

// beforeFailure has a statement that fails after the trace was left.
func beforeFailure(ctx context.Context, conn *sql.Conn, t Trace) error {
	if err := plainly(ctx, conn, t); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "select nothing from nowhere"); err == nil {
		return errors.New("the statement was to fail")
	}
	return nil
}

// Cancelled has a context that ends while a statement runs, after the trace was left.
func (f Family) Cancelled(ctx context.Context, conn *sql.Conn, t Trace) error {
	if err := plainly(ctx, conn, t); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := conn.ExecContext(ctx, f.Sleep); err == nil {
		return errors.New("the statement was to be cancelled")
	}
	return nil
}

// inTransaction leaves the trace in a transaction that is committed.
func inTransaction(ctx context.Context, conn *sql.Conn, t Trace) error {
	if t.Alone {
		return ErrNotThisWay
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, text := range t.Sql {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", text, err), tx.Rollback())
		}
	}
	return tx.Commit()
}

// Way leaves a trace through a connection.
type Way = func(ctx context.Context, conn *sql.Conn, t Trace) error

// SharedWays are those that need nothing of a family.
func SharedWays() map[string]Way {
	return map[string]Way{
		"plainly": plainly, "in comments": inComments, "by Query": byQuery, "prepared": prepared1, "with a panic": withPanic,
		"before a failure": beforeFailure, "in a transaction": inTransaction,
	}
}

// Unaudited has no session compared with the first one, which is asked at its dial otherwise.
func Unaudited(c *pooled.Config) { c.Reset.Audit = 0 }
