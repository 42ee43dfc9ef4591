package callers

import (
	"fmt"
	"runtime"
	"testing"
)

// calledAt calls f so that its stack is as deep as that.
//
//go:noinline
func calledAt(depth int, f func()) {
	if depth == 0 {
		f()
		return
	}
	calledAt(depth-1, f)
	runtime.KeepAlive(f)
}

func BenchmarkCapture(b *testing.B) {
	for _, depth := range []int{5, 15, 30} {
		here := len(unwound(0)) + 3 // the frames that this benchmark adds itself
		b.Run(fmt.Sprintf("%d/cache", depth), func(b *testing.B) {
			var c Cache
			calledAt(max(depth-here, 0), func() {
				b.ReportAllocs()
				for b.Loop() {
					c.Capture(0)
				}
				b.ReportMetric(float64(len(c.Capture(0))), "frames")
			})
		})
		b.Run(fmt.Sprintf("%d/runtime.Callers", depth), func(b *testing.B) {
			calledAt(max(depth-here, 0), func() {
				b.ReportAllocs()
				var pcs [maxFrames]uintptr
				for b.Loop() {
					runtime.Callers(1, pcs[:])
				}
				b.ReportMetric(float64(runtime.Callers(1, pcs[:])), "frames")
			})
		})
	}
}

func BenchmarkGoroutine(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Goroutine()
	}
}
