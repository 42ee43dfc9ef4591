package routing

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

// place is a position in the history of a cluster of the tests: a number.
type place int

func (p place) Covers(q dialect.Position) bool   { return p >= q.(place) }
func (p place) Behind(q dialect.Position) string { return fmt.Sprintf("%d writes", q.(place)-p) }
func (p place) String() string                   { return strconv.Itoa(int(p)) }

// fakeServer plays its part for a monitor.
type fakeServer struct {
	mu       sync.Mutex
	sight    dialect.Sight
	err      error
	silent   bool
	looks    int
	hungUp   bool // the connection has ended, and a new one works
	readOnly bool
	severed  int
	cutOff   bool
}

func (f *fakeServer) Connect(context.Context) (driver.Conn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return fakeConn{}, f.err
}

func (f *fakeServer) Driver() driver.Driver { return nil }

func (f *fakeServer) Look(ctx context.Context, _ driver.Conn) (dialect.Sight, error) {
	f.mu.Lock()
	f.looks++
	sight, err, silent := f.sight, f.err, f.silent
	if f.hungUp {
		err = errors.New("the connection has ended")
		f.hungUp = false
	}
	f.mu.Unlock()
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

type fakeConn struct{ driver.Conn }

func (fakeConn) Close() error { return nil }

var read, write = &dialect.Statement{Class: dialect.Read}, &dialect.Statement{Class: dialect.Write, Why: "insert"}

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

type fakeCluster struct{ dialect.Cluster }

func (fakeCluster) Position(text string) (dialect.Position, error) {
	n, err := strconv.Atoi(text)
	return place(n), err
}

// cluster is a router over servers of the tests. The first is the primary.
type cluster struct {
	*Router
	servers []*fakeServer
	log     bytes.Buffer // in a bubble, to be read after synctest.Wait
	stop    context.CancelFunc
	group   sync.WaitGroup
}

func newCluster(t *testing.T, n int, change func(*policy.Routing)) *cluster {
	t.Helper()
	c := &cluster{}
	var ctx context.Context
	ctx, c.stop = context.WithCancel(t.Context())
	o := Options{
		Policy: policy.NewConfig().Routing, Cluster: fakeCluster{}, Mask: func(s string) string { return s },
		Classify: func(error) dialect.ErrorClass { return 0 }, Logger: slog.New(slog.NewTextHandler(&c.log, nil)),
	}
	if change != nil {
		change(&o.Policy)
	}
	for i := range n {
		f := &fakeServer{sight: dialect.Sight{Role: dialect.RoleReplica, Cluster: "c", Position: place(1)}}
		if i == 0 {
			f.sight.Role = dialect.RolePrimary
		}
		c.servers = append(c.servers, f)
		o.Servers = append(o.Servers, Server{
			Info:        &middleware.Endpoint{Name: fmt.Sprintf("s%d", i)},
			Dialect:     dialect.Server{Connector: f, Replication: f, Sessions: fakeSessions{}},
			SetReadOnly: func(on bool) { f.set(func(f *fakeServer) { f.readOnly = on }) },
			Sever:       func() { f.set(func(f *fakeServer) { f.severed++ }) },
			CutOff:      func() bool { f.mu.Lock(); defer f.mu.Unlock(); return f.cutOff },
			Background: func(run func(context.Context)) bool {
				c.group.Go(func() { run(ctx) })
				return true
			},
		})
	}
	c.Router = New(o)
	t.Cleanup(func() { c.stop(); c.group.Wait() })
	require.NoError(t, c.Ready(t.Context()))
	synctest.Wait()
	return c
}

// chosen counts where reads go.
func (c *cluster) chosen(o options, reads int) map[string]int {
	n := map[string]int{}
	for range reads {
		if m := c.choose(o, 0); m != nil {
			n[m.Info.Name]++
		} else {
			n[""]++
		}
	}
	return n
}

// write marks a moment after all that was before.
func (c *cluster) write(o options) {
	time.Sleep(time.Nanosecond)
	c.noteWrite(o)
}

// read has a session read from a server.
func (c *cluster) read(s options, m *member) {
	time.Sleep(time.Nanosecond)
	s.session.read(c.Router, m, m.incarnation.Load(), c.now())
}

// at has servers reach a place.
func (c *cluster) at(p place, servers ...int) {
	for _, i := range servers {
		c.servers[i].set(func(f *fakeServer) { f.sight.Position = p })
	}
}

func TestMonitorsHurryUntilTheReplicasHaveWhatWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		before := c.servers[1].looked()
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 20, c.servers[1].looked()-before, 1, "twice a second")
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(options{}, 10))

		c.at(2, 0)
		c.write(options{})
		assert.Equal(t, map[string]int{"": 10}, c.chosen(options{}, 10))
		before = c.servers[1].looked()
		time.Sleep(time.Second)
		assert.InDelta(t, 50, c.servers[1].looked()-before, 3, "every 20 ms")
		assert.Equal(t, map[string]int{"": 10}, c.chosen(options{}, 10))
		c.at(2, 1)
		time.Sleep(25 * time.Millisecond)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(options{}, 10))

		c.at(3, 0)
		c.write(options{})
		time.Sleep(3 * time.Second)
		before = c.servers[1].looked()
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 20, c.servers[1].looked()-before, 1, "nobody hurries for ever")
	})
}

func TestSessionSeesWhatItHasSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		s := optionsOf(NewSession(t.Context()))
		m := c.choose(s, 0)
		c.at(5, 0, m.index)
		c.read(s, m)
		assert.Equal(t, map[string]int{m.Info.Name: 20}, c.chosen(s, 20), "the other may be behind that one")
		time.Sleep(time.Second)
		assert.Equal(t, map[string]int{m.Info.Name: 20}, c.chosen(s, 20), "it is")
		c.at(5, 1, 2)
		time.Sleep(time.Second)
		assert.Len(t, c.chosen(s, 100), 2)

		c.at(6, 0)
		c.read(s, m)
		m.incarnation.Add(1)
		assert.Equal(t, map[string]int{"": 20}, c.chosen(s, 20), "a server that came back may have lost what it had shown")
	})
}

func TestReadsOfOneSessionOnTwoReplicasAtOnceLeaveNoneThatMayBeBehindTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		s := optionsOf(NewSession(t.Context()))
		for _, m := range c.members[1:] {
			c.read(s, m)
		}
		assert.Equal(t, map[string]int{"": 20}, c.chosen(s, 20))
	})
}

func TestReplicaThatIsTooFarBehindIsNotReadFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, func(p *policy.Routing) { p.Consistency = policy.ConsistencyEventual })
		for p := range place(8) {
			c.at(p+2, 0)
			time.Sleep(time.Second)
		}
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(options{}, 10))
		assert.InDelta(t, 8, c.Stats().Servers[1].Lag.Seconds(), 1)
		for p := range place(4) {
			c.at(p+10, 0)
			time.Sleep(time.Second)
		}
		assert.Equal(t, map[string]int{"": 10}, c.chosen(options{}, 10))
		assert.Contains(t, c.whyNone(options{}), "s1 is behind by more than pool_max_lag")
		c.servers[0].set(func(f *fakeServer) { f.err = errors.New("gone") })
		c.at(13, 1)
		time.Sleep(20 * time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(options{}, 10), "without a primary nothing is written that it could miss")
	})
}

func TestSilentReplicaIsLeftAtOnceAndCutOffAfterASecondSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.servers[1].set(func(f *fakeServer) { f.silent = true })
		time.Sleep(time.Second + time.Millisecond)
		assert.Equal(t, map[string]int{"": 10}, c.chosen(options{}, 10))
		assert.Zero(t, c.servers[1].severedTimes())
		time.Sleep(2 * time.Second)
		assert.Equal(t, 1, c.servers[1].severedTimes())
		c.servers[1].set(func(f *fakeServer) { f.silent = false })
		time.Sleep(2 * time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(options{}, 10), "a single one gets all, warm or not")
	})
}

