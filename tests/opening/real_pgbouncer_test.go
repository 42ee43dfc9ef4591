package opening_test

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

// Behind PgBouncer in transaction mode the README asks for an exec mode that it knows, as bare pgx does.
func TestRealPgBouncerInTransactionModeWorksInTheExecModesThatItKnows(t *testing.T) {
	for _, bouncer := range realtest.PgBouncers {
		for _, mode := range bouncer.Modes {
			t.Run(bouncer.Name+" "+mode, func(t *testing.T) {
				testPgBouncer(t, bouncer.DSN(t)+"&default_query_exec_mode="+mode+"&pool_max_conns=4&pool_validate_after=0", bouncer.Stmts)
			})
		}
	}
}

func testPgBouncer(t *testing.T, dsn string, stmts bool) {
	db := realtest.Open(t, "pooled", dsn)
	var workers sync.WaitGroup
	for worker := range 16 {
		workers.Go(func() {
			for i := range 25 {
				var sum int
				assert.NoError(t, db.QueryRow("select $1::int + $2::int", worker, i).Scan(&sum))
				assert.Equal(t, worker+i, sum)
			}
		})
	}
	workers.Wait()
	if stmts {
		st, err := db.Prepare("select $1::int * 2")
		require.NoError(t, err)
		defer st.Close()
		for range 16 {
			workers.Go(func() {
				for i := range 25 {
					var twice int
					assert.NoError(t, st.QueryRow(i).Scan(&twice))
					assert.Equal(t, 2*i, twice)
				}
			})
		}
		workers.Wait()
	}

	tx, err := db.Begin()
	require.NoError(t, err)
	_, err = tx.Exec("create temporary table t (a int) on commit drop")
	require.NoError(t, err)
	_, err = tx.Exec("insert into t values ($1)", 1)
	require.NoError(t, err)
	var n int
	require.NoError(t, tx.QueryRow("select count(*) from t").Scan(&n))
	assert.Equal(t, 1, n)
	require.NoError(t, tx.Commit())

	connector, ok := pooled.From(db)
	require.True(t, ok)
	assert.LessOrEqual(t, connector.Stats().Endpoints[0].Dials, uint64(4))
}

// With the settings that are right without a proxy, statements fail there, and the log tells what to write.
func TestRealPgBouncerInTransactionModeTellsWhatToWrite(t *testing.T) {
	cfg, err := pooled.ParseDSN(testserver.PgBouncer(t))
	require.NoError(t, err)
	var log pooltest.LogBuffer
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	db, _ := pooltest.Open(t, cfg)
	var failed error
	for range 2 { // of PgBouncer's clients: the server's session that the first one was given is free for the second
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close()
		if _, err = conn.ExecContext(t.Context(), "select $1::int", 1); err != nil {
			failed = err
		}
	}
	require.ErrorContains(t, failed, "42P05")
	_, err = db.ExecContext(t.Context(), "set work_mem = '5MB'") // which would be undone on the server's own sessions
	require.NoError(t, err)
	assert.Contains(t, log.String(), "a proxy stands before the server, so sessions are not reset: write pool_reset=off")
	assert.Contains(t, log.String(), "the DSN does not fit the server")
	assert.Contains(t, log.String(), "write default_query_exec_mode=exec")
}
