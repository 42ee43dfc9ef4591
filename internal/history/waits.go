package history

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

const (
	// buckets is how many there are: two for each doubling. The first is for what is shorter than shortest, the last for what is longer than 33 seconds.
	buckets = 40
	// shortest is the upper bound of the first bucket.
	shortest = 64 * time.Microsecond
)

// Waits counts how long callers have waited, by buckets. The zero value has counted nothing and is ready to use. It is safe for concurrent use, and costs one
// atomic addition for each wait.
type Waits struct{ counts [buckets]atomic.Uint64 }

// Note counts a wait.
func (w *Waits) Note(d time.Duration) { w.counts[bucketOf(d)].Add(1) }

// Counts takes a snapshot.
func (w *Waits) Counts() (all Counts) {
	for i := range w.counts {
		all[i] = w.counts[i].Load()
	}
	return all
}

// bucketOf finds the bucket of a wait: by its highest bit, and the one below.
func bucketOf(d time.Duration) int {
	if d < shortest {
		return 0
	}
	n := uint64(d / (shortest / 2)) // at least 2, so that there is a bit below the highest
	highest := bits.Len64(n) - 1
	return min(1+2*(highest-1)+int(n>>(highest-1)&1), buckets-1)
}

// bound is the upper bound of a bucket, in seconds: one and a half of a doubling, or all of it.
func bound(bucket int) float64 {
	if bucket == 0 {
		return shortest.Seconds()
	}
	doublings, half := (bucket-1)/2, (bucket-1)%2
	return shortest.Seconds() * math.Ldexp(1.5+0.5*float64(half), doublings)
}

// Counts is a snapshot of [Waits].
type Counts [buckets]uint64

// since is what was counted after an earlier snapshot.
func (c Counts) since(before Counts) Counts {
	for i := range c {
		c[i] = grown(c[i], before[i])
	}
	return c
}

// quantile is how long the caller waited, in seconds, who waited for longer than a part q of all callers, those included who did not wait. It is told to about a
// third: a bucket says no more.
func (c Counts) quantile(q float64, callers uint64) float64 {
	var waited uint64
	for _, n := range c {
		waited += n
	}
	callers = max(callers, waited)
	if callers == 0 {
		return 0
	}
	rank := q*float64(callers) - float64(callers-waited) // among those who waited
	if rank <= 0 {
		return 0
	}
	below := 0.0
	for i, n := range c {
		if n > 0 && rank <= below+float64(n) {
			low := 0.0
			if i > 0 {
				low = bound(i - 1)
			}
			return low + (bound(i)-low)*(rank-below)/float64(n)
		}
		below += float64(n)
	}
	return bound(buckets - 1)
}
