package deadlock_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/pooltest"
	"github.com/gopooled/pooled/tests/internal/realtest"
)

func TestDeadlockOverConnectionsOfARealServerEnds(t *testing.T) {
	for name, server := range map[string]struct {
		driver string
		dsn    func(testing.TB) string
	}{
		"PostgreSQL": {"pgx", testserver.PostgresDatabase},
		"MariaDB":    {"mysql", testserver.MariaDBDatabase},
		"MySQL":      {"mysql", testserver.MySQLDatabase},
	} {
		t.Run(name, func(t *testing.T) {
			const many = 3
			cfg := pooled.NewConfig()
			cfg.DriverName, cfg.DSN, cfg.Pool.MaxConns = server.driver, server.dsn(t), many
			db, connector := pooltest.Open(t, cfg)
			var held, all sync.WaitGroup
			held.Add(many)
			errs := make(chan error, many)
			for i := range many {
				all.Go(func() {
					end, err := holds["transaction"](t.Context(), db)
					assert.NoError(t, err)
					held.Done()
					held.Wait()
					errs <- realtest.ReadAll(db.QueryContext(context.Background(), fmt.Sprint("select ", i)))
					assert.NoError(t, end())
				})
			}
			all.Wait()
			refused := 0
			for range many {
				if err := <-errs; err != nil {
					require.ErrorIs(t, err, pooled.ErrDeadlock)
					refused++
				}
			}
			assert.Equal(t, 1, refused)
			assert.EqualValues(t, many, connector.Stats().Endpoints[0].Nested.Nested)
		})
	}
}
