package callers

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// capture captures at one place in two ways.
type capture struct {
	got  Stack
	want []uintptr
}

// both captures its caller's stack, without skip further frames.
//
//go:noinline
func both(c *Cache, skip int) capture {
	return capture{c.Capture(skip + 1), unwound(skip + 1)}
}

// unwound is the oracle: runtime.Callers, as its documentation has it.
//
//go:noinline
func unwound(skip int) []uintptr {
	var pcs [maxFrames]uintptr
	return slices.Clone(pcs[:runtime.Callers(2+skip, pcs[:])])
}

// frames returns functions and lines, innermost first.
func frames(stack []uintptr) []string {
	var lines []string
	if len(stack) == 0 {
		return lines
	}
	all := runtime.CallersFrames(stack)
	for {
		frame, more := all.Next()
		lines = append(lines, fmt.Sprintf("%s %s:%d", frame.Function, frame.File, frame.Line))
		if !more {
			return lines
		}
	}
}

// Ways to be called. Each returns what one call captured.

func inlined(c *Cache, skip int) capture      { return inlinedTwice(c, skip) }
func inlinedTwice(c *Cache, skip int) capture { return both(c, skip) }

func closure(c *Cache, skip int) (got capture) {
	func() { got = func() capture { return both(c, skip) }() }()
	return got
}

func deferred(c *Cache, skip int) (got capture) {
	defer func() { got = both(c, skip) }()
	return got
}

func deferredInLoop(c *Cache, skip int) (got capture) {
	for range 3 {
		defer func() { got = both(c, skip) }()
	}
	return got
}

func panicking(c *Cache, skip int) (got capture) {
	defer func() { got = both(c, skip); _ = recover() }()
	panic("on purpose")
}

func faulting(c *Cache, skip int) (got capture) {
	defer func() { got = both(c, skip); _ = recover() }()
	return *noCapture
}

var noCapture *capture

// leaf has no frame.
//
//go:noinline
func leaf(p *capture) int { return len(p.got) }

// faultingLeaf panics in leaf, which it calls from one of two lines.
//
//go:noinline
func faultingLeaf(c *Cache, skip int, first bool) (got capture) {
	defer func() { got = both(c, skip); _ = recover() }()
	if first {
		leaf(noCapture)
	} else {
		leaf(noCapture)
	}
	return got
}

func recovered(c *Cache, skip int) capture {
	_ = panicking(c, skip)
	return both(c, skip)
}

type receiver struct{ c *Cache }

//go:noinline
func (r receiver) method(skip int) capture { return both(r.c, skip) }

type capturer interface{ method(skip int) capture }

type promoted struct {
	_ int
	capturer
}

//go:noinline
func call(f func(int) capture, skip int) capture { return f(skip) }

func methodValue(c *Cache, skip int) capture { return call(receiver{c}.method, skip) }

func interfaceMethod(c *Cache, skip int) capture {
	var i capturer = &promoted{capturer: &promoted{capturer: receiver{c}}}
	return call(i.method, skip)
}

//go:noinline
func generic[T any](c *Cache, skip int, _ T) capture { return both(c, skip) }

func genericOfInt(c *Cache, skip int) capture    { return generic(c, skip, 1) }
func genericOfString(c *Cache, skip int) capture { return generic(c, skip, "") }

func overFunc(c *Cache, skip int) (got capture) {
	for range func(yield func(int) bool) { yield(1) } {
		got = both(c, skip)
	}
	return got
}

func sorted(c *Cache, skip int) (got capture) {
	slices.SortFunc([]int{2, 1}, func(a, b int) int { got = both(c, skip); return a - b })
	return got
}

func goroutine(c *Cache, skip int) capture {
	got := make(chan capture)
	go func() { got <- both(c, skip) }()
	return <-got
}

func once(c *Cache, skip int) (got capture) {
	new(sync.Once).Do(func() { got = both(c, skip) })
	return got
}

// deep calls itself, from two lines, and has a big frame, so that the stack must grow.
//
//go:noinline
func deep(c *Cache, skip, depth int, pattern uint64) capture {
	var frame [300]byte
	defer func() { runtime.KeepAlive(&frame) }()
	frame[depth%len(frame)] = 1
	switch {
	case depth == 0:
		return both(c, skip)
	case pattern&1 == 0:
		return deep(c, skip, depth-1, pattern>>1)
	default:
		return deep(c, skip, depth-1, pattern>>1)
	}
}

func atDepth(depth int) func(*Cache, int) capture {
	return func(c *Cache, skip int) capture { return deep(c, skip, depth, 0) }
}

var shapes = []struct {
	name string
	call func(c *Cache, skip int) capture
}{
	{"directly", both},
	{"inlined", inlined},
	{"closure", closure},
	{"defer", deferred},
	{"defer in a loop", deferredInLoop},
	{"defer of a panic", panicking},
	{"defer of a nil dereference", faulting},
	{"after a recovered panic", recovered},
	{"method value", methodValue},
	{"promoted method of an interface", interfaceMethod},
	{"generic of int", genericOfInt},
	{"generic of string", genericOfString},
	{"range over a function", overFunc},
	{"callback of the standard library", sorted},
	{"another goroutine", goroutine},
	{"sync.Once", once},
	{"5 deep", atDepth(5)},
	{"60 deep", atDepth(60)},
	{"100 deep", atDepth(100)},
	{"1000 deep", atDepth(1000)},
}

