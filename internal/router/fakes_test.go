package router

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/gopooled/pooled/dialect"
)

// place is a position in the history of a cluster of the tests: a number.
type place int

func (p place) Covers(q dialect.Position) bool   { return p >= q.(place) }
func (p place) Behind(q dialect.Position) string { return fmt.Sprintf("%d writes", q.(place)-p) }
func (p place) String() string                   { return strconv.Itoa(int(p)) }

// fakeServer plays its part for a monitor.
type fakeServer struct {
	sessions dialect.Sessions // nil: fakeSessions
	mu       sync.Mutex
	sight    dialect.Sight
	err      error
	silent   bool
	panics   bool // as long as it is looked at
	looks    int
	hungUp   bool // the connection has ended, and a new one works
	readOnly bool
	severed  int
	cutOff   bool
}

func (f *fakeServer) Connect(context.Context) (driver.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fakeConn{server: f}, f.err
}

func (f *fakeServer) Driver() driver.Driver { return nil }

func (f *fakeServer) Look(ctx context.Context, _ driver.Conn) (dialect.Sight, error) {
	f.mu.Lock()
	f.looks++
	sight, err, silent, panics := f.sight, f.err, f.silent, f.panics
	if f.hungUp {
		err = errors.New("the connection has ended")
		f.hungUp = false
	}
	f.mu.Unlock()
	if panics {
		panic("boom")
	}
	if silent {
		<-ctx.Done()
		return sight, ctx.Err()
	}
	return sight, err
}

func (f *fakeServer) set(change func(*fakeServer)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

func (f *fakeServer) looked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.looks
}

func (f *fakeServer) severedTimes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.severed
}

type fakeConn struct {
	driver.Conn
	server *fakeServer
}

func (fakeConn) Close() error { return nil }

var read, write = &dialect.Statement{Class: dialect.Read, Plain: true, Atomic: true}, &dialect.Statement{Class: dialect.Write, Why: "insert", Plain: true, Atomic: true}

// fakeSessions take what begins with select for a read.
type fakeSessions struct{ dialect.Sessions }

func (fakeSessions) Statement(text string) *dialect.Statement {
	if len(text) > 6 && text[:6] == "select" {
		return read
	}
	return write
}
func (fakeSessions) Age()        {}
func (fakeSessions) Stale() bool { return false }
func (fakeSessions) Known() bool { return true }

// learner is what one server's sessions know, and from whom.
type learner struct {
	fakeSessions
	stale   atomic.Bool
	learned chan driver.Conn
}

func (l *learner) Stale() bool       { return l.stale.Load() }
func (l *learner) Outdate(sure bool) { l.stale.Store(sure) }

func (l *learner) Learn(_ context.Context, conn driver.Conn, _ []string, _ bool) error {
	if l.stale.CompareAndSwap(true, false) {
		l.learned <- conn
	}
	return nil
}

// taught are sessions that know of no text what it does, and count how often they were to learn that.
type taught struct {
	fakeSessions
	times atomic.Int64
}

func (*taught) Statement(string) *dialect.Statement { return &dialect.Statement{Provisional: true} }

func (s *taught) Learn(context.Context, driver.Conn, []string, bool) error {
	s.times.Add(1)
	return nil
}

type fakeCluster struct{ dialect.Cluster }

func (fakeCluster) Position(text string) (dialect.Position, error) {
	n, err := strconv.Atoi(text)
	return place(n), err
}
