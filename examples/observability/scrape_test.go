package main

import (
	"io"
	"maps"
	"slices"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// samples are the values that a scrape told.
type samples model.Vector

// readSamples reads what a program shows Prometheus.
func readSamples(r io.Reader) (samples, error) {
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return nil, err
	}
	vector, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{}, slices.Collect(maps.Values(families))...)
	return samples(vector), err
}

// names are those of all samples, sorted.
func (all samples) names() []string {
	names := map[string]bool{}
	for _, s := range all {
		names[string(s.Metric[model.MetricNameLabel])] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// of are the samples with a name and with these labels, which are pairs of a name and a value; they may have others besides.
func (all samples) of(name string, labels ...string) (found samples) {
	for _, s := range all {
		if has(s.Metric, append([]string{model.MetricNameLabel, name}, labels...)) {
			found = append(found, s)
		}
	}
	return found
}

func has(m model.Metric, labels []string) bool {
	for pair := range slices.Chunk(labels, 2) {
		if string(m[model.LabelName(pair[0])]) != pair[1] {
			return false
		}
	}
	return true
}

// sum adds up the values of [samples.of].
func (all samples) sum(name string, labels ...string) (sum float64) {
	for _, s := range all.of(name, labels...) {
		sum += float64(s.Value)
	}
	return sum
}
