package history_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/internal/history"
)

var start = time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func TestAHistoryWithoutSamplesIsEmpty(t *testing.T) {
	var h history.History
	assert.Empty(t, h.Points(start))
	rates, p50, p99 := h.Lately(history.Sample{At: start, Acquires: 10})
	assert.Zero(t, rates)
	assert.Zero(t, p50)
	assert.Zero(t, p99)
}

func TestAPointTellsWhatHasHappenedSinceTheOneBefore(t *testing.T) {
	var h history.History
	h.Note(history.Sample{At: start, Acquires: 1000, Dials: 100, Errors: 10})
	assert.Empty(t, h.Points(start), "nothing is before the first")
	h.Note(history.Sample{At: at(10), InUse: 3, Waiting: 2, Acquires: 1050, Dials: 101, Errors: 12})
	h.Note(history.Sample{At: at(30), InUse: 4, Acquires: 1050, Dials: 101, Errors: 12})
	assert.Equal(t, []history.Point{
		{At: at(10), InUse: 3, Waiting: 2, PerSecond: history.Rates{Acquires: 5, Dials: 0.1, Errors: 0.2}},
		{At: at(30), InUse: 4},
	}, h.Points(at(30)))
}

func TestSamplesAreTenSecondsApart(t *testing.T) {
	var h history.History
	for i := range 601 { // somebody looks each second
		h.Note(history.Sample{At: at(i)})
	}
	points := h.Points(at(600))
	require.NotEmpty(t, points)
	for i, p := range points[1:] {
		assert.InDelta(t, 10, p.At.Sub(points[i].At).Seconds(), 1)
	}

	var late history.History // a ticker may be early after it was late
	late.Note(history.Sample{At: start})
	late.Note(history.Sample{At: at(10).Add(300 * time.Millisecond)})
	late.Note(history.Sample{At: at(20)})
	assert.Len(t, late.Points(at(20)), 2)
}

func TestAFewMinutesAreKept(t *testing.T) {
	var h history.History
	for i := range 1000 {
		h.Note(history.Sample{At: at(10 * i), InUse: i})
	}
	points := h.Points(at(9990))
	require.Len(t, points, 90)
	assert.Equal(t, 910, points[0].InUse)
	assert.Equal(t, 999, points[89].InUse)
	assert.Len(t, h.Points(at(9990+600)), 31, "what is older is not shown, also if nothing came after it")
	assert.Empty(t, h.Points(at(9990+901)))
}

func TestAHistoryIsNineKilobytes(t *testing.T) {
	assert.LessOrEqual(t, unsafe.Sizeof(history.History{})+unsafe.Sizeof(history.Waits{}), uintptr(9216+320))
	var h history.History
	s := history.Sample{At: start}
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		s.At = s.At.Add(history.Every)
		h.Note(s)
	}))
}

func TestLatelyIsTheLastMinute(t *testing.T) {
	var h history.History
	var acquires uint64
	for i := range 31 { // ten a second, and in the last minute twenty
		if i > 0 {
			acquires += 100
		}
		if i > 24 {
			acquires += 100
		}
		h.Note(history.Sample{At: at(10 * i), Acquires: acquires})
	}
	rates, _, _ := h.Lately(history.Sample{At: at(300), Acquires: acquires})
	assert.InDelta(t, 20, rates.Acquires, 0.01)
	rates, _, _ = h.Lately(history.Sample{At: at(309), Acquires: acquires + 180})
	assert.InDelta(t, 20, rates.Acquires, 0.01, "between two samples too")
}

func TestSamplesThatAreNotedInTheOtherOrderAreNoGiantRates(t *testing.T) {
	var h history.History
	h.Note(history.Sample{At: start, Acquires: 101, Callers: 101, Errors: 5})
	h.Note(history.Sample{At: at(10), Acquires: 100, Callers: 100, Errors: 4})
	assert.Zero(t, h.Points(at(10))[0].PerSecond)
	rates, _, _ := h.Lately(history.Sample{At: at(11), Acquires: 99})
	assert.Zero(t, rates)
	h.Note(history.Sample{At: at(5), Acquires: 200})
	assert.Len(t, h.Points(at(10)), 1, "one that is older than the last is left out")
}

// waitsOf notes waits and returns what a history tells of them, if so many callers came.
func waitsOf(callers uint64, waits ...time.Duration) (p50, p99 float64) {
	var h history.History
	var w history.Waits
	h.Note(history.Sample{At: start, Waits: w.Counts()})
	for _, d := range waits {
		w.Note(d)
	}
	_, p50, p99 = h.Lately(history.Sample{At: at(10), Callers: callers, Waits: w.Counts()})
	return p50, p99
}

func TestQuantilesAreThoseOfAllCallers(t *testing.T) {
	p50, p99 := waitsOf(1000)
	assert.Zero(t, p50, "nobody waited")
	assert.Zero(t, p99)
	p50, p99 = waitsOf(1000, slices.Repeat([]time.Duration{time.Second}, 100)...)
	assert.Zero(t, p50, "one in ten waited")
	assert.InEpsilon(t, 1, p99, 0.34)
	p50, p99 = waitsOf(100, slices.Repeat([]time.Duration{time.Second}, 100)...)
	assert.InEpsilon(t, 1, p50, 0.34)
	assert.InEpsilon(t, 1, p99, 0.34)
	p50, _ = waitsOf(0, slices.Repeat([]time.Duration{time.Second}, 100)...)
	assert.InEpsilon(t, 1, p50, 0.34, "who went away has waited too")
}

// A bucket is half of a doubling, so what is told is right to about a third, for waits from 64 µs to half a minute.
func TestQuantilesAreRightToAThird(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		scale := math.Exp(random.Float64()*12) * float64(70*time.Microsecond)
		waits := make([]time.Duration, 500)
		for i := range waits {
			waits[i] = time.Duration(min(scale*(0.2+random.ExpFloat64()), float64(30*time.Second)))
		}
		p50, p99 := waitsOf(500, waits...)
		slices.Sort(waits)
		for q, got := range map[int]float64{250: p50, 495: p99} {
			if want := waits[q].Seconds(); want > 0.0001 {
				assert.InEpsilon(t, want, got, 0.42, "%v", waits[q])
			}
		}
	}
}

func TestWaitsBeyondTheBucketsAreInTheOutermost(t *testing.T) {
	p50, _ := waitsOf(1, time.Nanosecond)
	assert.LessOrEqual(t, p50, 64e-6)
	_, p99 := waitsOf(1, time.Hour)
	assert.InDelta(t, 45, p99, 15)
}

func TestAPointHasTheWaitsSinceTheOneBefore(t *testing.T) {
	var h history.History
	var w history.Waits
	h.Note(history.Sample{At: start})
	w.Note(time.Second)
	h.Note(history.Sample{At: at(10), Callers: 1, Waits: w.Counts()})
	h.Note(history.Sample{At: at(20), Callers: 101, Waits: w.Counts()})
	points := h.Points(at(20))
	assert.InEpsilon(t, 1, points[0].P50, 0.34)
	assert.Zero(t, points[1].P99)
}

func TestAHistoryIsSafeForConcurrentUse(t *testing.T) {
	var h history.History
	var w history.Waits
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for j := range 500 {
				w.Note(time.Duration(j) * time.Millisecond)
				s := history.Sample{At: at(10*j + i), Callers: uint64(j), Waits: w.Counts()}
				h.Note(s)
				h.Lately(s)
				h.Points(s.At)
			}
		})
	}
	all.Wait()
	assert.NotEmpty(t, h.Points(at(5000)))
}
