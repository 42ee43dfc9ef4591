package main

import (
	"database/sql"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
)

// TestPreparedStatementsInTransactionsEndInNoDeadlock has as many transactions as there are connections query GORM's pool, which prepares the text there first. With one text, one
// of them prepares it and the others wait for that; with several, each prepares its own.
func TestPreparedStatementsInTransactionsEndInNoDeadlock(t *testing.T) {
	for name, texts := range map[string][]string{
		"one text":       {"select 1", "select 1", "select 1"},
		"several texts":  {"select 1", "select 2", "select 3"},
		"some are alike": {"select 1", "select 2", "select 1"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN = "pgx", testserver.PostgresDatabase(t)
			cfg.Pool.MaxConns = len(texts)
			connector, err := pooled.NewConnector(cfg)
			require.NoError(t, err)
			pool := sql.OpenDB(connector)
			t.Cleanup(func() { require.NoError(t, pool.Close()) })
			db, err := gorm.Open(postgres.New(postgres.Config{Conn: pool}), &gorm.Config{PrepareStmt: true, Logger: logger.Discard})
			require.NoError(t, err)

			var begun, all sync.WaitGroup
			begun.Add(len(texts))
			errs := make([]error, len(texts))
			for i, text := range texts {
				all.Go(func() {
					errs[i] = db.Transaction(func(*gorm.DB) error {
						begun.Done()
						begun.Wait()
						var n int
						return db.Raw(text).Scan(&n).Error // and not on the transaction
					})
				})
			}
			all.Wait()
			refused := 0
			for _, err := range errs {
				if err != nil {
					require.ErrorIs(t, err, pooled.ErrDeadlock)
					refused++
				}
			}
			deadlocks := connector.Stats().Endpoints[0].Nested.Deadlocks
			require.Positive(t, refused)
			require.LessOrEqual(t, int(deadlocks), refused, "GORM hands the error to all who wait for the same text")
			var deadlock *pooled.DeadlockError
			require.ErrorAs(t, errors.Join(errs...), &deadlock)
			require.Contains(t, deadlock.Error(), "TestPreparedStatementsInTransactionsEndInNoDeadlock")
		})
	}
}
