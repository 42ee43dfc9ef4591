package pooled_test

import (
	"context"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
)

// cuttingProxy passes everything on, but cuts a connection off instead of passing an answer on, once it is told to. The server has executed
// then what it was sent.
func cuttingProxy(t *testing.T, server string, cut *atomic.Bool) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			up, err := net.Dial("tcp", server)
			if err != nil {
				_ = client.Close()
				continue
			}
			go func() { _, _ = io.Copy(up, client) }()
			go func() {
				defer client.Close()
				defer up.Close()
				for answer := make([]byte, 4096); ; {
					n, err := up.Read(answer)
					if err != nil || cut.CompareAndSwap(true, false) {
						return
					}
					if _, err := client.Write(answer[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
	return listener.Addr().String()
}

// pgx answers driver.ErrBadConn for a simple query whose answer was lost, and database/sql would run it again.
func TestStatementWhoseAnswerIsLostRunsOnce(t *testing.T) {
	dsn := testserver.PostgresDatabase(t)
	bare := openReal(t, "pgx", dsn)
	_, err := bare.ExecContext(t.Context(), "create table ledger (n int)")
	require.NoError(t, err)
	for name, change := range map[string]func(*pooled.Config){
		"with a socket":  func(*pooled.Config) {},
		"without socket": func(c *pooled.Config) { c.Leak.Threshold = 0 },
	} {
		t.Run(name, func(t *testing.T) {
			var cut atomic.Bool
			u, err := url.Parse(dsn)
			require.NoError(t, err)
			u.Host = cuttingProxy(t, u.Host, &cut)
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN = "pgx", u.String()
			change(&cfg)
			db, _ := openConfig(t, cfg)
			_, err = bare.ExecContext(t.Context(), "truncate ledger")
			require.NoError(t, err)
			for i, run := range []func(context.Context) error{
				func(ctx context.Context) error {
					_, err := db.ExecContext(ctx, "insert into ledger values (1)")
					return err
				},
				func(ctx context.Context) error {
					_, err := db.ExecContext(ctx, "insert into ledger values ($1)", 1)
					return err
				},
				func(ctx context.Context) error {
					return db.QueryRowContext(ctx, "insert into ledger values ($1) returning n", 1).Scan(new(int))
				},
			} {
				require.NoError(t, run(t.Context())) // so that all is prepared, and the next answer is that of the statement
				cut.Store(true)
				require.Error(t, run(t.Context()))
				var n int
				require.NoError(t, bare.QueryRowContext(t.Context(), "select count(*) from ledger").Scan(&n))
				assert.Equal(t, 2*(i+1), n)
			}
		})
	}
}
