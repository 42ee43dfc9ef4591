package nested

import (
	"maps"
	"slices"
	"strings"

	"github.com/gopooled/pooled/internal/goroutines"
)

// evidence is a dump of all goroutines, which shows whether a suspicion is right.
//
// The connections are in use by whoever has borrowed them, as far as their calls show. But rows, a transaction or a *sql.Conn may have been handed to another goroutine,
// which is about to give the connection back. So there must be no rescuer: nobody whom a holder has started, directly or through others; nobody who stands in a
// method of database/sql for such things; and nobody who was there before and has been at work ever since, with what a holder may have given him.
type evidence map[uint64]goroutines.Goroutine

// waitsAt is the function in which a goroutine waits for a permit.
const waitsAt = "github.com/gopooled/pooled/internal/gate.(*waiter).wait"

func (e evidence) waits(goroutine uint64) bool { return e[goroutine].StandsIn(waitsAt) }

// waiting counts those who wait for a permit.
func (e evidence) waiting() int {
	n := 0
	for number := range e {
		if e.waits(number) {
			n++
		}
	}
	return n
}

// shows reports whether each of those who hold the connections of a suspicion is stuck. It narrows the suspicion to them.
func (e evidence) shows(s *suspicion) bool {
	s.narrow(func(goroutine uint64) bool { return s.waits(goroutine) && e.waits(goroutine) || e.stands(s, goroutine) })
	return len(s.full) > 0
}

// witnesses are what is remembered of the first dump in which something was suspected, and of those since.
type witnesses struct {
	there    map[uint64]bool // the goroutines that were there the first time; nil: it is the first time
	rescuers map[uint64]bool // those that could have come to the rescue at any time
}

// rescuers returns the goroutines that may give back what the holders have borrowed, and remembers them. A goroutine that came later was not there when the holders
// still could hand something over, unless a rescuer has started it.
func (e evidence) rescuers(s *suspicion, w *witnesses) map[uint64]bool {
	holders := s.holders()
	oldest := slices.Min(slices.Collect(maps.Keys(holders)))
	first := w.there == nil
	elsewhere := e.waiting() > s.queued // at the gates of other pools, which may serve them
	all := map[uint64]bool{}
	for _, g := range e {
		switch {
		case holders[g.Number], isHarmless(g), s.isOlder(g):
		case e.descends(g, holders, w, oldest):
			all[g.Number] = true
		case e.waits(g.Number) && !elsewhere: // for the same, and whoever gave it something waits with it
		case slices.ContainsFunc(g.Functions, handles), isAtWork(g) && (first || w.rescuers[g.Number]):
			all[g.Number] = true
		}
	}
	if first {
		w.there, w.rescuers = map[uint64]bool{}, map[uint64]bool{}
		for number := range e {
			w.there[number] = true
		}
	}
	maps.Copy(w.rescuers, all)
	return all
}

// unordered is by how much the number of a goroutine may be less than that of one that was there before: each processor takes some numbers at once, and may use them late.
const unordered = 4096

// descends reports whether a goroutine was started by a holder, or by a rescuer since it is one, directly or through others. oldest is the least number of a holder.
func (e evidence) descends(g goroutines.Goroutine, holders map[uint64]bool, w *witnesses, oldest uint64) bool {
	for g.Creator != "" && !isHarmless(g) {
		parent, alive := e[g.Parent]
		switch {
		case holders[g.Parent], w.rescuers[g.Parent] && !w.there[g.Number], g.Parent == 0:
			return true
		case !alive: // nobody knows who has started that one, unless it was there before
			return g.Parent+unordered > oldest
		}
		g = parent
	}
	return false
}

// handles reports whether a function is one in which rows, a transaction or a *sql.Conn are used.
func handles(function string) bool {
	for _, of := range []string{"Rows", "Row", "Tx", "Conn", "Stmt"} {
		if strings.HasPrefix(function, "database/sql.(*"+of+").") {
			return true
		}
	}
	return false
}

