package mysql

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// interval holds the numbers from first to last.
type interval struct{ first, last uint64 }

// gtidSet is a place in the history of a MySQL cluster: which transactions were executed, as the numbers by their source, which is the UUID of a server,
// with a tag behind it or not. The intervals are in order, and neither overlap nor touch.
type gtidSet struct{ executed map[string][]interval }

var _ dialect.Position = (*gtidSet)(nil)

// Covers reports whether all transactions of p are in the set.
func (at *gtidSet) Covers(p dialect.Position) bool {
	other, ok := p.(*gtidSet)
	return ok && at.missing(other) == 0
}

// Behind counts the transactions of p that are not in the set.
func (at *gtidSet) Behind(p dialect.Position) string {
	other, ok := p.(*gtidSet)
	if !ok {
		return ""
	}
	return transactions(at.missing(other))
}

// missing counts what is in another set only.
func (at *gtidSet) missing(other *gtidSet) (n uint64) {
	for source, theirs := range other.executed {
		ours := at.executed[source]
		for _, wanted := range theirs {
			n += wanted.last - wanted.first + 1
			for _, has := range ours {
				if first, last := max(wanted.first, has.first), min(wanted.last, has.last); first <= last {
					n -= last - first + 1
				}
			}
		}
	}
	return n
}

// String writes a set as MySQL does, with slashes for commas.
func (at *gtidSet) String() string {
	var b strings.Builder
	for _, source := range slices.Sorted(maps.Keys(at.executed)) {
		if b.Len() > 0 {
			b.WriteString(separator)
		}
		b.WriteString(source)
		for _, i := range at.executed[source] {
			fmt.Fprintf(&b, ":%d", i.first)
			if i.last > i.first {
				fmt.Fprintf(&b, "-%d", i.last)
			}
		}
	}
	return b.String()
}

func (at *gtidSet) empty() bool { return len(at.executed) == 0 }

// parseSet reads what MySQL writes: UUIDs separated by commas, each with intervals behind colons, and tags before the intervals that are theirs.
func parseSet(text string) (*gtidSet, error) {
	set := &gtidSet{map[string][]interval{}}
	for _, part := range parts(text) {
		words := strings.Split(strings.ToLower(part), ":")
		uuid := strings.TrimSpace(words[0])
		if len(uuid) != 36 || strings.Trim(uuid, "0123456789abcdef-") != "" || len(words) < 2 {
			return nil, errPosition
		}
		source, used := uuid, true
		for _, word := range words[1:] {
			word = strings.TrimSpace(word)
			if isTag(word) {
				if !used {
					return nil, errPosition
				}
				source, used = uuid+":"+word, false
				continue
			}
			i, err := parseInterval(word)
			if err != nil {
				return nil, err
			}
			set.executed[source], used = append(set.executed[source], i), true
		}
		if !used {
			return nil, errPosition
		}
	}
	for source, all := range set.executed {
		set.executed[source] = tidy(all)
	}
	return set, nil
}

// isTag reports whether a word is one of the tags of MySQL 8.3, which do not begin with a digit.
func isTag(word string) bool {
	return word != "" && word[0] > '9' && strings.Trim(word, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func parseInterval(text string) (interval, error) {
	low, high, ranged := strings.Cut(text, "-")
	if !ranged {
		high = low
	}
	first, err := strconv.ParseUint(low, 10, 63)
	if err != nil || first == 0 {
		return interval{}, errPosition
	}
	last, err := strconv.ParseUint(high, 10, 63)
	if err != nil || last < first {
		return interval{}, errPosition
	}
	return interval{first, last}, nil
}

// tidy orders intervals, and joins those that overlap or touch.
func tidy(all []interval) []interval {
	slices.SortFunc(all, func(a, b interval) int { return cmp.Compare(a.first, b.first) })
	tidied := all[:1]
	for _, i := range all[1:] {
		if before := &tidied[len(tidied)-1]; i.first <= before.last+1 {
			before.last = max(before.last, i.last)
		} else {
			tidied = append(tidied, i)
		}
	}
	return tidied
}
