package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/gopooled/pooled/examples/internal/tour"
)

// trial is a library on a database.
type trial struct {
	library  library
	database database
	want     []feature // what the library's own test expects

	bare, pooled side
	ratios       []float64 // of each turn through pooled to the one before without
	reads        int       // on replicas
	errs         []error
}

// side is what a library printed through pooled, or without.
type side struct {
	lines []feature
	rates []float64 // queries per second, in each turn
}

// feature is what a tour says of one.
type feature struct{ name, result string }

// isFailure tells whether the feature was meant to fail, so that its result is an error.
func (f feature) isFailure() bool { return strings.HasPrefix(f.result, tour.Failed) }

// newTrial is nil for a database that the library does not know.
func newTrial(l library, d database) *trial {
	golden, known := l.golden(d.family)
	if !known {
		return nil
	}
	return &trial{library: l, database: d, want: featuresIn(golden)}
}

// featuresIn reads what a tour has printed: a title, and a line for each feature.
func featuresIn(text string) []feature {
	var all []feature
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] { // there is a title in any case
		name, result, _ := strings.Cut(line, "  ")
		all = append(all, feature{name, strings.TrimSpace(result)})
	}
	return all
}

// run lets the library show all it has, once without pooled and once through it, and then measures the two in turns, so that both meet the same
// weather on the machine.
func (t *trial) run(ctx context.Context, e effort) {
	bare, err := start(ctx, t.library.binary, "-bare", "-turns", "-queries", strconv.Itoa(e.queries), t.database.bare)
	if err != nil {
		t.errs = append(t.errs, err)
		return
	}
	through, err := start(ctx, t.library.binary, "-turns", "-queries", strconv.Itoa(e.queries), t.database.dsn)
	if err == nil {
		err = t.measure(bare, through, e.turns)
	}
	t.errs = append(t.errs, err, bare.end(), through.end())
	t.bare.lines, t.pooled.lines = featuresIn(bare.out.String()), featuresIn(through.out.String())
	t.reads = through.reads
}

// warmUp is how many turns do not count: the first reads after a write do not go to a replica yet.
const warmUp = 5

func (t *trial) measure(bare, through *process, turns int) error {
	for i := range warmUp + turns {
		one, err := bare.turn()
		if err != nil {
			return err
		}
		other, err := through.turn()
		if err != nil {
			return err
		}
		if i >= warmUp {
			t.bare.rates = append(t.bare.rates, one)
			t.pooled.rates = append(t.pooled.rates, other)
			t.ratios = append(t.ratios, other/one)
		}
	}
	return nil
}

// ratio is the median of queries per second through pooled to those without, each pair measured one right after the other.
func (t *trial) ratio() float64 { return median(t.ratios) }

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}
