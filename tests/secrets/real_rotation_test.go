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

// dialling is locked for reading while a connection is dialled. So no dial sees more than one change.
type dialling struct{ sync.RWMutex }

// middleware requires that no dial is refused.
func (d *dialling) middleware(t *testing.T) pooled.Middleware {
	return pooled.Middleware{Connect: func(next middleware.ConnectFunc) middleware.ConnectFunc {
		return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
			d.RLock()
			defer d.RUnlock()
			conn, err := next(ctx, dial)
			if err != nil && ctx.Err() == nil {
				assert.NoError(t, err, "a dial")
			}
			return conn, err
		}
	}}
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
		time.Sleep(time.Millisecond) // between two looks
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
		var d dialling
		db, connector := pooltest.Open(t, cfg, d.middleware(t))
		stop := load(t, db)
		for n := range 3 {
			password := fmt.Sprint("rotated-", n)
			d.Lock() // between these two nobody could log in
			a.change(password)
			file.write(password)
			d.Unlock()
			replaced(t, connector)
		}
		stop()
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

// tokens are credentials as a vault has them.
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

func (v *tokens) set(password string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.current.Password = password
}

func (v *tokens) count() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}

func TestCredentialsAreReplacedWhileStatementsRunAndConnectionsAreDialled(t *testing.T) {
	onServers(t, func(t *testing.T, a account) {
		vault := &tokens{current: pooled.Credentials{Password: firstPassword, Expires: time.Now().Add(time.Hour)}}
		cfg := a.config()
		cfg.Credentials = vault.ask
		cfg.Pool.MaxConns = workers
		var log pooltest.LogBuffer
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		var d dialling
		db, connector := pooltest.Open(t, cfg, d.middleware(t))
		stop := load(t, db)
		replaced(t, connector)
		require.Equal(t, 1, vault.count(), "one answer serves all dials")
		const changes = 5
		for n := range changes {
			password := fmt.Sprint("rotated-", n)
			d.Lock()
			a.change(password)
			vault.set(password)
			d.Unlock()
			replaced(t, connector) // the first dials have what was kept, and are refused
		}
		stop()
		assert.Equal(t, 1+changes, vault.count(), "one question for each change")
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
		pooled.RegisterCredentials(a.user, func(context.Context, string) (pooled.Credentials, error) {
			return pooled.Credentials{User: a.user, Password: firstPassword}, nil
		})
		cfg.CredentialsName = a.user
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
				require.NoError(t, db.PingContext(t.Context()))
				password := "rotated-for-" + name
				a.change(password)
				file.write(password)
				vault.set(password)
				a.cancelled(t, db)
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
