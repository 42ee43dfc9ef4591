// Package history keeps what an endpoint has done in the last quarter of an hour, so that a person can see how it came to what is now.
//
// A sample is taken every ten seconds, by a goroutine of the endpoint and whenever somebody looks. A call costs nothing for that.
//
// What it is not: a metric. It has no labels, ends with the program, and is as coarse as a look needs it.
package history

import (
	"sync"
	"time"
)

const (
	// Every is how far apart samples are, at least.
	Every = 10 * time.Second
	// Span is how far back they go.
	Span = 15 * time.Minute
	// most is how many are kept: one more than Span has, for the first difference.
	most = int(Span/Every) + 1
	// Lately is what rates and waits of this moment look back on.
	Lately = time.Minute
	// recent is how many snapshots of waits are kept for that.
	recent = int(Lately/Every) + 1
)

// Sample is how an endpoint is at one moment: what is counted only grows.
type Sample struct {
	At       time.Time
	InUse    int
	Waiting  int
	Acquires uint64 // sessions that got a connection
	Callers  uint64 // these, and those that got none although they asked the server
	Dials    uint64
	Errors   uint64 // sessions that got none, and connections that failed under their holders
	Waits    Counts
}

// Point is a sample that people can read, with what has happened between the one before and it.
type Point struct {
	At        time.Time
	InUse     int
	Waiting   int
	P50, P99  float64 // seconds of waiting
	PerSecond Rates
}

// Rates are how often something happens, per second.
type Rates struct{ Acquires, Dials, Errors float64 }

// History is that of an endpoint. The zero value is empty and ready to use. It is safe for concurrent use.
//
// Its size is fixed: 91 samples of 72 bytes and 7 snapshots of waits of 320 bytes, which is 9 kB.
type History struct {
	mu     sync.Mutex // guards what follows
	ring   [most]kept
	waits  [recent]Counts // of the last of them
	number int            // how many samples there were
}

// kept is what is kept of a sample. The waits are read when it is made, as their counts would take four times as much.
type kept struct {
	at                               time.Time
	inUse, waiting                   uint32
	acquires, callers, dials, errors uint64
	p50, p99                         float32
}

func keep(s Sample) kept {
	return kept{
		at: s.At, inUse: uint32(s.InUse), waiting: uint32(s.Waiting),
		acquires: s.Acquires, callers: s.Callers, dials: s.Dials, errors: s.Errors,
	}
}

// Note keeps a sample, unless the last one is not yet old enough.
func (h *History) Note(s Sample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := keep(s)
	if h.number > 0 {
		before := h.ring[(h.number-1)%most]
		if s.At.Sub(before.at) < Every-Every/10 { // a ticker may be early by a moment
			return
		}
		waits := s.Waits.since(h.waits[(h.number-1)%recent])
		callers := grown(k.callers, before.callers)
		k.p50, k.p99 = float32(waits.quantile(0.5, callers)), float32(waits.quantile(0.99, callers))
	}
	h.ring[h.number%most], h.waits[h.number%recent] = k, s.Waits
	h.number++
}

// Points returns what was kept, the oldest first, without what is older than Span. The first of all samples is where counting begins, and no point.
func (h *History) Points(now time.Time) []Point {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Point
	for i := max(1, h.number-most+1); i < h.number; i++ {
		before, k := h.ring[(i-1)%most], h.ring[i%most]
		if now.Sub(k.at) > Span {
			continue
		}
		all = append(all, Point{
			At: k.at, InUse: int(k.inUse), Waiting: int(k.waiting), P50: float64(k.p50), P99: float64(k.p99),
			PerSecond: k.since(before),
		})
	}
	return all
}

// Lately tells how the last minute was that ends with a sample, or less if there is less: the rates, and how long callers waited.
func (h *History) Lately(s Sample) (r Rates, p50, p99 float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := max(0, h.number-recent); i < h.number; i++ { // the oldest that is young enough
		before := h.ring[i%most]
		if age := s.At.Sub(before.at); age <= 0 || age > Lately+Every && i < h.number-1 {
			continue
		}
		waits := s.Waits.since(h.waits[i%recent])
		now := keep(s)
		callers := grown(now.callers, before.callers)
		return now.since(before), waits.quantile(0.5, callers), waits.quantile(0.99, callers)
	}
	return Rates{}, 0, 0
}

// since is how often things happened after an earlier sample.
func (k kept) since(before kept) Rates {
	seconds := k.at.Sub(before.at).Seconds()
	return Rates{
		Acquires: float64(grown(k.acquires, before.acquires)) / seconds,
		Dials:    float64(grown(k.dials, before.dials)) / seconds,
		Errors:   float64(grown(k.errors, before.errors)) / seconds,
	}
}

// grown is by how much a count has grown. Two who take samples at the same moment may note them in the other order: then it has not.
func grown(now, before uint64) uint64 { return now - min(now, before) }
