package router

import (
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gopooled/pooled/dialect"
	"github.com/gopooled/pooled/internal/routecontext"
	"github.com/gopooled/pooled/middleware"
	"github.com/gopooled/pooled/policy"
)

func TestMonitorsHurryUntilTheReplicasHaveWhatWasWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		before := c.servers[1].looked()
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 20, c.servers[1].looked()-before, 1, "twice a second")
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10))

		c.at(2, 0)
		c.write(routecontext.Says{})
		assert.Equal(t, map[string]int{"": 10}, c.chosen(routecontext.Says{}, 10))
		before = c.servers[1].looked()
		time.Sleep(time.Second)
		assert.InDelta(t, 50, c.servers[1].looked()-before, 3, "every 20 ms")
		assert.Equal(t, map[string]int{"": 10}, c.chosen(routecontext.Says{}, 10))
		c.at(2, 1)
		time.Sleep(25 * time.Millisecond)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10))

		c.at(3, 0)
		c.write(routecontext.Says{})
		time.Sleep(3 * time.Second)
		before = c.servers[1].looked()
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 20, c.servers[1].looked()-before, 1, "nobody hurries for ever")
	})
}

func TestReplicaThatIsTooFarBehindIsNotReadFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, func(p *policy.Routing) { p.Consistency = policy.ConsistencyEventual })
		for p := range place(8) {
			c.at(p+2, 0)
			time.Sleep(time.Second)
		}
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10))
		assert.InDelta(t, 8, c.Stats().Servers[1].Lag.Seconds(), 1)
		for p := range place(4) {
			c.at(p+10, 0)
			time.Sleep(time.Second)
		}
		assert.Equal(t, map[string]int{"": 10}, c.chosen(routecontext.Says{}, 10))
		assert.Contains(t, c.whyNone(routecontext.Says{}), "s1 is behind by more than pool_max_lag")
		c.servers[0].set(func(f *fakeServer) { f.err = errors.New("gone") })
		c.at(13, 1)
		time.Sleep(20 * time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10), "without a primary nothing is written that it could miss")
	})
}

func TestSilentReplicaIsLeftAtOnceAndCutOffAfterASecondSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.servers[1].set(func(f *fakeServer) { f.silent = true })
		time.Sleep(time.Second + time.Millisecond)
		assert.Equal(t, map[string]int{"": 10}, c.chosen(routecontext.Says{}, 10))
		assert.Zero(t, c.servers[1].severedTimes())
		time.Sleep(2 * time.Second)
		assert.Equal(t, 1, c.servers[1].severedTimes())
		c.servers[1].set(func(f *fakeServer) { f.silent = false })
		time.Sleep(2 * time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10), "a single one gets all, warm or not")
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
				c.write(routecontext.Says{})
				time.Sleep(time.Second)
				require.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10))
				c.at(1, 1)
				c.servers[1].set(restart)
				time.Sleep(4 * time.Second)
				assert.Equal(t, map[string]int{"": 10}, c.chosen(routecontext.Says{}, 10))
				c.at(2, 1)
				time.Sleep(time.Second)
				assert.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10))
			})
		})
	}
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
		c.write(routecontext.Says{})
		assert.Equal(t, map[string]int{"": 10}, c.chosen(routecontext.Says{}, 10))
		c.at(6, 1)
		time.Sleep(time.Second)
		assert.Equal(t, map[string]int{"s1": 10}, c.chosen(routecontext.Says{}, 10))
		_, err = dial(t.Context(), &middleware.Dial{})
		require.NoError(t, err)
	})
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
		assert.Equal(t, map[string]int{"": 10}, c.chosen(routecontext.Says{}, 10))
		assert.Contains(t, c.whyNone(routecontext.Says{}), "s1 belongs to another cluster")
		synctest.Wait()
		assert.Equal(t, 1, strings.Count(c.log.String(), `level=ERROR msg="pooled: a server belongs to another cluster, and is not used" endpoint=s1`))
	})
}

// logged counts the records of a message.
func (c *cluster) logged(record string) int { return strings.Count(c.log.String(), record) }

