package callers

import (
	"runtime"
	"strings"
)

// OutsideSQL is the part of a stack that begins with the function that called database/sql, whatever stands between database/sql and the
// middleware that captured the stack: other middlewares, and drivers that wrap pooled. Every program counter of runtime.Callers
// stands for one frame.
func OutsideSQL(stack Stack) Stack {
	inside := false
	for i := range stack {
		frame, _ := runtime.CallersFrames(stack[i : i+1]).Next()
		switch {
		case strings.HasPrefix(frame.Function, "database/sql."):
			inside = true
		case inside && !strings.HasPrefix(frame.Function, "github.com/gopooled/pooled."): // pooled.Raw
			return stack[i:]
		}
	}
	return stack // nobody called database/sql, but the driver itself
}
