//go:build gc && (amd64 || arm64)

package callers

import "runtime"

// Cheap says that capturing a stack that was seen before takes some 10 nanoseconds, and not a microsecond.
const Cheap = true

// maxCalls is how many frame pointers are followed. It is far more than maxFrames because only a stack that was followed to its
// end has a fingerprint: the frames of wrappers, of which there may be any number, are not among those that runtime.Callers
// returns, so the first calls alone do not determine its first 64 frames.
const maxCalls = 256

// goexit is the return address of a goroutine's first function, which the runtime puts there (newproc1 in runtime/proc.go);
// 0 if it could not be found out.
var goexit = findGoexit()

func findGoexit() uintptr {
	_, last := walk(0, maxCalls)
	if f := runtime.FuncForPC(last - 1); last == 0 || f == nil || f.Name() != "runtime.goexit" {
		return 0
	}
	return last
}

// fingerprint returns what identifies the stack of its caller without the innermost skip frames: a hash of skip and of all return
// addresses. ok is false if it does not know them all.
//
// Return addresses determine what runtime.Callers returns, which looks up inlined calls by them. faulted has the exception.
func fingerprint(skip int) (id uint64, ok bool) {
	id, last := walk(uint64(skip), maxCalls)
	return id, last == goexit && last != 0
}

// walk follows the frame pointers of the current goroutine, beginning with its caller's, through at most limit frames. It returns
// a hash of seed and of the return addresses, and the outermost of these.
//
// The layout is fixed: the runtime's own tracer of executions and its block profile follow the same chain (fpTracebackPCs in
// runtime/tracestack.go), which is there on these architectures and no others (framepointer_enabled in runtime/runtime2.go).
// A frame pointer points to the caller's, and the return address is in the word above. At the end of the chain is 0.
//
// It reads nothing outside the goroutine's stack. The bounds are the first two words of g, at an "offset known to runtime/cgo"
// (runtime/runtime2.go). C code between Go functions may use the register for something else: then the chain leaves the
// bounds or does not ascend, and the walk stops; it does not arrive at goexit.
//
// The stack cannot move meanwhile: the runtime does not interrupt assembly code to preempt it (isAsyncSafePoint in
// runtime/preempt.go), and only a goroutine that grows its own stack or is stopped has its stack moved.
func walk(seed, limit uint64) (hash uint64, last uintptr)
