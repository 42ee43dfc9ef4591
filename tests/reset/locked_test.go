package reset_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/tests/internal/realtest"
)

// An exclusive lock on a table of another database, which has the same name and so is asked for too, neither keeps the only connection from callers for as
// long as it lasts, nor hides what the table has. The last is asked with a lock_wait_timeout of the session, at which MariaDB leaves out and only warns.
func TestReadingTheCatalogueDoesNotWaitForWhoeverHasLockedATable(t *testing.T) {
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		for _, params := range []string{"", "&lock_wait_timeout=1"} {
			t.Run("dsn"+params, func(t *testing.T) {
				own, err := mysql.ParseDSN(s.Database(t))
				require.NoError(t, err)
				bare := realtest.Open(t, "mysql", own.FormatDSN())
				other, err := mysql.ParseDSN(s.Database(t))
				require.NoError(t, err)
				bareOther := realtest.Open(t, "mysql", other.FormatDSN())
				for _, text := range []string{
					"create table busy (id int)", "create table z (id int)", "create trigger tr before insert on busy for each row set @leak = 1",
				} {
					_, err := bareOther.Exec(text)
					require.NoError(t, err)
				}
				_, err = bare.Exec("create table busy (id int)")
				require.NoError(t, err)

				unlock := lockTable(t, bareOther)
				db := realtest.Open(t, "pooled", "mysql://"+own.FormatDSN()+"?pool_max_conns=1"+params)
				ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second) // the lock outlasts it
				defer cancel()
				_, err = db.ExecContext(ctx, "insert into busy values (1)")
				require.NoError(t, err)
				_, err = db.ExecContext(ctx, "do 0") // waits for the connection
				assert.NoError(t, err)
				unlock()

				_, err = db.Exec("insert into `" + other.DBName + "`.busy values (1)")
				require.NoError(t, err)
				var leak sql.NullString
				require.NoError(t, db.QueryRow("select @leak").Scan(&leak))
				assert.False(t, leak.Valid, "the trigger was not seen")
			})
		}
	})
}

// lockTable locks the table busy exclusively, as whoever renames it has it while he waits for another one.
func lockTable(t *testing.T, db *sql.DB) (unlock func()) {
	t.Helper()
	tx, err := db.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("select * from z")
	require.NoError(t, err)
	rename, err := db.Conn(t.Context())
	require.NoError(t, err)
	var id string
	require.NoError(t, rename.QueryRowContext(t.Context(), "select connection_id()").Scan(&id))
	renamed := make(chan error, 1)
	go func() {
		_, err := rename.ExecContext(context.Background(), "rename table busy to busy2, z to z2")
		renamed <- err
	}()
	require.Eventually(t, func() bool {
		var n int
		err := db.QueryRow("select count(*) from information_schema.processlist where id = " + id + " and state like 'Waiting for table metadata lock'").Scan(&n)
		return err == nil && n == 1
	}, time.Minute, 10*time.Millisecond)
	return func() {
		_, err := db.Exec("kill query " + id)
		assert.NoError(t, err)
		assert.Error(t, <-renamed)
		assert.NoError(t, rename.Close())
		assert.NoError(t, tx.Rollback())
	}
}
