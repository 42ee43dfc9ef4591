// Package leak is the middleware that finds connections which somebody holds and nobody uses, and tells who holds them.
//
// Its wrap of Acquire notes the goroutine of each borrower and, of some, the stack. A goroutine of the endpoint looks at the connections in
// use about once a second: one on which nothing has happened for pool_leak is reported, with all that is known of its holder, and taken
// away where pool_leak_reclaim says so. A call costs nothing for that; what it does is noted by the session and its endpoint in any case.
//
// What it is not: a limit for slow statements. A connection is in use while a call is in flight on it, or bytes come and go.
package leak

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/held"
	"github.com/gopooled/pooled/internal/callers"
	"github.com/gopooled/pooled/internal/holders"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// Options is what a Leak is made of.
type Options struct {
	Policy     policy.Leak
	OnLeak     func(held.Leak)                      // nil: nothing is called
	Holdings   func() []Holding                     // the connections in use, in no order
	Background func(func(ctx context.Context)) bool // runs a function on a goroutine of the endpoint
	Mask       func(text string) string             // takes the literals out of a statement
	Logger     *slog.Logger
}

// rate is pool_leak_sample. One in four thousand millions is as good as none.
func (o Options) rate() uint32 {
	switch {
	case o.Policy.Sample != policy.AutoSample:
		return uint32(min(o.Policy.Sample, math.MaxUint32))
	case callers.Cheap:
		return 1
	default:
		return 16
	}
}

// Holding is a connection in use, as it was at one moment.
type Holding struct {
	held.Conn        // its Text as it was sent
	Borrow    Borrow // the same at every look while one borrower has the connection
	Version   uint64 // changes when the connection is used
	Watched   bool   // that is seen also when rows are read
	// Reclaim takes the connection from its holder and closes it. It reports false, and does nothing, if the connection was used since.
	Reclaim func() bool
}

// inUse reports whether something happens on the connection at this moment.
func (h Holding) inUse() bool { return h.Busy || h.Reading }

// Borrow identifies the borrow of a connection.
type Borrow struct{ Conn, Number uint64 }

// Leak watches the connections of one endpoint. It is safe for concurrent use.
type Leak struct {
	Options
	stacks   callers.Cache
	sample   atomic.Uint32 // one borrow in so many has its stack captured; 0 = none
	started  atomic.Bool   // the goroutine that watches
	counters counters

	mu      sync.Mutex // guards what follows
	watched map[Borrow]*watched
	looked  time.Time // when watched was brought up to date
}

// watched is what is remembered of a connection in use from one look to the next.
type watched struct {
	version  uint64
	idle     time.Duration // for how long nothing has happened, as far as was seen
	reported bool
	pause    time.Duration // until it is looked at again, after it was reported
	recheck  time.Time     // when that is over
	fate     held.Fate     // of its holder's goroutine, when it was reported
	last     held.Conn     // what was known of it the last time
}

// New makes a Leak.
func New(o Options) *Leak {
	l := &Leak{Options: o, watched: map[Borrow]*watched{}}
	l.sample.Store(o.rate())
	return l
}

// Middleware returns the wraps.
func (l *Leak) Middleware() middleware.Middleware {
	return middleware.Middleware{Name: "leak", Acquire: l.acquire}
}

// acquire notes who borrows. It is called on the borrower's goroutine.
func (l *Leak) acquire(next middleware.AcquireFunc) middleware.AcquireFunc {
	return func(ctx context.Context, a *middleware.Acquisition) error {
		goroutine := callers.Goroutine()
		a.Borrower.Goroutine = goroutine
		if n := l.sample.Load(); n == 1 || n > 1 && rand.Uint32N(n) == 0 {
			a.Borrower.Stack = l.stacks.Capture(0)
		}
		if err := next(ctx, a); err != nil {
			l.explain(err, goroutine)
			return err
		}
		if !l.started.Load() && l.started.CompareAndSwap(false, true) && !l.Background(l.watch) {
			l.started.Store(false)
		}
		return nil
	}
}

// mostHolders is how many holders an error names.
const mostHolders = 3

// explain tells in an error that is pooled's own who holds the connections.
func (l *Leak) explain(err error, goroutine uint64) {
	var timeout *middleware.AcquireTimeoutError
	var overloaded *middleware.OverloadedError
	if !errors.As(err, &timeout) && !errors.As(err, &overloaded) {
		return
	}
	var holders, own []held.Conn
	for i, c := range l.seen() { // many may wait, and there may be many holders with long texts: only what is told is made readable
		if i < mostHolders {
			holders = append(holders, l.told(c.Conn))
		}
		if timeout != nil && c.Goroutine == goroutine && goroutine != 0 {
			own = append(own, l.told(c.Conn))
		}
	}
	if timeout != nil {
		timeout.Holders, timeout.Own = holders, own
	} else {
		overloaded.Holders = holders
	}
}

// Held lists the connections in use, the oldest first.
func (l *Leak) Held() []held.Conn {
	seen := l.Seen()
	all := make([]held.Conn, len(seen))
	for i, s := range seen {
		all[i] = s.Conn
	}
	return all
}

// Seen is a connection in use, with what is known of its holder.
type Seen struct {
	held.Conn
	// Leaked says that nobody has used it for pool_leak.
	Leaked bool
	// Fate is what had become of the goroutine that borrowed it when it was reported as a leak: Unknown before that.
	Fate held.Fate
}

// Seen lists the connections in use, the oldest first.
func (l *Leak) Seen() []Seen {
	all := l.seen()
	for i := range all {
		all[i].Conn = l.told(all[i].Conn)
	}
	return all
}

// seen is Seen with texts as they were sent, and whole stacks.
func (l *Leak) seen() []Seen {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	holdings := l.Holdings()
	all := make([]Seen, len(holdings))
	for i, h := range holdings {
		s := Seen{Conn: h.Conn}
		if w := l.watched[h.Borrow]; w != nil {
			if w.version == h.Version && !h.inUse() {
				s.Idle = w.idle + now.Sub(l.looked)
			}
			s.Fate = w.fate
		}
		s.Leaked = l.Policy.Threshold > 0 && s.Idle >= l.Policy.Threshold
		all[i] = s
	}
	slices.SortFunc(all, func(a, b Seen) int { return holders.Older(a.Conn, b.Conn) })
	return all
}

// told is what others are told of a connection.
func (l *Leak) told(c held.Conn) held.Conn { return holders.Told(c, l.Mask) }