// isAtWork reports whether a goroutine does something that will end, rather than wait for another one. It may be wrong if it denies it: who waits on a channel may wait
// for a timer.
func isAtWork(g goroutines.Goroutine) bool {
	own := slices.IndexFunc(g.Functions, isOwn)
	if own < 0 {
		return false // it is a server's, or the like
	}
	switch {
	case g.State == "sleep":
		return slices.ContainsFunc(g.Functions[own+1:], isOwn) // more than a loop that does something now and then
	case g.State == "coroutine", strings.HasPrefix(g.State, "sync."), strings.HasPrefix(g.State, "sema"), strings.HasPrefix(g.State, "synctest."):
		return false
	case g.State == "IO wait":
		return !slices.ContainsFunc(g.Functions, accepts)
	case g.State == "chan receive", g.State == "chan send", g.State == "select":
		return own > 0 && !isForOthers(g.Functions[own-1]) // a call that waits for the network, or a process
	default:
		return true
	}
}

// ours are the beginnings of the names of what programs link of pooled. What else there is below its path is programs: tests and examples.
var ours = []string{
	"github.com/gopooled/pooled.", "github.com/gopooled/pooled/dialect.", "github.com/gopooled/pooled/held.", "github.com/gopooled/pooled/internal/",
	"github.com/gopooled/pooled/middleware.", "github.com/gopooled/pooled/middleware/", "github.com/gopooled/pooled/mysql.", "github.com/gopooled/pooled/policy.",
	"github.com/gopooled/pooled/postgres.", "github.com/gopooled/pooled/routing.", "github.com/gopooled/pooled/tracing.",
}

// isOwn reports whether a function is neither Go's nor pooled's.
func isOwn(function string) bool {
	if slices.ContainsFunc(ours, func(p string) bool { return strings.HasPrefix(function, p) }) {
		return false
	}
	root, _, nested := strings.Cut(function, "/")
	if !nested {
		root, _, _ = strings.Cut(function, ".")
	}
	return !slices.Contains(standard, root)
}

// standard are the beginnings of the names of Go's packages, as far as goroutines wait in them.
var standard = []string{
	"bufio", "bytes", "compress", "context", "crypto", "database", "encoding", "errors", "fmt", "internal", "io", "iter", "log", "maps", "net", "os", "reflect", "runtime",
	"slices", "sort", "sync", "syscall", "testing", "text", "time", "vendor",
}

// accepts reports whether a function is one in which a server waits for its clients.
func accepts(function string) bool {
	return strings.HasPrefix(function, "net.") && strings.HasSuffix(function, ").Accept")
}

// isForOthers reports whether a function waits for other goroutines.
func isForOthers(function string) bool {
	return slices.ContainsFunc([]string{"testing.", "testing/synctest.", "internal/synctest.", "sync.", "os/signal.", "iter."}, func(p string) bool { return strings.HasPrefix(function, p) })
}

// harmless are those who start goroutines that nobody can hand anything to.
var harmless = []string{
	"database/sql.",
	"github.com/gopooled/pooled/internal/", "github.com/gopooled/pooled/middleware/", "github.com/gopooled/pooled/routing.", "github.com/gopooled/pooled/tracing.",
	"github.com/jackc/pgx/", "github.com/go-sql-driver/mysql.", "gorm.io/gorm/internal/lru.",
	"net/http.(*connReader).", "net/http.(*Transport).", "context.", "os/signal.", "runtime.",
}

func isHarmless(g goroutines.Goroutine) bool {
	if strings.HasPrefix(g.Creator, "net/http.") && slices.ContainsFunc(g.Functions, isOwn) { // it reads what a program sends
		return false
	}
	return slices.ContainsFunc(harmless, func(by string) bool { return strings.HasPrefix(g.Creator, by) })
}