func TestReplicaThatComesBackIsTrustedForWhatItHasNow(t *testing.T) {
	for name, restart := range map[string]func(f *fakeServer){
		"it was seen to be down": func(f *fakeServer) {
			f.err = errors.New("gone")
			time.AfterFunc(2*time.Second, func() { f.set(func(f *fakeServer) { f.err = nil }) })
		},
		"nobody has seen it": func(f *fakeServer) { f.hungUp = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t, 2, nil)
				c.at(2, 0, 1)
				c.write(options{})
				time.Sleep(time.Second)
				require.Equal(t, map[string]int{"s1": 10}, c.chosen(options{}, 10))
				c.at(1, 1)
				c.servers[1].set(restart)
				time.Sleep(4 * time.Second)
				assert.Equal(t, map[string]int{"": 10}, c.chosen(options{}, 10))
				c.at(2, 1)
				time.Sleep(time.Second)
				assert.Equal(t, map[string]int{"s1": 10}, c.chosen(options{}, 10))
			})
		})
	}
}

func TestPrimaryThatIsSilentIsCutOffOnceThereIsAnotherOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.servers[0].set(func(f *fakeServer) { f.silent = true })
		time.Sleep(20 * time.Second)
		assert.Zero(t, c.servers[0].severedTimes(), "nobody else could run what waits for it")
		c.servers[1].set(func(f *fakeServer) { f.sight.Role = dialect.RolePrimary })
		time.Sleep(20 * time.Second)
		assert.Equal(t, 1, c.servers[0].severedTimes())
	})
}

func TestColdServersAnswerIfThereAreNoOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4, nil)
		for _, f := range c.servers[1:3] {
			f.set(func(f *fakeServer) { f.err = errors.New("gone") })
		}
		time.Sleep(time.Second)
		for _, f := range c.servers[1:3] {
			f.set(func(f *fakeServer) { f.err = nil })
		}
		time.Sleep(time.Second)
		c.servers[3].set(func(f *fakeServer) { f.cutOff = true })
		chosen := c.chosen(options{}, 100)
		assert.Zero(t, chosen[""])
		assert.Len(t, chosen, 2)
	})
}

func TestServerThatComesBackGetsItsShareLittleByLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		c.servers[1].set(func(f *fakeServer) { f.err = errors.New("gone") })
		time.Sleep(time.Second)
		c.servers[1].set(func(f *fakeServer) { f.err = nil })
		time.Sleep(2 * time.Second)
		early := c.chosen(options{}, 1000)["s1"]
		time.Sleep(20 * time.Second)
		late := c.chosen(options{}, 1000)["s1"]
		assert.Less(t, early, 250)
		assert.Greater(t, early, 20)
		assert.InDelta(t, 500, late, 100)
	})
}

func TestReplicaThatIsDialledProvesThatItHasNotBegunAnewWithOlderData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.at(5, 0, 1)
		time.Sleep(time.Second)
		dial := c.ServerMiddleware(1).Connect(func(context.Context, *middleware.Dial) (driver.Conn, error) { return fakeConn{}, nil })
		_, err := dial(t.Context(), &middleware.Dial{})
		require.NoError(t, err)
		c.at(4, 1)
		_, err = dial(t.Context(), &middleware.Dial{})
		require.Equal(t, errOlder, err)
		assert.True(t, unreachable(err), "others can answer")
		c.write(options{})
		assert.Equal(t, map[string]int{"": 10}, c.chosen(options{}, 10))
		c.at(6, 1)
		time.Sleep(time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(options{}, 10))
		_, err = dial(t.Context(), &middleware.Dial{})
		require.NoError(t, err)
	})
}

func TestPrimaryOfTheLatestTimelineWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.servers[1].set(func(f *fakeServer) { f.sight.Role = dialect.RolePrimary })
		time.Sleep(time.Second)
		assert.Nil(t, c.view.Load().primary)
		assert.Contains(t, c.whyNoPrimary(), "both s0 and s1")
		c.servers[1].set(func(f *fakeServer) { f.sight.Timeline = 2 })
		time.Sleep(time.Second)
		assert.Equal(t, "s1", c.view.Load().primary.Info.Name)
		assert.True(t, c.servers[0].readOnly)
		assert.False(t, c.servers[1].readOnly)
		assert.Empty(t, c.view.Load().replicas, "the old primary is no replica")
	})
}

func TestChangesOfThePrimaryAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		role := func(role dialect.ServerRole) {
			c.servers[1].set(func(f *fakeServer) { f.sight.Role = role })
			time.Sleep(time.Second)
			synctest.Wait()
		}
		assert.Empty(t, c.log.String(), "the first primary is no change")
		role(dialect.RolePrimary)
		assert.Contains(t, c.log.String(), `level=ERROR msg="pooled: there is no primary" why="both s0 and s1 say that they are the primary"`)
		assert.NotContains(t, c.log.String(), "the primary now")
		role(dialect.RoleReplica)
		assert.Contains(t, c.log.String(), `level=WARN msg="pooled: this server is the primary now" endpoint=s0`)
		assert.Equal(t, 2, strings.Count(c.log.String(), "msg="))
	})
}

func TestServerOfAnotherClusterIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.servers[1].set(func(f *fakeServer) { f.sight.Cluster = "other"; f.sight.Position = place(100) })
		time.Sleep(time.Second)
		assert.Equal(t, map[string]int{"": 10}, c.chosen(options{}, 10))
		assert.Contains(t, c.whyNone(options{}), "s1 belongs to another cluster")
		synctest.Wait()
		assert.Equal(t, 1, strings.Count(c.log.String(), `level=ERROR msg="pooled: a server belongs to another cluster, and is not used" endpoint=s1`))
	})
}

func TestNearAndHeavyServersArePreferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 4, func(p *policy.Routing) { p.Zone = "here" })
		c.members[1].Zone, c.members[2].Zone, c.members[3].Zone = "here", "there", "here"
		chosen := c.chosen(options{}, 300)
		assert.Zero(t, chosen["s2"])
		assert.Len(t, chosen, 2)
		c.servers[1].set(func(f *fakeServer) { f.cutOff = true })
		c.servers[3].set(func(f *fakeServer) { f.cutOff = true })
		assert.Equal(t, map[string]int{"s2": 10}, c.chosen(options{}, 10), "a far one is better than none")
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		c.members[1].inFlight.Store(10)
		assert.Equal(t, map[string]int{"s2": 100}, c.chosen(options{}, 100), "the less busy one")
		c.members[2].inFlight.Store(6)
		c.members[1].Weight = 4
		assert.Equal(t, map[string]int{"s1": 100}, c.chosen(options{}, 100), "in proportion to its weight")
	})
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, func(p *policy.Routing) { p.PrimaryWeight = 1 })
		chosen := c.chosen(options{}, 200)
		assert.Len(t, chosen, 2)
		c.write(options{})
		assert.Equal(t, map[string]int{"s0": 10}, c.chosen(options{}, 10))
	})
}

func TestTokensMeanTheSameInEveryProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		writing, reading := newCluster(t, 2, nil), newCluster(t, 2, nil)
		both := func(p place, servers ...int) { writing.at(p, servers...); reading.at(p, servers...) }
		ctx := NewSession(t.Context())
		assert.Empty(t, Token(ctx), "nothing was written")
		both(7, 0)
		writing.write(optionsOf(ctx))
		assert.Equal(t, "c|now", Token(ctx))
		time.Sleep(time.Second)
		require.Equal(t, "c|7", Token(ctx))

		assert.Equal(t, map[string]int{"": 10}, reading.chosen(optionsOf(WithToken(t.Context(), "c|7")), 10))
		assert.Equal(t, map[string]int{"s1": 10}, reading.chosen(optionsOf(WithToken(t.Context(), "c|1")), 10), "that it has")
		both(9, 0, 1)
		time.Sleep(time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, reading.chosen(optionsOf(WithToken(t.Context(), "c|7")), 10))
		assert.Equal(t, map[string]int{"s1": 10}, reading.chosen(optionsOf(WithToken(t.Context(), "d|now")), 10), "another cluster's")
		for _, token := range []string{"c|now", "c|10", "c|x", "c", "c|", "c|1" + strings.Repeat("|c|1", 2000)} {
			time.Sleep(time.Second + time.Millisecond)
			assert.Equal(t, map[string]int{"": 10}, reading.chosen(optionsOf(WithToken(t.Context(), token)), 10), token)
		}
	})
}

