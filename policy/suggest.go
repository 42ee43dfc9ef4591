package policy

import (
	"errors"
	"maps"
	"slices"
	"strings"
)

// errUnknownKey names the key and the nearest known one, or all. It shows no value: the key may be a misspelt pool_init.
func errUnknownKey(name string) error {
	// Only what keys are made of is shown: behind it a piece of something else may follow.
	if end := strings.IndexFunc(name, func(r rune) bool { return !strings.ContainsRune(letters+digits+"_", r) }); end >= 0 {
		name = name[:end]
	}
	if near := suggest(name); near != "" {
		return errors.New("pooled: " + name + " is not a key: did you mean " + near + "?")
	}
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Name
	}
	return errors.New("pooled: " + name + " is not a key (known: " + strings.Join(names, ", ") + ")")
}

// suggest returns the known key that a name most likely stands for, or two joined by or; empty if none is near. The names of other pools count too.
func suggest(name string) string {
	name = plain(name)
	nearest, least := "", len(name)/4+1 // near is one edit in four letters
	consider := func(other, key string) {
		if d := distance(name, other); d < least && !opposed(name, other) {
			nearest, least = key, d
		}
	}
	for _, k := range keys {
		consider(plain(k.Name), k.Name)
	}
	for _, other := range slices.Sorted(maps.Keys(foreign)) {
		consider(plain(keyPrefix)+other, strings.Join(foreign[other], " or "))
	}
	return nearest
}

// plain is a name without what people write in different ways.
func plain(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "") }

// opposed reports whether one name is about the least and the other about the most: two letters apart, and the contrary.
func opposed(a, b string) bool {
	return strings.Contains(a, "min") && strings.Contains(b, "max") || strings.Contains(a, "max") && strings.Contains(b, "min")
}

// distance is how many bytes must be inserted, deleted or replaced to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1) // distances of a's prefix to each prefix of b
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
