package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The parts of an expression that name something: a metric with its matchers, or without; and the labels that are kept.
var (
	selector = regexp.MustCompile(`\b((?:pooled|db_client)_\w+)(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping = regexp.MustCompile(`\b(?:by|ignoring|on) \(([^)]*)\)`)
)

// prometheusLabels are those that a scrape adds.
var prometheusLabels = []string{"job", "instance"}

// requireKnown checks that an expression names no metric that was not scraped, and no label that it does not have. It adds the metrics to used.
func requireKnown(t *testing.T, all samples, expr string, used map[string]bool) {
	t.Helper()
	var grouped []string
	for _, by := range grouping.FindAllStringSubmatch(expr, -1) {
		grouped = append(grouped, strings.Split(strings.ReplaceAll(by[1], " ", ""), ",")...)
	}
	var labels []string
	for _, found := range selector.FindAllStringSubmatch(grouping.ReplaceAllString(expr, ""), -1) {
		name := found[1]
		own := labelsOf(all, name)
		if !assert.NotEmpty(t, own, "%s is no metric that the shop has, in %s", name, expr) {
			continue
		}
		for _, m := range matcher.FindAllStringSubmatch(found[2], -1) {
			assert.Contains(t, own, m[1], "%s does not have the label, in %s", name, expr)
		}
		labels = append(labels, own...)
		used[familyOf(name)] = true
	}
	assert.NotEmpty(t, labels, "no metric in %s", expr)
	for _, label := range grouped {
		assert.Contains(t, labels, label, "no metric has the label, in %s", expr)
	}
}

// labelsOf are the labels that samples with the name have.
func labelsOf(all samples, name string) (labels []string) {
	for _, s := range all.of(name) {
		for label := range s.Metric {
			labels = append(labels, string(label))
		}
	}
	if labels == nil {
		return nil
	}
	return slices.Concat(labels, prometheusLabels)
}

// familyOf is the name of a histogram, without what its parts have behind it.
func familyOf(name string) string {
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if family, ok := strings.CutSuffix(name, part); ok && strings.HasSuffix(family, "_seconds") {
			return family
		}
	}
	return name
}

func isOurs(name string) bool {
	return strings.HasPrefix(name, "pooled_") || strings.HasPrefix(name, "db_client_")
}
