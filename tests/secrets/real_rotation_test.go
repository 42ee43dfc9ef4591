package secrets_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

const workers = 4

// load has workers run statements until the test stops it, and fails the test if one of them fails.
func load(t *testing.T, db *sql.DB) (stop func()) {
	var wg sync.WaitGroup
	var done atomic.Bool
	var calls atomic.Int64
	for range workers {
		wg.Go(func() {
			for n := 0; !done.Load(); n++ {
				var got int
				if err := db.QueryRowContext(t.Context(), "select 1").Scan(&got); !assert.NoError(t, err) {
					return
				}
				calls.Add(1)
			}
		})
	}
	return func() {
		done.Store(true)
		wg.Wait()
		assert.Greater(t, calls.Load(), int64(workers))
	}
}

// replaced evicts all connections, and waits until there are as many new ones.
func replaced(t *testing.T, c *pooled.Connector) {
	t.Helper()
	before := c.Stats().Endpoints[0]
	require.NoError(t, c.Evict(""))
	for {
		now := c.Stats().Endpoints[0]
		if now.Dials-now.FailedDials >= before.Dials-before.FailedDials+workers || t.Failed() {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestAPasswordFileIsReplacedWhileStatementsRun(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		file := newFile(t, firstPassword)
		cfg := a.config()
		cfg.PasswordFile = file.path
		cfg.Pool.MaxConns = workers
		var log pooltest.LogBuffer
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		var dialling sync.RWMutex
		db, connector := pooltest.Open(t, cfg, pooled.Middleware{Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
			return func(ctx context.Context, d *middleware.Dial) (driver.Conn, error) {
				dialling.RLock()
				defer dialling.RUnlock()
				return next(ctx, d)
			}
		}})
		stop := load(t, db)
		for n := range 3 {
			password := fmt.Sprint("rotated-", n)
			dialling.Lock() // between these two nobody could log in
			a.change(password)
			file.write(password)
			dialling.Unlock()
			replaced(t, connector)
		}
		stop()
		assert.Zero(t, connector.Stats().Endpoints[0].FailedDials)
		assert.NotContains(t, log.String()+fmt.Sprintf("%v %#v", cfg, cfg), "rotated-")
	})
}

func TestADSNNamesThePasswordFile(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		file := newFile(t, firstPassword)
		dsn := a.without() + "&pool_password_file=" + file.path
		if a.driver == "mysql" {
			dsn = a.without() + "&pool_password_file=" + url.QueryEscape(file.path)
		}
		db, err := sql.Open("pooled", dsn)
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, db.Close()) })
		require.NoError(t, db.PingContext(t.Context()))
	})
}

// tokens are credentials as a vault has them: whoever asks while they are changed waits for the new ones.
type tokens struct {
	mu      sync.Mutex
	current pooled.Credentials
	asked   int
}

func (v *tokens) ask(context.Context, string) (pooled.Credentials, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked++
	return v.current, nil
}

func TestCredentialsAreReplacedWhileStatementsRunAndConnectionsAreDialled(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		vault := &tokens{current: pooled.Credentials{Password: firstPassword, Expires: time.Now().Add(time.Hour)}}
		cfg := a.config()
		cfg.Credentials = vault.ask
		cfg.Pool.MaxConns = workers
		var log pooltest.LogBuffer
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		db, connector := pooltest.Open(t, cfg)
		stop := load(t, db)
		replaced(t, connector)
		require.Equal(t, 1, vault.asked, "one answer serves all dials")
		const changes = 5
		for n := range changes {
			password := fmt.Sprint("rotated-", n)
			vault.mu.Lock()
			require.NoError(t, connector.Evict("")) // so that some are refused
			a.change(password)
			vault.current.Password = password
			vault.mu.Unlock()
			replaced(t, connector)
		}
		stop()
		assert.LessOrEqual(t, vault.asked, 1+changes, "one question for each change, at most")
		require.NoError(t, connector.Evict(""))
		require.NoError(t, db.PingContext(t.Context()), "the server takes the last one alone")
		assert.NotContains(t, log.String(), "rotated-")
	})
}

func TestAUserIsReplacedByAnother(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		cfg := a.config()
		cfg.DSN = "" // of nobody: the function says all
		if a.driver == "pgx" {
			address, err := url.Parse(a.dsn)
			require.NoError(t, err)
			address.User = url.User("nobody_at_all")
			cfg.DSN = address.String()
		} else {
			cfg.DSN = "nobody_at_all" + a.dsn[len(a.user):]
		}
		pooled.RegisterCredentials(t.Name(), func(context.Context, string) (pooled.Credentials, error) {
			return pooled.Credentials{User: a.user, Password: firstPassword}, nil
		})
		cfg.CredentialsName = t.Name()
		db, _ := pooltest.Open(t, cfg)
		text := "select current_user()"
		if a.driver == "pgx" {
			text = "select current_user"
		}
		assert.Contains(t, realtest.Scalar(t, db, text), a.user)
	})
}

// A server without the new password of KILL QUERY would go on with the statement, and the connection be lost.
func TestAStatementIsCancelledWithTheNewPassword(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		vault := &tokens{current: pooled.Credentials{Password: firstPassword, Expires: time.Now().Add(time.Hour)}}
		file := newFile(t, firstPassword)
		for name, set := range map[string]func(*pooled.Config){
			"file":        func(c *pooled.Config) { c.PasswordFile = file.path },
			"credentials": func(c *pooled.Config) { c.Credentials = vault.ask },
		} {
			t.Run(name, func(t *testing.T) {
				cfg := a.config()
				cfg.Pool.MaxConns = 1
				set(&cfg)
				db, connector := pooltest.Open(t, cfg)
				id := realtest.ScanInt(t, db, a.self())
				password := "rotated-for-" + name
				a.change(password)
				file.write(password)
				vault.current.Password = password
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				_, err := db.ExecContext(ctx, a.long())
				require.Error(t, err)
				assert.Equal(t, id, realtest.ScanInt(t, db, a.self()), "the connection is kept")
				assert.EqualValues(t, 1, connector.Stats().Endpoints[0].Dials)
			})
		}
	})
}

func TestAConnectionIsReclaimedThatWasLoggedInWithAFile(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		cfg := a.config()
		cfg.PasswordFile = newFile(t, firstPassword).path
		requireReclaim(t, cfg)
	})
}

// requireReclaim has a connection reclaimed that somebody holds, and another one take its place.
func requireReclaim(t *testing.T, cfg pooled.Config) {
	t.Helper()
	cfg.Pool.MaxConns = 1
	cfg.Leak.Threshold, cfg.Leak.Reclaim = 100*time.Millisecond, policy.ReclaimAll
	cfg.Nested = policy.NestedOff // on purpose
	db, _ := pooltest.Open(t, cfg)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.PingContext(t.Context()))
	require.NoError(t, db.PingContext(t.Context()), "the permit is free")
	require.ErrorIs(t, conn.PingContext(t.Context()), pooled.ErrReclaimed)
}

func TestAMissingFileFailsTheDialAndNamesTheFile(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		cfg := a.config()
		cfg.PasswordFile = "/nowhere/password"
		cfg.Breaker.On, cfg.Breaker.Failures = true, 1
		db, _ := pooltest.Open(t, cfg)
		for range 3 { // the server is well, so the breaker has no reason to open
			err := db.PingContext(t.Context())
			require.ErrorIs(t, err, pooled.ErrCredentials)
			require.ErrorContains(t, err, "/nowhere/password: no such file or directory")
		}
	})
}
