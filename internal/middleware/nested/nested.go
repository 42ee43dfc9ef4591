// Package nested is the middleware that looks at goroutines which take a server connection while they hold another one.
//
// With a limit for connections that is a danger: as many goroutines that do so at once as there are connections wait for each other for ever. So each call site where it
// happens is logged once, or the second connection is refused (pool_nested). And where it has come so far, one of the goroutines gets an error at once that tells
// who holds and who waits, so that the others go on: see [suspicion].
//
// A goroutine that holds nothing costs a few nanoseconds, and nobody looks at it. Those that hold something and wait are looked at by a goroutine of the endpoint.
//
// What it is not: a limit for waits. Where it is not certain that goroutines wait for each other, nothing happens.
package nested

import (
	"context"
	"errors"
	"log/slog"
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

// Options is what a Nested is made of.
type Options struct {
	Mode       policy.NestedMode
	Servers    []Server
	Background func(func(ctx context.Context)) bool // runs a function on a goroutine of the endpoint
	Mask       func(text string) string             // takes the literals out of a statement
	Logger     *slog.Logger
}

// Server is one of a connector.
type Server struct {
	Endpoint string        // its name
	Timeout  time.Duration // pool_acquire_timeout; 0 = none
	MaxConns func() int    // how many connections there may be now; 0 = any number
	// MayHold reports whether a goroutine holds a connection; it may be wrong if it says so.
	MayHold  func(goroutine uint64) bool
	Queue    func() (taken, waiting int) // how many permits are taken, and how many sessions wait for one
	Holdings func() []Holding            // the connections in use, in no order
	KeepOne  func()                      // keeps a permit for those who hold a connection, for a while
}

// Holding is a connection in use, as it was at one moment.
type Holding struct {
	held.Conn                 // its Text as it was sent
	Borrow    uint64          // the same at every look while one borrower has the connection
	Version   uint64          // changes when the connection is used
	User      uint64          // the goroutine whose call was the last; 0: not known
	Context   context.Context // of the acquisition, if that was by BeginTx or a query; nil: it was not
}

// ends is the context with which database/sql gives the connection back by itself: that of a transaction, or of rows. nil: there is none.
func (h *Holding) ends() context.Context {
	if h.InTx || h.Calls == 1 && h.Op == middleware.Query.String() {
		return h.Context
	}
	return nil
}

// isOver reports whether the holder is done with the connection, and database/sql is about to give it back, on a goroutine of its own.
func (h *Holding) isOver() bool {
	ctx := h.ends()
	return ctx != nil && ctx.Err() != nil || h.User != 0 && h.User != h.Goroutine && h.Op == middleware.Rollback.String()
}

// Nested looks at the goroutines of one connector. It is safe for concurrent use.
type Nested struct {
	Options
	stacks   callers.Cache
	sites    sites
	capture  atomic.Bool // all borrowers' stacks are captured
	started  atomic.Bool // the goroutine that looks for deadlocks
	wake     chan struct{}
	counters []counters // of the servers

	mu      sync.Mutex // guards what follows
	waiting map[uint64]*waiting
}

// waiting is a goroutine that holds connections and waits for one.
type waiting struct {
	goroutine uint64
	server    int
	call      middleware.Call // of which only what it is and its text are kept
	since     time.Time
	stack     []uintptr
	ctx       context.Context // of the caller
	refuse    context.CancelCauseFunc
}

// New makes a Nested.
func New(o Options) *Nested {
	return &Nested{Options: o, wake: make(chan struct{}, 1), waiting: map[uint64]*waiting{}, counters: make([]counters, len(o.Servers))}
}

// Middleware returns the wrap for a server.
func (n *Nested) Middleware(server int) middleware.Middleware {
	return middleware.Middleware{Name: "nested", Acquire: func(next middleware.AcquireFunc) middleware.AcquireFunc { return n.acquire(server, next) }}
}

// acquire notes who borrows, and looks whether he holds something already. It is called on the borrower's goroutine.
func (n *Nested) acquire(server int, next middleware.AcquireFunc) middleware.AcquireFunc {
	return func(ctx context.Context, a *middleware.Acquisition) error {
		if a.Borrower.Goroutine == 0 {
			a.Borrower.Goroutine = callers.Goroutine()
		}
		if a.Call.Op == middleware.Begin || a.Call.Op == middleware.Query { // a *sql.Conn outlives that of its first statement
			a.Borrower.Context = ctx
		}
		if a.Borrower.Stack == nil && n.capture.Load() {
			a.Borrower.Stack = n.stacks.Capture(0)
		}
		if !n.mayHold(a.Borrower.Goroutine) {
			return next(ctx, a)
		}
		return n.again(ctx, a, server, next)
	}
}

// mayHold reports whether a goroutine holds a connection of the connector.
func (n *Nested) mayHold(goroutine uint64) bool {
	for i := range n.Servers {
		if n.Servers[i].MayHold(goroutine) {
			return true
		}
	}
	return false
}

// again lets a goroutine acquire a connection that holds others.
func (n *Nested) again(ctx context.Context, a *middleware.Acquisition, server int, next middleware.AcquireFunc) error {
	s := &n.Servers[server]
	w := &waiting{
		goroutine: a.Borrower.Goroutine, server: server, call: middleware.Call{Op: a.Call.Op, Text: a.Call.Text},
		since: time.Now(), stack: n.stacks.Capture(0), ctx: ctx,
	}
	if s.MayHold(w.goroutine) {
		if err := n.judge(w); err != nil {
			return err
		}
	}
	if s.MaxConns() == 0 {
		return next(ctx, a)
	}
	a.Borrower.Holds = true
	ctx, w.refuse = context.WithCancelCause(ctx)
	defer w.refuse(nil)
	n.begin(w)
	defer n.end(w)
	err := next(ctx, a)
	if deadlock := (*middleware.DeadlockError)(nil); err != nil && errors.As(context.Cause(ctx), &deadlock) {
		n.counters[server].deadlocks.Add(1)
		n.Logger.Error("pooled: a deadlock was ended: goroutines held all connections, and each waited for one more", "endpoint", deadlock.Endpoint, "error", deadlock)
		return deadlock
	}
	return err
}

// begin notes that a goroutine may wait.
func (n *Nested) begin(w *waiting) {
	n.mu.Lock()
	n.waiting[w.goroutine] = w
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
	if !n.started.Load() && n.started.CompareAndSwap(false, true) && !n.Background(n.watch) {
		n.started.Store(false)
	}
}

// end notes that it does not wait any more.
func (n *Nested) end(w *waiting) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.waiting, w.goroutine)
}

// describe tells of a goroutine what it holds and wants. Its wait may be nil.
func (n *Nested) describe(goroutine uint64, holds []Holding, w *waiting) held.Nested {
	told := held.Nested{Goroutine: goroutine}
	for _, h := range holds {
		if h.Goroutine == goroutine && !h.isOver() {
			told.Holds = append(told.Holds, holders.Told(h.Conn, n.Mask))
		}
	}
	slices.SortFunc(told.Holds, holders.Older)
	if w != nil {
		told.Endpoint, told.For = n.Servers[w.server].Endpoint, time.Since(w.since)
		told.Op, told.Text = w.call.Op.String(), n.Mask(w.call.Text)
		told.Stack = callers.OutsideSQL(w.stack)
	}
	return told
}