func TestWhatHappensToAReplicaIsLoggedWhenItBeginsAndWhenItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, func(p *policy.Routing) { p.MaxLag = 3 * time.Second })
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		wait(10 * time.Second)
		assert.Empty(t, c.log.String(), "all is well")

		c.servers[1].set(func(f *fakeServer) { f.err = errors.New("gone") })
		wait(5 * time.Second)
		assert.Equal(t, 1, c.logged(`level=WARN msg="pooled: a server does not answer" endpoint=s1 error=gone`))
		c.servers[1].set(func(f *fakeServer) { f.err = nil })
		wait(5 * time.Second)
		assert.Equal(t, 1, c.logged(`level=INFO msg="pooled: a server answers again" endpoint=s1`))

		for p := range place(10) {
			c.at(p+2, 0)
			wait(time.Second)
		}
		assert.Equal(t, 1, c.logged(`level=WARN msg="pooled: a replica is too far behind to be read from" endpoint=s1 why="is behind by more than pool_max_lag"`))
		assert.Zero(t, c.logged("has caught up"))
		c.at(11, 1)
		wait(time.Second)
		assert.Equal(t, 1, c.logged(`level=INFO msg="pooled: a replica has caught up" endpoint=s1`))

		cluster := func(name string) {
			c.servers[1].set(func(f *fakeServer) { f.sight.Cluster = name })
			wait(5 * time.Second)
		}
		cluster("other")
		assert.Equal(t, 1, c.logged(`level=ERROR msg="pooled: a server belongs to another cluster, and is not used" endpoint=s1`))
		cluster("c")
		assert.Equal(t, 1, c.logged(`level=INFO msg="pooled: a server belongs to the cluster again" endpoint=s1`))
		assert.Equal(t, 6, c.logged("msg="), c.log.String())
	})
}

func TestReplicaThatShowsNothingIsLoggedOnceItShouldHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClusterOf(t, 2, nil, func(servers []*fakeServer) { servers[1].sight.Position = nil })
		time.Sleep(5 * time.Second)
		synctest.Wait()
		assert.Empty(t, c.log.String(), "it has come a moment ago")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.Equal(t, 1, c.logged(`level=WARN msg="pooled: a replica is too far behind to be read from" endpoint=s1 why="cannot tell how far it is"`))
	})
}

func TestReplicaIsNotSaidToBeBehindWithoutBeingSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.write(routecontext.Says{})
		assert.Equal(t, "s1 is not known to have the last writes yet: the primary has not told its position since", c.whyNone(routecontext.Says{}))
		c.at(4, 0)
		time.Sleep(time.Second)
		assert.Equal(t, "s1 is behind by 3 writes", c.whyNone(routecontext.Says{}))
	})
}

func TestTwoPrimariesThatMayReplicateAreToldWithThePrivilege(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		for _, s := range c.servers {
			s.set(func(f *fakeServer) { f.sight.Role, f.sight.Missing = dialect.RolePrimary, "REPLICATION CLIENT" })
		}
		time.Sleep(time.Second)
		assert.Contains(t, c.whyNoPrimary(), "grant REPLICATION CLIENT")
	})
}

