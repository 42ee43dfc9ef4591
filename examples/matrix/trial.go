package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gopooled/pooled/examples/internal/tour"
)

// trial is a library on a database.
type trial struct {
	library  library
	database database
	starter  []string  // the command that programs are started by; none: themselves
	want     []feature // what the library's own test expects

	bare, pooled side
	ratios       []float64 // of each round: the median of those of its turns, through pooled to the one beside it without
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
func newTrial(l library, d database, starter []string) *trial {
	golden, known := l.golden(d.family)
	if !known {
		return nil
	}
	return &trial{library: l, database: d, starter: starter, want: featuresIn(golden)}
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
	bare, err := t.start(ctx, "-bare", "-turns", "-queries", strconv.Itoa(e.queries), t.database.bare)
	if err != nil {
		t.errs = append(t.errs, fmt.Errorf("without pooled: %w", err))
		return
	}
	through, err := t.start(ctx, "-turns", "-queries", strconv.Itoa(e.queries), t.database.dsn)
	if err != nil {
		t.errs = append(t.errs, fmt.Errorf("through pooled: %w", err), bare.end())
		return
	}
	t.errs = append(t.errs, t.measure(bare, through, e.turns), bare.end(), through.end())
	t.bare.printed(bare.out.String())
	t.pooled.printed(through.out.String())
	t.reads += through.reads
}

func (t *trial) start(ctx context.Context, args ...string) (*process, error) {
	command := slices.Concat(t.starter, []string{t.library.binary}, args)
	return start(ctx, command[0], command[1:]...)
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
	var ratios []float64
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
			ratios = append(ratios, rate/bareRate)
		}
	}
	t.ratios = append(t.ratios, median(ratios))
	return nil
}

// ratio is the median of queries per second through pooled to those without, each pair measured one right after the other. Two processes of one and the same
// program differ for as long as they run, so it is rounds that are counted, and not their turns.
func (t *trial) ratio() float64 { return median(t.ratios) }

// tooSlow tells whether the ratio is less than what is expected, and not by chance.
func (t *trial) tooSlow(ratio float64) bool {
	_, high := bounds(t.ratios)
	return high < ratio
}

// fastEnough tells whether the ratio is what is expected, or more, and not by chance.
func (t *trial) fastEnough(ratio float64) bool {
	low, _ := bounds(t.ratios)
	return low >= ratio
}

// bounds are those of the median: of a hundred measurements like this, it is between them in 95, however the values are distributed. They are what is
// so far from the middle, in their order, as half of n values differ in their number from n/2 by chance.
func bounds(values []float64) (low, high float64) {
	if len(values) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(values))
	last := len(sorted) - 1
	chance := 1.96 * math.Sqrt(float64(len(sorted))) / 2
	middle := float64(last) / 2
	return sorted[max(int(math.Floor(middle-chance)), 0)], sorted[min(int(math.Ceil(middle+chance)), last)]
}

// median is 0 if there are no values.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(values))[len(values)/2]
}
