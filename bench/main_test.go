package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/markdown"
)

func TestPooledKeepsItsPromiseOfAllocationsOnTheNullDriver(t *testing.T) {
	bare, pooled := variants[0], variants[1]
	require.Equal(t, "bare", bare.name)
	require.Equal(t, "pooled", pooled.name)
	for _, call := range nullCalls {
		if !call.promised {
			continue
		}
		t.Run(call.name, func(t *testing.T) {
			more := allocationsOf(t, pooled, call) - allocationsOf(t, bare, call)
			require.LessOrEqual(t, more, float64(mostAllocs))
		})
	}
}

func allocationsOf(t *testing.T, v variant, call nullCall) float64 {
	db, err := v.open("null", "")
	require.NoError(t, err)
	defer db.Close()
	n, err := allocations(call, db)
	require.NoError(t, err)
	return n
}

func TestEveryScenarioRunsAndFillsItsTable(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			dsn := ""
			if s.env != "" {
				dsn = dsnFrom(t, s.env)
			}
			results, err := s.run(t.Context(), dsn, effort{rounds: 2, calls: 60})
			require.NoError(t, err)
			require.NotEmpty(t, results)
			for _, result := range results {
				require.NotEmpty(t, result.rows)
				require.NotEmpty(t, result.requirements)
				for _, row := range result.rows {
					require.Len(t, row, len(result.header))
				}
			}
			if s.name == "burst" {
				requireDials(t, results[0])
			}
		})
	}
}

// requireDials checks that the burst makes bare reconnect and pooled not.
func requireDials(t *testing.T, burst section) {
	dials := map[string]int{}
	for _, row := range burst.rows {
		n, err := strconv.Atoi(strings.ReplaceAll(row[3], ",", ""))
		require.NoError(t, err)
		dials[row[0]] = n
	}
	const once = 20 // or fewer, where somebody gave a connection back before it was dialled
	require.LessOrEqual(t, dials["pooled"], once)
	require.LessOrEqual(t, dials["bare, SetMaxIdleConns(20)"], once)
	require.Greater(t, dials["bare"], once, "bare reconnects again and again")
}

func TestACleanSessionCostsNoAllocation(t *testing.T) {
	srv := postgresServer(dsnFrom(t, "POOLED_TEST_POSTGRES"))
	table, drop, err := srv.createTable(t.Context())
	require.NoError(t, err)
	defer drop()
	for _, call := range cleanCalls(table) {
		t.Run(call.name, func(t *testing.T) {
			overheads, err := compareClean(t.Context(), srv.dsn, call, effort{rounds: 1, calls: 60})
			require.NoError(t, err, "no session needed a reset")
			require.LessOrEqual(t, overheads[1].allocs, float64(mostResetAllocs))
		})
	}
}

func TestEveryCleanerButTheLastUndoesTheSetting(t *testing.T) {
	srv := postgresServer(dsnFrom(t, "POOLED_TEST_POSTGRES"))
	table, drop, err := srv.createTable(t.Context())
	require.NoError(t, err)
	defer drop()
	for i, c := range cleaners {
		t.Run(c.name, func(t *testing.T) {
			db, err := c.openOn(srv)
			require.NoError(t, err)
			defer db.Close()
			for range 5 {
				require.NoError(t, c.borrower(srv.byKey(table))(t.Context(), db))
				require.NoError(t, idle(t.Context(), db))
			}
			var tenant string
			require.NoError(t, db.QueryRowContext(t.Context(), "select coalesce(current_setting('app.tenant', true), '')").Scan(&tenant))
			if i == len(cleaners)-1 {
				require.NotEmpty(t, tenant)
			} else {
				require.Empty(t, tenant)
			}
			require.Equal(t, 1, dialled(db), "the connection was not replaced")
		})
	}
}

func TestTheSpreadIsTheQuartilesAndTheDoubtAboutTheMedian(t *testing.T) {
	var values []float64
	for i := range 101 {
		values = append(values, float64(100-i))
	}
	s := spreadOf(values)
	require.Equal(t, []float64{25, 50, 75}, []float64{s.q1, s.median, s.q3})
	require.InDelta(t, 40.2, s.low, 0.1, "50 less 1.96 times half the root of 101")
	require.InDelta(t, 59.8, s.high, 0.1)
	require.Equal(t, spread{7, 7, 7, 7, 7}, spreadOf([]float64{7}))
}

func TestASpeedupComparesTheTimesOfOneRound(t *testing.T) {
	base := []time.Duration{4 * time.Second, 3 * time.Second}
	other := []time.Duration{2 * time.Second, 6 * time.Second}
	require.Equal(t, []float64{2, 0.5}, speedups(base, other))
}

