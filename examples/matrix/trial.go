package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
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
	ratios       []float64 // one for each round
	errs         []error
}

// side is what a library printed through pooled, or without.
type side struct {
	lines []feature // those that were the same in all rounds
	rates []float64 // queries per second
	reads int       // on replicas
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
	for _, line := range strings.Split(strings.TrimSpace(text), "\n")[1:] {
		name, result, _ := strings.Cut(line, "  ")
		all = append(all, feature{name, strings.TrimSpace(result)})
	}
	return all
}

// round runs the library once without pooled and once through it. They take turns at being the first.
func (t *trial) round(ctx context.Context, queries int, pooledFirst bool) {
	runs := []func(){
		func() { t.run(ctx, &t.bare, queries, "-bare") },
		func() { t.run(ctx, &t.pooled, queries) },
	}
	if pooledFirst {
		slices.Reverse(runs)
	}
	for _, run := range runs {
		run()
	}
	if n := len(t.pooled.rates); n > 0 && n == len(t.bare.rates) {
		t.ratios = append(t.ratios, t.pooled.rates[n-1]/t.bare.rates[n-1])
	}
}

func (t *trial) run(ctx context.Context, s *side, queries int, flags ...string) {
	args := append(flags, "-queries", strconv.Itoa(queries), t.database.dsn)
	cmd := exec.CommandContext(ctx, t.library.binary, args...)
	var out, told bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := cmd.Run(); err != nil {
		t.errs = append(t.errs, fmt.Errorf("%w: %s", err, strings.TrimSpace(told.String())))
	}
	s.add(out.String(), told.String())
}

// add takes what a run has printed, and what it told of itself on standard error.
func (s *side) add(text, told string) {
	lines := featuresIn(text)
	if s.rates == nil {
		s.lines = lines
	}
	s.lines = slices.DeleteFunc(s.lines, func(f feature) bool { return !slices.Contains(lines, f) })
	rate := 0.0
	for line := range strings.Lines(told) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), tour.QueriesPerSecond); ok {
			rate, _ = strconv.ParseFloat(value, 64)
		}
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), tour.ReplicaReads); ok {
			reads, _ := strconv.Atoi(value)
			s.reads += reads
		}
	}
	s.rates = append(s.rates, rate)
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
