package pooled_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
)

// The matrix: what borrower A does to the one server connection, in every way that a text can reach the server, must not be seen by
// borrower B, who finds what a connection finds that was just dialled.

// trace is a row of the matrix.
type trace struct {
	name string
	// only names the one of several servers that knows it.
	only string
	// sql is what A does, one statement each.
	sql []string
	// probes are queries whose outcome, rows or error, would show it, besides what everybody looks at.
	probes []string
	// permanent says that only a new connection undoes it.
	permanent bool
	// shown says that it is noticed only where the text shows it: see Limits in the README.
	shown bool
	// hides says that the text does not show what it does.
	hides bool
	// spoils says that the server proves nothing any more once it can be done.
	spoils bool
	// alone says that the statements cannot share a text with others, or be prepared, or run in a function.
	alone bool
}

// family is one server and what is known about it here.
type family struct {
	driver string
	dsn    string
	// state are the queries that everybody looks at.
	state []string
	// id tells server connections apart.
	id string
	// sleep is a query that takes seconds.
	sleep string
	// ways are how A's statements can reach the server.
	ways map[string]way
}

// outcome writes down what a query returns, or the code of its error.
func outcome(ctx context.Context, conn *sql.Conn, query string) string {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return code(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return err.Error()
		}
		for _, v := range values {
			fmt.Fprintf(&b, "%s ", v.String)
		}
		b.WriteString("\n")
	}
	if err := rows.Err(); err != nil {
		return code(err)
	}
	return b.String()
}

func code(err error) string {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &pg):
		return "SQLSTATE " + pg.Code
	case errors.As(err, &my):
		return fmt.Sprint("error ", my.Number)
	default:
		return err.Error()
	}
}

// look writes down all that B can see.
func look(ctx context.Context, t *testing.T, db *sql.DB, queries []string, id string) (state map[string]string, connection string) {
	t.Helper()
	conn, err := db.Conn(ctx)
	require.NoError(t, err)
	defer conn.Close()
	state = map[string]string{}
	for _, query := range queries {
		for line := range strings.SplitSeq(outcome(ctx, conn, query), "\n") {
			name, value, _ := strings.Cut(line, " ")
			state[query+": "+name] = value
		}
	}
	return state, outcome(ctx, conn, id)
}

