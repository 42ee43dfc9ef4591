package cancel_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// nextCalls are what a program may do with a *sql.Conn whose transaction was cancelled. They report whether the row was acknowledged.
var nextCalls = map[string]func(ctx context.Context, c *sql.Conn, insert string) bool{
	"another transaction": func(ctx context.Context, c *sql.Conn, insert string) bool {
		tx, err := c.BeginTx(ctx, nil)
		if err != nil {
			return false
		}
		_, err = tx.ExecContext(ctx, insert)
		return tx.Commit() == nil && err == nil
	},
	"an exec": func(ctx context.Context, c *sql.Conn, insert string) bool {
		_, err := c.ExecContext(ctx, insert)
		return err == nil
	},
	"a query": func(ctx context.Context, c *sql.Conn, insert string) bool {
		rows, err := c.QueryContext(ctx, insert)
		if err != nil {
			return false
		}
		for rows.Next() {
		}
		return rows.Close() == nil && rows.Err() == nil
	},
	"a prepared statement": func(ctx context.Context, c *sql.Conn, insert string) bool {
		st, err := c.PrepareContext(ctx, insert)
		if err != nil {
			return false
		}
		defer st.Close()
		_, err = st.ExecContext(ctx)
		return err == nil
	},
	"the real connection": func(ctx context.Context, c *sql.Conn, insert string) bool {
		return pooled.Raw(ctx, c, func(real driver.Conn) error {
			_, err := real.(driver.ExecerContext).ExecContext(ctx, insert, nil)
			return err
		}) == nil
	},
	"a transaction begun by text": func(ctx context.Context, c *sql.Conn, insert string) bool {
		for _, text := range []string{"begin", insert, "commit"} {
			if _, err := c.ExecContext(ctx, text); err != nil {
				return false
			}
		}
		return true
	},
}

// cancelledWork are ways to have a transaction cancelled that has inserted a row, which closes says costs the connection.
var cancelledWork = map[string]func(t *testing.T, c *sql.Conn, insert, long string, closes bool){
	"a transaction, during a statement": func(t *testing.T, c *sql.Conn, insert, long string, closes bool) {
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := c.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, insert)
		require.NoError(t, err)
		time.AfterFunc(time.Millisecond, cancel)
		_, err = tx.ExecContext(ctx, long)
		requireCancelled(t, err, closes)
	},
	"a transaction, between statements": func(t *testing.T, c *sql.Conn, insert, _ string, _ bool) {
		ctx, cancel := context.WithCancel(t.Context())
		tx, err := c.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, insert)
		require.NoError(t, err)
		cancel()
	},
	"a text that begins a transaction": func(t *testing.T, c *sql.Conn, insert, long string, closes bool) {
		require.NoError(t, c.PingContext(t.Context())) // dialling would take as long as the context lasts
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Millisecond, cancel)
		_, err := c.ExecContext(ctx, "begin; "+insert+"; "+long)
		requireCancelled(t, err, closes)
	},
}

// requireCancelled wants the error of a context that has ended. A bare pgx, and so pool_cancel=close, answers driver.ErrBadConn if that was before
// anything was sent.
func requireCancelled(t *testing.T, err error, closes bool) {
	t.Helper()
	if !closes || !errors.Is(err, driver.ErrBadConn) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

// cancelledTxs is how many transactions are cancelled in each way.
var cancelledTxs = flag.Int("cancelled-transactions", 10, "transactions to cancel in each way, on each server")

// After the end of a transaction's context, database/sql rolls it back when it gets round to it. Until then the holder of the *sql.Conn may
// call again.
func TestNothingOfACancelledTransactionIsCommittedAndNothingAcknowledgedIsLost(t *testing.T) {
	for _, s := range realtest.TxServers {
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			bare := realtest.Open(t, s.Driver, dsn)
			_, err := bare.ExecContext(t.Context(), "create table ledger (author varchar(100), cancelled int)")
			require.NoError(t, err)
			for _, mode := range []struct {
				name   string
				closes bool
				rounds int
				during string
			}{
				{"query", false, *cancelledTxs, s.Long},
				{"close", true, 5, s.Brief}, // the server goes on with the statement of a connection that was closed
			} {
				cfg := pooled.NewConfig()
				cfg.DriverName, cfg.DSN = s.Driver, dsn
				if mode.closes {
					cfg.Pool.Cancel = policy.CancelClose
				}
				db, _ := pooltest.Open(t, cfg)
				for cancelled, work := range cancelledWork {
					for next, call := range nextCalls {
						author := fmt.Sprintf("%s: %s, then %s", mode.name, cancelled, next)
						t.Run(author, func(t *testing.T) {
							acknowledged := 0
							insert := fmt.Sprintf("insert into ledger values ('%s', %%d)", author)
							for range mode.rounds {
								c, err := db.Conn(t.Context())
								require.NoError(t, err)
								work(t, c, fmt.Sprintf(insert, 1), mode.during, mode.closes)
								if call(t.Context(), c, fmt.Sprintf(insert, 0)) {
									acknowledged++
								}
								_ = c.Close() // it may have been given up
							}
							of := fmt.Sprintf("select count(*) from ledger where author = '%s' and cancelled = ", author)
							assert.Zero(t, realtest.ScanInt(t, bare, of+"1"), "committed although cancelled")
							assert.Equal(t, acknowledged, realtest.ScanInt(t, bare, of+"0"), "committed, of those acknowledged")
						})
					}
				}
			}
		})
	}
}

// PostgreSQL takes a second BEGIN for a part of the transaction that is open, MySQL commits that.
func TestTransactionBegunInsideACancelledOneDoesNotCommitIt(t *testing.T) {
	for _, s := range realtest.TxServers {
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			bare := realtest.Open(t, s.Driver, dsn)
			_, err := bare.ExecContext(t.Context(), "create table ledger (author varchar(100))")
			require.NoError(t, err)
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN = s.Driver, dsn
			db, connector := pooltest.Open(t, cfg)
			require.NoError(t, db.PingContext(t.Context()))
			c := newSession(t, connector)
			outer, cancel := begun(t, c)
			inner, _ := begun(t, c)
			_, err = c.ExecContext(t.Context(), "insert into ledger values ('cancelled')", nil)
			require.NoError(t, err)
			cancel()
			assert.Equal(t, driver.ErrBadConn, inner.Commit())
			_ = outer.Rollback()
			assert.True(t, c.IsValid())
			assert.Zero(t, realtest.ScanInt(t, bare, "select count(*) from ledger"))
		})
	}
}

func TestTransactionsBegunInsideOneAnotherEndAsThoseOfTheDriver(t *testing.T) {
	for _, s := range realtest.TxServers {
		t.Run(s.Name, func(t *testing.T) {
			dsn := s.DSN(t)
			ends := func(db *sql.DB) (errs []error) {
				c, err := db.Conn(t.Context())
				require.NoError(t, err)
				var txs []*sql.Tx
				for range 2 {
					tx, err := c.BeginTx(t.Context(), nil)
					require.NoError(t, err)
					txs = append(txs, tx)
				}
				errs = append(errs, txs[1].Commit(), txs[0].Commit(), c.Close())
				return errs
			}
			assert.Equal(t, ends(realtest.Open(t, s.Driver, dsn)), ends(realtest.Open(t, "pooled-"+s.Driver, dsn)))
		})
	}
}
