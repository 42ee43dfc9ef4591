package nested

import (
	"runtime"
)

// GORM prepares a text once for all goroutines (PrepareStmt). While one of them does, which needs a connection, the others that want the same text wait for it, with the
// connections that they hold. A channel is closed at the end of lruStore.New, and they receive from it in lruStore.Get. So they are stuck if all goroutines are that
// stand in lruStore.New, whichever of them they wait for.
const (
	gormPrepares = "gorm.io/gorm/internal/stmt_store.(*lruStore).New"
	gormAwaits   = "gorm.io/gorm/internal/stmt_store.(*lruStore).Get"
)

// othersStandBehind reports whether others may wait for the goroutine with this stack.
func othersStandBehind(stack []uintptr) bool {
	for frames := runtime.CallersFrames(stack); ; {
		frame, more := frames.Next()
		if frame.Function == gormPrepares {
			return true
		}
		if !more {
			return false
		}
	}
}

// stands reports whether a goroutine waits for one that is stuck.
func (e evidence) stands(s *suspicion, goroutine uint64) bool {
	if g := e[goroutine]; g.State != "chan receive" || len(g.Functions) == 0 || g.Functions[0] != gormAwaits {
		return false
	}
	for _, g := range e {
		if g.StandsIn(gormPrepares) && !(s.waits(g.Number) && e.waits(g.Number)) {
			return false
		}
	}
	return true
}
