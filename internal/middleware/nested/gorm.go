package nested

import (
	"runtime"
	"strings"

	"github.com/gopooled/pooled/internal/goroutines"
)

// GORM prepares a text once for all goroutines (PrepareStmt). While one of them does, which needs a connection, the others that want the same text wait for it in lruStore.Get,
// with the connections that they hold, and with a lock for which others wait then. It is a goroutine in gormPrepares that all of them wait for. So they are stuck if all are
// that stand there.
const (
	gormPrepares = "gorm.io/gorm.(*PreparedStmtDB).prepare"
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
	if !standsBehind(e[goroutine]) {
		return false
	}
	awaited := false // by one that has the lock
	for _, g := range e {
		if !g.StandsIn(gormPrepares) {
			continue
		}
		if !standsBehind(g) && !(s.waits(g.Number) && e.waits(g.Number)) {
			return false
		}
		awaited = awaited || awaits(g)
	}
	return awaited
}

// standsBehind reports whether a goroutine waits for another one's preparing.
func standsBehind(g goroutines.Goroutine) bool {
	return awaits(g) || g.StandsIn(gormPrepares) && strings.HasPrefix(g.State, "sync.RWMutex.")
}

// awaits reports whether it waits for the statement itself.
func awaits(g goroutines.Goroutine) bool {
	return g.State == "chan receive" && len(g.Functions) > 0 && g.Functions[0] == gormAwaits
}
