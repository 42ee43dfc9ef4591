package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// subject is one side of a comparison: it does the work of a round and tells how long it took.
type subject func(ctx context.Context) (time.Duration, error)

// interleave gives every subject a turn in every round, in random order, and returns the times by subject and round. A
// turn before the first round, which does not count, warms up caches and dials connections.
func interleave(ctx context.Context, rounds int, subjects []subject) ([][]time.Duration, error) {
	times := make([][]time.Duration, len(subjects))
	for round := -1; round < rounds; round++ {
		for _, i := range rand.Perm(len(subjects)) {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			runtime.GC() // nobody pays for another's garbage
			took, err := subjects[i](ctx)
			if err != nil {
				return nil, err
			}
			if round >= 0 {
				times[i] = append(times[i], took)
			}
		}
	}
	return times, nil
}

// load is what one turn consists of.
type load struct {
	workers int
	calls   int           // by all workers together
	think   time.Duration // after each call of a worker, its connection given back
}

func (l load) String() string {
	if l.think > 0 {
		return fmt.Sprintf("%s, %s of think time", plural(l.workers, "worker"), l.think)
	}
	return plural(l.workers, "worker")
}

// work has the workers do the calls and returns how long they took.
func work(ctx context.Context, db *sql.DB, l load, call func(context.Context, *sql.DB) error) (time.Duration, error) {
	errs := make([]error, l.workers)
	var workers sync.WaitGroup
	start := time.Now()
	for w := range l.workers {
		workers.Go(func() {
			for range l.calls / l.workers {
				if errs[w] = call(ctx, db); errs[w] != nil {
					return
				}
				if l.think > 0 {
					time.Sleep(l.think)
				}
			}
		})
	}
	workers.Wait()
	return time.Since(start), errors.Join(errs...)
}

// request has the workers make n calls, whoever comes first, and returns how long each took, sorted.
func request(ctx context.Context, db *sql.DB, workers, n int, call func(context.Context, *sql.DB) error) ([]time.Duration, error) {
	latencies := make([]time.Duration, n)
	errs := make([]error, workers)
	var taken atomic.Int64
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for i := taken.Add(1); i <= int64(n) && errs[w] == nil; i = taken.Add(1) {
				begin := time.Now()
				errs[w] = call(ctx, db)
				latencies[i-1] = time.Since(begin)
			}
		})
	}
	group.Wait()
	slices.Sort(latencies)
	return latencies, errors.Join(errs...)
}

// percentile of sorted latencies.
func percentile(latencies []time.Duration, p int) time.Duration {
	return latencies[(len(latencies)-1)*p/100]
}

// spread is the middle of many figures: their median and the quartiles, between which half of them lie.
type spread struct {
	q1, median, q3 float64
	// low and high are what the median itself lies between, with 95 % confidence.
	low, high float64
}

func spreadOf(values []float64) spread {
	sorted := slices.Sorted(slices.Values(values))
	at := func(share float64) float64 {
		place := min(max(share, 0), 1) * float64(len(sorted)-1)
		below := int(place)
		above := min(below+1, len(sorted)-1)
		return sorted[below] + (place-float64(below))*(sorted[above]-sorted[below])
	}
	// How many of n figures are below the true median is a binomial variable: its standard deviation is half the root of n.
	doubt := 1.96 / 2 / math.Sqrt(float64(len(sorted)))
	return spread{at(0.25), at(0.5), at(0.75), at(0.5 - doubt), at(0.5 + doubt)}
}

// speedups says for each round how many times as fast as base other was.
func speedups(base, other []time.Duration) []float64 {
	ratios := make([]float64, len(base))
	for round := range base {
		ratios[round] = base[round].Seconds() / other[round].Seconds()
	}
	return ratios
}

// median of durations, for orientation beside the ratios.
func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
