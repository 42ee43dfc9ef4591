package endpoint

import (
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gopooled/pooled/middleware"
)

func TestBorrowTellsWhatItsHolderDoes(t *testing.T) {
	var b borrow
	_, ok := b.look()
	assert.False(t, ok, "nobody holds it")

	b.since = 7
	b.begin(middleware.Borrower{Goroutine: 5}, middleware.Begin, "")
	h, ok := b.look()
	assert.True(t, ok)
	assert.True(t, h.Busy)
	assert.Equal(t, "begin", h.Op)
	assert.EqualValues(t, 5, h.Goroutine)
	assert.EqualValues(t, 7, h.since)

	b.endCall(true)
	h, _ = b.look()
	assert.False(t, h.Busy)
	assert.True(t, h.InTx)
	again, _ := b.look()
	assert.Equal(t, h.Version(), again.Version(), "a look changes nothing")

	assert.True(t, b.beginCall(middleware.Exec, "update", 0))
	h, _ = b.look()
	assert.Equal(t, "update", h.Text)
	assert.Equal(t, 2, h.Calls)
	assert.True(t, h.InTx)
	assert.NotEqual(t, again.Version(), h.Version())

	b.endCall(false)
	assert.True(t, b.end())
	_, ok = b.look()
	assert.False(t, ok)
}

func TestBorrowIsReclaimedOnlyIfNothingHappenedSinceTheLook(t *testing.T) {
	var b borrow
	b.begin(middleware.Borrower{}, middleware.Query, "select")
	h, _ := b.look()
	assert.False(t, b.reclaim(h.state), "it is busy")
	b.endCall(false)
	assert.False(t, b.reclaim(h.state))

	h, _ = b.look()
	b.beginCall(middleware.Query, "select", 0)
	b.endCall(false)
	assert.False(t, b.reclaim(h.state), "it was used")

	h, _ = b.look()
	assert.True(t, b.reclaim(h.state))
	assert.False(t, b.reclaim(h.state), "once")
	_, ok := b.look()
	assert.False(t, ok)
	assert.False(t, b.beginCall(middleware.Query, "select", 0))
	assert.False(t, b.beginCall(middleware.Query, "select", 0))
	assert.False(t, b.end())
}

// The borrower works, others look, and one reclaims, all at once. Every look must see fields that belong together, and exactly one of
// borrower and reclaimer ends the borrow.
func TestBorrowIsSeenWholeAndEndedOnceWhateverHappensAtTheSameMoment(t *testing.T) {
	const rounds = 3_000
	var looks, reclaims, ends int
	var seen atomic.Int64
	for round := range rounds {
		var b borrow
		b.begin(middleware.Borrower{Goroutine: uint64(round)}, middleware.Query, "1")
		var mu sync.Mutex // one may look at a time
		var wg sync.WaitGroup
		var kept, taken bool
		wg.Go(func() {
			b.endCall(false)
			for i := 2; i <= 20; i++ {
				if !b.beginCall(middleware.Exec, strconv.Itoa(i), 0) {
					break
				}
				b.endCall(i%2 == 0)
				if i%5 == 0 {
					runtime.Gosched()
				}
			}
			kept = b.end()
		})
		for range 2 {
			wg.Go(func() {
				for {
					mu.Lock()
					h, ok := b.look()
					mu.Unlock()
					if !ok {
						return
					}
					seen.Add(1)
					if h.Text != strconv.Itoa(h.Calls) || h.Goroutine != uint64(round) {
						t.Errorf("call %d has the text %q, goroutine %d of %d", h.Calls, h.Text, h.Goroutine, round)
					}
					if round%2 == 0 && b.reclaim(h.state) {
						mu.Lock()
						if taken {
							t.Error("reclaimed twice")
						}
						taken = true
						mu.Unlock()
					}
					runtime.Gosched()
				}
			})
		}
		wg.Wait()
		if kept == taken {
			t.Fatalf("kept %v, taken %v", kept, taken)
		}
		if taken {
			reclaims++
		} else {
			ends++
		}
	}
	looks = int(seen.Load())
	t.Logf("%d looks, %d reclaimed, %d given back", looks, reclaims, ends)
	assert.NotZero(t, looks)
	assert.NotZero(t, reclaims)
	assert.NotZero(t, ends)
}