// A server that lets nobody in does so as long as nobody changes anything: whoever waits for a primary then waits in vain.
func TestErrorOfALogInIsToldAtOnceWhereNoPrimaryCanCome(t *testing.T) {
	down, barred := errors.New("down"), errBarred
	for name, tc := range map[string]struct {
		begins []error // of the servers
		roles  []dialect.ServerRole
		want   error // nil: it is waited for
	}{
		"all":                                    {[]error{barred, barred}, nil, barred},
		"the server of the DSN":                  {[]error{barred, down}, nil, barred},
		"another, and that of the DSN is down":   {[]error{down, barred}, nil, nil},
		"another, and that of the DSN follows":   {[]error{nil, barred}, []dialect.ServerRole{dialect.RoleReplica, 0}, barred},
		"the server of the DSN, and one follows": {[]error{barred, nil}, []dialect.ServerRole{0, dialect.RoleReplica}, barred},
		"one of three, and one is down":          {[]error{nil, barred, down}, []dialect.ServerRole{dialect.RoleReplica, 0, 0}, nil},
		"none":                                   {[]error{down, down}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newClusterOf(t, len(tc.begins), nil, func(servers []*fakeServer) {
					for i, s := range servers {
						s.err = tc.begins[i]
						if tc.roles != nil && tc.roles[i] != 0 {
							s.sight.Role = tc.roles[i]
						}
					}
				})
				began := time.Now()
				var w wait
				defer w.end()
				err := w.forPrimary(t.Context(), c.Router, nil, nil)
				if tc.want != nil {
					assert.Same(t, tc.want, err)
					assert.Zero(t, time.Since(began))
					return
				}
				require.ErrorIs(t, err, middleware.ErrNoPrimary)
				assert.Equal(t, 30*time.Second, time.Since(began))
				assert.Equal(t, slices.Contains(tc.begins, barred), errors.Is(err, barred), "it is told at the end")
			})
		})
	}
}

func TestErrorOfALogInChangesNothingOnceThereWasAPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t, 2, nil)
		c.servers[1].set(func(f *fakeServer) { f.err = errBarred; f.hungUp = true })
		c.servers[0].set(func(f *fakeServer) { f.sight.Role = dialect.RoleReplica }) // as with super_read_only
		time.Sleep(2 * time.Second)
		go func() {
			time.Sleep(5 * time.Second)
			c.servers[0].set(func(f *fakeServer) { f.sight.Role = dialect.RolePrimary })
		}()
		var w wait
		defer w.end()
		assert.NoError(t, w.forPrimary(t.Context(), c.Router, nil, nil), "it comes back")
	})
}

// What was defined a moment ago is known to the primary alone: statements are judged by its catalogue.
func TestCatalogueIsThePrimarysAsLongAsItAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		knows := [2]*learner{}
		c := newClusterOf(t, 2, nil, func(servers []*fakeServer) {
			for i := range knows {
				knows[i] = &learner{learned: make(chan driver.Conn, 9)}
				servers[i].sessions = knows[i]
			}
		})
		for _, l := range knows { // at the beginning each is told once
			for len(l.learned) > 0 {
				<-l.learned
			}
		}
		learns := func(who, from int) {
			t.Helper()
			for i, l := range knows {
				l.Outdate(i == who)
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			require.Len(t, knows[who].learned, 1)
			assert.Same(t, c.servers[from], (<-knows[who].learned).(fakeConn).server)
			assert.Empty(t, knows[1-who].learned)
		}
		learns(0, 0)
		c.servers[0].set(func(f *fakeServer) { f.err = errors.New("gone"); f.hungUp = true })
		time.Sleep(time.Second)
		learns(0, 1)
		c.servers[0].set(func(f *fakeServer) { f.err = nil })
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, knows[0].learned, 1, "what a replica has told is asked again")
		assert.Same(t, c.servers[0], (<-knows[0].learned).(fakeConn).server)
		c.servers[0].set(func(f *fakeServer) { f.sight.Role = dialect.RoleReplica })
		c.servers[1].set(func(f *fakeServer) { f.sight.Role = dialect.RolePrimary })
		time.Sleep(time.Second)
		synctest.Wait()
		for len(knows[1].learned) > 0 {
			<-knows[1].learned
		}
		learns(1, 1)
	})
}

// A connection for each text would be a storm where the catalogue cannot be read.
func TestCallersAskForTheNamesOfATextOnlyWhereThatIsOfUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := &taught{}
		c := newClusterOf(t, 2, nil, func(servers []*fakeServer) { servers[0].sessions = sessions })
		for range 10 {
			assert.True(t, c.statement("select a").Provisional)
		}
		assert.EqualValues(t, 1, sessions.times.Load())
		time.Sleep(learnNowTimeout)
		c.statement("select a")
		assert.EqualValues(t, 2, sessions.times.Load())
	})
}
