package main

import (
	"context"
	"fmt"
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
	ratios       []float64 // of each turn through pooled to the one beside it without
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

// round lets the library show all it has, once without pooled and once through it, and then measures the two in turns, so that both meet the same
// weather on the machine.
func (t *trial) round(ctx context.Context, e effort) {
	bare, err := start(ctx, t.library.binary, "-bare", "-turns", "-queries", strconv.Itoa(e.queries), t.database.bare)
	if err != nil {
		t.errs = append(t.errs, fmt.Errorf("without pooled: %w", err))
		return
	}
	through, err := start(ctx, t.library.binary, "-turns", "-queries", strconv.Itoa(e.queries), t.database.dsn)
	if err != nil {
		t.errs = append(t.errs, fmt.Errorf("through pooled: %w", err), bare.end())
		return
	}
	t.errs = append(t.errs, t.measure(bare, through, e.turns), bare.end(), through.end())
	t.bare.printed(bare.out.String())
	t.pooled.printed(through.out.String())
	t.reads += through.reads
}

// printed takes what a process has printed. What is not the same in all rounds is forgotten.
func (s *side) printed(text string) {
	lines := featuresIn(text)
	if s.lines == nil {
		s.lines = lines
	}
	s.lines = slices.DeleteFunc(s.lines, func(f feature) bool { return !slices.Contains(lines, f) })
}

// warmUp is how many turns do not count: the first reads after a write do not go to a replica yet.
const warmUp = 3

func (t *trial) measure(bare, through *process, turns int) error {
	for i := range warmUp + turns {
		var bareRate, rate float64
		runs := []func() error{
			func() (err error) { bareRate, err = bare.turn(); return err },
			func() (err error) { rate, err = through.turn(); return err },
		}
		if i%2 == 1 { // nobody is always first
			slices.Reverse(runs)
		}
		for _, run := range runs {
			if err := run(); err != nil {
				return err
			}
		}
		if i >= warmUp {
			t.bare.rates = append(t.bare.rates, bareRate)
			t.pooled.rates = append(t.pooled.rates, rate)
			t.ratios = append(t.ratios, rate/bareRate)
		}
	}
	return nil
}

// ratio is the median of queries per second through pooled to those without, each pair measured one right after the other.
func (t *trial) ratio() float64 { return quantile(t.ratios, 0.5) }

// tooSlow tells whether even the upper quartile is less than what is expected. Between it and the median, the turns differ by more than is missed.
func (t *trial) tooSlow(ratio float64) bool { return quantile(t.ratios, 0.75) < ratio }

// quantile is 0 if there are no values.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[int(q*float64(len(values)-1)+0.5)]
}
