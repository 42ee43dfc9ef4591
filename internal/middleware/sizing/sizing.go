// Package sizing is the middleware that has the limit of a pool follow what its server has room for (pool_max_conns=auto).
//
// A connection that is given back is asked before it becomes idle, by a goroutine of the endpoint, so that no caller waits for it. As long as nobody has told, the
// pool has a fixed limit, and is asked again: that a server could not be asked says nothing about its room.
//
// What it is not: a controller that looks for the best number of connections. It reads what others have configured, and takes a modest share.
package sizing

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"math"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/middleware"
)

// Options is what a Sizing is made of.
type Options struct {
	Endpoint string // its name, for the log
	// Ask asks for how many connections the server has room for: see [dialect.Server].Capacity. Nil: nobody can.
	Ask      func(ctx context.Context, conn driver.Conn) (int, error)
	Limit    func() int       // the limit of the pool
	Set      func(limit int)  // changes it
	Reserved int              // how many connections classes keep free: there is always one more
	Dead     func(error) bool // whether an error says that the connection is dead
	Logger   *slog.Logger
}

const (
	askTimeout = 2 * time.Second  // for an answer
	again      = 10 * time.Minute // until a server that has told is asked again, and at most until one that has not
	shortest   = time.Second      // until it is asked again at first; doubles
	lookEvery  = 64               // at one release in so many it is looked at the clock, once the server has told
	never      = math.MaxInt64
)

// Sizing has the limit of one endpoint follow its server. It is safe for concurrent use.
type Sizing struct {
	Options
	start    time.Time
	due      atomic.Int64 // when the server is to be asked, in nanoseconds since start; never while somebody asks
	told     atomic.Bool  // the server has told
	releases atomic.Uint64

	// What follows belongs to the one who asks.
	pause      time.Duration
	complained bool
}

// New makes a Sizing.
func New(o Options) *Sizing {
	return &Sizing{Options: o, start: time.Now(), pause: shortest}
}

// Share is the limit for one pool where the server has room for so many connections of all programs, and this program may use so many CPUs: a quarter, as several
// programs and two versions of each during a deployment have to fit, but not more than 20 or 4 for each CPU, as more statements at once make a program no faster.
// It is two at least, if there is room for two, and one more than those that classes keep free.
func Share(room, cpus, reserved int) int {
	return max(min(room/4, max(20, 4*cpus)), min(2, room), reserved+1)
}

// Middleware returns the wrap. It belongs inside of the one that makes sessions clean.
func (s *Sizing) Middleware() middleware.Middleware {
	return middleware.Middleware{Name: "sizing", Release: s.release}
}

func (s *Sizing) release(next middleware.ReleaseFunc) middleware.ReleaseFunc {
	return func(event *middleware.Release) {
		if event.Released || event.Discard || event.Unknown || event.Reclaimed || !event.Conn.Changes().Clean() || !s.claim() {
			next(event)
			return
		}
		if !event.InBackground(next, s.ask) { // the endpoint is closed
			s.due.Store(0)
			next(event)
		}
	}
}

// claim reports whether the server is to be asked, which is the caller's to do then.
func (s *Sizing) claim() bool {
	if s.told.Load() && s.releases.Add(1)%lookEvery != 0 {
		return false
	}
	due := s.due.Load()
	return due != never && int64(time.Since(s.start)) >= due && s.due.CompareAndSwap(due, never)
}

// errNobody is the answer of a driver that pooled cannot ask.
var errNobody = errors.New("pooled: nobody knows how to ask this driver's server: write a number")

// ask asks the server, and has the limit follow.
func (s *Sizing) ask(ctx context.Context, event *middleware.Release) {
	if s.Ask == nil {
		s.complain(errNobody) // and stays claimed: it will not change
		return
	}
	pause := again // also if the driver panics
	defer func() { s.due.Store(int64(time.Since(s.start) + pause)) }()
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	room, err := s.Ask(ctx, event.Conn.Real())
	if err != nil {
		event.Discard = ctx.Err() != nil || s.Dead(err) // nobody knows what the driver has sent
		if !event.Discard {
			s.complain(err)
		}
		pause = s.pause
		s.pause = min(2*s.pause, again)
		return
	}
	s.told.Store(true)
	s.pause, s.complained = shortest, false
	if limit, before := Share(room, runtime.GOMAXPROCS(0), s.Reserved), s.Limit(); limit != before {
		s.Logger.Info("pooled: pool_max_conns=auto follows what the server has room for", "endpoint", s.Endpoint, "limit", limit, "before", before, "room", room)
		s.Set(limit)
	}
}

// complain logs once that the server does not tell.
func (s *Sizing) complain(err error) {
	if !s.complained {
		s.complained = true
		s.Logger.Info("pooled: pool_max_conns=auto does not know what the server has room for, and keeps its limit until it does", "endpoint", s.Endpoint, "limit", s.Limit(), "error", err)
	}
}