func differences(want, got map[string]string) []string {
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

// openForReset opens a pooled DB with one permit, an audit of each session, and a log.
func openForReset(t *testing.T, f family, change func(*pooled.Config), middlewares ...pooled.Middleware) (*sql.DB, *logBuffer) {
	t.Helper()
	log := &logBuffer{}
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN = f.driver, f.dsn
	cfg.Pool.MaxConns = 1
	cfg.Reset.Audit = 1
	cfg.Logger = slog.New(slog.NewTextHandler(log, nil))
	if change != nil {
		change(&cfg)
	}
	if cfg.Reset.Mode == policy.ResetOff {
		cfg.Reset.Audit = 0 // there is no reset to be audited
	}
	db, _ := openConfig(t, cfg, middlewares...)
	return db, log
}

// setUp has somebody define what a database is to have, over a connection that is closed then.
func setUp(t *testing.T, driver, dsn string, texts []string) {
	t.Helper()
	bare := openReal(t, driver, dsn)
	for _, text := range texts {
		_, err := bare.ExecContext(t.Context(), text)
		require.NoError(t, err, text)
	}
	require.NoError(t, bare.Close())
}

// openAtMost opens a pool of so many connections at most.
func openAtMost(t *testing.T, most int, driver, dsn string) (*sql.DB, *pooled.Connector) {
	t.Helper()
	cfg := pooled.NewConfig()
	cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = driver, dsn, most
	return openConfig(t, cfg)
}

func resets(t *testing.T, db *sql.DB) pooled.ResetStats {
	t.Helper()
	c, ok := pooled.From(db)
	require.True(t, ok)
	return c.Stats().Endpoints[0].Reset
}

func testResetMatrix(t *testing.T, f family, traces []trace) {
	bare := openReal(t, f.driver, f.dsn)
	bare.SetMaxIdleConns(0) // a new connection each time
	for _, tr := range traces {
		t.Run(tr.name, func(t *testing.T) {
			queries := append(slices.Clone(f.state), tr.probes...)
			want, _ := look(t.Context(), t, bare, queries, f.id)
			ways := maps.Clone(f.ways)
			ways["cancelled"] = f.cancelled
			db, log := openForReset(t, f, func(c *pooled.Config) { c.Reset.Audit = 7 }) // besides the looks below, which cost less
			for way, do := range ways {
				// The first borrower gives the pool time to read the catalogue; the connection is the same after it.
				_, before := look(t.Context(), t, db, []string{"select 1"}, f.id)
				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				switch err := do(t.Context(), conn, tr); err {
				case nil:
				case errNotThisWay:
					require.NoError(t, conn.Close())
					continue
				default:
					require.NoError(t, err, way)
				}
				_ = conn.Close() // may be closed already
				got, after := look(t.Context(), t, db, queries, f.id)
				assert.Empty(t, differences(want, got), way)
				if tr.permanent {
					assert.NotEqual(t, before, after, "%s: the connection was not replaced", way)
				}
				assert.Zero(t, resets(t, db).AuditFailures, "%s\n%s", way, log)
			}
		})
	}
}

// errNotThisWay is returned where a trace cannot be left in some way.
var errNotThisWay = errors.New("not this way")

func plainly(ctx context.Context, conn *sql.Conn, t trace) error {
	for _, text := range t.sql {
		if _, err := conn.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

func inComments(ctx context.Context, conn *sql.Conn, t trace) error {
	for _, text := range t.sql {
		if _, err := conn.ExecContext(ctx, "/* a comment; */ -- another one; '\n"+strings.Replace(text, " ", " /* ' */ ", 1)); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// byQuery reads rows where there are any.
func byQuery(ctx context.Context, conn *sql.Conn, t trace) error {
	for _, text := range t.sql {
		rows, err := conn.QueryContext(ctx, text)
		if err != nil && strings.Contains(text, ";") && code(err) == "SQLSTATE 42601" {
			return errNotThisWay // several statements cannot be prepared
		}
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		if err := drain(rows); err != nil {
			return err
		}
	}
	return nil
}

func drain(rows *sql.Rows) error {
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

func prepared1(ctx context.Context, conn *sql.Conn, t trace) error {
	if t.alone {
		return errNotThisWay
	}
	for _, text := range t.sql {
		st, err := conn.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		rows, err := st.QueryContext(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		if err := errors.Join(drain(rows), st.Close()); err != nil {
			return err
		}
	}
	return nil
}

// withPanic leaves the trace, and the caller's own code panics.
func withPanic(ctx context.Context, conn *sql.Conn, t trace) (err error) {
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
func beforeFailure(ctx context.Context, conn *sql.Conn, t trace) error {
	if err := plainly(ctx, conn, t); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "select nothing from nowhere"); err == nil {
		return errors.New("the statement was to fail")
	}
	return nil
}

// cancelled has a context that ends while a statement runs, after the trace was left.
func (f family) cancelled(ctx context.Context, conn *sql.Conn, t trace) error {
	if err := plainly(ctx, conn, t); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := conn.ExecContext(ctx, f.sleep); err == nil {
		return errors.New("the statement was to be cancelled")
	}
	return nil
}

// inTransaction leaves the trace in a transaction that is committed.
func inTransaction(ctx context.Context, conn *sql.Conn, t trace) error {
	if t.alone {
		return errNotThisWay
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, text := range t.sql {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", text, err), tx.Rollback())
		}
	}
	return tx.Commit()
}

// way leaves a trace through a connection.
type way = func(ctx context.Context, conn *sql.Conn, t trace) error

// sharedWays are those that need nothing of a family.
func sharedWays() map[string]way {
	return map[string]way{
		"plainly": plainly, "in comments": inComments, "by Query": byQuery, "prepared": prepared1, "with a panic": withPanic,
		"before a failure": beforeFailure, "in a transaction": inTransaction,
	}
}
