package cancel_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/faultdriver"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// session is what database/sql sees of a session. Without database/sql nobody rolls a transaction back when its context has ended.
type session interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.Validator
	RawContext(ctx context.Context) (driver.Conn, error)
}

func newSession(t *testing.T, connector *pooled.Connector) session {
	t.Helper()
	conn, err := connector.Connect(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	return conn.(session)
}

// begun begins a transaction and returns what ends its context.
func begun(t *testing.T, s session) (driver.Tx, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	tx, err := s.BeginTx(ctx, driver.TxOptions{})
	require.NoError(t, err)
	return tx, cancel
}

func TestNothingReachesTheServerBetweenTheEndOfATransactionsContextAndItsRollback(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, s session) error{
		"query": func(ctx context.Context, s session) error { _, err := s.QueryContext(ctx, "select", nil); return err },
		"exec":  func(ctx context.Context, s session) error { _, err := s.ExecContext(ctx, "update", nil); return err },
		"begin": func(ctx context.Context, s session) error { _, err := s.BeginTx(ctx, driver.TxOptions{}); return err },
		"ping":  func(ctx context.Context, s session) error { return s.Ping(ctx) },
		"raw":   func(ctx context.Context, s session) error { _, err := s.RawContext(ctx); return err },
		"prepare": func(ctx context.Context, s session) error {
			_, err := s.PrepareContext(ctx, "select")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := pooltest.NewPool(t, pooltest.Modern, nil)
			s := newSession(t, p.Connector)
			tx, cancel := begun(t, s)
			cancel()
			calls := p.Fault.Calls()
			assert.Equal(t, driver.ErrBadConn, call(t.Context(), s))
			assert.Equal(t, calls, p.Fault.Calls())
			require.NoError(t, tx.Rollback())
			assert.Equal(t, 1, p.Calls(faultdriver.Rollback))
			assert.NoError(t, call(t.Context(), s), "once it is rolled back")
		})
	}
}

func TestStatementOfASessionIsRefusedUntilItsCancelledTransactionIsRolledBack(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, nil)
	s := newSession(t, p.Connector)
	st, err := s.PrepareContext(t.Context(), "update")
	require.NoError(t, err)
	tx, cancel := begun(t, s)
	cancel()
	_, err = st.(driver.StmtExecContext).ExecContext(t.Context(), nil)
	assert.Equal(t, driver.ErrBadConn, err)
	require.NoError(t, tx.Rollback())
	_, err = st.(driver.StmtExecContext).ExecContext(t.Context(), nil)
	assert.NoError(t, err)
}

func TestCommitThatBeganBeforeItsContextEndedIsSent(t *testing.T) {
	p := pooltest.NewPool(t, pooltest.Modern, nil)
	s := newSession(t, p.Connector)
	tx, cancel := begun(t, s)
	cancel() // after database/sql has looked
	_ = tx.Commit()
	assert.Equal(t, 1, p.Calls(faultdriver.Commit))
}

// database/sql looks at the context before it calls the session, and rolls back only after that call. A context that ends in between is what the caller is told of.
func TestCallWhoseContextEndsOnTheWayIsToldSo(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, tx *sql.Tx) error{
		"exec": func(ctx context.Context, tx *sql.Tx) error { _, err := tx.ExecContext(ctx, "update"); return err },
		"query": func(ctx context.Context, tx *sql.Tx) error {
			rows, err := tx.QueryContext(ctx, "select")
			if err == nil {
				_ = rows.Close()
			}
			return err
		},
		"prepare": func(ctx context.Context, tx *sql.Tx) error { _, err := tx.PrepareContext(ctx, "select"); return err },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			late := pooled.Middleware{Name: "late", Call: func(next middleware.CallFunc) middleware.CallFunc {
				return func(ctx context.Context, c *middleware.Call) error {
					if c.Text != "" {
						cancel()
					}
					return next(ctx, c)
				}
			}}
			p := pooltest.NewPoolOf(t, pooltest.Modern, nil, late)
			tx, err := p.BeginTx(ctx, nil)
			require.NoError(t, err)
			require.ErrorIs(t, call(ctx, tx), context.Canceled)
			for _, call := range p.Fault.Calls() {
				assert.NotContains(t, call, "update", "nothing is sent")
				assert.NotContains(t, call, "select", "nothing is sent")
			}
		})
	}
}
