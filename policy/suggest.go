package policy

import (
	"errors"
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

// suggest returns the known key nearest to a name; empty if none is near.
func suggest(name string) string {
	name = strings.ToLower(name)
	nearest, least := "", len(name)/4+1 // near is one edit in four letters
	for _, k := range keys {
		if d := distance(name, k.Name); d < least {
			nearest, least = k.Name, d
		}
	}
	return nearest
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
