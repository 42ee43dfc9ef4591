package overload_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// Whether statements are judged for a reset or not, and whatever pooled adds to them itself.
func TestTheClassInACommentCountsOnEachServer(t *testing.T) {
	const comment = "select 'it''s' /* pool:class=batch */"
	for _, server := range []struct {
		driver, dsn string
		batch, none []string
	}{
		{"pgx", testserver.Postgres(t), []string{comment, `select 'a\' -- pool:class=batch`}, []string{"select $$/* pool:class=batch */$$"}},
		{"mysql", testserver.MariaDB(t), []string{comment, "select 1 # pool:class=batch"}, []string{`select 'a\'/* pool:class=batch */'`}},
	} {
		for _, mode := range []policy.ResetMode{policy.ResetDirty, policy.ResetOff} {
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN = server.driver, server.dsn
			cfg.Reset.Mode = mode
			cfg.SQLCommenter.Mode = policy.SQLCommenterTrace
			pooltest.WithClasses(2)(&cfg)
			db, connector := pooltest.Open(t, cfg)
			p := pooltest.Pool{DB: db, Fault: nil, Connector: connector}
			counts := func(class, text string) {
				t.Helper()
				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				require.NoError(t, realtest.ReadAll(conn.QueryContext(t.Context(), text)), text)
				assert.Equal(t, 1, inUse(p)[class], "%s with reset %v: %s", server.driver, mode, text)
				require.NoError(t, conn.Close())
			}
			for _, text := range server.batch {
				counts("batch", text)
			}
			for _, text := range append(server.none, "select 1") {
				counts("web", text)
			}
		}
	}
}
