package cancel_test

import (
	"context"
	"database/sql/driver"
	"regexp"
	"testing"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/mysql"
)

// Behind one address there may be several servers, and each has a session of that number.
func TestSessionIsEndedOnItsOwnServerOnly(t *testing.T) {
	for name, dsn := range map[string]func(testing.TB) string{"MariaDB": testserver.MariaDB, "MySQL": testserver.MySQL} {
		t.Run(name, func(t *testing.T) {
			server, err := mysql.Dialect{}.Open(dsn(t))
			require.NoError(t, err)
			conn, err := server.Connector.Connect(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			told, err := server.Dialled(t.Context(), conn)
			require.NoError(t, err)
			elsewhere := regexp.MustCompile(`= '[^']+'`).ReplaceAllString(told.Session, "= '00'")
			require.NotEqual(t, told.Session, elsewhere)
			assert.NoError(t, server.Cancel.Statement(t.Context(), told.Session))
			var refused *gomysql.MySQLError
			require.ErrorAs(t, server.Cancel.Statement(t.Context(), elsewhere), &refused)
			assert.EqualValues(t, 1094, refused.Number, "unknown thread")
			_, err = conn.(driver.ExecerContext).ExecContext(context.Background(), "do 0", nil)
			assert.NoError(t, err)
		})
	}
}
