package reset_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

// A migration has more new names in one session than others in all.
func TestASessionWithManyNewNamesKeepsItsConnection(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.Family{Driver: "mysql", DSN: s.Database(t)}
		realtest.SetUp(t, "mysql", f.DSN, []string{"create table t0 (id int)", "create table t1 (id int)", "create trigger leaks before insert on t1 for each row set @leak = 1"})
		db, log := resettest.OpenForReset(t, f, resettest.Unaudited)
		connection := realtest.Scalar(t, db, "select connection_id()")
		for range 2 {
			conn, err := db.Conn(t.Context())
			require.NoError(t, err)
			for i := range 300 {
				_, err := conn.ExecContext(t.Context(), fmt.Sprintf("update t%d set id = 1 where id = %d", i%2, i))
				require.NoError(t, err)
			}
			_, err = conn.ExecContext(t.Context(), "insert into t1 values (1)")
			require.NoError(t, err)
			require.NoError(t, conn.Close())
			assert.Equal(t, "0", realtest.Scalar(t, db, "select count(@leak) from (select 1) one"))
		}
		assert.Equal(t, connection, realtest.Scalar(t, db, "select connection_id()"), log)
	})
}
