package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/gopooled/pooled"
)

// The load of the overload: statements that take so long, on so many connections, for callers who have so much time.
const (
	overloadConns    = 8
	overloadTakes    = 10 * time.Millisecond
	overloadDeadline = 100 * time.Millisecond
)

// overloadLoads are how much comes, as a part of what the connections can do.
var overloadLoads = []float64{0.8, 1.4, 3}

// overloadPromise is what is promised at a load.
type overloadPromise struct{ goodput, p50 float64 } // part of what the connections can do; milliseconds

var overloadVariants = []struct {
	variant
	promised map[float64]overloadPromise
}{
	{variant: variant{"bare, tuned", func(driverName, dsn string) (*sql.DB, error) {
		db, err := sql.Open(driverName, dsn)
		if err == nil {
			db.SetMaxOpenConns(overloadConns)
			db.SetMaxIdleConns(overloadConns)
		}
		return db, err
	}}},
	{
		variant{"pooled", openChanged(func(c *pooled.Config) { c.Pool.MaxConns = overloadConns })},
		map[float64]overloadPromise{1.4: {0.96, 20}, 3: {0.93, 20}},
	},
	{
		variant{"pooled, `pool_shed=on`", openChanged(func(c *pooled.Config) { c.Pool.MaxConns, c.Queue.Shed = overloadConns, true })},
		map[float64]overloadPromise{1.4: {0.96, 20}, 3: {0.95, 20}},
	},
}

// overloadRound is how long callers come in a round.
const overloadRound = 2 * time.Second

// overloaded is what became of the callers of a round.
type overloaded struct {
	came, refused int
	took          []time.Duration // of those who were served in time
	told          []time.Duration // after how long those knew who were refused
}

// overloadOn compares the variants when more callers come than the connections can serve.
func overloadOn(title, driver, text string) func(context.Context, string, effort) (section, error) {
	return func(ctx context.Context, dsn string, e effort) (section, error) {
		s := section{
			title: title + ", more callers than the connections can serve",
			note: fmt.Sprintf("%d connections, statements of %s, a deadline of %s for each caller. Callers come at random. Goodput is the part of what the connections "+
				"can do, measured in the same minute, that was done for callers in time. Times are those of the callers who were served.", overloadConns, overloadTakes, overloadDeadline),
			header: []string{"load", "", "goodput", "p50", "p99", "refused", "of these, 95 % knew after"},
		}
		variants := make([]variant, len(overloadVariants))
		for i, v := range overloadVariants {
			variants[i] = v.variant
		}
		dbs, closeAll, err := openAll(variants, driver, dsn)
		defer closeAll()
		if err != nil {
			return s, err
		}
		call := func(ctx context.Context, db *sql.DB) error {
			_, err := db.ExecContext(ctx, text)
			return err
		}
		capacity := func() (float64, error) {
			n := int(overloadRound / overloadTakes) // for each connection half of a round, or less
			took, err := work(ctx, dbs[0], load{workers: overloadConns, calls: n / 2 * overloadConns}, call)
			return float64(n/2*overloadConns) / took.Seconds(), err
		}
		for _, db := range dbs { // all connections are there before callers come
			if _, err := work(ctx, db, load{workers: overloadConns, calls: 10 * overloadConns}, call); err != nil {
				return s, err
			}
		}
		for _, part := range overloadLoads {
			goodputs, all := make([][]float64, len(dbs)), make([]overloaded, len(dbs))
			for range e.clusterRounds() {
				most, err := capacity()
				if err != nil {
					return s, err
				}
				for _, i := range rand.Perm(len(dbs)) {
					if err := ctx.Err(); err != nil {
						return s, err
					}
					o := flood(ctx, dbs[i], part*most, call)
					goodputs[i] = append(goodputs[i], float64(len(o.took))/overloadRound.Seconds()/most)
					all[i].add(o)
				}
			}
			for i, v := range overloadVariants {
				s.add(title, part, v.name, spreadOf(goodputs[i]), all[i], v.promised[part])
			}
		}
		return s, nil
	}
}

// flood has so many callers come in a second, for a round, and waits until all are gone.
func flood(ctx context.Context, db *sql.DB, perSecond float64, call func(context.Context, *sql.DB) error) overloaded {
	var o overloaded
	var mu sync.Mutex // guards o
	var callers sync.WaitGroup
	start := time.Now()
	for next := start; next.Sub(start) < overloadRound; next = next.Add(time.Duration(rand.ExpFloat64() / perSecond * float64(time.Second))) {
		time.Sleep(time.Until(next))
		o.came++
		callers.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, overloadDeadline)
			defer cancel()
			came := time.Now()
			err := call(ctx, db)
			took := time.Since(came)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil && took <= overloadDeadline:
				o.took = append(o.took, took)
			case errors.Is(err, pooled.ErrOverloaded):
				o.refused++
				o.told = append(o.told, took)
			}
		})
	}
	callers.Wait()
	return o
}

func (o *overloaded) add(other overloaded) {
	o.came += other.came
	o.refused += other.refused
	o.took, o.told = append(o.took, other.took...), append(o.told, other.told...)
}

// add adds the row of a variant at a load.
func (s *section) add(title string, part float64, name string, goodput spread, o overloaded, promised overloadPromise) {
	slices.Sort(o.took)
	slices.Sort(o.told)
	at := func(sorted []time.Duration, p int) string {
		if len(sorted) == 0 {
			return ""
		}
		return fmt.Sprintf("%.1f ms", percentile(sorted, p).Seconds()*1000)
	}
	s.rows = append(s.rows, []string{
		fmt.Sprintf("%g", part), name, ratioCell(goodput), at(o.took, 50), at(o.took, 99), fmt.Sprintf("%.0f %%", 100*float64(o.refused)/float64(max(1, o.came))), at(o.told, 95),
	})
	if promised.goodput == 0 {
		return
	}
	half := percentile(o.took, 50).Seconds() * 1000
	what := fmt.Sprintf("%s, %g times what can be served, %s: ", title, part, name)
	s.requirements = append(s.requirements,
		requirement{
			what: what + "done in time is", want: fmt.Sprintf("at least %g of what can be done", promised.goodput), got: ratioCell(goodput),
			verdict: judge(spread{median: -goodput.median, low: -goodput.high}, -promised.goodput),
		},
		requirement{
			what: what + "half of those served wait", want: fmt.Sprintf("at most %g ms", promised.p50), got: at(o.took, 50),
			verdict: judge(spread{median: half, low: half}, promised.p50),
		})
}