func TestCaptureReturnsTheStackThatRuntimeCallersReturns(t *testing.T) {
	var c Cache
	for _, shape := range shapes {
		for _, skip := range []int{0, 1, 2, 5, 100} {
			t.Run(fmt.Sprintf("%s, skip %d", shape.name, skip), func(t *testing.T) {
				for range 2 { // the second time, the stack is known
					got := shape.call(&c, skip)
					require.Equal(t, frames(got.want), frames(got.got))
				}
			})
		}
	}
}

func TestTheFirstFrameIsTheLineThatCallsCapture(t *testing.T) {
	var c Cache
	_, file, line, _ := runtime.Caller(0)
	stack := c.Capture(0)
	want := fmt.Sprintf("%s.%s %s:%d", "github.com/gopooled/pooled/internal/callers", t.Name(), file, line+1)
	assert.Equal(t, want, frames(stack)[0])
}

func TestTwoLinesOfAFunctionHaveTwoStacks(t *testing.T) {
	var c Cache
	for range 2 {
		one := c.Capture(0)
		two := c.Capture(0)
		assert.NotEqual(t, frames(one)[0], frames(two)[0])
		assert.Equal(t, frames(one)[1:], frames(two)[1:])
	}
}

func TestOneLineReachedFromTwoLinesHasTwoStacks(t *testing.T) {
	var c Cache
	one := deep(&c, 0, 20, 1<<10)
	two := deep(&c, 0, 20, 1<<11)
	assert.Equal(t, frames(one.want), frames(one.got))
	assert.Equal(t, frames(two.want), frames(two.got))
	assert.NotEqual(t, one.got, two.got)
}

func TestStacksThatDifferOnlyBehindAllCallsFollowedAreNotMixedUp(t *testing.T) {
	var c Cache
	for range 2 {
		one := deep(&c, 280, 300, 0)
		two := deep(&c, 280, 300, 0)
		assert.Equal(t, frames(one.want), frames(one.got))
		assert.Equal(t, frames(two.want), frames(two.got))
		assert.NotEqual(t, one.got, two.got)
	}
}

func TestALeafThatFaultsDoesNotHideTheLineThatCalledIt(t *testing.T) {
	var c Cache
	for _, skip := range []int{0, 4, 5, 6} { // with and without the frames of the panic
		for range 2 {
			for _, first := range []bool{true, false} {
				got := faultingLeaf(&c, skip, first)
				require.Equal(t, frames(got.want), frames(got.got))
			}
		}
	}
}

func TestAStackSeenBeforeIsTheSameSlice(t *testing.T) {
	requireFingerprints(t)
	var c Cache
	for _, shape := range shapes {
		if shape.name == "1000 deep" || shape.name == "defer of a nil dereference" {
			continue // not remembered, see Capture
		}
		var stacks []Stack
		for range 2 {
			stacks = append(stacks, shape.call(&c, 0).got)
		}
		assert.Same(t, unsafe.SliceData(stacks[0]), unsafe.SliceData(stacks[1]), shape.name)
		assert.Equal(t, len(stacks[0]), cap(stacks[0]), shape.name)
	}
}

func TestAStackSeenBeforeCostsNoAllocation(t *testing.T) {
	requireFingerprints(t)
	var c Cache
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.Capture(0) }))
	assert.Zero(t, testing.AllocsPerRun(100, func() { c.Capture(2) }))
}

func TestCaptureIsRightWhileStacksGrowAndMove(t *testing.T) {
	var c Cache
	var stop atomic.Bool
	var collector, captures sync.WaitGroup
	collector.Go(func() {
		for !stop.Load() {
			runtime.GC() // shrinks stacks, so that they grow again
		}
	})
	for i := range 8 {
		captures.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for range 100 {
				fresh := make(chan struct{})
				go func() { // a small stack each
					defer close(fresh)
					for range 10 {
						skip, depth := random.IntN(3), random.IntN(80)
						got := deep(&c, skip, depth, random.Uint64N(4))
						if !assert.Equal(t, frames(got.want), frames(got.got)) {
							return
						}
						for _, shape := range shapes[:8] {
							got := shape.call(&c, skip)
							if !assert.Equal(t, frames(got.want), frames(got.got), shape.name) {
								return
							}
						}
					}
				}()
				<-fresh
			}
		})
	}
	captures.Wait()
	stop.Store(true)
	collector.Wait()
}

// requireFingerprints skips a test of what only fingerprints make possible.
func requireFingerprints(t *testing.T) {
	if _, ok := fingerprint(0); !ok {
		if runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" {
			t.Fatal("no fingerprint")
		}
		t.Skip("this architecture has no fingerprints")
	}
}
