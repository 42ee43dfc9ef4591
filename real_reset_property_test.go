package pooled_test

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/testserver"
)

// A random sequence of state changes, by random ways, in sessions of random length: afterwards all that can be seen of the session
// is as on a connection that was just dialled. Errors are part of the sequences: what one step left may forbid the next.
func testResetProperty(t *testing.T, f family, traces []trace, sequences int) {
	bare := openReal(t, f.driver, f.dsn)
	bare.SetMaxIdleConns(0) // a new connection each time
	queries := slices.Clone(f.state)
	for _, tr := range traces {
		for _, probe := range tr.probes {
			if !slices.Contains(queries, probe) {
				queries = append(queries, probe)
			}
		}
	}
	ways := slices.Sorted(maps.Keys(f.ways))
	// In every other sequence nothing is hidden, so that only what was done is undone.
	open := slices.DeleteFunc(slices.Clone(ways), func(way string) bool {
		return slices.Contains([]string{"by Raw", "in a DO block", "in a function"}, way)
	})
	undone := slices.DeleteFunc(slices.Clone(traces), func(tr trace) bool { return tr.permanent || tr.hides })
	db, log := openForReset(t, f, nil)
	_, _ = look(t.Context(), t, db, []string{"select 1"}, f.id) // the catalogue is read after it
	for seed := range uint64(sequences) {
		random := rand.New(rand.NewPCG(seed, 1))
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		var steps []string
		for range 1 + random.IntN(6) {
			tr, way := traces[random.IntN(len(traces))], ways[random.IntN(len(ways))]
			if seed%2 == 0 {
				tr, way = undone[random.IntN(len(undone))], open[random.IntN(len(open))]
			}
			err := f.ways[way](t.Context(), conn, tr)
			steps = append(steps, fmt.Sprintf("%s %s: %v", tr.name, way, err))
		}
		_ = conn.Close() // may be closed already
		got, _ := look(t.Context(), t, db, queries, f.id)
		want, _ := look(t.Context(), t, bare, queries, f.id)
		if !assert.Empty(t, differences(want, got), "seed %d: %q\n%s", seed, steps, log) {
			return
		}
		require.Zero(t, resets(t, db).AuditFailures, "seed %d: %q\n%s", seed, steps, log)
	}
	s := resets(t, db)
	t.Log(log)
	t.Logf("%d clean, %d reset, %+v discarded, by effect %v", s.Clean, s.Resets, s.Discards, s.ByEffect)
	assert.Positive(t, s.Resets)
}

var sequences = flag.Int("sequences", 100, "how many random sequences of changes are tried on each server; they are the same in each run")

func TestPostgresSessionIsCleanAfterAnySequenceOfChanges(t *testing.T) {
	t.Parallel()
	for version, dsn := range map[string]string{"15": testserver.PostgresDatabase(t), "18": testserver.Postgres18Database(t)} {
		t.Run(version, func(t *testing.T) {
			f := postgresFamily(t, dsn)
			delete(f.ways, "with a panic") // it closes the session
			var traces []trace
			for _, tr := range postgresTraces {
				if !tr.shown && !tr.spoils { // what is shown only by its text may be hidden by the way
					traces = append(traces, tr)
				}
			}
			testResetProperty(t, f, traces, *sequences)
		})
	}
}

func TestMySQLSessionIsCleanAfterAnySequenceOfChanges(t *testing.T) {
	t.Parallel()
	onMySQLServers(t, func(t *testing.T, s mysqlServer) {
		f := mysqlFamily(t, s, func(cfg *mysql.Config) { cfg.MultiStatements = true })
		f.ways["in one text"] = mysqlInOneText
		delete(f.ways, "with a panic")
		traces := slices.DeleteFunc(tracesOf(s), func(tr trace) bool { return tr.name == "backup lock" }) // waits for what others define
		testResetProperty(t, f, traces, *sequences)
	})
}
