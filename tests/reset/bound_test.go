package reset_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// What only the end of a session gives up costs the connection, however it came about.
func TestPostgresSessionIsBoundToNothing(t *testing.T) {
	const origin, slot = "perform pg_replication_origin_session_setup('NAME');", "perform pg_create_physical_replication_slot('NAME', false, true);"
	for _, c := range []struct {
		name            string
		setup, borrower string
		closed          uint64 // connections
	}{
		{"an origin of a DO block", "", "do $$begin " + origin + " end$$", 1},
		{"an origin of a function", "create function f() returns void language plpgsql as $$begin " + origin + " end$$", "select f()", 1},
		{"an origin of a text that is executed", "", "do $$begin execute replace('select pg_replication_origin_sessionsetup(''NAME'')', 'session', 'session_'); end$$", 1},
		{"an origin that is given up", "", "do $$begin execute replace('select pg_replication_origin_sessionsetup(''NAME'')', 'session', 'session_'); perform pg_replication_origin_session_reset(); end$$", 0},
		{"a slot of a DO block", "", "do $$begin " + slot + " end$$", 1},
		{"a slot of a function", "create function f() returns void language plpgsql as $$begin " + slot + " end$$", "select f()", 1},
		{"a slot that is dropped", "", "do $$begin " + slot + " perform pg_drop_replication_slot('NAME'); end$$", 0},
		{"neither", "", "do $$begin perform 1; end$$", 0},
	} {
		for version, database := range realtest.PostgresVersions {
			t.Run(version+"/"+c.name, func(t *testing.T) {
				t.Parallel()
				dsn := database(t)
				name := strings.ToLower(realtest.Scalar(t, realtest.Open(t, "pgx", dsn), "select current_database()"))
				here := strings.NewReplacer("NAME", name)
				bare := realtest.Open(t, "pgx", dsn)
				t.Cleanup(func() { // when the server has noticed that the pool is closed
					assert.Eventually(t, func() bool {
						_, err := bare.Exec("select pg_replication_origin_drop($1)", name)
						return err == nil
					}, 10*time.Second, 10*time.Millisecond)
				})
				_, err := bare.ExecContext(t.Context(), "select pg_replication_origin_create($1)", name)
				require.NoError(t, err)
				if c.setup != "" {
					_, err := bare.ExecContext(t.Context(), here.Replace(c.setup))
					require.NoError(t, err)
				}
				db, _ := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: dsn}, func(p *pooled.Config) { p.Reset.Audit = 0 })
				realtest.Borrow(t, db, "set app.tenant = '7'") // and it is known what a session begins with
				realtest.Borrow(t, db, here.Replace(c.borrower))
				assert.Equal(t, "false 0", realtest.Scalar(t, db, `select concat(pg_replication_origin_session_is_setup()::text, ' ',
					(select count(*) from pg_replication_slots where temporary and active_pid = pg_backend_pid()))`))
				assert.Equal(t, c.closed, resettest.Resets(t, db).Discards.Permanent)
				assert.Zero(t, resettest.Resets(t, db).Discards.Failed)
			})
		}
	}
}

// An ordinary user may not ask for an origin, and has sessions reset all the same.
func TestPostgresFullResetAsksNothingThatTheUserMayNot(t *testing.T) {
	for version, database := range realtest.PostgresVersions {
		t.Run(version, func(t *testing.T) {
			dsn := database(t)
			bare := realtest.Open(t, "pgx", dsn)
			name := realtest.Scalar(t, bare, "select current_database()")
			for _, text := range []string{
				`create role "` + name + `" login password 'secret'`, `grant create on schema public to "` + name + `"`,
			} {
				_, err := bare.ExecContext(t.Context(), text)
				require.NoError(t, err)
			}
			t.Cleanup(func() {
				_, err := bare.Exec(`drop owned by "` + name + `"`)
				assert.NoError(t, err)
				_, err = bare.Exec(`drop role "` + name + `"`)
				assert.NoError(t, err)
			})
			ordinary, err := url.Parse(dsn)
			require.NoError(t, err)
			ordinary.User = url.UserPassword(name, "secret")
			db, log := resettest.OpenForReset(t, resettest.Family{Driver: "pgx", DSN: ordinary.String()}, nil)
			id := realtest.Scalar(t, db, "select pg_backend_pid()")
			realtest.Borrow(t, db, "do $$begin perform set_config('app.leak', '1', false); end$$")
			assert.Empty(t, realtest.Scalar(t, db, "select current_setting('app.leak', true)"))
			assert.Equal(t, id, realtest.Scalar(t, db, "select pg_backend_pid()"), log)
			assert.Equal(t, uint64(1), resettest.Resets(t, db).Resets)
		})
	}
}
