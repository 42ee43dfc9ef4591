package router

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/dialect/statement"
	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
	"github.com/gopooled/pooled/routing"
)

// MostServers is how many servers a cluster may have.
const MostServers = 64

// Options is what a Router is made of.
type Options struct {
	Policy   policy.Routing
	Servers  []Server // of one cluster, at least one and at most MostServers
	Classify func(error) dialect.ErrorClass
	Cluster  dialect.Cluster
	Mask     func(text string) string // takes the literals out of a statement
	Logger   *slog.Logger
}

// Server is a server of the cluster, with what can be done to its endpoint.
type Server struct {
	Info    *middleware.Endpoint
	Dialect dialect.Server // its Replication and Sessions are not nil
	Weight  float64        // its share of the reads; 0 = 1
	Zone    string

	SetReadOnly func(on bool)                               // has connections dialled for sessions that cannot write, or that can
	Sever       func()                                      // cuts all connections off
	CutOff      func() bool                                 // the breaker is open
	Background  func(f func(ctx context.Context)) (ok bool) // runs f on a goroutine of the endpoint
}

// Router decides where the calls of a pool go. It is safe for concurrent use.
type Router struct {
	Options
	members []*member
	start   time.Time // what the int64 stamps count from
	started atomic.Bool
	view    atomic.Pointer[view]
	known   atomic.Bool // the view says something
	// written is when the pool wrote last, and latest is the latest mark of its sessions as well. Stamps.
	written, latest atomic.Int64
	unsettled       unsettled
	refused         statement.Cache[struct{}] // texts that a replica has refused as writes
	anyRefused      atomic.Bool
	learning        atomic.Bool  // the catalogue is being read
	learnsNoText    atomic.Int64 // stamp: until when nobody waits for the catalogue, as that was no use only just
	counts          [routing.ReasonRetry + 1]atomic.Uint64

	mu      sync.Mutex // guards what follows, and what the monitors know of the members
	samples samples
	cluster string
	met     bool          // there was a primary once
	lent    bool          // the catalogue was read from another server than the primary, which may have more
	news    []func()      // to be told once mu is free
	changed chan struct{} // closed and replaced whenever a monitor has asked its server
}

// New makes a router. It asks no server before the first call.
func New(o Options) *Router {
	r := &Router{Options: o, start: time.Now(), changed: make(chan struct{})}
	for i, s := range o.Servers {
		r.members = append(r.members, newMember(i, s))
	}
	r.view.Store(&view{why: "no server has been asked yet", judge: r.members[0]})
	return r
}

// Middleware returns the wrap of all calls. It belongs inside those of users, and outside those of the endpoints.
func (r *Router) Middleware() middleware.Middleware {
	return middleware.Middleware{Name: "routing", Call: r.call}
}

// ServerMiddleware returns the wraps that belong outermost in the chain of one endpoint. They count who uses it.
func (r *Router) ServerMiddleware(i int) middleware.Middleware {
	m := r.members[i]
	return middleware.Middleware{Name: "routing", Connect: m.checked(r), Acquire: m.acquire, Release: m.release}
}

// member finds the one with this endpoint.
func (r *Router) member(info *middleware.Endpoint) *member {
	for _, m := range r.members {
		if m.Info == info {
			return m
		}
	}
	return nil
}

// now is the time since the router was made, in nanoseconds, and more than 1.
func (r *Router) now() int64 { return int64(time.Since(r.start)) + 2 }

// asking is the moment of a question that is asked now. It counts as asked before everything else that happens in the same tick of the clock: of
// two equal stamps nobody knows which was taken first, and what a server answers proves nothing about what is written after the question.
func (r *Router) asking() int64 { return r.now() - 1 }

// begin starts the monitors, once.
func (r *Router) begin() {
	if r.started.Load() || !r.started.CompareAndSwap(false, true) {
		return
	}
	for _, m := range r.members {
		if !m.Background(func(ctx context.Context) { r.monitor(ctx, m) }) {
			r.started.Store(false) // the pool is closed, and may be opened again
		}
	}
}

// Rest is called when the pool is closed, and its monitors have ended. What they have found out is forgotten, as nobody knows what becomes of
// the servers: the next call has them asked anew.
func (r *Router) Rest() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.members {
		m.up, m.err, m.failures = false, nil, 0
	}
	r.samples = nil
	r.view.Store(&view{why: "no server has been asked since the pool was closed", judge: r.view.Load().judge}) // calls may be under way
	r.known.Store(false)
	r.started.Store(false)
}

// Ready waits until something is known of the servers: of a primary, or of all. Every call waits for that, so the first one has the servers asked.
func (r *Router) Ready(ctx context.Context) error {
	for !r.known.Load() {
		r.begin()
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if r.known.Load() {
			break
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// noteWrite marks the moment: what was written before must be seen by who reads after.
func (r *Router) noteWrite(o routecontext.Says) {
	if !r.marks() {
		return
	}
	now := r.now()
	if o.Session != nil {
		r.hasWritten(o.Session, now)
	}
	raise(&r.written, now)
	r.outstanding(now)
}

// noteRead notes for a session that it has read on a server. On the primary that may be what no replica has yet, so it marks the moment. For
// calls without a session that would send all reads there for ever.
func (r *Router) noteRead(o routecontext.Says, m *member, incarnation uint64) {
	if o.Session == nil || !r.marks() {
		return
	}
	now := r.now()
	if m != r.view.Load().primary {
		r.hasRead(o.Session, m, incarnation, now)
		return
	}
	r.hasWritten(o.Session, now)
	r.outstanding(now)
}

// marks reports whether it matters when something is written.
func (r *Router) marks() bool {
	return r.Policy.Consistency == policy.ConsistencySession && r.Policy.Mode != policy.RoutePrimary
}

// outstanding has the monitors ask more often until the replicas have everything as of a mark.
func (r *Router) outstanding(mark int64) {
	raise(&r.latest, mark)
	for _, m := range r.members {
		if m.asleep.Load() {
			m.awaken()
		}
	}
}

// raise makes an atomic value at least x.
func raise(v *atomic.Int64, x int64) {
	for old := v.Load(); old < x && !v.CompareAndSwap(old, x); old = v.Load() {
	}
}
