package my

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNamesThatAQueryGivesAreNotLookedFor(t *testing.T) {
	for text, want := range map[string]string{
		"select 1 as x, 2 as `X y`, 3 x, 'b' y, abs(4) z":       "",
		"select a x, b as y, (c) z from t":                      "a b c t",
		"select a from t as x join u y, v":                      "a t u v",
		"select * from (select a b from t) x":                   "a t",
		"with x as (select a from t), y as (select 1) select 2": "a t",
		"select a from { oj t left outer join u on 1 }":         "a oj t u",
		"select a.b, x.c from a, t x":                           "a b x c t", // not where they are used
		"select a from t for update of t":                       "a t of",
		"select a from t use index (i) where b = 1":             "a t i b",
		"select cast(a as json) from t":                         "a t",
	} {
		assert.ElementsMatch(t, strings.Fields(want), Parse(text).Names, text)
	}
}
