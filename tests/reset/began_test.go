package reset_test

import (
	"context"
	"database/sql/driver"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// dialectServer is a server as its dialect knows it, and what dials it.
func dialectServer(t *testing.T, name, dsn string) (dialect.Server, func() driver.Conn) {
	t.Helper()
	d, err := dialect.ForDriver(name)
	require.NoError(t, err)
	server, err := d.Open(dsn)
	require.NoError(t, err)
	return server, func() driver.Conn {
		conn, err := server.Connector.Connect(t.Context())
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, conn.Close()) })
		if server.Dialled != nil {
			_, err = server.Dialled(t.Context(), conn)
			require.NoError(t, err)
		}
		return conn
	}
}

func TestADialTellsWhatTextsAreJudgedBy(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		umlaut, null := "select 'ö'", "select null is null"
		for params, want := range map[string]struct{ effects, sees dialect.Effects }{
			"": {}, "?charset=gbk": {dialect.UnknownEffect, 0}, "?sql_auto_is_null=1": {0, dialect.Sequence},
		} {
			t.Run(params, func(t *testing.T) {
				server, dial := dialectServer(t, "mysql", s.Server(t)+params)
				judged := server.Sessions.Statement(umlaut)
				assert.True(t, judged.Provisional && judged.AwaitsBaseline, "%+v", judged)
				assert.Equal(t, dialect.Sequence, server.Sessions.Statement(null).Sees)
				dial()
				judged = server.Sessions.Statement(umlaut)
				assert.False(t, judged.Provisional, "%+v", judged)
				assert.Equal(t, want.effects, judged.Effects)
				assert.Equal(t, want.sees, server.Sessions.Statement(null).Sees)
			})
		}
	})
}

// A change of roles that nobody has seen hides programs from who reads the catalogue.
func TestCatalogueIsReadWithTheRolesThatSessionsBeginWith(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		dsn := s.Database(t)
		admin := realtest.Open(t, "mysql", dsn)
		role := "role_" + realtest.Scalar(t, admin, "select substring(sha2(database(), 256), 1, 20)")
		for _, text := range []string{"create role " + role, "grant " + role + " to current_user()"} {
			_, err := admin.ExecContext(t.Context(), text)
			require.NoError(t, err)
		}
		defer admin.ExecContext(context.WithoutCancel(t.Context()), "drop role "+role)
		server, dial := dialectServer(t, "mysql", dsn)
		conn := dial()
		current := func() string {
			rows, err := conn.(driver.QueryerContext).QueryContext(t.Context(), "select coalesce(current_role(), '')", nil)
			require.NoError(t, err)
			defer rows.Close()
			row := make([]driver.Value, 1)
			require.NoError(t, rows.Next(row))
			return string(row[0].([]byte))
		}
		want := current()
		_, err := conn.(driver.ExecerContext).ExecContext(t.Context(), "set role "+role, nil)
		require.NoError(t, err)
		require.NotEqual(t, want, current())
		require.NoError(t, server.Sessions.Learn(t.Context(), conn, nil, true))
		assert.Equal(t, want, current())
	})
}
