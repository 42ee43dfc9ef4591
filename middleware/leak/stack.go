package leak

import (
	"runtime"
	"strings"
)

// between are the packages that stand between a caller of database/sql and the middleware that captures the stack.
var between = []string{
	"database/sql.",
	"github.com/gopooled/pooled.",
	"github.com/gopooled/pooled/internal/session.",
	"github.com/gopooled/pooled/middleware/",
}

// fromCaller is the part of a stack that begins with the function that called database/sql. Every program counter of
// runtime.Callers stands for one frame.
func fromCaller(stack []uintptr) []uintptr {
	for i := range stack {
		frame, _ := runtime.CallersFrames(stack[i : i+1]).Next()
		if !isBetween(frame.Function) {
			return stack[i:]
		}
	}
	return stack
}

func isBetween(function string) bool {
	for _, prefix := range between {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return false
}
