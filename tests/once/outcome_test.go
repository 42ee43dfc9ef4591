package once_test

import (
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
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

// outcomeServers are the servers, with a DSN that leads to them by way of another address.
var outcomeServers = []struct {
	name, driver string
	dsn          func(testing.TB) string
	by           func(t *testing.T, dsn string, to func(server string) (address string)) string
	insert       string // with an argument
	insertRow    string // with an argument and a row; empty: there is no such statement
}{
	{"PostgreSQL", "pgx", testserver.PostgresDatabase, postgresBy, "insert into ledger values ($1)", "insert into ledger values ($1) returning n"},
	{"MariaDB", "mysql", testserver.MariaDBDatabase, mysqlBy, "insert into ledger values (?)", "insert into ledger values (?) returning n"},
	{"MySQL", "mysql", testserver.MySQLDatabase, mysqlBy, "insert into ledger values (?)", ""},
}

func postgresBy(t *testing.T, dsn string, to func(string) string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.Host = to(u.Host)
	return u.String()
}

func mysqlBy(t *testing.T, dsn string, to func(string) string) string {
	t.Helper()
	return realtest.WithParams(t, dsn, func(c *mysql.Config) { c.Addr = to(c.Addr) })
}

// pgx answers driver.ErrBadConn for a simple query whose answer was lost, and database/sql would run it again.
func TestStatementWhoseAnswerIsLostRunsOnce(t *testing.T) {
	for _, s := range outcomeServers {
		for name, change := range map[string]func(*pooled.Config){
			"with a socket":  func(*pooled.Config) {},
			"without socket": func(c *pooled.Config) { c.Leak.Threshold = 0 },
		} {
			t.Run(s.name+" "+name, func(t *testing.T) {
				dsn := s.dsn(t)
				bare := realtest.Open(t, s.driver, dsn)
				_, err := bare.ExecContext(t.Context(), "create table ledger (n int)")
				require.NoError(t, err)
				var cut atomic.Bool
				cfg := pooled.NewConfig()
				cfg.DriverName = s.driver
				cfg.Pool.MaxConns = 1 // so that nobody else gets an answer
				cfg.DSN = s.by(t, dsn, func(server string) string { return cuttingProxy(t, server, &cut) })
				change(&cfg)
				db, _ := pooltest.Open(t, cfg)
				exec := func(text string, args ...any) func() error {
					return func() error {
						_, err := db.ExecContext(t.Context(), text, args...)
						return err
					}
				}
				ways := []func() error{exec("insert into ledger values (1)"), exec(s.insert, 1)}
				if s.insertRow != "" {
					ways = append(ways, func() error { return db.QueryRowContext(t.Context(), s.insertRow, 1).Scan(new(int)) })
				}
				for i, run := range ways {
					require.NoError(t, run())
					require.NoError(t, run()) // all is prepared and the catalogue is read, so that the next answer is that of the statement
					cut.Store(true)
					require.Error(t, run())
					assert.Equal(t, 3*(i+1), realtest.ScanInt(t, bare, "select count(*) from ledger"))
				}
			})
		}
	}
}
