package reset_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

func testResetMatrix(t *testing.T, f resettest.Family, traces []resettest.Trace) {
	bare := realtest.Open(t, f.Driver, f.DSN)
	bare.SetMaxIdleConns(0) // a new connection each time
	for _, tr := range traces {
		t.Run(tr.Name, func(t *testing.T) {
			queries := append(slices.Clone(f.State), tr.Probes...)
			want, _ := resettest.Look(t.Context(), t, bare, queries, f.ID)
			ways := maps.Clone(f.Ways)
			ways["cancelled"] = f.Cancelled
			db, log := resettest.OpenForReset(t, f, func(c *pooled.Config) { c.Reset.Audit = 7 }) // besides the looks below, which cost less
			for way, do := range ways {
				// The first borrower gives the pool time to read the catalogue; the connection is the same after it.
				_, before := resettest.Look(t.Context(), t, db, []string{"select 1"}, f.ID)
				conn, err := db.Conn(t.Context())
				require.NoError(t, err)
				switch err := do(t.Context(), conn, tr); err {
				case nil:
				case resettest.ErrNotThisWay:
					require.NoError(t, conn.Close())
					continue
				default:
					require.NoError(t, err, way)
				}
				_ = conn.Close() // may be closed already
				got, after := resettest.Look(t.Context(), t, db, queries, f.ID)
				assert.Empty(t, resettest.Differences(want, got), way)
				if tr.Permanent {
					assert.NotEqual(t, before, after, "%s: the connection was not replaced", way)
				}
				assert.Zero(t, resettest.Resets(t, db).AuditFailures, "%s\n%s", way, log)
			}
		})
	}
}