func TestHandlerCarriesTheSessionInACookie(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		var do func(options)
		server := Handler(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			do(optionsOf(req.Context()))
			_, _ = w.Write([]byte("ok"))
		}), HandlerOptions{Cookie: "seen", MaxAge: time.Minute})
		send := func(cookies ...*http.Cookie) []*http.Cookie {
			req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			for _, cookie := range cookies {
				req.AddCookie(cookie)
			}
			w := httptest.NewRecorder()
			server.ServeHTTP(w, req)
			return w.Result().Cookies()
		}
		do = func(o options) { require.NotNil(t, o.session) }
		assert.Empty(t, send(), "nothing was written")
		do = func(o options) { c.at(2, 0); c.write(o) }
		cookies := send()
		require.Len(t, cookies, 1)
		assert.Equal(t, "c|now", cookies[0].Value)
		assert.True(t, cookies[0].HttpOnly && cookies[0].Secure)
		assert.Equal(t, 60, cookies[0].MaxAge)
		do = func(o options) {
			assert.Nil(t, c.choose(o, 0))
			time.Sleep(time.Second)
		}
		cookies = send(cookies...)
		require.Len(t, cookies, 1)
		assert.Equal(t, "c|2", cookies[0].Value, "by now it is known")
		do = func(o options) { assert.Nil(t, c.choose(o, 0)) }
		assert.Empty(t, send(cookies...), "the browser has it")
		c.at(2, 1)
		time.Sleep(time.Second)
		do = func(o options) { assert.NotNil(t, c.choose(o, 0)) }
		assert.Empty(t, send(cookies...))
	})
}

func TestSamplesReachFarBack(t *testing.T) {
	var s samples
	for i := range 100_000 {
		s.add(int64(i+1), place(i+1))
	}
	assert.LessOrEqual(t, len(s), mostSamples)
	for i := 1; i < len(s); i++ {
		assert.Less(t, s[i-1].at, s[i].at)
	}
	assert.EqualValues(t, 100_000, s.asOf(place(200_000)))
	assert.EqualValues(t, 99_990, s.asOf(place(99_990)))
	assert.Positive(t, s.asOf(place(50_000)), "far behind, but not lost")
	assert.LessOrEqual(t, s.asOf(place(50_000)), int64(50_000))
	at, known := s.covering(place(99_990))
	assert.True(t, known)
	assert.EqualValues(t, 99_990, at)
	_, known = s.covering(place(100_001))
	assert.False(t, known)
	assert.Nil(t, s.after(100_001))
	assert.Equal(t, place(100_000), s.after(99_999+1))

	s.add(200_000, place(100_000))
	assert.Equal(t, sample{100_000, 200_000, place(100_000)}, s[len(s)-1], "nothing was written meanwhile")
}

func TestDecisionIsSoonMadeAndAllocatesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 3, nil)
		call := &middleware.Call{Op: middleware.Query, Text: "select 1"}
		session := NewSession(t.Context())
		optionsOf(session).session.need(c.Router)
		for name, ctx := range map[string]context.Context{"no session": t.Context(), "a session": session} {
			assert.Zero(t, testing.AllocsPerRun(100, func() {
				o := optionsOf(ctx)
				_ = c.belongs(o, call)
				_ = c.choose(o, 0)
			}), name)
		}
	})
}
