package pooled_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A migration has more new names in one session than others in all.
func TestASessionWithManyNewNamesKeepsItsConnection(t *testing.T) {
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		f := family{driver: "mysql", dsn: s.database(t)}
		setUp(t, "mysql", f.dsn, []string{"create table t0 (id int)", "create table t1 (id int)", "create trigger leaks before insert on t1 for each row set @leak = 1"})
		db, log := openForReset(t, f, unaudited)
		connection := scalar(t, db, "select connection_id()")
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
			assert.Equal(t, "0", scalar(t, db, "select count(@leak) from (select 1) one"))
		}
		assert.Equal(t, connection, scalar(t, db, "select connection_id()"), log)
	})
}
