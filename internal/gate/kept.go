package gate

import "time"

// keptFor is for how long a permit is kept, since the last time that somebody has needed it.
const keptFor = 10 * time.Second

// KeepOne keeps one of several permits for those who have one already, for as long as they need it now and then, and some seconds more. It is for a gate at which all who
// had permits have waited for one more: otherwise others would come, and do the same again. One is enough for any number of callers who want one more each, as whoever gets it
// gives it back.
func (g *Gate) KeepOne() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shares.limit < 2 || g.closed {
		return
	}
	g.shares.kept = 1
	if g.relax == nil {
		g.relax = time.AfterFunc(keptFor, g.keepNone)
	} else {
		g.relax.Reset(keptFor)
	}
}

// Keeps reports whether permits may be free that not everybody of a class gets: those of a tenant that has as many as it may, or one that is kept for who has one already.
func (g *Gate) Keeps() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shares.capped || g.shares.kept > 0
}

// keptLocked notes that somebody was admitted: with what is kept, if that was the last permit.
func (g *Gate) keptLocked(as standing) {
	if g.relax != nil && as == holding && g.shares.taken >= g.shares.limit {
		g.relax.Reset(keptFor)
	}
}

// keepNone has everybody get every permit again.
func (g *Gate) keepNone() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keepNoneLocked()
	g.serveLocked(g.now())
}

func (g *Gate) keepNoneLocked() {
	g.shares.kept = 0
	if g.relax != nil {
		g.relax.Stop()
		g.relax = nil
	}
}
