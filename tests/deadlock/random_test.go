package deadlock_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled"
	"github.com/gopooled/pooled/tests/internal/pooltest"
)

// nesting is a program that nests: each of its holders holds a connection, and wants one more for a moment, when all hold theirs. Without a twist they wait for each other for ever.
type nesting struct {
	*testing.T
	*rand.Rand
	pooltest.Pool
	conns   int
	holders int
	twist   string // what keeps them from it
	held    sync.WaitGroup
	jobs    chan func() // for a goroutine that was there before

	mu      sync.Mutex // guards what follows
	refused int
	failed  []error
}

// twists are what makes a nesting end by itself. Each is about the first holder.
var twists = []string{
	"none",         // they are stuck
	"room",         // there are more connections than holders
	"patience",     // one does something else for a while, and does not want one more
	"child",        // one has started a goroutine that gives back
	"grandchild",   // or one that has done so, and ended
	"job",          // one has handed what it holds to another that has used it
	"busy",         // or that is at work with it
	"two at first", // one holds two, and gives one back
}

func (n *nesting) pick(of []string) string { return of[n.IntN(len(of))] }

// work is what a holder does.
func (n *nesting) work(ctx context.Context, number int, holding, wanting string, delay time.Duration) {
	hold := func() (func() error, error) { return holds[holding](ctx, n.DB) }
	end, err := hold()
	twist := ""
	if number == 0 {
		twist = n.twist
	}
	after := func() { // whoever gives back may come a while later
		time.Sleep(delay)
		n.note(end())
	}
	var tx *sql.Tx
	switch twist {
	case "child":
		go after()
	case "grandchild":
		go func() { go after() }()
	case "job", "busy":
		n.note(end())
		tx, err = n.Begin()
		n.jobs <- func() {
			if twist == "job" {
				_, err := tx.Exec("job")
				n.note(err)
			}
			time.Sleep(delay)
			n.note(tx.Commit())
		}
	}
	n.note(err)
	n.held.Done()
	n.held.Wait()
	if twist == "patience" || twist == "two at first" {
		time.Sleep(delay)
	} else {
		n.note(wants[wanting](ctx, n.DB))
	}
	switch twist {
	case "child", "grandchild", "job", "busy":
	default:
		n.note(end())
	}
}

func (n *nesting) note(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case errors.Is(err, pooled.ErrDeadlock):
		n.refused++
	case err != nil:
		n.failed = append(n.failed, err)
	}
}

// run runs the program, with others beside it that want a connection.
func (n *nesting) run() {
	n.jobs = make(chan func())
	go func() {
		for job := range n.jobs {
			job()
		}
	}()
	defer close(n.jobs)
	n.held.Add(n.holders)
	var all sync.WaitGroup
	holding, wanting := slices.Sorted(maps.Keys(holds)), slices.Sorted(maps.Keys(wants))
	for number := range n.holders {
		delay := time.Duration(1 + n.Int64N(int64(10*time.Second)))
		holding, wanting := n.pick(holding), n.pick(wanting)
		ctx := context.Background()
		if n.IntN(2) == 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(ctx)
			defer cancel()
		}
		all.Go(func() { n.work(ctx, number, holding, wanting, delay) })
	}
	for range n.IntN(3) {
		wanting := n.pick(wanting)
		all.Go(func() {
			n.held.Wait()
			n.note(wants[wanting](context.Background(), n.DB))
		})
	}
	all.Wait()
	time.Sleep(time.Minute) // until those that were started beside have ended too
}

func TestThousandRandomNestings(t *testing.T) {
	const seed = 1
	counts := map[string]int{}
	for i := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, i))
		synctest.Test(t, func(t *testing.T) {
			n := &nesting{T: t, Rand: r, holders: 1 + r.IntN(5), twist: twists[r.IntN(len(twists))]}
			n.conns = n.holders
			if n.twist == "room" {
				n.conns++
			}
			n.Pool, _ = pooltest.NewNarrowPool(t, n.conns, nil)
			n.run()
			what := fmt.Sprintf("nesting %d: %d holders, twist %s", i, n.holders, n.twist)
			want := 0
			if n.twist == "none" {
				want = 1
			}
			assert.Equal(t, want, n.refused, what)
			assert.Empty(t, n.failed, what)
			assert.Zero(t, n.EndpointStats().InUse, what)
			counts[n.twist]++
		})
	}
	t.Log(counts)
}
