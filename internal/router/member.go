package router

import (
	"context"
	"database/sql/driver"
	"errors"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
)

// member is a server of the cluster, with what is known of it.
type member struct {
	Server
	index int

	incarnation atomic.Uint64 // how often it has come back: what it had before, it may have lost
	asOf        atomic.Int64  // stamp: it has everything as of then; 0 = nobody knows
	inFlight    atomic.Int64  // how many sessions have a connection to it, or want one
	held        atomic.Uint64 // for how long a connection is held, smoothed, in nanoseconds as a float64; it is read without a lock
	asleep      atomic.Bool   // its monitor has a long pause
	wake        chan struct{} // ends the pause

	// What follows is guarded by Router.mu.
	up        bool
	sight     dialect.Sight    // the last one
	seenAt    int64            // stamp, of its question
	err       error            // why it is not up; nil: it is, or was never asked
	failures  int              // in a row
	upSince   int64            // stamp
	foreign   bool             // it belongs to another cluster
	proof     dialect.Position // what asOf is known by
	caughtUp  bool             // it has all that the primary has told
	behind    string           // how far it is behind, for people
	farBehind bool             // too far to be read from
	late      bool             // farBehind for so long that it was logged
	barred    bool             // err is of a dial, and will be the same the next time
	part      part             // what it was good for when it was last seen
	since     time.Time        // since when

	severed bool // its connections were cut off since it went down

	// These are the monitor's own.
	conn    driver.Conn
	refused bool // the last look failed because the server did not let it in
	dialled bool // conn is new since the server was last seen: it may have been restarted meanwhile
}

// part is what a server is good for.
type part struct {
	up, foreign, late bool
	role              dialect.ServerRole
}

// notePart remembers since when the server has played the part that it plays.
func (m *member) notePart() {
	if now := (part{m.up, m.foreign, m.late, m.sight.Role}); m.since.IsZero() || now != m.part {
		m.part, m.since = now, time.Now()
	}
}

func newMember(i int, s Server) *member {
	if s.Weight == 0 {
		s.Weight = 1
	}
	return &member{Server: s, index: i, wake: make(chan struct{}, 1)}
}

// awaken has the monitor ask the server now.
func (m *member) awaken() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// acquire counts who uses the server.
func (m *member) acquire(next middleware.AcquireFunc) middleware.AcquireFunc {
	return func(ctx context.Context, a *middleware.Acquisition) error {
		m.inFlight.Add(1)
		err := next(ctx, a)
		if err != nil {
			m.inFlight.Add(-1)
		}
		return err
	}
}

// checked has a replica that is dialled asked how far it is: it may have begun anew, with older data, and its monitor not have noticed yet.
func (m *member) checked(r *Router) func(next middleware.ConnectFunc) middleware.ConnectFunc {
	return func(next middleware.ConnectFunc) middleware.ConnectFunc {
		return func(ctx context.Context, dial *middleware.Dial) (driver.Conn, error) {
			conn, err := next(ctx, dial)
			if err != nil || m.asOf.Load() == 0 || m == r.view.Load().primary {
				return conn, err
			}
			sight, err := m.Dialect.Replication.Look(ctx, conn)
			if err != nil {
				return nil, err
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if m.asOf.Load() != 0 && m.proof != nil && (sight.Position == nil || !sight.Position.Covers(m.proof)) {
				m.asOf.Store(0)
				m.incarnation.Add(1)
				m.awaken()
				return nil, errOlder
			}
			return conn, nil
		}
	}
}

// errOlder says why a replica that was dialled is not used.
var errOlder = errors.New("pooled: the replica has older data than it had before")

// release counts it off, and notes for how long it has taken.
func (m *member) release(next middleware.ReleaseFunc) middleware.ReleaseFunc {
	return func(event *middleware.Release) {
		if !event.Released {
			m.inFlight.Add(-1)
			m.observe(event.Held)
		}
		next(event)
	}
}

const (
	// smoothing is the part of a new value in the smoothed one.
	smoothing = 0.1
	// forgetting is what is left of the smoothed value after each interval of the monitor: a server that was slow is tried again.
	forgetting = 0.9
)

func (m *member) observe(held time.Duration) {
	old := math.Float64frombits(m.held.Load())
	m.held.Store(math.Float64bits(old + smoothing*(float64(held)-old)))
}

// forget lets the past fade.
func (m *member) forget() {
	m.held.Store(math.Float64bits(math.Float64frombits(m.held.Load()) * forgetting))
}

// load is how busy the server is, in proportion to its weight: how long a session that comes now would take there.
func (m *member) load() float64 {
	held := max(math.Float64frombits(m.held.Load()), float64(time.Microsecond))
	return float64(m.inFlight.Load()+1) * held / m.Weight
}

// ramp is how long a server takes to get its whole share of the reads after it came back: its caches are cold.
const ramp = 10 * time.Second

// warm reports whether a server that came back gets this read, which is the more likely the longer it is up.
func (m *member) warm(now int64, upSince int64) bool {
	up := time.Duration(now - upSince)
	return up >= ramp || rand.N(ramp) < up
}
