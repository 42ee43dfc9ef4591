package life_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// The pool has ended for a Conn that somebody kept, so there is nothing to wait for: what it holds goes on working, and what it has not got is refused.
func TestKeptConnOfAPoolThatWasDrainedAndClosedIsAnsweredAtOnce(t *testing.T) {
	uses := map[string]func(ctx context.Context, c *sql.Conn) error{
		"exec": func(ctx context.Context, c *sql.Conn) error { _, err := c.ExecContext(ctx, "exec"); return err },
		"ping": func(ctx context.Context, c *sql.Conn) error { return c.PingContext(ctx) },
		"begin": func(ctx context.Context, c *sql.Conn) error {
			tx, err := c.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			return tx.Commit()
		},
	}
	for use, run := range uses {
		for _, drained := range []bool{false, true} {
			for _, holds := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, drained=%t, holds=%t", use, drained, holds), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						p := pooltest.NewPool(t, pooltest.Modern, func(s *policy.Pool) { s.Drain = policy.DrainWait })
						conn, err := p.Conn(t.Context())
						require.NoError(t, err)
						if holds {
							require.NoError(t, conn.PingContext(t.Context()))
						}
						if drained {
							over, cancel := context.WithCancel(t.Context())
							cancel()
							_, _ = p.Connector.Drain(over)
						}
						require.NoError(t, p.Close())
						ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
						defer cancel()
						began := time.Now()
						err = run(ctx, conn)
						if drained && !holds {
							assert.ErrorIs(t, err, pooled.ErrDraining)
						} else {
							assert.NoError(t, err)
						}
						assert.NoError(t, conn.Close())
						assert.NoError(t, p.Close())
						assert.Zero(t, time.Since(began))
						assert.Empty(t, p.Fault.OpenConns())
					})
				})
			}
		}
	}
}
