package postgres

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gopooled/pooled/dialect"
)

// position is a place in the write-ahead log. Timelines are branches of it: the same place on another one may hold other data.
type position struct {
	timeline uint64 // 0: not known
	lsn      uint64
}

var _ dialect.Position = position{}

// Covers reports whether p is on the same timeline, and not behind this place. A place on an older timeline may have been lost with the primary
// that was there, so it is not covered.
func (at position) Covers(p dialect.Position) bool {
	other, ok := p.(position)
	return ok && at.timeline != 0 && at.timeline == other.timeline && at.lsn >= other.lsn
}

// Behind counts the bytes of log in between, also where a timeline is not known. Who has as much of the log, but perhaps of another timeline, may have
// something else.
func (at position) Behind(p dialect.Position) string {
	other, ok := p.(position)
	switch {
	case !ok || at.timeline != 0 && other.timeline != 0 && at.timeline != other.timeline:
		return ""
	case at.lsn >= other.lsn && !at.Covers(p):
		return ""
	case at.lsn >= other.lsn:
		return size(0)
	default:
		return size(other.lsn - at.lsn)
	}
}

// String writes timeline and place, as in 1/0/3000148.
func (at position) String() string {
	return fmt.Sprintf("%d/%X/%X", at.timeline, at.lsn>>32, uint32(at.lsn))
}

// Position reads timeline and place.
func (Dialect) Position(text string) (dialect.Position, error) {
	timeline, lsn, found := strings.Cut(text, "/")
	at := position{}
	var err error
	if at.timeline, err = strconv.ParseUint(timeline, 10, 32); err == nil && found {
		at.lsn, err = parseLSN(lsn)
	}
	if err != nil || !found {
		return nil, fmt.Errorf("pooled: %.40q is not a position of PostgreSQL, such as 1/0/3000148", text)
	}
	return at, nil
}

// parseLSN reads what the type pg_lsn writes: two numbers of 32 bits.
func parseLSN(text string) (uint64, error) {
	high, low, _ := strings.Cut(text, "/")
	h, err := strconv.ParseUint(high, 16, 32)
	if err != nil {
		return 0, err
	}
	l, err := strconv.ParseUint(low, 16, 32)
	return h<<32 | l, err
}

// size writes a size as pg_size_pretty does: in the unit that leaves fewer than 10,240 of it.
func size(n uint64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB"}
	unit := 0
	for unit < len(units)-1 && n >= 10<<10 {
		n = (n + 512) >> 10
		unit++
	}
	return fmt.Sprintf("%d %s", n, units[unit])
}
