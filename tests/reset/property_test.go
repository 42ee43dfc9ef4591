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

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/internal/testserver"
)

var (
	stepsFlag = flag.Int("steps", 280, "how many random changes of sessions are tried on each server")
	seedFlag  = flag.Uint64("seed", 0, "the seed of the first sequence of them; the next ones have the next seeds")
)

// A random sequence of state changes, by random ways, in sessions of random length: afterwards all that can be seen of the session
// is as on a connection that was just dialled. Errors are part of the sequences: what one step left may forbid the next. One step in five is one
// of the others, of which there are many that are alike.
func testResetProperty(t *testing.T, f family, traces, others []trace) {
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
	db, log := openForReset(t, f, func(c *pooled.Config) { c.Reset.Audit = 7 }) // besides the looks below, which cost less
	_, _ = look(t.Context(), t, db, []string{"select 1"}, f.id)                 // the catalogue is read after it
	want, _ := look(t.Context(), t, bare, queries, f.id)
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
			err := f.ways[way](t.Context(), conn, tr)
			steps = append(steps, fmt.Sprintf("%s %s: %v", tr.name, way, err))
		}
		if taken/10_000 < (taken+len(steps))/10_000 {
			t.Logf("%d steps, seed %d", taken+len(steps), seed)
		}
		taken += len(steps)
		_ = conn.Close() // may be closed already
		got, _ := look(t.Context(), t, db, queries, f.id)
		if len(differences(want, got)) > 0 { // or something else has changed what every new connection sees
			want, _ = look(t.Context(), t, bare, queries, f.id)
		}
		if !assert.Empty(t, differences(want, got), "seed %d: %q\n%s", seed, steps, log) {
			return
		}
		require.Zero(t, resets(t, db).AuditFailures, "seed %d: %q\n%s", seed, steps, log)
	}
	s := resets(t, db)
	t.Log(log)
	t.Logf("%d steps, seeds %d to %d: %d clean, %d reset, %+v discarded, by effect %v", taken, *seedFlag, seed-1, s.Clean, s.Resets, s.Discards, s.ByEffect)
	assert.Positive(t, s.Resets)
}

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
			testResetProperty(t, f, traces, nil)
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
		var assignments []trace
		for _, v := range sessionVariables(t, openReal(t, "mysql", f.dsn), s) {
			for _, value := range v.candidates() {
				text := fmt.Sprintf("set session %s = %s", v.name, value)
				assignments = append(assignments, trace{name: text, sql: []string{text}})
			}
		}
		testResetProperty(t, f, traces, assignments)
	})
}
