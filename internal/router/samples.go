package router

import (
	"math"
	"slices"

	"github.com/gopooled/pooled/dialect"
)

// mostSamples is how many positions of the primary are remembered: the older they are, the fewer, so that a replica that is far behind still
// finds one that it has reached.
const mostSamples = 256

// sample is a position that the primary told when it was asked, for the first time at since and for the last time at: it includes everything
// that was written before.
type sample struct {
	since, at int64
	position  dialect.Position
}

// samples are those of one primary, the oldest first.
type samples []sample

// add remembers a sample. One with the position of the last replaces it: nothing was written between them.
func (s *samples) add(at int64, p dialect.Position) {
	if n := len(*s); n > 0 && (*s)[n-1].position.Covers(p) && p.Covers((*s)[n-1].position) {
		(*s)[n-1].at = at
		return
	}
	if len(*s) == mostSamples {
		*s = s.thin(at)
	}
	*s = append(*s, sample{at, at, p})
}

// thin forgets one sample: that which leaves the smallest gap, compared with how old it is.
func (s samples) thin(now int64) samples {
	least, smallest := 0, math.Inf(1)
	for i := 1; i < len(s)-1; i++ {
		if gap := float64(s[i+1].at-s[i-1].at) / float64(now-s[i].at+1); gap < smallest {
			least, smallest = i, gap
		}
	}
	return slices.Delete(s, least, least+1)
}

// asOf is the latest moment as of which a server at a position has everything; 0: it is not known.
func (s samples) asOf(p dialect.Position) int64 {
	for i := len(s) - 1; i >= 0; i-- {
		if p.Covers(s[i].position) {
			return s[i].at
		}
	}
	return 0
}

// covering is a moment at which the primary had a position.
func (s samples) covering(p dialect.Position) (at int64, known bool) {
	for _, sample := range s {
		if sample.position.Covers(p) {
			return sample.since, true
		}
	}
	return 0, false
}

// after is the first position that was told at or after a moment; nil: there is none yet.
func (s samples) after(at int64) dialect.Position {
	for _, sample := range s {
		if sample.at >= at {
			return sample.position
		}
	}
	return nil
}

// last is the latest sample; false if there is none.
func (s samples) last() (sample, bool) {
	if len(s) == 0 {
		return sample{}, false
	}
	return s[len(s)-1], true
}