func TestAPromiseIsBrokenOnlyWhenNoiseCannotExplainIt(t *testing.T) {
	for _, c := range []struct {
		median, high float64
		want         verdict
	}{
		{5, 6, holds},
		{4.9, 5, unclear},
		{4.9, 4.99, broken},
	} {
		require.Equal(t, c.want, atLeast("", "", 5, spread{median: c.median, high: c.high}).verdict)
	}
	require.Equal(t, holds, judge(spread{median: 450, low: 400}, 450))
	require.Equal(t, unclear, judge(spread{median: 460, low: 440}, 450))
	require.Equal(t, broken, judge(spread{median: 460, low: 451}, 450))
}

func TestATableIsAlignedMarkdown(t *testing.T) {
	table := markdown.Table([]string{"call", "bare"}, [][]string{{"query", "1 ns"}, {"x", "200 µs"}}, markdown.Figures)
	require.Equal(t, strings.Join([]string{
		"| call  |   bare |",
		"|-------|-------:|",
		"| query |   1 ns |",
		"| x     | 200 µs |",
		"",
	}, "\n"), table)
}

func TestNumbersHaveTheirThousandsApart(t *testing.T) {
	for figure, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", -1234567: "-1,234,567", -999: "-999"} {
		require.Equal(t, want, number(figure))
	}
}

func TestAReportNamesABrokenPromise(t *testing.T) {
	text := write([]section{
		{title: "First", note: "Why.", header: []string{"a"}, rows: [][]string{{"b"}}},
		{title: "Second", requirements: []requirement{{what: "it", want: "1", got: "2", verdict: broken}}},
	}, effort{rounds: 3})
	require.Contains(t, text, "| it  |        1 |        2 | **no** |")
	require.Less(t, strings.Index(text, "### First"), strings.Index(text, "### Second"))
}

func TestTablesAreReplacedInAFileThatKeepsItsText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "BENCHMARKS.md")
	require.NoError(t, replaceTables(path, "first\n"), "the file is made")
	made, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "# Benchmarks\n\n<!-- tables -->\nfirst\n<!-- /tables -->\n", string(made))

	require.NoError(t, os.WriteFile(path, []byte("before\n<!-- tables -->\nold\n<!-- /tables -->\nafter\n"), 0o600))
	require.NoError(t, replaceTables(path, "new\n"))
	replaced, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "before\n<!-- tables -->\nnew\n<!-- /tables -->\nafter\n", string(replaced))

	require.NoError(t, os.WriteFile(path, []byte("text"), 0o600))
	require.ErrorContains(t, replaceTables(path, "new\n"), "no place for the tables")
}

func TestWhatCannotRunSaysHow(t *testing.T) {
	t.Setenv("POOLED_TEST_POSTGRES", "")
	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "make bench"},
		{[]string{"-only", "postgres"}, "POOLED_TEST_POSTGRES is not set"},
		{[]string{"-only", "oracle"}, "there is null, postgres, mariadb, mysql, burst, reset"},
		{[]string{"-only", "null", "-o", "x.md"}, "leave out -only and -quick"},
		{[]string{"-rounds", "0"}, "at least 1"},
		{[]string{"null"}, "unexpected argument"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), c.args, &out)
		require.ErrorContains(t, err, c.says)
		require.Empty(t, out.String())
	}
}

func TestAWarmPoolDialsOverTLSBeforeTheFirstRequest(t *testing.T) {
	dsn := dsnFrom(t, "POOLED_TEST_POSTGRES")
	table, drop, err := postgresServer(dsn).createTable(t.Context())
	require.NoError(t, err)
	defer drop()
	srv, err := warmServer(dsn, table)
	require.NoError(t, err)
	all := starters(warmQuery(table))
	last := all[len(all)-1]
	require.True(t, last.promised)

	db, err := last.open(srv.driver, srv.dsn)
	require.NoError(t, err)
	defer db.Close()
	require.NoError(t, last.start(t.Context(), db))
	require.Equal(t, warmWorkers, dialled(db))
	latencies, err := request(t.Context(), db, warmWorkers, warmFirst, page(warmQuery(table)))
	require.NoError(t, err)
	require.Len(t, latencies, warmFirst)
	require.Positive(t, latencies[0])
	require.Equal(t, warmWorkers, dialled(db), "no request had to dial")
	var plain int
	require.NoError(t, db.QueryRowContext(t.Context(),
		"select count(*) from pg_stat_ssl join pg_stat_activity using (pid) where application_name = $1 and not ssl", table).Scan(&plain))
	require.Zero(t, plain)

	require.NoError(t, db.Close())
	require.NoError(t, awaitGone(t.Context(), dsn, table))
}

func TestTheDSNOfAWarmServerIsNotShown(t *testing.T) {
	_, err := warmServer("postgres://u:s3cret@h:port/d", "x")
	require.Error(t, err)
	require.NotContains(t, err.Error(), "s3cret")
}
