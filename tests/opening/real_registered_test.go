package opening_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// queryCounter is a pgx tracer, which only a configuration can have.
type queryCounter struct{ n atomic.Int64 }

func (q *queryCounter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.n.Add(1)
	return ctx
}

func (*queryCounter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// register gives pgx a configuration, and returns its name and what counts its queries.
func register(t *testing.T, dsn string) (name string, queries *queryCounter) {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	queries = &queryCounter{}
	cfg.Tracer = queries
	name = stdlib.RegisterConnConfig(cfg)
	t.Cleanup(func() { stdlib.UnregisterConnConfig(name) })
	return name, queries
}

func TestNamesOfRegisteredConfigurationsAreDSNs(t *testing.T) {
	for server, dsn := range map[string]string{"PostgreSQL 15": testserver.Postgres(t), "PostgreSQL 18": testserver.Postgres18(t)} {
		for _, how := range []struct{ driver, before, after string }{
			{"pooled-pgx", "", "?pool_max_conns=1"}, // so that all calls have the same connection
			{"pooled-pgx", "", "?pool_max_conns=1&pool_leak_reclaim=all&pool_breaker=on&pool_min_idle_conns=1"},
			{"pooled-pgx", "", "?pool_leak=off&pool_max_conns=1"},
			{"pooled", "", "?pool_cancel=close&pool_max_conns=1"},
			{"pooled", "pgx:", "?pool_max_conns=1"},
			{"pooled", "", "?pool_driver=pgx&pool_max_conns=1"},
		} {
			t.Run(server+", "+how.driver+" "+how.before+how.after, func(t *testing.T) {
				name, queries := register(t, dsn)
				admin := realtest.Open(t, "pgx", dsn)
				db := realtest.Open(t, how.driver, how.before+name+how.after)
				require.NoError(t, db.QueryRow("select 1").Scan(new(int)))
				require.Positive(t, queries.n.Load(), "it is not that configuration")

				pid := func() (pid int) {
					require.NoError(t, db.QueryRow("select pg_backend_pid()").Scan(&pid))
					return pid
				}
				before := pid()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 1)
				go func() { _, err := db.ExecContext(ctx, "select pg_sleep(60)"); ended <- err }()
				for sleeping := false; !sleeping; {
					const asleep = "select exists (select from pg_stat_activity where pid = $1 and state = 'active' and query = 'select pg_sleep(60)')"
					require.NoError(t, admin.QueryRow(asleep, before).Scan(&sleeping))
				}
				cancel()
				require.ErrorIs(t, <-ended, context.Canceled)
				assert.Equal(t, !strings.Contains(how.after, "cancel=close"), before == pid(), "a cancelled statement keeps its connection")

				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				defer conn.Close()
				require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
					_, watched := real.(*stdlib.Conn).Conn().PgConn().Conn().(*dialect.Socket)
					assert.Equal(t, !strings.Contains(how.after, "leak=off"), watched)
					return nil
				}))
			})
		}
	}
}

// The first dial has another one before it, whose connection must leave no trace.
func TestAConfigurationIsAskedForOnceAndTheSessionEnds(t *testing.T) {
	for server, dsn := range map[string]string{"PostgreSQL 15": testserver.Postgres(t), "PostgreSQL 18": testserver.Postgres18(t)} {
		t.Run(server, func(t *testing.T) {
			admin := realtest.Open(t, "pgx", dsn)
			user := fmt.Sprintf("pooled_single_%d", time.Now().UnixNano())
			_, err := admin.Exec("create role " + user + " login password 'single' connection limit 1")
			require.NoError(t, err)
			t.Cleanup(func() { _, err := admin.Exec("drop role " + user); assert.NoError(t, err) })
			address, err := url.Parse(dsn)
			require.NoError(t, err)
			address.User = url.UserPassword(user, "single")
			address.Path = "/postgres"
			name, _ := register(t, address.String())
			db := realtest.Open(t, "pooled-pgx", name+"?pool_max_conns=1")
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					_, err := db.ExecContext(t.Context(), "select 1")
					assert.NoError(t, err)
				})
			}
			wg.Wait()
			require.NoError(t, db.Close())
		})
	}
}

func TestAConfigurationThatIsNotRegisteredAnyMoreIsKnown(t *testing.T) {
	name, queries := register(t, testserver.Postgres(t))
	db := realtest.Open(t, "pooled-pgx", name)
	require.NoError(t, db.Ping())
	stdlib.UnregisterConnConfig(name)
	connector, ok := pooled.From(db)
	require.True(t, ok)
	require.NoError(t, connector.Evict(""))
	before := queries.n.Load()
	_, err := db.Exec("select 1")
	require.NoError(t, err)
	assert.Greater(t, queries.n.Load(), before)
	assert.EqualValues(t, 2, connector.Stats().Endpoints[0].Dials)
}

func TestNotificationsOfARegisteredConfigurationComeToTheConnectionThatListens(t *testing.T) {
	name, _ := register(t, testserver.PostgresDatabase(t))
	db := realtest.Open(t, "pooled-pgx", name)
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	defer conn.Close()
	_, err = conn.ExecContext(t.Context(), "listen news")
	require.NoError(t, err)
	_, err = db.Exec("select pg_notify('news', 'it is here')")
	require.NoError(t, err)
	require.NoError(t, pooled.Raw(t.Context(), conn, func(real driver.Conn) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		n, err := real.(*stdlib.Conn).Conn().WaitForNotification(ctx)
		if err == nil {
			assert.Equal(t, "it is here", n.Payload)
		}
		return err
	}))
}

func TestARegisteredConfigurationHasNoHostsToRoute(t *testing.T) {
	name, _ := register(t, testserver.Postgres(t))
	_, err := sql.Open("pooled-pgx", name+"?pool_replicas=db2:5432")
	require.ErrorContains(t, err, "cannot be seen: write a DSN")
}
