package main

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The lines of a tour as it should be.
const (
	title = "x on PostgreSQL through pooled\n"
	reads = "reads            42\n"
	fails = "a key is taken   fails: *pgconn.PgError 23505\n"
)

func TestWhatIsMissingOrDifferentOrTooSlowIsAnError(t *testing.T) {
	for name, c := range map[string]struct {
		bare, pooled string
		ratios       []float64
		says         string
		table        string
	}{
		"as it should be":      {bare: reads + fails, pooled: reads + fails, ratios: []float64{1}, table: "1 of 1.*1 of 1.*yes"},
		"a result is missing":  {bare: reads + fails, pooled: fails, ratios: []float64{1}, says: "through pooled: reads", table: "0 of 1.*1 of 1"},
		"a result differs":     {bare: reads + fails, pooled: "reads            43\n" + fails, ratios: []float64{1}, says: `"42" is missing`, table: "0 of 1.*1 of 1"},
		"an error differs":     {bare: reads + fails, pooled: reads + "a key is taken   fails: *errors.errorString\n", ratios: []float64{1}, says: "a key is taken", table: "1 of 1.*0 of 1"},
		"it differs bare":      {bare: reads, pooled: reads + fails, ratios: []float64{1}, says: "without pooled: a key is taken", table: "1 of 1.*0 of 1"},
		"too slow":             {bare: reads + fails, pooled: reads + fails, ratios: append(slices.Repeat([]float64{0.9}, 8), 1), says: "0.900 times", table: "NO"},
		"less than the noise":  {bare: reads + fails, pooled: reads + fails, ratios: []float64{0.9, 0.9, 0.96, 1, 1}, table: "within noise"},
		"nothing was measured": {bare: reads + fails, pooled: reads + fails, says: "0.000 times", table: "NO"},
	} {
		t.Run(name, func(t *testing.T) {
			d := database{title: "PostgreSQL", family: "postgres"}
			tr := &trial{library: library{name: "x"}, database: d, want: featuresIn(title + reads + fails), ratios: c.ratios}
			tr.bare.printed(title + c.bare)
			tr.pooled.printed(title + c.pooled)

			err := failures([]*trial{tr}, 0.97)
			if c.says == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.says)
			}
			var out bytes.Buffer
			writeFeatures(&out, []*trial{tr}, []database{d})
			assert.Equal(t, c.pooled != reads+fails, bytes.Contains(out.Bytes(), []byte(failed)), out.String())
			writeComparison(&out, []*trial{tr}, 0.97)
			assert.Regexp(t, c.table, out.String())
		})
	}
}

func TestWhatIsNotTheSameInAllRoundsIsMissing(t *testing.T) {
	var s side
	s.printed(title + reads + fails)
	s.printed(title + fails)
	s.printed(title + reads + fails)
	assert.Equal(t, featuresIn(title+fails), s.lines)
}

func TestAProgramThatFailsIsAnErrorThatSaysWhy(t *testing.T) {
	_, err := start(t.Context(), "/bin/sh", "-c", "echo no such table >&2; exit 3")
	require.ErrorContains(t, err, "no such table")
	require.ErrorContains(t, err, "exit status 3")
}

func TestTheMedianIsBetweenItsBoundsAsOftenAsTheySay(t *testing.T) {
	low, high := bounds(nil)
	assert.Zero(t, low)
	assert.Zero(t, high)
	random := rand.New(rand.NewPCG(1, 2))
	const samples, middle = 2000, 0.25
	for _, size := range []int{10, 45, 400} {
		missed := 0
		for range samples {
			values := make([]float64, size)
			for i := range values {
				values[i] = math.Pow(random.Float64(), 2) // of which the median is 1/4, and the mean 1/3
			}
			if low, high := bounds(values); low > middle || high < middle {
				missed++
			}
		}
		assert.Less(t, missed, samples*6/100, size)
		assert.Positive(t, missed, size)
	}
}
