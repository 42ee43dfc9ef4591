package reset_test

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

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
	"github.com/gopooled/pooled/tests/internal/realtest"
	"github.com/gopooled/pooled/tests/internal/resettest"
)

var (
	stepsFlag = flag.Int("steps", 280, "how many random changes of sessions are tried on each server")
	seedFlag  = flag.Uint64("seed", 0, "the seed of the first sequence of them; the next ones have the next seeds")
)

// A random sequence of state changes, by random ways, in sessions of random length: afterwards all that can be seen of the session
// is as on a connection that was just dialled. Errors are part of the sequences: what one step left may forbid the next. One step in five is one
// of the others, of which there are many that are alike.
func testResetProperty(t *testing.T, f resettest.Family, traces, others []resettest.Trace) {
	bare := realtest.Open(t, f.Driver, f.DSN)
	bare.SetMaxIdleConns(0) // a new connection each time
	queries := slices.Clone(f.State)
	for _, tr := range traces {
		for _, probe := range tr.Probes {
			if !slices.Contains(queries, probe) {
				queries = append(queries, probe)
			}
		}
	}
	ways := slices.Sorted(maps.Keys(f.Ways))
	// In every other sequence nothing is hidden, so that only what was done is undone.
	open := slices.DeleteFunc(slices.Clone(ways), func(way string) bool {
		return slices.Contains([]string{"by Raw", "in a DO block", "in a function"}, way)
	})
	undone := slices.DeleteFunc(slices.Clone(traces), func(tr resettest.Trace) bool { return tr.Permanent || tr.Hides })
	db, log := resettest.OpenForReset(t, f, func(c *pooled.Config) { c.Reset.Audit = 7 }) // besides the looks below, which cost less
	_, _ = resettest.Look(t.Context(), t, db, []string{"select 1"}, f.ID)                 // the catalogue is read after it
	want, _ := resettest.Look(t.Context(), t, bare, queries, f.ID)
	taken, seed := 0, *seedFlag
	for ; taken < *stepsFlag; seed++ {
		random := rand.New(rand.NewPCG(seed, 1))
		conn, err := db.Conn(t.Context())
		require.NoError(t, err)
		var steps []string
		for range 1 + random.IntN(6) {
			tr, way := traces[random.IntN(len(traces))], ways[random.IntN(len(ways))]
			if seed%2 == 0 {
				tr, way = undone[random.IntN(len(undone))], open[random.IntN(len(open))]
			}
			if len(others) > 0 && random.IntN(5) == 0 {
				tr = others[random.IntN(len(others))]
			}
			err := f.Ways[way](t.Context(), conn, tr)
			steps = append(steps, fmt.Sprintf("%s %s: %v", tr.Name, way, err))
		}
		if taken/10_000 < (taken+len(steps))/10_000 {
			t.Logf("%d steps, seed %d", taken+len(steps), seed)
		}
		taken += len(steps)
		_ = conn.Close() // may be closed already
		got, _ := resettest.Look(t.Context(), t, db, queries, f.ID)
		if len(resettest.Differences(want, got)) > 0 { // or something else has changed what every new connection sees
			want, _ = resettest.Look(t.Context(), t, bare, queries, f.ID)
		}
		if !assert.Empty(t, resettest.Differences(want, got), "seed %d: %q\n%s", seed, steps, log) {
			return
		}
		require.Zero(t, resettest.Resets(t, db).AuditFailures, "seed %d: %q\n%s", seed, steps, log)
	}
	s := resettest.Resets(t, db)
	t.Log(log)
	t.Logf("%d steps, seeds %d to %d: %d clean, %d reset, %+v discarded, by effect %v", taken, *seedFlag, seed-1, s.Clean, s.Resets, s.Discards, s.ByEffect)
	assert.Positive(t, s.Resets)
}

func TestPostgresSessionIsCleanAfterAnySequenceOfChanges(t *testing.T) {
	t.Parallel()
	for version, dsn := range map[string]string{"15": testserver.PostgresDatabase(t), "18": testserver.Postgres18Database(t)} {
		t.Run(version, func(t *testing.T) {
			f := postgresFamily(t, dsn)
			delete(f.Ways, "with a panic") // it closes the session
			var traces []resettest.Trace
			for _, tr := range postgresTraces {
				if !tr.Shown && !tr.Spoils { // what is shown only by its text may be hidden by the way
					traces = append(traces, tr)
				}
			}
			testResetProperty(t, f, traces, nil)
		})
	}
}

func TestMySQLSessionIsCleanAfterAnySequenceOfChanges(t *testing.T) {
	t.Parallel()
	realtest.OnMySQLServers(t, func(t *testing.T, s realtest.MySQLServer) {
		f := resettest.MySQLFamily(t, s, func(cfg *mysql.Config) { cfg.MultiStatements = true })
		f.Ways["in one text"] = resettest.MySQLInOneText
		delete(f.Ways, "with a panic")
		traces := slices.DeleteFunc(tracesOf(s), func(tr resettest.Trace) bool { return tr.Name == "backup lock" }) // waits for what others define
		var assignments []resettest.Trace
		for _, v := range sessionVariables(t, realtest.Open(t, "mysql", f.DSN), s) {
			for _, value := range v.candidates() {
				text := fmt.Sprintf("set session %s = %s", v.name, value)
				assignments = append(assignments, resettest.Trace{Name: text, Sql: []string{text}})
			}
		}
		testResetProperty(t, f, traces, assignments)
	})
}
