package mysql

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// gtid is a transaction of MariaDB. Its number is one more than that of the transaction before it in the domain, whichever server that was on.
type gtid struct {
	domain, server uint32
	number         uint64
}

// gtidList is a place in the history of a MariaDB cluster: the last transaction of each domain, ordered by domain.
type gtidList struct{ last []gtid }

var _ dialect.Position = (*gtidList)(nil)

// Covers reports whether each domain of p goes as far here. A higher number of another server proves nothing: after a failover, that server may
// have gone on from an earlier transaction.
func (at *gtidList) Covers(p dialect.Position) bool {
	other, ok := p.(*gtidList)
	if !ok {
		return false
	}
	for _, theirs := range other.last {
		ours, found := at.in(theirs.domain)
		if !found || ours.server != theirs.server || ours.number < theirs.number {
			return false
		}
	}
	return true
}

// Behind counts transactions by their numbers.
func (at *gtidList) Behind(p dialect.Position) string {
	other, ok := p.(*gtidList)
	if !ok {
		return ""
	}
	var n uint64
	for _, theirs := range other.last {
		ours, _ := at.in(theirs.domain)
		if theirs.number > ours.number {
			n += theirs.number - ours.number
		}
	}
	if n == 0 && !at.Covers(p) {
		return ""
	}
	return transactions(n)
}

func transactions(n uint64) string {
	if n == 1 {
		return "1 transaction"
	}
	return fmt.Sprintf("%d transactions", n)
}

// String writes a list as MariaDB does, with slashes for commas, as in 0-1-100/5-2-7.
func (at *gtidList) String() string {
	all := make([]string, len(at.last))
	for i, g := range at.last {
		all[i] = fmt.Sprintf("%d-%d-%d", g.domain, g.server, g.number)
	}
	return strings.Join(all, separator)
}

// separator stands for the comma of the server, as positions are written into lists.
const separator = "/"

func (at *gtidList) empty() bool { return len(at.last) == 0 }

// in returns the last transaction of a domain.
func (at *gtidList) in(domain uint32) (gtid, bool) {
	i, found := slices.BinarySearchFunc(at.last, domain, func(g gtid, domain uint32) int { return cmp.Compare(g.domain, domain) })
	if !found {
		return gtid{}, false
	}
	return at.last[i], true
}

// join returns, for each domain of either list, what goes further.
func (at *gtidList) join(other *gtidList) *gtidList {
	joined := slices.Clone(at.last)
	for _, theirs := range other.last {
		if ours, found := at.in(theirs.domain); !found {
			joined = append(joined, theirs)
		} else if theirs.number > ours.number {
			joined[slices.Index(joined, ours)] = theirs
		}
	}
	return newList(joined)
}

func newList(last []gtid) *gtidList {
	slices.SortFunc(last, func(a, b gtid) int { return cmp.Compare(a.domain, b.domain) })
	return &gtidList{last}
}

// parseList reads what MariaDB writes, separated by commas.
func parseList(text string) (*gtidList, error) {
	var last []gtid
	for _, part := range parts(text) {
		numbers := strings.Split(part, "-")
		if len(numbers) != 3 {
			return nil, errPosition
		}
		domain, err1 := strconv.ParseUint(numbers[0], 10, 32)
		server, err2 := strconv.ParseUint(numbers[1], 10, 32)
		number, err3 := strconv.ParseUint(numbers[2], 10, 64)
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, errPosition
		}
		last = append(last, gtid{uint32(domain), uint32(server), number})
	}
	list := newList(last)
	for i := 1; i < len(last); i++ {
		if last[i].domain == last[i-1].domain {
			return nil, errPosition
		}
	}
	return list, nil
}

// parts divides a list that the server has written: at commas, with white space around.
func parts(text string) []string {
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	all := strings.Split(text, ",")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return all
}

var errPosition = errors.New("pooled: no position of MariaDB, such as 0-1-100, or of MySQL, such as 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5")

// Position reads a position of either family: only MySQL's has colons.
func (Dialect) Position(text string) (dialect.Position, error) {
	commas := strings.ReplaceAll(text, separator, ",")
	var p dialect.Position
	var err error
	if strings.Contains(text, ":") {
		p, err = positionOf(parseSet(commas))
	} else {
		p, err = positionOf(parseList(commas))
	}
	if err == nil && p == nil {
		err = errPosition
	}
	return p, err
}
