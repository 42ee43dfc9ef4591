// Package scrape reads what a program shows Prometheus. Only the tests of nested modules use it.
package scrape

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Sample is a value that has a name and labels.
type Sample struct {
	Name   string
	Labels map[string]string
	Value  float64
}

// Samples are those of one scrape, in its order.
type Samples []Sample

// Read reads Prometheus' text format, without what it tells for people: help, types, and the times of samples.
func Read(r io.Reader) (Samples, error) {
	var all Samples
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, err := read(line)
		if err != nil {
			return nil, fmt.Errorf("scrape: %w in line %q", err, line)
		}
		all = append(all, s)
	}
	return all, lines.Err()
}

// read reads a line such as
//
//	name{label="value",other="value"} 1
func read(line string) (Sample, error) {
	s := Sample{Labels: map[string]string{}}
	end := strings.IndexAny(line, "{ ")
	if end < 0 {
		return s, fmt.Errorf("no value")
	}
	s.Name, line = line[:end], line[end:]
	if rest, labels := strings.CutPrefix(line, "{"); labels {
		var err error
		if line, err = s.readLabels(rest); err != nil {
			return s, err
		}
	}
	value, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	var err error
	s.Value, err = strconv.ParseFloat(value, 64) // which knows +Inf and NaN too
	return s, err
}

// readLabels reads to the brace, and returns what is behind it.
func (s *Sample) readLabels(line string) (rest string, err error) {
	for {
		line = strings.TrimLeft(line, ", ")
		if rest, ends := strings.CutPrefix(line, "}"); ends {
			return rest, nil
		}
		name, after, ok := strings.Cut(line, "=")
		if !ok {
			return "", fmt.Errorf("no end of the labels")
		}
		quoted, err := strconv.QuotedPrefix(after) // the format's escapes are some of Go's
		if err != nil {
			return "", err
		}
		value, err := strconv.Unquote(quoted)
		if err != nil {
			return "", err
		}
		s.Labels[name] = value
		line = after[len(quoted):]
	}
}

// Names are the names of all samples, sorted.
func (all Samples) Names() []string {
	names := map[string]bool{}
	for _, s := range all {
		names[s.Name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// Of are the samples with a name and with these labels, which are pairs of a name and a value; they may have others besides.
func (all Samples) Of(name string, labels ...string) Samples {
	var found Samples
	for _, s := range all {
		if s.Name == name && s.has(labels) {
			found = append(found, s)
		}
	}
	return found
}

// Sum adds up the values of [Samples.Of].
func (all Samples) Sum(name string, labels ...string) (sum float64) {
	for _, s := range all.Of(name, labels...) {
		sum += s.Value
	}
	return sum
}

func (s *Sample) has(labels []string) bool {
	for pair := range slices.Chunk(labels, 2) {
		if s.Labels[pair[0]] != pair[1] {
			return false
		}
	}
	return true
}
