// Package callers says who is calling, at a cost of nanoseconds: the stack of the caller, and the number of its goroutine.
//
//	var seen callers.Cache
//	stack := seen.Capture(0)                 // of the function that says this
//	frames := runtime.CallersFrames(stack)   // names and lines, later, when somebody asks
//
// [runtime.Callers] unwinds frame by frame through the tables of the program; under database/sql that costs a microsecond.
// Capture only hashes the return addresses, following the frame pointers, and remembers which stack had that hash.
//
// It is not a profiler: it captures its own goroutine only, and resolves nothing. It must not be called in a signal handler.
package callers

// Stack is program counters as [runtime.Callers] returns them, for [runtime.CallersFrames]: logical frames, inlined calls
// included, innermost first, at most 64. A Stack is shared by all who captured it, and never changed.
type Stack = []uintptr
