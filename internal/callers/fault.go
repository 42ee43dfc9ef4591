package callers

import "runtime"

// faulted reports that a fault, such as dereferencing nil, has interrupted a function of this stack. Then the fingerprint may lack a
// return address: a leaf function without a frame has not saved its caller's frame pointer, and the chain goes on behind that
// caller. A stack with the same fingerprint has the same runtime.sigpanic in it, so it is enough to remember none of them.
func faulted() bool {
	var pcs [2 * maxFrames]uintptr
	for skip := 0; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		if n == 0 {
			return false
		}
		for frames, more := runtime.CallersFrames(pcs[:n]), true; more; {
			var frame runtime.Frame
			if frame, more = frames.Next(); frame.Function == "runtime.sigpanic" {
				return true
			}
		}
	}
}
